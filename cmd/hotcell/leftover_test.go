//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// TestOnlyWhatEarlierServersLeftIsSwept plants what an earlier version leaves, and what
// others could put in its place so that something of somebody's is removed.
func TestOnlyWhatEarlierServersLeftIsSwept(t *testing.T) {
	t.Parallel()
	dir, elsewhere := t.TempDir(), t.TempDir()
	put := func(parts ...string) {
		t.Helper()
		path := filepath.Join(append([]string{dir}, parts...)...)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	put("hotcell-1", "hotcell")
	put("hotcell-1", "certificates.pem")
	put("hotcell-1", "worker", "files", "a.tar")
	put("hotcell-2", "connectors.json")
	kept := []string{"hotcell-10", "hotcell-11", "hotcell-12", "hotcell-13", "hotcell-demo-3", "other"}
	put("hotcell-10", "thesis.tex")                                           // somebody's own
	put("hotcell-10", "hotcell")                                              // beside it
	put("hotcell-demo-3", "hotcell")                                          // another name
	put("other", "hotcell")                                                   // another name
	put("hotcell-11", "hotcell")                                              // runs, see below
	if err := os.Mkdir(filepath.Join(dir, "hotcell-12"), 0o755); err != nil { // empty: nobody knows whose
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(elsewhere, "hotcell"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, filepath.Join(dir, "hotcell-13")); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		put("hotcell-14", "hotcell") // another's
		if err := os.Chown(filepath.Join(dir, "hotcell-14"), 65534, 65534); err != nil {
			t.Fatal(err)
		}
		kept = append(kept, "hotcell-14")
	}
	running := filepath.Join(dir, "hotcell-11", "hotcell")
	if out, err := exec.Command("cp", "/bin/sleep", running).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := os.Chmod(running, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(running, "1000")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = cmd.Process.Kill(), cmd.Wait() }()
	if n := sweep(dir); n != 2 {
		t.Errorf("%d folders were removed, want 2", n)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, e := range entries {
		left = append(left, e.Name())
	}
	slices.Sort(kept)
	if !slices.Equal(left, kept) {
		t.Errorf("left: %q, want %q", left, kept)
	}
	if _, err := os.Stat(filepath.Join(elsewhere, "hotcell")); err != nil {
		t.Error("what a link led to is gone")
	}
}

func TestASealedFileCannotBeChanged(t *testing.T) {
	t.Parallel()
	f, err := sealedFile("test", []byte("certificates"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	again, err := os.OpenFile(fdPath(f), os.O_RDWR, 0)
	if err == nil {
		_, err = again.WriteString("others")
		_ = again.Close()
	}
	if err == nil {
		t.Error("it was written over")
	}
	if text, err := os.ReadFile(fdPath(f)); err != nil || string(text) != "certificates" {
		t.Errorf("%q, %v", text, err)
	}
}

func fdPath(f *os.File) string { return fmt.Sprintf("/proc/self/fd/%d", f.Fd()) }
