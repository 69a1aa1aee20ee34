package worker

import (
	"os"
	"path/filepath"

	"hotcell/internal/cell"
)

// mounts are the folders that cells see besides the machine's usual ones, and those of
// them that come first in the PATH.
func (w *Worker) mounts() (out []cell.Mount, path []string, err error) {
	installed, err := w.Toolchains.List()
	if err != nil {
		return nil, nil, err
	}
	for _, one := range installed {
		target, programs := one.Mount()
		out = append(out, cell.Mount{Source: one.Tree(), Target: target})
		path = append(path, programs)
	}
	for _, m := range w.Mounts {
		out = append(out, m)
		if info, err := os.Stat(filepath.Join(m.Source, "bin")); err == nil && info.IsDir() {
			path = append(path, filepath.Join(m.Target, "bin"))
		}
	}
	return out, path, nil
}
