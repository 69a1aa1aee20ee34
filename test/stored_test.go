package test

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hotcell/hotcelltest"
)

// The folder testdata/before-plain.tar.gz was written by a version that kept OpenAPI
// documents as they came: one in YAML, of which the tag "read" is picked, and one whose
// schema is nested 3,000 deep. Their keys are the canaries below.
func TestDocumentsOfAnEarlierVersionAreReadWhereNoKeyIs(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "hotcell-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	unpack(t, "testdata/before-plain.tar.gz", dir)
	s := hotcelltest.StartIn(t, "", dir)
	vault := part(t, s, "part-vault")
	for range 2 {
		if got := s.OK("connections", "tools", "api"); !strings.Contains(got, "api_get_things") || strings.Contains(got, "put_thing") {
			t.Errorf("the tools of the one in YAML: %s", got)
		}
	}
	if r := s.Run("connections", "tools", "hard"); r.Code == 0 && !strings.Contains(r.Out, "hard_get_deep") {
		t.Errorf("the tools of the deep one: %+v", r)
	}
	if n := strings.Count(s.OK("audit", "list", "-o", "json"), `"connection.plain"`); n < 1 || n > 2 {
		t.Errorf("%d events tell of documents that were made plain", n)
	}
	if part(t, s, "part-vault") != vault {
		t.Error("the vault was started again")
	}
	// Another start finds them plain, and as they were.
	s.Stop()
	s.Restart()
	before := s.OK("audit", "list", "-o", "json")
	if got := s.OK("connections", "tools", "api"); !strings.Contains(got, "api_get_things") || strings.Contains(got, "put_thing") {
		t.Errorf("after another start: %s", got)
	}
	if after := s.OK("audit", "list", "-o", "json"); strings.Count(after, `"connection.plain"`) != strings.Count(before, `"connection.plain"`) {
		t.Error("what was plain was made so again")
	}
	s.Canaries("k-7q4vXr9kTz2mPwLd81", "k-8q4vXr9kTz2mPwLd82")
}

// unpack unpacks an archive of ours into a folder.
func unpack(t *testing.T, archive, dir string) {
	t.Helper()
	file, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	packed, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	for all := tar.NewReader(packed); ; {
		h, err := all.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(dir, filepath.FromSlash(h.Name))
		text, err := io.ReadAll(all)
		if err := errors.Join(err, os.MkdirAll(filepath.Dir(to), 0o700), os.WriteFile(to, text, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
}
