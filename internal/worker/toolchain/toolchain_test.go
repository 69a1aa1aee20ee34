package toolchain_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hotcell"
	"hotcell/internal/worker/toolchain"
)

// packed is an archive as npm packs them.
func packed(t *testing.T, entries ...tar.Header) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	w := tar.NewWriter(z)
	for _, h := range entries {
		text := h.PAXRecords["text"]
		h.PAXRecords = nil
		if h.Typeflag == 0 {
			h.Typeflag, h.Size = tar.TypeReg, int64(len(text))
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); h.Typeflag == tar.TypeReg && err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func text(name, text string, mode int64) tar.Header {
	return tar.Header{Name: name, Mode: mode, PAXRecords: map[string]string{"text": text}}
}

func integrity(archive []byte) string {
	sum := sha512.Sum512(archive)
	return "sha512-" + base64.StdEncoding.EncodeToString(sum[:])
}

// registry serves one archive, and counts how often it was asked.
func registry(t *testing.T, archive []byte) (toolchain.Registry, *atomic.Int32) {
	t.Helper()
	asked := &atomic.Int32{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.URL.Path != "/@acme/tool/-/tool-1.2.3.tgz" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		_, _ = w.Write(archive)
	}))
	t.Cleanup(s.Close)
	return toolchain.Registry{URL: s.URL + "/"}, asked
}

func specOf(archive []byte) toolchain.Spec {
	return toolchain.Spec{Name: "tool", Programs: map[string]string{"tool": "vendor/*/tool"}, AMD64: toolchain.Package{Name: "@acme/tool", Version: "1.2.3", Integrity: integrity(archive)}}
}

func storeIn(t *testing.T) toolchain.Store {
	t.Helper()
	return toolchain.Store{Folder: filepath.Join(t.TempDir(), "store"), Now: time.Now}
}

func TestAToolchainIsThePackageThatWasWrittenDown(t *testing.T) {
	t.Parallel()
	archive := packed(t, text("package/vendor/x/tool", "#!/bin/sh\necho it runs\n", 0o4755), text("package/README", "read me", 0o666))
	from, asked := registry(t, archive)
	s := storeIn(t)
	added, err := s.Add(t.Context(), specOf(archive), "amd64", from)
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(added.Tree(), "bin", "tool")
	if info, err := os.Stat(program); err != nil || info.Mode() != 0o755 {
		t.Errorf("%v %v", info, err)
	}
	if info, err := os.Stat(filepath.Join(added.Tree(), "README")); err != nil || info.Mode() != 0o644 {
		t.Errorf("%v %v", info, err)
	}
	list, err := s.List()
	if err != nil || len(list) != 1 || list[0].Name != "tool" || list[0].Tree() != added.Tree() || !s.Has("tool") || s.Has("README") {
		t.Errorf("%+v %v", list, err)
	}
	if _, err := s.Add(t.Context(), specOf(archive), "amd64", from); err != nil || asked.Load() != 1 {
		t.Errorf("the same again: %v, the registry was asked %d times", err, asked.Load())
	}
	if err := s.Remove("tool"); err != nil || s.Has("tool") {
		t.Error(err)
	}
	if err := s.Remove("tool"); !errors.Is(err, hotcell.ErrNotFound) {
		t.Error(err)
	}
	left, _ := os.ReadDir(s.Folder)
	if len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

func TestAnotherPackageIsNotUnpacked(t *testing.T) {
	t.Parallel()
	good := packed(t, text("package/vendor/x/tool", "good", 0o755))
	for name, c := range map[string]struct {
		served []byte
		spec   toolchain.Spec
		want   error
	}{
		"another digest":      {packed(t, text("package/vendor/x/tool", "evil", 0o755)), specOf(good), hotcell.ErrTampered},
		"cut short":           {good[:len(good)-9], specOf(good), hotcell.ErrTampered},
		"no digest":           {good, toolchain.Spec{Name: "tool", AMD64: toolchain.Package{Name: "@acme/tool", Version: "1.2.3"}}, hotcell.ErrInvalid},
		"not there":           {good, toolchain.Spec{Name: "tool", AMD64: toolchain.Package{Name: "@acme/other", Version: "1.2.3", Integrity: integrity(good)}}, hotcell.ErrUnavailable},
		"another machine's":   {good, toolchain.Spec{Name: "tool", ARM64: toolchain.Package{Name: "@acme/tool"}}, hotcell.ErrNotFound},
		"a name with a slash": {good, toolchain.Spec{Name: "../tool", AMD64: specOf(good).AMD64}, hotcell.ErrInvalid},
	} {
		from, _ := registry(t, c.served)
		s := storeIn(t)
		if _, err := s.Add(t.Context(), c.spec, "amd64", from); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		nothing(t, name, s)
	}
}

// nothing says that nothing is left of what was refused.
func nothing(t *testing.T, name string, s toolchain.Store) {
	t.Helper()
	_ = filepath.WalkDir(filepath.Dir(s.Folder), func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			t.Errorf("%s: %s is there", name, path)
		}
		return nil
	})
}

func TestAnArchiveLeadsNowhereElse(t *testing.T) {
	t.Parallel()
	tool := text("package/vendor/x/tool", "good", 0o755)
	for name, bad := range map[string]tar.Header{
		"a way up":          text("package/../../../evil", "x", 0o644),
		"an absolute path":  text("/etc/evil", "x", 0o644),
		"a link":            {Name: "package/vendor/x/link", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"},
		"a hard link":       {Name: "package/hard", Typeflag: tar.TypeLink, Linkname: "package/vendor/x/tool"},
		"a device":          {Name: "package/null", Typeflag: tar.TypeChar, Devmajor: 1, Devminor: 3},
		"a pipe":            {Name: "package/pipe", Typeflag: tar.TypeFifo},
		"the same twice":    tool,
		"no such program":   text("package/vendor/y/tool", "x", 0o755),
		"a file for a tree": text("package/vendor", "x", 0o644),
	} {
		archive := packed(t, tool, bad)
		from, _ := registry(t, archive)
		s := storeIn(t)
		if name == "an absolute path" {
			// It is unpacked below the tree, where it harms nobody.
			if _, err := s.Add(t.Context(), specOf(archive), "amd64", from); err == nil {
				continue
			}
		} else if _, err := s.Add(t.Context(), specOf(archive), "amd64", from); err == nil {
			t.Errorf("%s is taken", name)
		}
		nothing(t, name, s)
	}
}

func TestAFolderThatOthersCanWriteToIsNotUsed(t *testing.T) {
	t.Parallel()
	archive := packed(t, text("package/vendor/x/tool", "good", 0o755))
	from, _ := registry(t, archive)
	s := storeIn(t)
	if _, err := s.Add(t.Context(), specOf(archive), "amd64", from); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{s.Folder, filepath.Join(s.Folder, "tool"), filepath.Join(s.Folder, "tool", "tree")} {
		if err := os.Chmod(folder, 0o777); err != nil {
			t.Fatal(err)
		}
		if s.Has("tool") {
			t.Errorf("%s, which all can write to, is used", strings.TrimPrefix(folder, s.Folder))
		}
		if err := os.Chmod(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(s.Folder, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := s.Check(); !errors.Is(err, hotcell.ErrDenied) {
		t.Error(err)
	}
	if _, err := s.Add(t.Context(), specOf(archive), "amd64", from); !errors.Is(err, hotcell.ErrDenied) {
		t.Error(err)
	}
	if err := (toolchain.Store{Folder: filepath.Join(s.Folder, "not", "yet")}).Check(); !errors.Is(err, hotcell.ErrDenied) {
		t.Errorf("one that others could make: %v", err)
	}
}

func TestKnownToolchainsHaveTheirDigests(t *testing.T) {
	t.Parallel()
	known, err := toolchain.Known()
	if err != nil || len(known) < 5 {
		t.Fatal(known, err)
	}
	for name, s := range known {
		p, err := s.For("amd64")
		if err != nil || s.Title == "" || len(s.Programs) == 0 {
			t.Errorf("%s: %+v %v", name, s, err)
		}
		for _, p := range []toolchain.Package{p, s.ARM64} {
			digest, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(p.Integrity, "sha512-"))
			if p.Name != "" && (err != nil || len(digest) != sha512.Size || p.Version == "") {
				t.Errorf("%s: %+v", name, p)
			}
		}
	}
}
