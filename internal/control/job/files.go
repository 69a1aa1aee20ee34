package job

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"hotcell"
)

// Files keeps the folders of assignments as tar archives, named by their
// content: what is the same is kept once, and what is kept never changes.
type Files struct{ dir string }

// maxArchive leaves room for the headers of many small files.
const maxArchive = hotcell.MaxFiles + 32<<20

var digestName = regexp.MustCompile(`^[0-9a-f]{64}$`)

// OpenFiles keeps archives in dir, which it makes.
func OpenFiles(dir string) (*Files, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the folder of files: %w", err)
	}
	// What a server that was killed was in the middle of.
	left, _ := filepath.Glob(filepath.Join(dir, ".put-*"))
	for _, path := range left {
		_ = os.Remove(path)
	}
	return &Files{dir}, nil
}

// Put stores an archive and returns its name. One that is too large, or no
// archive of files, folders and links, is [hotcell.ErrInvalid].
func (f *Files) Put(ctx context.Context, r io.Reader) (hotcell.Files, error) {
	temporary, err := os.CreateTemp(f.dir, ".put-*")
	if err != nil {
		return hotcell.Files{}, fmt.Errorf("storing files: %w", err)
	}
	defer func() { _ = os.Remove(temporary.Name()); _ = temporary.Close() }()
	hash := sha256.New()
	size, err := io.Copy(io.MultiWriter(temporary, hash), io.LimitReader(r, maxArchive+1))
	if err != nil {
		return hotcell.Files{}, fmt.Errorf("storing files: %w", err)
	}
	if size > maxArchive {
		return hotcell.Files{}, errTooLarge
	}
	if _, err := temporary.Seek(0, io.SeekStart); err != nil {
		return hotcell.Files{}, fmt.Errorf("storing files: %w", err)
	}
	if err := checkArchive(temporary); err != nil {
		return hotcell.Files{}, err
	}
	name := hotcell.Files{Digest: hex.EncodeToString(hash.Sum(nil)), Size: size}
	if err := errors.Join(temporary.Sync(), os.Rename(temporary.Name(), f.path(name.Digest)), ctx.Err()); err != nil {
		return hotcell.Files{}, fmt.Errorf("storing files: %w", err)
	}
	return name, nil
}

var errTooLarge = hotcell.Invalid("/files", "an assignment's folder has at most 100 MiB")

// checkArchive refuses what a cell would not unpack.
func checkArchive(r io.Reader) error {
	archive, total := tar.NewReader(r), int64(0)
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return hotcell.Invalid("/files", "this is not a tar archive")
		}
		switch h.Typeflag {
		case tar.TypeReg, tar.TypeDir, tar.TypeSymlink:
		default:
			return hotcell.Invalid("/files", "an archive holds files, folders and symbolic links only")
		}
		if !filepath.IsLocal(h.Name) {
			return hotcell.Invalid("/files", "an archive's paths stay within it")
		}
		if total += h.Size; total > hotcell.MaxFiles {
			return errTooLarge
		}
	}
}

// Open opens an archive.
func (f *Files) Open(digest string) (io.ReadCloser, error) {
	if !digestName.MatchString(digest) {
		return nil, hotcell.ErrNotFound
	}
	file, err := os.Open(f.path(digest))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: the assignment's files are not on this server: upload them again", hotcell.ErrNotFound)
	}
	return file, err
}

func (f *Files) path(digest string) string { return filepath.Join(f.dir, digest+".tar") }

// Outputs keeps what jobs left in /job/out, an archive a job.
type Outputs struct{ dir string }

// OpenOutputs keeps archives in dir, which it makes.
func OpenOutputs(dir string) (*Outputs, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the folder of outputs: %w", err)
	}
	return &Outputs{dir}, nil
}

func (o *Outputs) path(id hotcell.JobID) string { return filepath.Join(o.dir, string(id)+".tar") }

func (o *Outputs) open(id hotcell.JobID) (io.ReadCloser, int64, error) {
	file, err := os.Open(o.path(id))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, hotcell.ErrNotFound
	}
	if err != nil {
		return nil, 0, fmt.Errorf("opening a job's output: %w", err)
	}
	info, err := file.Stat()
	if err != nil {
		return nil, 0, errors.Join(err, file.Close())
	}
	return file, info.Size(), nil
}

func (o *Outputs) create(id hotcell.JobID) *output { return &output{path: o.path(id)} }

// output is one archive under way. Nothing is made until the first byte.
type output struct {
	path string
	file *os.File
	size int64
	err  error
}

func (o *output) write(data []byte) error {
	if o.err != nil {
		return nil //nolint:nilerr // it is told at the end: the job itself may go on
	}
	if o.file == nil {
		o.file, o.err = os.OpenFile(o.path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
		if o.err != nil {
			return nil //nolint:nilerr // as above
		}
	}
	if o.size += int64(len(data)); o.size > maxArchive {
		o.err = errOutputTooLarge
		return nil
	}
	_, o.err = o.file.Write(data)
	return nil
}

var (
	errOutputTooLarge = errors.New("what it left in /job/out has more than 100 MiB")
	errOutputBroken   = errors.New("what it left in /job/out did not come whole")
)

// close returns the archive's size. One that broke, or is not as long as the
// whole, is removed.
func (o *output) close(whole int64) (int64, error) {
	if o.err == nil && o.size != whole {
		o.err = errOutputBroken
	}
	if o.file == nil {
		return 0, o.err
	}
	o.err = errors.Join(o.err, o.file.Sync(), o.file.Close())
	if o.err != nil {
		return 0, errors.Join(o.err, os.Remove(o.path))
	}
	return o.size, nil
}
