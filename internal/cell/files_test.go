package cell_test

import (
	"archive/tar"
	"bytes"
	"io"
	"os"
	"strings"
	"testing"

	"hotcell/internal/cell"
	"hotcell/internal/line/cellrpc"
)

// file is an archive of one file.
func file(t testing.TB, name, content string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(content))}); err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(w, content)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// join joins two archives: each ends with two blocks of zeros.
func join(a, b []byte) []byte { return append(a[:len(a)-1024:len(a)-1024], b...) }

func TestFilesAreTheJobsOwn(t *testing.T) {
	t.Parallel()
	f := &fake{spec: cellrpc.Spec{Command: `cat report/main.txt && sh run.sh && ./run.sh && echo more >> report/main.txt && ls -l run.sh | cut -c1-10 && cat link`, Files: true}}
	f.files = archive(t,
		tar.Header{Typeflag: tar.TypeDir, Name: "report/", Mode: 0o755},
		tar.Header{Typeflag: tar.TypeReg, Name: "report/main.txt", Mode: 0o4644},
		tar.Header{Typeflag: tar.TypeSymlink, Name: "link", Linkname: "report/main.txt"})
	f.files = join(f.files, executable(t, "run.sh", "#!/bin/sh\necho ran\n"))
	if exit := run(t, f); exit.Code != 0 {
		t.Errorf("got %+v: %s", exit, f.log("stderr"))
	}
	if got, want := f.stdout(), "content of report/main.txt\nran\nran\n-rwxr-xr-x\ncontent of report/main.txt\nmore\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func executable(t testing.TB, name, content string) []byte {
	t.Helper()
	b := file(t, name, content)
	h, err := tar.NewReader(bytes.NewReader(b)).Next()
	if err != nil {
		t.Fatal(err)
	}
	h.Mode = 0o755
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	if err := w.WriteHeader(h); err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(w, content)
	_ = w.Close()
	return out.Bytes()
}

func TestUnpackStaysInside(t *testing.T) {
	t.Parallel()
	for name, entries := range map[string][]tar.Header{
		"above":            {{Typeflag: tar.TypeReg, Name: "../escaped", Mode: 0o644}},
		"absolute":         {{Typeflag: tar.TypeReg, Name: "/tmp/escaped", Mode: 0o644}},
		"in the middle":    {{Typeflag: tar.TypeReg, Name: "a/../../escaped", Mode: 0o644}},
		"through a link":   {{Typeflag: tar.TypeSymlink, Name: "way", Linkname: ".."}, {Typeflag: tar.TypeReg, Name: "way/escaped", Mode: 0o644}},
		"onto a link":      {{Typeflag: tar.TypeSymlink, Name: "escaped", Linkname: "../escaped"}, {Typeflag: tar.TypeReg, Name: "escaped", Mode: 0o644}},
		"absolute link":    {{Typeflag: tar.TypeSymlink, Name: "way", Linkname: "/"}, {Typeflag: tar.TypeDir, Name: "way/escaped", Mode: 0o755}},
		"hard link":        {{Typeflag: tar.TypeLink, Name: "escaped", Linkname: "/etc/passwd"}},
		"device":           {{Typeflag: tar.TypeChar, Name: "escaped", Mode: 0o666}},
		"pipe":             {{Typeflag: tar.TypeFifo, Name: "escaped", Mode: 0o666}},
		"folder of itself": {{Typeflag: tar.TypeReg, Name: "a", Mode: 0o644}, {Typeflag: tar.TypeReg, Name: "a/b", Mode: 0o644}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			outside := t.TempDir()
			dir := outside + "/job"
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := cell.Unpack(bytes.NewReader(archive(t, entries...)), dir); err == nil {
				t.Error("it was unpacked")
			}
			left, err := os.ReadDir(outside)
			if err != nil || len(left) != 1 {
				t.Errorf("outside are %v (%v)", left, err)
			}
		})
	}
}

func TestUnpackRefusesTooMuch(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "large", Mode: 0o644, Size: 100<<20 + 1}); err != nil {
		t.Fatal(err)
	}
	if err := cell.Unpack(&b, t.TempDir()); err == nil || !strings.Contains(err.Error(), "100 MiB") {
		t.Errorf("got %v", err)
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add(archive(f, tar.Header{Typeflag: tar.TypeReg, Name: "a/b", Mode: 0o644}, tar.Header{Typeflag: tar.TypeSymlink, Name: "l", Linkname: ".."}))
	f.Add(archive(f, tar.Header{Typeflag: tar.TypeSymlink, Name: "l", Linkname: "../.."}, tar.Header{Typeflag: tar.TypeReg, Name: "l/x", Mode: 0o777}))
	f.Fuzz(func(t *testing.T, b []byte) {
		outside := t.TempDir()
		if err := os.MkdirAll(outside+"/a/job", 0o755); err != nil {
			t.Fatal(err)
		}
		_ = cell.Unpack(bytes.NewReader(b), outside+"/a/job")
		for _, dir := range []string{outside, outside + "/a"} {
			if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
				t.Errorf("outside are %v (%v)", left, err)
			}
		}
	})
}
