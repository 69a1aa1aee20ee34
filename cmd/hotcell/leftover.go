//go:build linux

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
)

// runtimeFolder is how versions before this one called what they made in the folder for
// temporary files for each start, with a copy of the program in it.
var runtimeFolder = regexp.MustCompile(`^hotcell-[0-9]+$`)

// runtimeParts are what was in such a folder: what has anything else is no such folder.
var runtimeParts = map[string]bool{"hotcell": true, "worker": true, "certificates.pem": true, "connectors.json": true}

// sweep removes what earlier versions left behind when they were killed, whatever data
// folder they were for. It touches folders of this uid alone, follows no link, and
// leaves one in peace whose program runs.
func sweep(dir string) (removed int) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return 0
	}
	defer func() { _ = root.Close() }()
	folder, err := root.Open(".")
	if err != nil {
		return 0
	}
	defer func() { _ = folder.Close() }()
	names, _ := folder.Readdirnames(-1)
	for _, name := range names {
		if runtimeFolder.MatchString(name) && leftover(root, name) && !runs(filepath.Join(dir, name)) && root.RemoveAll(name) == nil {
			removed++
		}
	}
	return removed
}

// leftover says whether a folder is ours and has nothing in it but what such a folder had.
func leftover(root *os.Root, name string) bool {
	info, err := root.Lstat(name)
	if err != nil || !info.IsDir() {
		return false
	}
	if of, ok := info.Sys().(*syscall.Stat_t); !ok || int(of.Uid) != os.Geteuid() {
		return false
	}
	folder, err := root.Open(name)
	if err != nil {
		return false
	}
	defer func() { _ = folder.Close() }()
	names, err := folder.Readdirnames(-1)
	for _, n := range names {
		if !runtimeParts[n] {
			return false
		}
	}
	return err == nil && len(names) > 0
}

// runs says whether a process runs a program of the folder.
func runs(folder string) bool {
	processes, err := filepath.Glob("/proc/[0-9]*/exe")
	if err != nil {
		return true
	}
	for _, p := range processes {
		if program, err := os.Readlink(p); err == nil && strings.HasPrefix(program, folder+"/") {
			return true
		}
	}
	return false
}
