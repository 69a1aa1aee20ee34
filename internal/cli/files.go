package cli

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"hotcell"
	"hotcell/client"
)

type attached = client.AttachedCredential

// upload sends a folder as a tar archive, without what usually holds keys. The same
// folder gives the same bytes.
func (a *app) upload(ctx context.Context, c *client.Client, dir string, left *leaving) (hotcell.Files, error) {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return hotcell.Files{}, hotcell.Invalid("", "there is no folder %s", dir)
	case err != nil:
		return hotcell.Files{}, fmt.Errorf("reading the folder: %w", err)
	case !info.IsDir():
		return hotcell.Files{}, hotcell.Invalid("", "%s is a file: --files takes a folder", dir)
	}
	// A walk does not follow the link that a folder may be named by.
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return hotcell.Files{}, fmt.Errorf("reading the folder: %w", err)
	}
	total, err := measure(dir, left)
	if err != nil {
		return hotcell.Files{}, err
	}
	read, write := io.Pipe()
	packed := make(chan error, 1)
	go func() {
		err := pack(write, dir, left)
		packed <- err
		_ = write.CloseWithError(err)
	}()
	moved := a.progress("sent", total)
	files, err := c.PutFiles(ctx, io.TeeReader(read, moved))
	moved.end()
	_ = read.Close()
	if broken := <-packed; broken != nil && !errors.Is(broken, io.ErrClosedPipe) {
		return hotcell.Files{}, fmt.Errorf("reading the folder: %w", broken)
	}
	return files, err
}

// measure refuses a folder that is too large, or that holds what cannot be
// sent, before any of it is sent. It returns how much there is.
func measure(dir string, left *leaving) (total int64, err error) {
	err = filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if out, skip := left.out(dir, name, entry, true); out {
			return skip
		}
		if errors.Is(err, fs.ErrPermission) {
			return hotcell.Invalid("", "%s may not be read by you", name)
		}
		if err != nil {
			return fmt.Errorf("reading the folder: %w", err)
		}
		info, err := entry.Info()
		if err != nil {
			return fmt.Errorf("reading the folder: %w", err)
		}
		switch {
		case info.Mode().IsRegular():
			total += info.Size()
		case !info.IsDir() && info.Mode()&fs.ModeSymlink == 0:
			return hotcell.Invalid("", "%s is no file, folder or link, and cannot be sent: move it out of the folder", name)
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	if total > hotcell.MaxFiles {
		return 0, hotcell.Invalid("", "the folder %s holds %d MiB, and an assignment's at most %d MiB", dir, total>>20, hotcell.MaxFiles>>20)
	}
	return total, nil
}

// pack writes a folder's files, folders and links, without their times and
// owners.
func pack(w io.Writer, dir string, left *leaving) error {
	archive := tar.NewWriter(w)
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || name == dir {
			return err
		}
		if out, skip := left.out(dir, name, entry, false); out {
			return skip
		}
		inside, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		return packOne(archive, name, filepath.ToSlash(inside), info)
	})
	return errors.Join(err, archive.Close())
}

func packOne(archive *tar.Writer, name, inside string, info fs.FileInfo) error {
	h := &tar.Header{Name: inside, Mode: 0o644, Format: tar.FormatPAX}
	if info.Mode()&0o111 != 0 {
		h.Mode = 0o755
	}
	switch {
	case info.IsDir():
		h.Typeflag, h.Name = tar.TypeDir, inside+"/"
		return archive.WriteHeader(h)
	case info.Mode()&fs.ModeSymlink != 0:
		target, err := os.Readlink(name)
		if err != nil {
			return err
		}
		h.Typeflag, h.Linkname = tar.TypeSymlink, target
		return archive.WriteHeader(h)
	case !info.Mode().IsRegular():
		return hotcell.Invalid("", "%s is no file, folder or link, and cannot be sent", inside)
	}
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	h.Typeflag, h.Size = tar.TypeReg, info.Size()
	if err := archive.WriteHeader(h); err != nil {
		return err
	}
	_, err = io.CopyN(archive, f, h.Size)
	return err
}
