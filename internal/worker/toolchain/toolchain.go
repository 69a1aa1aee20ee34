// Package toolchain keeps programs for cells that the machine does not have: each is one
// package of npm's, whole and with the SHA-512 that was written down for it, unpacked
// once and seen by all cells under /opt, to read. No script of a package is ever run.
//
// Who adds one is the operator, on the server's machine; whoever can write to the folder
// says what runs in cells, so a folder that others can write to is not used. One way to
// use it:
//
//	store := toolchain.Store{Folder: "/opt/hotcell"}
//	added, err := store.Add(ctx, spec, toolchain.Registry{URL: url})
//	for _, t := range store.List() { mount(t.Tree(), "/opt/"+t.Name) }
package toolchain

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"hotcell"
	"hotcell/internal/worker/owned"
)

//go:embed toolchains.yaml
var known []byte

// Spec is what a toolchain is made of.
type Spec struct {
	Name  string
	Title string `yaml:"title"`
	// Programs are what cells find in their PATH: a file of the package by the name that
	// it is called by. A star stands for a part of the path.
	Programs map[string]string `yaml:"programs"`
	// AMD64 and ARM64 are the packages for each kind of machine.
	AMD64 Package `yaml:"amd64"`
	ARM64 Package `yaml:"arm64"`
}

// Package is one package of npm's.
type Package struct {
	Name    string `yaml:"package" json:"package"`
	Version string `yaml:"version" json:"version"`
	// Integrity is what it must have: "sha512-" and the digest in base64 (W3C
	// Subresource Integrity).
	Integrity string `yaml:"integrity" json:"integrity"`
}

// For is the package for a kind of machine, as runtime.GOARCH calls it.
func (s Spec) For(arch string) (Package, error) {
	p := s.AMD64
	if arch == "arm64" {
		p = s.ARM64
	}
	if p.Name == "" {
		return p, fmt.Errorf("%w: there is no %s for this machine (%s)", hotcell.ErrNotFound, s.Name, arch)
	}
	return p, nil
}

// Known are the toolchains that Hotcell knows, by their names.
func Known() (map[string]Spec, error) {
	var specs map[string]Spec
	if err := yaml.UnmarshalWithOptions(known, &specs, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("reading the toolchains: %w", err)
	}
	for name, s := range specs {
		s.Name = name
		specs[name] = s
	}
	return specs, nil
}

// Installed is a toolchain that cells have.
type Installed struct {
	Name    string    `json:"name"`
	Title   string    `json:"title,omitempty"`
	Package Package   `json:"from"`
	Added   time.Time `json:"added_at"`
	// Programs are their names.
	Programs []string `json:"programs"`

	folder string
}

// Tree is the folder that cells see.
func (i Installed) Tree() string { return filepath.Join(i.folder, "tree") }

// Store is a folder of toolchains.
type Store struct {
	Folder string
	// Vouched is true where whoever started this process has checked the folder: in a user
	// namespace nobody can tell whose a folder is.
	Vouched bool
	Now     func() time.Time
}

const (
	record = "toolchain.json"
	// bin is where the programs of a toolchain are, within its tree.
	bin = "bin"
	// unfinished begins the names of folders that are still being made, or go.
	unfinished = ".new-"
)

var name = regexp.MustCompile(`^[a-z][a-z0-9.-]{0,39}$`)

// List lists the toolchains, in the order of their names. What others may have written
// is left out.
func (s Store) List() ([]Installed, error) {
	if s.safe(s.Folder) != nil {
		return nil, nil //nolint:nilerr // there is none, or it is not ours alone: serve says so at its start
	}
	entries, err := os.ReadDir(s.Folder)
	if err != nil {
		return nil, fmt.Errorf("listing the toolchains: %w", err)
	}
	var out []Installed
	for _, e := range entries {
		if !e.IsDir() || !name.MatchString(e.Name()) {
			continue
		}
		i := Installed{folder: filepath.Join(s.Folder, e.Name())}
		text, err := os.ReadFile(filepath.Join(i.folder, record))
		if err != nil || json.Unmarshal(text, &i) != nil || i.Name != e.Name() || s.safe(i.folder) != nil || s.safe(i.Tree()) != nil {
			continue
		}
		out = append(out, i)
	}
	return out, nil
}

// Has says whether a toolchain has a program.
func (s Store) Has(program string) bool {
	list, err := s.List()
	return err == nil && slices.ContainsFunc(list, func(i Installed) bool { return slices.Contains(i.Programs, program) })
}

// Check says why others than root, or who runs this, could write to the folder, or make
// it where it is not there yet.
func (s Store) Check() error { return s.owned(s.Folder).CheckWay() }

// safe says why a folder is not one in which only root, or who runs this, can write.
func (s Store) safe(folder string) error { return s.owned(folder).Check() }

func (s Store) owned(folder string) owned.Folder {
	return owned.Folder{Path: folder, Vouched: s.Vouched, Use: "so what is in it does not get into cells"}
}

// Add gets a toolchain, in the place of another of its name; the same one stays as it is.
// Jobs that run keep the one that they have.
func (s Store) Add(ctx context.Context, spec Spec, arch string, from Registry) (out Installed, err error) {
	if !name.MatchString(spec.Name) {
		return out, hotcell.Invalid("/name", "a toolchain's name has small letters, digits, dots and hyphens")
	}
	p, err := spec.For(arch)
	if err != nil {
		return out, err
	}
	if err := os.MkdirAll(s.Folder, 0o755); err != nil {
		return out, fmt.Errorf("making the folder of toolchains: %w", err)
	}
	if err := s.safe(s.Folder); err != nil {
		return out, err
	}
	s.sweep()
	if there, err := s.List(); err == nil {
		for _, i := range there {
			if i.Name == spec.Name && i.Package == p {
				return i, nil
			}
		}
	}
	fresh, err := os.MkdirTemp(s.Folder, unfinished)
	if err != nil {
		return out, fmt.Errorf("adding a toolchain: %w", err)
	}
	defer func() { _ = os.RemoveAll(fresh) }()
	tree := filepath.Join(fresh, "tree")
	if err := from.fetch(ctx, p, fresh, tree); err != nil {
		return out, err
	}
	out = Installed{Name: spec.Name, Title: spec.Title, Package: p, Added: s.Now().UTC(), folder: filepath.Join(s.Folder, spec.Name)}
	if out.Programs, err = link(tree, spec.Programs); err != nil {
		return out, err
	}
	text, err := json.MarshalIndent(out, "", "  ")
	if err == nil {
		err = os.WriteFile(filepath.Join(fresh, record), append(text, '\n'), 0o644)
	}
	if err = errors.Join(err, os.Chmod(fresh, 0o755)); err != nil {
		return out, fmt.Errorf("adding a toolchain: %w", err)
	}
	if err := s.Remove(spec.Name); err != nil && !errors.Is(err, hotcell.ErrNotFound) {
		return out, err
	}
	return out, os.Rename(fresh, out.folder)
}

// sweep removes what an Add that was cut off has left.
func (s Store) sweep() {
	left, _ := filepath.Glob(filepath.Join(s.Folder, unfinished+"*"))
	for _, folder := range left {
		_ = os.RemoveAll(folder)
	}
}

// Remove takes a toolchain away from the cells that start from now on.
func (s Store) Remove(what string) error {
	if !name.MatchString(what) {
		return fmt.Errorf("%w: there is no toolchain %q", hotcell.ErrNotFound, what)
	}
	gone, err := os.MkdirTemp(s.Folder, unfinished)
	if err != nil {
		return fmt.Errorf("removing a toolchain: %w", err)
	}
	defer func() { _ = os.RemoveAll(gone) }()
	err = os.Rename(filepath.Join(s.Folder, what), filepath.Join(gone, "old"))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: there is no toolchain %q", hotcell.ErrNotFound, what)
	}
	return err
}

// link makes the folder of programs, and returns their names.
func link(tree string, programs map[string]string) (names []string, err error) {
	folder := filepath.Join(tree, bin)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	for called, where := range programs {
		found, err := filepath.Glob(filepath.Join(tree, filepath.FromSlash(where)))
		if err != nil || len(found) != 1 || strings.ContainsRune(called, '/') {
			return nil, fmt.Errorf("%w: the package has no %s", hotcell.ErrInvalid, where)
		}
		if err := os.Chmod(found[0], 0o755); err != nil {
			return nil, err
		}
		names = append(names, called)
		if found[0] == filepath.Join(folder, called) {
			continue
		}
		to, err := filepath.Rel(folder, found[0])
		if err == nil {
			err = os.Symlink(to, filepath.Join(folder, called))
		}
		if err != nil {
			return nil, err
		}
	}
	slices.Sort(names)
	return names, nil
}

// Mount is where cells see a toolchain, and where its programs are there.
func (i Installed) Mount() (target, programs string) {
	target = "/opt/" + i.Name
	return target, path.Join(target, bin)
}
