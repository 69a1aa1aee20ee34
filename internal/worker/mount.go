package worker

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"hotcell"
	"hotcell/internal/cell"
	"hotcell/internal/worker/gateway"
)

// furnish finds what the cell sees: its root, and the folders of the machine. Leave lets
// the root go.
func (r *run) furnish(door *gateway.Config) (leave func(), err error) {
	mounts, path, err := r.worker.mounts()
	if err != nil {
		return nil, err
	}
	r.mounts, door.Path = mounts, path
	if work := r.job.Work; work.Image != "" && !r.job.External {
		if r.root, err = r.worker.Images.Use(work.Image, work.ImageDigest); err != nil {
			return nil, err
		}
		if !r.root.Shell {
			r.root.Close()
			return nil, fmt.Errorf("%w: the image %s has no /bin/sh, which a command is given to: take one with a shell", hotcell.ErrInvalid, work.Image)
		}
		own := r.root.Settings.Path
		if own == nil {
			own = filepath.SplitList(cell.Path)
		}
		door.Path, door.Env = slices.Concat(own, path), r.root.Settings.Env
	}
	return r.root.Close, nil
}

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
