package cell

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"hotcell"
	"hotcell/internal/line/border"
	"hotcell/internal/line/cellrpc"
)

// errandRest is how long is waited after the gateway gave no errand.
const errandRest = time.Second

// errands does what the gateway wants done in this cell for the job's browser,
// until the command ends: files go from one cell to the other.
func (i *initial) errands(ctx context.Context) {
	for ctx.Err() == nil {
		err := border.Run("an errand of a cell", func() error { return i.errand(ctx) })
		fault(err)
		if err != nil {
			select {
			case <-ctx.Done():
			case <-time.After(errandRest):
			}
		}
	}
}

// errand waits for one and does it.
func (i *initial) errand(ctx context.Context) error {
	answer, err := i.gateway.do(ctx, http.MethodGet, cellrpc.PathErrand, nil)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	var e cellrpc.Errand
	if err := json.Unmarshal([]byte(answer.Header.Get(cellrpc.HeaderErrand)), &e); err != nil {
		return err
	}
	done := cellrpc.ErrandDone{ID: e.ID}
	var body io.Reader = http.NoBody
	switch e.Kind {
	case cellrpc.ErrandFetch:
		f, err := fetch(e.Path)
		if err != nil {
			done.Error = err.Error()
			break
		}
		defer func() { _ = f.Close() }()
		body = f
	case cellrpc.ErrandKeep:
		if done.Path, err = keep(e.Path, answer.Body); err != nil {
			done.Error = err.Error()
		}
	default:
		done.Error = "there is no such errand"
	}
	return i.report(ctx, done, body)
}

func (i *initial) report(ctx context.Context, done cellrpc.ErrandDone, body io.Reader) error {
	head, err := json.Marshal(done)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://gateway"+cellrpc.PathErrand, body)
	if err != nil {
		return err
	}
	request.Header.Set(cellrpc.HeaderErrand, string(head))
	answer, err := i.gateway.client.Do(request)
	if err != nil {
		return err
	}
	return answer.Body.Close()
}

// The folders of which files may be fetched: what the command itself can write.
var fetched = []string{"/job", "/tmp", "/home/job"}

// fetch opens a file of the command's. This process may read more than the
// command may, so no link is followed, and nothing but a plain file opened
// (openat2(2)).
func fetch(name string) (*os.File, error) {
	if !path.IsAbs(name) {
		name = path.Join("/job", name)
	}
	name = path.Clean(name)
	for _, folder := range fetched {
		if rest, below := strings.CutPrefix(name, folder+"/"); below {
			return openBeneath(folder, rest, unix.O_RDONLY|unix.O_NONBLOCK, 0)
		}
	}
	return nil, fmt.Errorf("%s is not in /job, /tmp or /home/job", name)
}

// openBeneath opens a plain file below a folder, by a way without links.
func openBeneath(folder, name string, flags uint64, mode uint64) (*os.File, error) {
	dir, err := unix.Open(folder, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = unix.Close(dir) }()
	fd, err := unix.Openat2(dir, name, &unix.OpenHow{
		Flags: flags | unix.O_CLOEXEC | unix.O_NOFOLLOW, Mode: mode, Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS,
	})
	if err != nil {
		if errors.Is(err, unix.ENOENT) {
			return nil, fmt.Errorf("there is no file %s", path.Join(folder, name))
		}
		return nil, fmt.Errorf("%s cannot be opened: %w", path.Join(folder, name), err)
	}
	f := os.NewFile(uintptr(fd), name)
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(fmt.Errorf("%s is no file", path.Join(folder, name)), f.Close())
	}
	return f, nil
}

// outFolder is where downloads are put.
const outFolder = "/job/out"

// keep puts a download into /job/out, under a name that was free.
func keep(name string, from io.Reader) (string, error) {
	for n := range 1000 {
		free := numbered(name, n)
		f, err := openBeneath(outFolder, free, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL, 0o644)
		if errors.Is(err, unix.EEXIST) {
			continue
		}
		if err != nil {
			return "", err
		}
		_, err = io.Copy(f, io.LimitReader(from, hotcell.MaxFiles))
		if err := errors.Join(err, f.Close()); err != nil {
			return "", fmt.Errorf("%s could not be kept: %w", free, err)
		}
		return path.Join(outFolder, free), nil
	}
	return "", fmt.Errorf("there are too many files of the name %s", name)
}

// numbered is the n-th name: invoice.pdf, invoice (1).pdf.
func numbered(name string, n int) string {
	if n == 0 {
		return name
	}
	extension := path.Ext(name)
	return fmt.Sprintf("%s (%d)%s", strings.TrimSuffix(name, extension), n, extension)
}
