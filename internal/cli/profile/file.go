package profile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"hotcell"
)

// What others may not do with a file: the bits of its mode.
const (
	readable fs.FileMode = 0o077
	writable fs.FileMode = 0o022
)

// largest is more than any file of ours has.
const largest = 1 << 20

// read reads a file of ours, and refuses one that others could read or write. Windows has
// no such bits: there the folder's owner has it alone.
func read(path string, never fs.FileMode) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading a profile: %w", err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("reading a profile: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: %s is no file", hotcell.ErrDenied, path)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&never != 0 {
		return nil, fmt.Errorf("%w: others of this machine can get at %s (mode %#o): it is not used", hotcell.ErrDenied, path, info.Mode().Perm())
	}
	text, err := io.ReadAll(io.LimitReader(f, largest))
	if err != nil {
		return nil, fmt.Errorf("reading a profile: %w", err)
	}
	return text, nil
}

// write puts a text into a file of its owner's alone, whole or not at all.
func write(path string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("keeping a profile: %w", err)
	}
	temporary, err := os.CreateTemp(filepath.Dir(path), ".profile-*") // for its owner alone
	if err != nil {
		return fmt.Errorf("keeping a profile: %w", err)
	}
	_, err = temporary.Write(text)
	if err == nil {
		err = temporary.Sync()
	}
	if err = errors.Join(err, temporary.Close()); err == nil {
		err = os.Rename(temporary.Name(), path)
	}
	if err != nil {
		_ = os.Remove(temporary.Name())
		return fmt.Errorf("keeping a profile: %w", err)
	}
	return nil
}

func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("forgetting: %w", err)
	}
	return nil
}
