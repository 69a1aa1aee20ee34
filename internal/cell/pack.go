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

	"hotcell"
	"hotcell/internal/line/border"
	"hotcell/internal/line/cellrpc"
	"hotcell/internal/value/guard"
)

// sendOut sends what the job left in /job/out, guarded, and counts what the
// guard took out. It comes when nothing of the job runs any more. An empty
// folder is not sent, nor is what is no folder: a link could lead anywhere.
func (i *initial) sendOut(ctx context.Context) (int, error) {
	root, err := openOut()
	if root == nil {
		return 0, err
	}
	defer func() { _ = root.Close() }()
	return i.send(ctx, root, "/job/out", cellrpc.PathOut, hotcell.MaxFiles)
}

// send sends a folder, guarded, whose files have at most so many bytes together, and
// counts what the guard took out.
func (i *initial) send(ctx context.Context, root *os.Root, what, path string, most int64) (int, error) {
	read, write := io.Pipe()
	p := &packer{archive: tar.NewWriter(write), root: root, guard: i.guard.Load(), most: most}
	packed := make(chan error, 1)
	border.Send(packed, "packing "+what, func() error {
		err := border.Run("packing "+what, p.pack)
		fault(err)
		_ = write.CloseWithError(err)
		return err
	})
	answer, err := i.gateway.do(ctx, http.MethodPut, path, read)
	_ = read.CloseWithError(errOut)
	switch failed := <-packed; {
	case failed != nil && !errors.Is(failed, errOut):
		return p.count, fmt.Errorf("packing %s: %w", what, failed)
	case err != nil:
		return p.count, fmt.Errorf("sending %s: %w", what, err)
	}
	return p.count, answer.Body.Close()
}

var errOut = errors.New("the gateway did not take it")

// openOut opens /job/out, or returns nil where there is nothing to send.
func openOut() (*os.Root, error) {
	if info, err := os.Lstat("/job/out"); err != nil || !info.IsDir() {
		return nil, nil //nolint:nilnil,nilerr // the job removed it: there is nothing to send
	}
	root, err := os.OpenRoot("/job/out")
	if err != nil {
		return nil, fmt.Errorf("reading /job/out: %w", err)
	}
	entries, err := fs.ReadDir(root.FS(), ".")
	if err == nil && len(entries) > 0 {
		return root, nil
	}
	_ = root.Close()
	if err != nil {
		return nil, fmt.Errorf("reading /job/out: %w", err)
	}
	return nil, nil //nolint:nilnil // an empty folder: there is nothing to send
}

// packer writes a folder as a tar archive, contents and names through the guard.
type packer struct {
	archive *tar.Writer
	root    *os.Root
	guard   *guard.Patterns
	most    int64 // of all files together
	total   int64
	count   int
}

func (p *packer) pack() error {
	if err := fs.WalkDir(p.root.FS(), ".", p.add); err != nil {
		return err
	}
	return p.archive.Close()
}

func (p *packer) add(name string, entry fs.DirEntry, err error) error {
	if err != nil || name == "." {
		return err
	}
	info, err := entry.Info()
	if err != nil {
		return err
	}
	h := &tar.Header{Name: p.redact(name), Mode: int64(info.Mode().Perm()), ModTime: info.ModTime(), Format: tar.FormatPAX}
	switch {
	case info.IsDir():
		h.Typeflag, h.Name = tar.TypeDir, h.Name+"/"
		return p.archive.WriteHeader(h)
	case info.Mode()&fs.ModeSymlink != 0:
		target, err := p.root.Readlink(name)
		if err != nil {
			return err
		}
		h.Typeflag, h.Linkname = tar.TypeSymlink, p.redact(target)
		return p.archive.WriteHeader(h)
	case info.Mode().IsRegular():
		return p.file(h, name)
	}
	return nil // a pipe or a socket holds nothing to fetch
}

func (p *packer) redact(name string) string { return string(p.guard.Redact([]byte(name))) }

// file goes through a file twice: the header tells the guarded size.
func (p *packer) file(h *tar.Header, name string) error {
	var size counter
	if _, err := p.guarded(&size, name); err != nil {
		return err
	}
	if p.total += int64(size); p.total > p.most {
		return fmt.Errorf("it holds more than %d MiB", p.most>>20)
	}
	h.Size = int64(size)
	if err := p.archive.WriteHeader(h); err != nil {
		return err
	}
	count, err := p.guarded(p.archive, name)
	p.count += count
	return err
}

// guarded copies a file through the guard, and counts what that took out.
func (p *packer) guarded(to io.Writer, name string) (int, error) {
	in, err := p.root.Open(name)
	if err != nil {
		return 0, err
	}
	defer func() { _ = in.Close() }()
	w := p.guard.Writer(to, nil)
	_, err = io.Copy(struct{ io.Writer }{w}, in)
	err = errors.Join(err, w.Close())
	return w.Count(), err
}

// counter counts bytes.
type counter int64

func (c *counter) Write(b []byte) (int, error) {
	*c += counter(len(b))
	return len(b), nil
}
