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
	"hotcell/internal/cellrpc"
)

// Unpack unpacks a tar archive of files, folders and symbolic links into dir.
// Nothing outside dir is written or followed, whatever the archive says.
func Unpack(r io.Reader, dir string) error {
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
		if total += h.Size; total > hotcell.MaxFiles {
			return hotcell.Invalid("/files", "the archive holds more than 100 MiB")
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
	mode := fs.FileMode(h.Mode) & 0o755
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

// sendOut sends what the job left in /job/out, guarded, and counts what the
// guard took out. An empty folder is not sent.
func (i *initial) sendOut(ctx context.Context) (int, error) {
	entries, err := os.ReadDir("/job/out")
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0 {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("reading /job/out: %w", err)
	}
	read, write := io.Pipe()
	count := 0
	packed := make(chan struct{})
	go func() {
		defer close(packed)
		var err error
		count, err = i.pack(write)
		_ = write.CloseWithError(err)
	}()
	answer, err := i.gateway.do(ctx, http.MethodPut, cellrpc.PathOut, read)
	_ = read.Close()
	<-packed
	if err != nil {
		return count, fmt.Errorf("sending /job/out: %w", err)
	}
	return count, answer.Body.Close()
}

// pack writes /job/out as a tar archive, each file through the guard.
func (i *initial) pack(w io.Writer) (int, error) {
	root, err := os.OpenRoot("/job/out")
	if err != nil {
		return 0, err
	}
	defer func() { _ = root.Close() }()
	p := &packer{archive: tar.NewWriter(w), root: root, init: i}
	if err := fs.WalkDir(root.FS(), ".", p.add); err != nil {
		return p.count, err
	}
	return p.count, p.archive.Close()
}

type packer struct {
	archive *tar.Writer
	root    *os.Root
	init    *initial
	total   int64
	count   int
}

func (p *packer) add(name string, entry fs.DirEntry, err error) error {
	if err != nil || name == "." {
		return err
	}
	info, err := entry.Info()
	if err != nil {
		return err
	}
	h := &tar.Header{Name: string(p.init.guard.Redact([]byte(name))), Mode: int64(info.Mode().Perm()), ModTime: info.ModTime(), Format: tar.FormatPAX}
	switch {
	case info.IsDir():
		h.Typeflag, h.Name = tar.TypeDir, h.Name+"/"
		return p.archive.WriteHeader(h)
	case info.Mode()&fs.ModeSymlink != 0:
		target, err := p.root.Readlink(name)
		if err != nil {
			return err
		}
		h.Typeflag, h.Linkname = tar.TypeSymlink, string(p.init.guard.Redact([]byte(target)))
		return p.archive.WriteHeader(h)
	case info.Mode().IsRegular():
		return p.file(h, name)
	}
	return nil // a pipe or a socket holds nothing to fetch
}

// file writes a guarded copy first, since the header tells the size.
func (p *packer) file(h *tar.Header, name string) error {
	in, err := p.root.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	guarded, err := os.CreateTemp("/tmp", ".out-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(guarded.Name()); _ = guarded.Close() }()
	w := p.init.guard.Writer(guarded)
	_, err = io.Copy(onlyWriter{w}, in)
	if err := errors.Join(err, w.Close()); err != nil {
		return err
	}
	p.count += w.Count()
	if h.Size, err = guarded.Seek(0, io.SeekEnd); err != nil {
		return err
	}
	if p.total += h.Size; p.total > hotcell.MaxFiles {
		return errors.New("it holds more than 100 MiB")
	}
	if _, err := guarded.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := p.archive.WriteHeader(h); err != nil {
		return err
	}
	_, err = io.Copy(p.archive, guarded)
	return err
}
