package config

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"hotcell"
)

// Mount is a folder of the machine, and where cells see it.
type Mount struct{ Source, Target string }

// tops are where cells may see folders of the machine: all else is theirs, or there
// already.
var tops = []string{"/opt", "/srv", "/nix"}

// ParseMount reads FOLDER, or FOLDER:TARGET as cells see it.
func ParseMount(text string) (m Mount, ok bool) {
	source, target, given := strings.Cut(text, ":")
	if !given {
		target = source
	}
	whole := func(path string) bool { return filepath.IsAbs(path) && filepath.Clean(path) == path && path != "/" }
	ok = whole(source) && whole(target) && slices.ContainsFunc(tops, func(top string) bool { return target != top && Within(target, top) })
	return Mount{source, target}, ok
}

func (c Cells) check() error {
	for i, text := range c.Mounts {
		if _, ok := ParseMount(text); !ok {
			return hotcell.Invalid(fmt.Sprintf("/cells/mounts/%d", i), "write a folder below /opt, /srv or /nix, such as /opt/python3.13, or FOLDER:/opt/NAME for another")
		}
	}
	if c.Toolchains != "" && !filepath.IsAbs(c.Toolchains) {
		return hotcell.Invalid("/cells/toolchains", "write a folder's whole path")
	}
	if c.Images != "" && !filepath.IsAbs(c.Images) {
		return hotcell.Invalid("/cells/images", "write a folder's whole path")
	}
	return nil
}

// Within says whether a path is a folder's, or the folder itself.
func Within(path, folder string) bool {
	return path == folder || strings.HasPrefix(path, strings.TrimRight(folder, "/")+"/")
}
