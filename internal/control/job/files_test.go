package job_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"hotcell"
	"hotcell/internal/control/job"
	"hotcell/internal/line/workerrpc"
)

// archive is a tar archive of the entries; a file's content is its name.
func archive(t *testing.T, entries ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range entries {
		h.Mode = 0o644
		if h.Typeflag == tar.TypeReg {
			h.Size = int64(len(h.Name))
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			_, _ = io.WriteString(w, h.Name)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func openFiles(t *testing.T) (*job.Files, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "files")
	f, err := job.OpenFiles(dir)
	if err != nil {
		t.Fatal(err)
	}
	return f, dir
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func TestTheSameFilesAreKeptOnce(t *testing.T) {
	t.Parallel()
	f, dir := openFiles(t)
	text := archive(t, tar.Header{Name: "a", Typeflag: tar.TypeDir}, tar.Header{Name: "a/b.py", Typeflag: tar.TypeReg}, tar.Header{Name: "c", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"})
	one, err := f.Put(t.Context(), bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	two, err := f.Put(t.Context(), iotest.OneByteReader(bytes.NewReader(text)))
	if err != nil || one != two || one.Size != int64(len(text)) {
		t.Errorf("%+v, %+v, %v", one, two, err)
	}
	if kept := names(t, dir); len(kept) != 1 || kept[0] != one.Digest+".tar" {
		t.Errorf("kept: %q", kept)
	}
	r, err := f.Open(one.Digest)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	if back, err := io.ReadAll(r); err != nil || !bytes.Equal(back, text) {
		t.Errorf("%d bytes came back, %v", len(back), err)
	}
}

func TestWhatIsNoFolderIsRefusedAndNotKept(t *testing.T) {
	t.Parallel()
	f, dir := openFiles(t)
	reg := func(name string) []byte { return archive(t, tar.Header{Name: name, Typeflag: tar.TypeReg}) }
	of := func(kind byte) []byte { return archive(t, tar.Header{Name: "x", Typeflag: kind, Linkname: "y"}) }
	whole := reg("a")
	for what, text := range map[string][]byte{
		"text":        []byte(strings.Repeat("this is no archive\n", 100)),
		"little text": []byte("hello"),
		"cut off":     whole[:512],
		"zip":         append([]byte("PK\x03\x04"), make([]byte, 2000)...),
		"absolute":    reg("/etc/passwd"),
		"above":       reg("../x"),
		"above later": reg("a/../../x"),
		"a device":    of(tar.TypeChar),
		"a disk":      of(tar.TypeBlock),
		"a pipe":      of(tar.TypeFifo),
		"a hard link": of(tar.TypeLink),
	} {
		var field *hotcell.FieldError
		if _, err := f.Put(t.Context(), bytes.NewReader(text)); !errors.Is(err, hotcell.ErrInvalid) || !errors.As(err, &field) || field.Pointer != "/files" {
			t.Errorf("%s: %v", what, err)
		} else if strings.Contains(err.Error(), "passwd") {
			t.Errorf("%s: the refusal repeats a name: %v", what, err)
		}
	}
	broken := errors.New("the line broke")
	if _, err := f.Put(t.Context(), io.MultiReader(bytes.NewReader(whole), iotest.ErrReader(broken))); !errors.Is(err, broken) {
		t.Errorf("a broken line: %v", err)
	}
	if kept := names(t, dir); len(kept) != 0 {
		t.Errorf("kept: %q", kept)
	}
}

// zeros is an endless file.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

func TestFilesThatAreTooLargeAreRefused(t *testing.T) {
	t.Parallel()
	f, dir := openFiles(t)
	var head bytes.Buffer
	if err := tar.NewWriter(&head).WriteHeader(&tar.Header{Name: "x", Typeflag: tar.TypeReg, Mode: 0o644, Size: hotcell.MaxFiles + 1}); err != nil {
		t.Fatal(err)
	}
	// Less than it says, and without an end.
	for what, rest := range map[string]io.Reader{"by its word": strings.NewReader(""), "by what it is": zeros{}} {
		if _, err := f.Put(t.Context(), io.MultiReader(bytes.NewReader(head.Bytes()), rest)); !errors.Is(err, hotcell.ErrInvalid) || !strings.Contains(err.Error(), "100 MiB") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if kept := names(t, dir); len(kept) != 0 {
		t.Errorf("kept: %q", kept)
	}
}

func TestOnlyDigestsAreOpened(t *testing.T) {
	t.Parallel()
	f, dir := openFiles(t)
	if err := os.WriteFile(filepath.Join(filepath.Dir(dir), "secret.tar"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", ".", "../secret", strings.Repeat("A", 64), strings.Repeat("0", 63), strings.Repeat("0", 64), strings.Repeat("0", 64) + "\n"} {
		if r, err := f.Open(name); r != nil || !errors.Is(err, hotcell.ErrNotFound) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestAFolderGoesToTheWorkerBeforeTheJob(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	files, err := s.Files.Put(t.Context(), bytes.NewReader(archive(t, tar.Header{Name: "a", Typeflag: tar.TypeReg})))
	if err != nil {
		t.Fatal(err)
	}
	s.files = &files
	s.perform = func(ctx context.Context, j hotcell.Job, fn sender) error {
		if len(s.given) != 1 || s.given[0] != files.Digest {
			return hotcell.Invalid("", "it was given %q", s.given)
		}
		return ending(0, "")(ctx, j, fn)
	}
	s.work(t)
	if j, _ := s.end(t, s.made(t)); j.State != hotcell.JobSucceeded {
		t.Errorf("%s: %s", j.State, j.Reason)
	}
}

func TestOnlyAWholeOutputIsKept(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		pieces, size int
		end          *workerrpc.End
		state        hotcell.JobState
		reason       string
		kept         int64
	}{
		"whole":        {2, 5, &workerrpc.End{Code: new(int), Output: 10}, hotcell.JobSucceeded, "", 10},
		"of a failure": {2, 5, &workerrpc.End{Code: one(), Output: 10}, hotcell.JobFailed, "exit code 1", 10},
		"torn":         {2, 5, &workerrpc.End{Code: new(int), Output: 15}, hotcell.JobFailed, "could not be stored", 0},
		"unfinished":   {2, 5, &workerrpc.End{Revoked: true, Reason: "deleted"}, hotcell.JobCancelled, "deleted", 0},
		"broken off":   {2, 5, nil, hotcell.JobLost, "", 0},
		"none":         {0, 0, &workerrpc.End{Code: new(int)}, hotcell.JobSucceeded, "", 0},
		"never came":   {0, 0, &workerrpc.End{Code: new(int), Output: 5}, hotcell.JobFailed, "could not be stored", 0},
		"too large":    {133, 1 << 20, &workerrpc.End{Code: new(int), Output: 133 << 20}, hotcell.JobFailed, "100 MiB", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			s.perform = func(_ context.Context, _ hotcell.Job, fn sender) error {
				piece := bytes.Repeat([]byte("x"), c.size)
				for range c.pieces {
					_ = fn(&workerrpc.RunEvent{Kind: workerrpc.Output, Data: piece})
				}
				if c.end == nil {
					return hotcell.ErrUnavailable
				}
				return fn(&workerrpc.RunEvent{Kind: workerrpc.Ended, End: c.end})
			}
			s.work(t)
			j, _ := s.end(t, s.made(t))
			if j.State != c.state || !strings.Contains(j.Reason, c.reason) || j.OutputSize != c.kept {
				t.Errorf("%s: %s, %d bytes", j.State, j.Reason, j.OutputSize)
			}
			s.holds(t, j.ID, c.kept)
		})
	}
}

func one() *int { n := 1; return &n }

// holds checks that so much of a job's output is kept, here and on the disk.
func (s *scene) holds(t *testing.T, id hotcell.JobID, want int64) {
	t.Helper()
	r, size, err := s.Service.Output(t.Context(), ada, id)
	if err == nil {
		defer func() { _ = r.Close() }()
	}
	if size != want || want == 0 && !errors.Is(err, hotcell.ErrNotFound) || want > 0 && err != nil {
		t.Errorf("it has %d bytes, %v", size, err)
	}
	if kept := names(t, filepath.Join(filepath.Dir(s.path), "out")); (len(kept) > 0) != (want > 0) {
		t.Errorf("on the disk: %q", kept)
	}
}
