package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"hotcell/hotcelltest"
)

// typedLines are the lines of a document that show something to type, without their comments.
func typedLines(text string) (lines []string) {
	for line := range strings.Lines(text) {
		code, ok := strings.CutPrefix(strings.TrimRight(line, "\n"), "    ")
		if !ok || strings.HasPrefix(code, " ") {
			continue
		}
		code, _, _ = strings.Cut(code, "  #")
		code, _, _ = strings.Cut(code, " # ")
		lines = append(lines, strings.TrimSpace(code))
	}
	return lines
}

// inFolder is a shell line of somebody who has this server, in a folder of theirs.
func inFolder(t *testing.T, s *hotcelltest.Server, folder, line string) (string, error) {
	t.Helper()
	bin := filepath.Join(folder, "bin")
	if _, err := os.Stat(bin); err != nil {
		if err := os.Mkdir(bin, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(hotcelltest.Binary(t), filepath.Join(bin, "hotcell")); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "bash", "-c", "set -eo pipefail; "+line)
	cmd.Dir, cmd.Env = folder, slices.Concat(s.Command().Env, []string{"PATH=" + bin + ":" + os.Getenv("PATH")})
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// TestTheReadmeIsTrue types the first five minutes of the README, word for word, but for
// building and starting the server, and attacking it: other tests do.
func TestTheReadmeIsTrue(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "## The first five minutes\n")
	section, _, found := strings.Cut(section, "An account of a service")
	if !found {
		t.Fatal("the README has another order")
	}
	s := hotcelltest.Start(t, "")
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "key.txt"), []byte("demo-8b1e6f0c2d7a4953"), 0o600); err != nil {
		t.Fatal(err)
	}
	typed := 0
	for _, line := range typedLines(section) {
		if strings.HasPrefix(line, "make ") || strings.HasPrefix(line, "bin/") || line == "hotcell drill" {
			continue
		}
		typed++
		out, err := inFolder(t, s, folder, line)
		if err != nil {
			t.Fatalf("%s: %v\n%s", line, err, out)
		}
		if strings.HasPrefix(line, "hotcell run report") && !strings.Contains(out, "the key is [hotcell:billing]") {
			t.Errorf("%s:\n%s", line, out)
		}
	}
	if typed < 14 {
		t.Errorf("%d lines were typed", typed)
	}
	s.Canaries("demo-4f9c27d1b6a83e50", "demo-8b1e6f0c2d7a4953")
}

// ownUsage is a command's that does something by itself: what it takes is in capitals.
var ownUsage = regexp.MustCompile(`(?m)^  hotcell [a-z -]+ [A-Z]`)

// choices are lines that show what can be chosen from, and that nobody types.
var choices = regexp.MustCompile(`[…|<>]|\[`)

// TestDocumentsNameWhatThereIs holds each command line that the documents show against
// the program: its commands and its flags must be there.
func TestDocumentsNameWhatThereIs(t *testing.T) {
	t.Parallel()
	s := hotcelltest.Start(t, "")
	folder := t.TempDir()
	files, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	held := 0
	for _, name := range append(files, "../README.md", "../SECURITY.md") {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range typedLines(string(text)) {
			if !strings.HasPrefix(line, "hotcell ") || choices.MatchString(line) {
				continue
			}
			held++
			line, _, _ = strings.Cut(line, " -- ")
			// An unknown command has the help of those that there are, and no usage of its own.
			out, err := inFolder(t, s, folder, line+" --help")
			group := strings.Contains(out, "Available Commands") && !ownUsage.MatchString(out)
			if err != nil || group {
				t.Errorf("%s: %s: %v\n%s", name, line, err, out)
			}
		}
	}
	if held < 40 {
		t.Errorf("%d lines were held", held)
	}
}
