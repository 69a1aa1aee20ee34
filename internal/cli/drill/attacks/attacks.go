// Package attacks is the catalogue of what a hostile job tries: one file a
// case, each a small program that runs in a real cell. Package drill runs them
// and looks at what arrived.
package attacks

import (
	"bytes"
	"embed"
	"fmt"
	"path"
	"strings"
)

//go:embed cases
var files embed.FS

// Case is one attempt.
type Case struct {
	// Name is the file's, without its extension.
	Name string
	File string
	// Tries says what it tries.
	Tries string
	// Documented is true for what no guard can stop: SECURITY.md has it.
	Documented bool
	// Keeps names the host of the case's credential, "home" or "api", where the value
	// should not even arrive there; empty for most.
	Keeps string
	// Needs is the program that it is written for.
	Needs string
}

// shared are the files that every case has beside it.
var shared = map[string]bool{"lib.py": true, "run.sh": true}

// Files are all files, by name.
func Files() (map[string][]byte, error) {
	entries, err := files.ReadDir("cases")
	if err != nil {
		return nil, fmt.Errorf("reading the catalogue: %w", err)
	}
	out := map[string][]byte{}
	for _, e := range entries {
		if out[e.Name()], err = files.ReadFile(path.Join("cases", e.Name())); err != nil {
			return nil, fmt.Errorf("reading the catalogue: %w", err)
		}
	}
	return out, nil
}

var interpreters = map[string]string{".py": "python3", ".js": "node", ".sh": "sh"}

// Cases are the cases by name; each begins with what it tries and how it ends.
func Cases() ([]Case, error) {
	entries, err := files.ReadDir("cases")
	if err != nil {
		return nil, fmt.Errorf("reading the catalogue: %w", err)
	}
	var out []Case
	for _, e := range entries {
		if shared[e.Name()] {
			continue
		}
		text, err := files.ReadFile(path.Join("cases", e.Name()))
		if err != nil {
			return nil, fmt.Errorf("reading the catalogue: %w", err)
		}
		extension := path.Ext(e.Name())
		c := Case{Name: strings.TrimSuffix(e.Name(), extension), File: e.Name(), Needs: interpreters[extension]}
		for line := range bytes.Lines(text) {
			word, rest, found := strings.Cut(strings.TrimLeft(strings.TrimSpace(string(line)), "#/ "), ": ")
			if !found || line[0] != '#' && line[0] != '/' {
				break
			}
			switch word {
			case "tries":
				c.Tries = rest
			case "ends":
				c.Documented = rest == "documented"
			case "keeps":
				c.Keeps = rest
			case "needs":
				c.Needs = rest
			}
		}
		if c.Tries == "" || c.Needs == "" {
			return nil, fmt.Errorf("the case %s does not say what it tries, or is in no language that is known", e.Name())
		}
		out = append(out, c)
	}
	return out, nil
}
