package cell

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"

	"hotcell"
	"hotcell/internal/line/cellrpc"
)

// unpack brings the assignment's folder to /job.
func (i *initial) unpack(ctx context.Context) error {
	if !i.spec.Files {
		return nil
	}
	answer, err := i.gateway.do(ctx, http.MethodGet, cellrpc.PathFiles, nil)
	if err != nil {
		return fmt.Errorf("fetching the assignment's files: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode == http.StatusNoContent {
		return nil
	}
	if err := Unpack(answer.Body, "/job"); err != nil {
		return fmt.Errorf("unpacking the assignment's files: %w", err)
	}
	return nil
}

// Unpack unpacks a tar archive of files, folders and symbolic links into dir.
// Nothing outside dir is written or followed, whatever the archive says.
func Unpack(r io.Reader, dir string) error { return unpackWithin(r, dir, hotcell.MaxFiles) }

// unpackWithin is Unpack of files of at most so many bytes together.
func unpackWithin(r io.Reader, dir string, most int64) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	archive, total := tar.NewReader(r), int64(0)
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading the archive: %w", err)
		}
		if total += h.Size; total > most {
			return hotcell.Invalid("/files", "the archive holds more than %d MiB", most>>20)
		}
		if err := unpackOne(root, h, archive); err != nil {
			return err
		}
	}
}

func unpackOne(root *os.Root, h *tar.Header, content io.Reader) error {
	name := path.Clean(strings.TrimSuffix(h.Name, "/"))
	if !filepath.IsLocal(name) {
		return hotcell.Invalid("/files", "the archive holds a path that leads out of it")
	}
	if name == "." {
		return nil
	}
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return fmt.Errorf("making a folder: %w", err)
	}
	mode := fs.FileMode(h.Mode & 0o755)
	switch h.Typeflag {
	case tar.TypeDir:
		if err := root.MkdirAll(name, mode|0o700); err != nil {
			return fmt.Errorf("making a folder: %w", err)
		}
	case tar.TypeSymlink:
		if err := root.Symlink(h.Linkname, name); err != nil {
			return fmt.Errorf("making a link: %w", err)
		}
	case tar.TypeReg:
		f, err := root.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, mode|0o600)
		if err != nil {
			return fmt.Errorf("making a file: %w", err)
		}
		_, err = io.Copy(f, content)
		if err := errors.Join(err, f.Close()); err != nil {
			return fmt.Errorf("writing a file: %w", err)
		}
	default:
		return hotcell.Invalid("/files", "the archive holds something that is no file, folder or link")
	}
	return nil
}
