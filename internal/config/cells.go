package config

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"hotcell"
)

// ofCells are folders that are a cell's own, or that it has already: nothing of the
// machine is mounted over them, or holds them.
var ofCells = []string{"/proc", "/sys", "/dev", "/etc", "/run", "/tmp", "/job", "/home/job", "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/opt/hotcell"}

func (c Cells) check() error {
	for i, folder := range c.Mounts {
		switch {
		case !filepath.IsAbs(folder) || filepath.Clean(folder) != folder:
			return hotcell.Invalid(fmt.Sprintf("/cells/mounts/%d", i), "write a folder's whole path, such as /opt/python3.13")
		case slices.ContainsFunc(ofCells, func(own string) bool { return Within(own, folder) || Within(folder, own) }):
			return hotcell.Invalid(fmt.Sprintf("/cells/mounts/%d", i), "%s is a folder of the cell's own", folder)
		}
	}
	if c.Toolchains != "" && !filepath.IsAbs(c.Toolchains) {
		return hotcell.Invalid("/cells/toolchains", "write a folder's whole path")
	}
	return nil
}

// Within says whether a path is a folder's, or the folder itself.
func Within(path, folder string) bool {
	return path == folder || strings.HasPrefix(path, strings.TrimRight(folder, "/")+"/")
}
