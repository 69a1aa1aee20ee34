package cli

import (
	"archive/tar"
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// What comes from a job is not to be trusted: nothing is written outside of the
// folder, and no link is made that could lead there.
func TestAnArchiveStaysInItsFolder(t *testing.T) {
	t.Parallel()
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	for _, h := range []tar.Header{
		{Name: "../above", Typeflag: tar.TypeReg}, {Name: "/absolute", Typeflag: tar.TypeReg}, {Name: "a/../../b", Typeflag: tar.TypeReg}, {Name: ".", Typeflag: tar.TypeReg},
		{Name: "link", Typeflag: tar.TypeSymlink, Linkname: "/etc"}, {Name: "link/passwd", Typeflag: tar.TypeReg}, {Name: "hard", Typeflag: tar.TypeLink, Linkname: "/etc/passwd"},
		{Name: "device", Typeflag: tar.TypeChar}, {Name: "fine/file", Typeflag: tar.TypeReg}, {Name: "folder/", Typeflag: tar.TypeDir},
	} {
		if h.Typeflag == tar.TypeReg {
			h.Size = 2
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			_, _ = w.Write([]byte("hi"))
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	top := t.TempDir()
	dir := filepath.Join(top, "out")
	n, err := unpack(&archive, dir)
	if err != nil || n != 2 {
		t.Errorf("%d files, %v", n, err)
	}
	var found []string
	_ = filepath.WalkDir(top, func(path string, entry fs.DirEntry, _ error) error {
		if entry.Type()&fs.ModeSymlink != 0 {
			t.Errorf("%s is a link", path)
		}
		if entry.Type().IsRegular() {
			found = append(found, path)
		}
		return nil
	})
	if len(found) != 2 {
		t.Errorf("files: %q", found)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "fine/file")); err != nil || string(text) != "hi" {
		t.Errorf("%s, %v", text, err)
	}
}

func TestTheSameFolderIsTheSameArchive(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, mode := range map[string]fs.FileMode{"run.sh": 0o755, "b.txt": 0o600, "a.txt": 0o644} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("a.txt", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	var first, second bytes.Buffer
	if err := pack(&first, dir); err != nil {
		t.Fatal(err)
	}
	later := filepath.Join(dir, "a.txt")
	if err := os.Chtimes(later, time.Unix(1, 0), time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if err := pack(&second, dir); err != nil || !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Errorf("%d and %d bytes, %v", first.Len(), second.Len(), err)
	}
}

func TestWhatSomebodyNamedCannotSteerTheTerminal(t *testing.T) {
	t.Parallel()
	if got := safe("a\x1b[31mb\r\nc\u202ed\u009be"); got != "a?[31mb??c?d?e" {
		t.Errorf("%q", got)
	}
}
