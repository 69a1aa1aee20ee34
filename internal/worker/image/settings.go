package image

import (
	"path"
	"regexp"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"hotcell"
)

// Settings are what an image says of the environment of its programs, as far as a cell
// takes it.
type Settings struct {
	// Env are its variables: none that a secret could not be called.
	Env map[string]string `json:"env,omitempty"`
	// Path are the folders of its PATH.
	Path []string `json:"path,omitempty"`
	// Refused are the names of variables that were left out.
	Refused []string `json:"refused,omitempty"`
}

// The bounds of an image's variables: how many, and in bytes together.
const (
	maxVariables   = 256
	maxEnvironment = 64 << 10
)

var variableForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`)

// settings are an image's, filtered as an assignment's variables are.
func settings(c v1.Config) (s Settings) {
	size := 0
	for _, text := range c.Env {
		name, value, _ := strings.Cut(text, "=")
		if name == "PATH" {
			s.Path = folders(value)
			continue
		}
		_, reserved := hotcell.ReservedVariable(name)
		size += len(text)
		if reserved || !variableForm.MatchString(name) || strings.ContainsRune(value, 0) || size > maxEnvironment || len(s.Env) >= maxVariables {
			if len(s.Refused) < maxVariables {
				s.Refused = append(s.Refused, shown(name))
			}
			continue
		}
		if s.Env == nil {
			s.Env = map[string]string{}
		}
		s.Env[name] = value
	}
	return s
}

// folders are those of a PATH that are whole paths.
func folders(text string) (out []string) {
	for folder := range strings.SplitSeq(text, ":") {
		if path.IsAbs(folder) && path.Clean(folder) == folder && !strings.ContainsRune(folder, 0) && len(out) < 64 {
			out = append(out, folder)
		}
	}
	return out
}
