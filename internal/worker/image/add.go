package image

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"hotcell"
)

// The bounds of an image where nobody says others.
const (
	maxBytes = 16 << 30
	maxFiles = 1_000_000
)

// maxWait is how long getting and unpacking an image may take.
const maxWait = 30 * time.Minute

// Add unpacks an image, if its tree is not there yet, and gives it the name, in the place
// of another. Jobs that run keep the tree that they have.
func (s Store) Add(ctx context.Context, name string, c Content, by Unpacker) (i Image, err error) {
	if !nameForm.MatchString(name) {
		return i, hotcell.Invalid("/name", "an image's name has small letters, digits, dots, hyphens and underscores: give one by --name")
	}
	if !digestForm.MatchString(c.Digest) {
		return i, fmt.Errorf("%w: the image has no SHA-256", hotcell.ErrInvalid)
	}
	for _, folder := range []string{s.Folder, filepath.Join(s.Folder, names), filepath.Join(s.Folder, trees)} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return i, fmt.Errorf("making the folder of images: %w", err)
		}
		if err := s.safe(folder); err != nil {
			return i, err
		}
	}
	s.Sweep()
	ctx, cancel := context.WithTimeout(ctx, maxWait)
	defer cancel()
	i = Image{Name: name, Reference: c.Reference, Digest: c.Digest, Added: s.Now().UTC()}
	held, err := s.grow(ctx, &i, c, by)
	if err != nil {
		return Image{}, err
	}
	defer func() {
		letGo(held)
		s.Sweep() // the tree that had the name
	}()
	if err := s.write(s.label(name), i); err != nil {
		return Image{}, err
	}
	return i, nil
}

// grow makes the tree of an image, or finds the one that is there. Nobody sweeps it while
// what is returned is open.
func (s Store) grow(ctx context.Context, i *Image, c Content, by Unpacker) (*os.File, error) {
	tree := s.tree(c.Digest)
	if held, err := hold(tree, syscall.LOCK_SH); err == nil {
		known, err := s.recorded(tree)
		if err != nil {
			letGo(held)
			return nil, fmt.Errorf("looking at the image's tree: %w", err)
		}
		i.Size, i.Left, i.Shell, i.Settings = known.Size, known.Left, known.Shell, known.Settings
		return held, nil
	}
	fresh, err := os.MkdirTemp(s.Folder, unfinished)
	if err != nil {
		return nil, fmt.Errorf("adding an image: %w", err)
	}
	held, err := hold(fresh, syscall.LOCK_SH)
	if err == nil {
		err = s.fill(ctx, fresh, i, c, by)
	}
	if err == nil {
		err = os.Rename(fresh, tree)
	}
	if err == nil {
		return held, nil
	}
	err = errors.Join(err, os.RemoveAll(fresh))
	if held != nil {
		letGo(held)
	}
	return nil, err
}

// fill makes a folder the whole of an image: its tree, and what is written down of it.
func (s Store) fill(ctx context.Context, fresh string, i *Image, c Content, by Unpacker) error {
	into := filepath.Join(fresh, root)
	if err := errors.Join(os.Chmod(fresh, 0o755), os.Mkdir(into, 0o755), os.Chmod(into, 0o755)); err != nil {
		return fmt.Errorf("adding an image: %w", err)
	}
	budget := Budget{Bytes: cmp.Or(s.Budget.Bytes, maxBytes), Files: cmp.Or(s.Budget.Files, maxFiles)}
	done, err := by.unpack(ctx, into, c, budget)
	if err != nil {
		if ctx.Err() != nil {
			err = fmt.Errorf("%w: getting the image took too long, or was ended: %w", hotcell.ErrUnavailable, ctx.Err())
		}
		return err
	}
	if i.Size, err = inspect(into); err != nil {
		return err
	}
	i.Left, i.Shell, i.Settings = done.Left, done.Shell, settings(c.Config)
	if err := flush(into); err != nil {
		return fmt.Errorf("adding an image: %w", err)
	}
	return s.write(filepath.Join(fresh, record), *i)
}

// flush has a tree be on the disk: after a power cut, what has its name is whole.
func flush(folder string) error {
	f, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(unix.Syncfs(int(f.Fd())), f.Close())
}

// recorded is what was written down of a tree that is there whole.
func (s Store) recorded(tree string) (i Image, err error) {
	if err := s.safe(tree); err != nil {
		return i, err
	}
	text, err := os.ReadFile(filepath.Join(tree, record))
	if err == nil {
		err = json.Unmarshal(text, &i)
	}
	return i, err
}

// write writes a record, whole or not at all.
func (s Store) write(path string, i Image) error {
	text, err := json.MarshalIndent(i, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(s.Folder, unfinished)
	if err != nil {
		return fmt.Errorf("writing an image's record: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB) // nobody sweeps it
	if err == nil {
		_, err = f.Write(append(text, '\n'))
	}
	if err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("writing an image's record: %w", err), os.Remove(f.Name()))
	}
	return nil
}

// Remove takes a name away. Its tree goes when no other name leads to it, and no job has
// it any more.
func (s Store) Remove(name string) error {
	missing := fmt.Errorf("%w: there is no image %q", hotcell.ErrNotFound, shown(name))
	if !nameForm.MatchString(name) {
		return missing
	}
	err := os.Remove(s.label(name))
	if errors.Is(err, fs.ErrNotExist) {
		return missing
	}
	if err != nil {
		return fmt.Errorf("removing an image: %w", err)
	}
	s.Sweep()
	return nil
}

// Sweep removes what was cut off while it was made, and trees that nobody needs.
func (s Store) Sweep() {
	if s.safe(s.Folder) != nil {
		return
	}
	left, _ := filepath.Glob(filepath.Join(s.Folder, unfinished+"*"))
	for _, path := range left {
		s.discard(path)
	}
	needed, whole := s.needed()
	entries, err := os.ReadDir(filepath.Join(s.Folder, trees))
	if err != nil || !whole {
		return
	}
	for _, e := range entries {
		if !needed[e.Name()] {
			s.discard(filepath.Join(s.Folder, trees, e.Name()))
		}
	}
}

// needed are the trees that names lead to; false where a name cannot be read.
func (s Store) needed() (out map[string]bool, whole bool) {
	out = map[string]bool{}
	labels, _ := filepath.Glob(filepath.Join(s.Folder, names, "*.json"))
	for _, path := range labels {
		var i Image
		text, err := os.ReadFile(path)
		if err != nil || json.Unmarshal(text, &i) != nil {
			return nil, false
		}
		out[strings.TrimPrefix(i.Digest, "sha256:")] = true
	}
	return out, true
}

// discard removes what nobody holds: first from where it is looked for, so that half of
// it is never found.
func (s Store) discard(path string) {
	held, err := hold(path, syscall.LOCK_EX)
	if err != nil {
		return // it is in use, or gone
	}
	defer letGo(held)
	if strings.HasPrefix(filepath.Base(path), unfinished) {
		_ = os.RemoveAll(path)
		return
	}
	gone, err := os.MkdirTemp(s.Folder, unfinished)
	if err != nil {
		return
	}
	_ = os.Rename(path, filepath.Join(gone, "old"))
	_ = os.RemoveAll(gone)
}
