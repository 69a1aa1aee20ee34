package cli

import (
	"archive/tar"
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hotcell"
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
	came, err := unpack(&archive, dir)
	if err != nil || came.files != 2 || came.left != 6 {
		t.Errorf("%+v, %v", came, err)
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
	if err := pack(&first, dir, &leaving{}); err != nil {
		t.Fatal(err)
	}
	later := filepath.Join(dir, "a.txt")
	if err := os.Chtimes(later, time.Unix(1, 0), time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if err := pack(&second, dir, &leaving{}); err != nil || !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Errorf("%d and %d bytes, %v", first.Len(), second.Len(), err)
	}
}

func TestWhatSomebodyNamedCannotSteerTheTerminal(t *testing.T) {
	t.Parallel()
	if got := safe("a\x1b[31mb\r\nc\u202ed\u009be"); got != `a\u{1b}[31mb\u{d} c\u{202e}d\u{9b}e` {
		t.Errorf("%q", got)
	}
}

// packed is an archive of files, each with its own name as its text.
func packed(t *testing.T, names ...string) *bytes.Buffer {
	t.Helper()
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	for i, name := range names {
		text := strconv.Itoa(i)
		if err := w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Size: int64(len(text)), Format: tar.FormatPAX}); err != nil {
			t.Fatal(err)
		}
		_, _ = w.Write([]byte(text))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &archive
}

func TestAnArchiveWritesOverNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "mine"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := unpack(packed(t, "mine", "new"), dir); !errors.Is(err, hotcell.ErrConflict) {
		t.Errorf("into a folder with something in it: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "new")); err == nil {
		t.Error("something was unpacked there")
	}
	dir = t.TempDir()
	names := []string{"a", "a", "a/b", "f/g", "f", "./a", "d/../a"}
	came, err := unpack(packed(t, names...), dir)
	if text, _ := os.ReadFile(filepath.Join(dir, "a")); err != nil || string(text) != "0" || came.files != 2 || came.left != 5 {
		t.Errorf("%q, %+v, %v", text, came, err)
	}
}

func TestNoFolderBecomesARepository(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	names := []string{".git/config", ".GIT/hooks/post-checkout", "a/.git/config", ".git", ".git./config", ".git /config", "git~1/config", ".g\u200cit/config", ".hg/hgrc", "a/../.git/config"}
	came, err := unpack(packed(t, append(names, ".gitignore", "git/config")...), dir)
	if err != nil || came.files != 2 || came.left != len(names) {
		t.Errorf("%+v, %v", came, err)
	}
}

func TestNamesAreSeenAsTheyAre(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := unpack(packed(t, "a\x1b]0;x\x07", "b\u202etxt.exe", "c\u200b", "d\n", "größe 🔑.txt", "e\xff"), dir); err != nil {
		t.Fatal(err)
	}
	var found []string
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		found = append(found, e.Name())
	}
	want := []string{"a%1B]0;x%07", "b%E2%80%AEtxt.exe", "c%E2%80%8B", "d%0A", "e%FF", "größe 🔑.txt"}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Error(diff)
	}
}
