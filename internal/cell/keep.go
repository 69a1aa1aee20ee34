package cell

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
)

// keep writes the values that the command gets as files, in the place of whatever the
// assignment's folder has there. No link is followed out of the top folder: the
// assignment may have put one there.
func (i *initial) keep() error {
	for _, v := range i.secrets {
		if v.file == "" {
			continue
		}
		if err := v.value.Use(func(b []byte) error { return keepFile(v.file, b) }); err != nil {
			return fmt.Errorf("putting the variable %s of %q into its file: %w", v.name, v.credential, err)
		}
	}
	return nil
}

// keepFile writes a file that its owner alone may read. Folders on the way to it are
// made for its owner alone.
func keepFile(name string, value []byte) error {
	top, rest := home(name)
	if rest == "" {
		return errors.New("it is in none of the cell's folders")
	}
	root, err := os.OpenRoot(top)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	if folder := path.Dir(rest); folder != "." {
		if err := root.MkdirAll(folder, 0o700); err != nil {
			return err
		}
	}
	if err := root.RemoveAll(rest); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := root.OpenFile(rest, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o400)
	if err != nil {
		return err
	}
	_, err = f.Write(value)
	return errors.Join(err, f.Close())
}

// home splits a path at the cell's folder that it lies in; the rest is empty where it
// lies in none.
func home(name string) (top, rest string) {
	for _, top := range folders {
		if rest, ok := strings.CutPrefix(name, top+"/"); ok {
			return top, rest
		}
	}
	return "", ""
}
