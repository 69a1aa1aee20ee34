// Package image keeps container images that are roots of cells: each is unpacked once,
// by a process that is confined, into a folder that cells see and nobody writes to.
//
// It guards what gets there: the image that was named, by its digest; folders, plain files
// and links alone, none with a privilege; nothing outside of its folder, while it is
// unpacked or after; and no more than its budget. A tree is there whole or not at all. What
// a program of an image does once it runs, a cell holds. One way to use it:
//
//	store := image.Store{Folder: "/opt/hotcell-images", Now: time.Now}
//	content, err := image.Registry{Transport: t}.Pull(ctx, "docker.io/library/python:3.13")
//	added, err := store.Add(ctx, "python", content, image.Unpacker{Program: self})
//	root, err := store.Use("python", added.Digest); defer root.Close()
package image

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"hotcell"
	"hotcell/internal/worker/owned"
)

// Image is one that jobs may have as their root.
type Image struct {
	Name string `json:"name"`
	// Reference is how it was named when it was added, Digest what it is.
	Reference string    `json:"reference"`
	Digest    string    `json:"digest"`
	Added     time.Time `json:"added_at"`
	// Size is what it unpacked to, Left what was left out.
	Size Size `json:"size"`
	Left Left `json:"left,omitzero"`
	// Shell is true where it has /bin/sh, which commands are given to.
	Shell bool `json:"shell"`
	// Settings are what it says of its environment.
	Settings Settings `json:"settings"`
}

// Told is what people are told of it.
func (i Image) Told() hotcell.Image {
	return hotcell.Image{
		Name: i.Name, Reference: i.Reference, Digest: i.Digest, AddedAt: i.Added, Bytes: i.Size.Bytes, Files: i.Size.Files, Shell: i.Shell,
	}
}

// Store is a folder of images.
type Store struct {
	Folder string
	// Vouched is true where whoever started this process has checked the folder: in a user
	// namespace nobody can tell whose a folder is.
	Vouched bool
	// Budget bounds one image; 0 is 16 GiB in a million files.
	Budget Budget
	Now    func() time.Time
}

// The parts of the folder. What begins with unfinished is being made, or goes.
const (
	trees      = "trees"
	names      = "names"
	unfinished = ".new-"
	record     = "image.json"
	root       = "root"
)

var (
	nameForm   = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)
	digestForm = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
)

func (s Store) tree(digest string) string {
	return filepath.Join(s.Folder, trees, strings.TrimPrefix(digest, "sha256:"))
}

// label is the file that says which tree a name is for.
func (s Store) label(name string) string { return filepath.Join(s.Folder, names, name+".json") }

// List lists the images by their names. What others may have written is left out.
func (s Store) List() ([]Image, error) {
	if s.safe(s.Folder) != nil {
		return nil, nil //nolint:nilerr // there is none, or it is not ours alone: serve says so at its start
	}
	entries, err := os.ReadDir(filepath.Join(s.Folder, names))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listing the images: %w", err)
	}
	var out []Image
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), ".json"); ok {
			if i, err := s.Find(name); err == nil {
				out = append(out, i)
			}
		}
	}
	return out, nil
}

// Find finds an image by its name.
func (s Store) Find(name string) (i Image, err error) {
	missing := fmt.Errorf("%w: there is no image %q; on the server's machine: hotcell images add", hotcell.ErrNotFound, shown(name))
	if !nameForm.MatchString(name) {
		return i, missing
	}
	for _, folder := range []string{s.Folder, filepath.Join(s.Folder, names), filepath.Join(s.Folder, trees)} {
		if err := s.safe(folder); errors.Is(err, fs.ErrNotExist) {
			return i, missing
		} else if err != nil {
			return i, err
		}
	}
	text, err := os.ReadFile(s.label(name))
	if errors.Is(err, fs.ErrNotExist) {
		return i, missing
	}
	if err != nil {
		return i, fmt.Errorf("reading an image's record: %w", err)
	}
	if err := json.Unmarshal(text, &i); err != nil || i.Name != name || !digestForm.MatchString(i.Digest) {
		return Image{}, fmt.Errorf("%w: the record of the image %s is not understood: add it again", hotcell.ErrTampered, name)
	}
	if err := s.safe(s.tree(i.Digest)); err != nil {
		return Image{}, missing
	}
	return i, nil
}

// Check says why others than root, or who runs this, could write to the folder, or make
// it where it is not there yet.
func (s Store) Check() error { return s.owned(s.Folder).CheckWay() }

// safe says why a folder is not one in which only root, or who runs this, can write.
func (s Store) safe(folder string) error { return s.owned(folder).Check() }

func (s Store) owned(folder string) owned.Folder {
	return owned.Folder{Path: folder, Vouched: s.Vouched, Use: "so no cell has its root from there"}
}

// Root is an image in use: its tree stays until it is closed.
type Root struct {
	Image

	// Folder is what becomes the root.
	Folder string
	held   *os.File
}

// Path is the folder; empty for no image.
func (r *Root) Path() string {
	if r == nil {
		return ""
	}
	return r.Folder
}

// Close lets the tree go; of no image, nothing.
func (r *Root) Close() {
	if r != nil {
		letGo(r.held)
	}
}

// letGo unlocks a folder. Closing it is not enough: a process that is being started at
// this moment has the descriptor too, until it is another program.
func letGo(held *os.File) {
	_ = syscall.Flock(int(held.Fd()), syscall.LOCK_UN)
	_ = held.Close()
}

// Use takes an image for a cell. The digest is what the job was made with: another image
// that has the name by now is not taken in its place; empty takes whatever has the name.
func (s Store) Use(name, digest string) (*Root, error) {
	i, err := s.Find(name)
	if err != nil {
		return nil, err
	}
	if digest != "" && i.Digest != digest {
		// A name that leads elsewhere by now; the tree may be there still.
		return nil, fmt.Errorf("%w: the image %s is another one by now (%s) than when the job was made (%s): start the job again", hotcell.ErrNotFound, name, short(i.Digest), short(digest))
	}
	folder := s.tree(i.Digest)
	held, err := hold(folder, syscall.LOCK_SH)
	if err != nil {
		return nil, fmt.Errorf("%w: the image %s is being removed", hotcell.ErrNotFound, name)
	}
	return &Root{Image: i, Folder: filepath.Join(folder, root), held: held}, nil
}

// short is the beginning of a digest.
func short(digest string) string {
	return strings.TrimPrefix(digest, "sha256:")[:12]
}

// hold locks a folder that is there, without waiting.
func hold(folder string, how int) (*os.File, error) {
	f, err := os.Open(folder)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB)
	if err == nil {
		// Between the two, it may have been taken away.
		var there, here os.FileInfo
		if there, err = os.Lstat(folder); err == nil {
			if here, err = f.Stat(); err == nil && !os.SameFile(there, here) {
				err = fs.ErrNotExist
			}
		}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
