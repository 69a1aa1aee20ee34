package cli

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"unicode"
	"unicode/utf8"

	"hotcell"
)

// unpacked is what came of an archive.
type unpacked struct {
	files int
	// left are how many entries were left out: links, devices, a repository's own
	// settings, a name that is there already.
	left int
}

// unpack writes an archive into a new folder, and nothing outside of it: what comes
// from a job is not to be trusted, and nothing that was there is written over. Links
// are not made, and no folder becomes a repository, whose settings name commands.
func unpack(r io.Reader, dir string) (u unpacked, err error) {
	if err := makeNew(dir); err != nil {
		return u, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return u, fmt.Errorf("opening the folder: %w", err)
	}
	defer func() { _ = root.Close() }()
	archive := tar.NewReader(r)
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return u, nil
		}
		if err != nil {
			return u, fmt.Errorf("reading the archive: %w", err)
		}
		if err := u.entry(root, h, archive); err != nil {
			return u, fmt.Errorf("unpacking: %w", err)
		}
	}
}

// makeNew makes a folder that has nothing in it.
func makeNew(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making the folder: %w", err)
	}
	there, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("opening the folder: %w", err)
	}
	if len(there) > 0 {
		return fmt.Errorf("%w: there is something in the folder %s already: say another, which is made", hotcell.ErrConflict, dir)
	}
	return nil
}

func (u *unpacked) entry(root *os.Root, h *tar.Header, content io.Reader) error {
	name := path.Clean(strings.TrimSuffix(h.Name, "/"))
	if name == "." {
		return nil
	}
	if !filepath.IsLocal(name) || repository(name) {
		u.left++
		return nil
	}
	name = visible(name)
	var err error
	switch h.Typeflag {
	case tar.TypeDir:
		err = root.MkdirAll(name, 0o755)
	case tar.TypeReg:
		if err = unpackFile(root, name, content); err == nil {
			u.files++
		}
	default:
		u.left++
	}
	// The same name twice, or a file where a folder is: what came first stays.
	if errors.Is(err, fs.ErrExist) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.EISDIR) {
		u.left++
		return nil
	}
	return err
}

// repository says whether a part of a name is that of a repository's own folder, as
// file systems without case, or that leave characters out, take it.
func repository(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		part = strings.Map(func(r rune) rune {
			if unicode.Is(unicode.Cf, r) {
				return -1
			}
			return r
		}, part)
		switch strings.ToLower(strings.TrimRight(part, " .")) {
		case ".git", "git~1", ".hg", ".svn":
			return true
		}
	}
	return false
}

// visible writes what would not be seen in a name, or would steer a terminal, as %XX.
func visible(name string) string {
	var out strings.Builder
	for len(name) > 0 {
		r, n := utf8.DecodeRuneInString(name)
		switch {
		case r == utf8.RuneError && n == 1, unicode.IsControl(r), unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co):
			for _, b := range []byte(name[:n]) {
				fmt.Fprintf(&out, "%%%02X", b)
			}
		default:
			out.WriteRune(r)
		}
		name = name[n:]
	}
	return out.String()
}

func unpackFile(root *os.Root, name string, content io.Reader) error {
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	return errors.Join(err, f.Close())
}
