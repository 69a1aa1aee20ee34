package assignment

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode"

	"hotcell"
)

// The bounds of files that hold values.
const (
	maxFiles    = 20
	maxFilePath = 255
)

// homes are the folders of a cell in which a file with a value may be.
var homes = []string{"/home/job/", "/job/", "/tmp/"}

// checkSecretFiles takes files that can all be there at once: none lies in another, none is
// where the house keeps things of its own.
func checkSecretFiles(files []hotcell.SecretFile) error {
	if len(files) > maxFiles {
		return hotcell.Invalid("/files", "at most %d files", maxFiles)
	}
	for i, f := range files {
		at := fmt.Sprintf("/files/%d", i)
		if reason := checkFilePath(f.Path); reason != "" {
			return hotcell.Invalid(at+"/path", "%s", reason)
		}
		for _, other := range files[:i] {
			switch {
			case other.Variable == f.Variable:
				return hotcell.Invalid(at+"/variable", "this variable has a file already")
			case hotcell.Overlap(other.Path, f.Path):
				return hotcell.Invalid(at+"/path", "this file would be in the place of another, or in it")
			}
		}
	}
	return nil
}

// checkFilePath says what is wrong with a path; nothing where it is fit.
func checkFilePath(p string) string {
	switch {
	case !slices.ContainsFunc(homes, func(home string) bool { return strings.HasPrefix(p, home) && len(p) > len(home) }), path.Clean(p) != p:
		return "a file is named by its whole path, under /home/job, /job or /tmp, such as /home/job/.netrc"
	case len(p) > maxFilePath:
		return fmt.Sprintf("a path has at most %d bytes", maxFilePath)
	case strings.ContainsFunc(p, func(r rune) bool { return unicode.IsControl(r) || r == unicode.ReplacementChar }):
		return "a path has no control characters"
	case hotcell.Overlap(p, "/job/out"):
		return "/job/out is what a job leaves to people: no value is put there"
	case hotcell.Overlap(p, "/job/INSTRUCTIONS.md"):
		return "/job/INSTRUCTIONS.md is the agent's instructions"
	}
	return ""
}
