package test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hotcell/hotcelltest"
)

// openFolder is a folder that all users of the machine can read, as one of tools is.
func openFolder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "hotcell-test-")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// TestCellsSeeWhatTheOperatorMounts runs a program of a mounted folder by its name, and
// tries to change the folder.
func TestCellsSeeWhatTheOperatorMounts(t *testing.T) {
	t.Parallel()
	dir := openFolder(t)
	if err := os.Mkdir(filepath.Join(dir, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "bin", "greet"), []byte("#!/bin/sh\necho hello from $0\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	s := hotcelltest.Start(t, fmt.Sprintf("cells: {mounts: [%q]}\n", dir+":/opt/tools"))
	s.OK("assignments", "create", "tools", "--command", "greet; touch /opt/tools/more || touch /opt/more || echo > /opt/tools/bin/greet; ls /opt/tools /opt/tools/bin")
	if r := s.Run("run", "tools"); r.Code != 0 || !strings.Contains(r.Out, "hello from /opt/tools/bin/greet") || strings.Contains(r.Out, "more\n") {
		t.Errorf("%+v", r)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "bin", "greet")); err != nil || !strings.Contains(string(text), "hello") {
		t.Errorf("the program says %q: %v", text, err)
	}
}

// TestNoMountShowsTheServersData has an operator mount what holds the data folder, or
// lies in it, by its own name and by a link.
func TestNoMountShowsTheServersData(t *testing.T) {
	t.Parallel()
	dir := openFolder(t)
	link := filepath.Join(openFolder(t), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	s := hotcelltest.StartIn(t, "", dir)
	s.Stop()
	for _, folder := range []string{dir, link, filepath.Join(dir, "data"), filepath.Join(link, "data")} {
		if err := os.WriteFile(filepath.Join(dir, "hotcell.yaml"), fmt.Appendf(nil, "cells: {mounts: [%q]}\n", folder+":/opt/all"), 0o600); err != nil {
			t.Fatal(err)
		}
		if said, code := s.Refused(); code == 0 || !strings.Contains(said, "the server's own data") {
			t.Errorf("%s: %d %s", folder, code, said)
		}
	}
}
