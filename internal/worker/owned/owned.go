// Package owned says whether a folder is one in which only root, or who runs this
// process, can write: what is in it may get into cells then.
//
// It looks at the folder itself, and not at what is in it. One way to use it:
//
//	err := owned.Folder{Path: "/opt/hotcell", Use: "so what is in it does not get into cells"}.Check()
package owned

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"hotcell"
)

// Folder is one that is looked at.
type Folder struct {
	Path string
	// Vouched is true where whoever started this process has checked whose it is: in a
	// user namespace nobody can tell.
	Vouched bool
	// Use ends the sentence of a refusal: what does not happen.
	Use string
}

// Check says why others can write to it.
func (f Folder) Check() error {
	info, err := os.Lstat(f.Path)
	if err != nil {
		return err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !info.IsDir() || !ok:
		return fmt.Errorf("%w: %s is no folder", hotcell.ErrInvalid, f.Path)
	case !f.Vouched && stat.Uid != 0 && int(stat.Uid) != os.Geteuid(), info.Mode().Perm()&0o022 != 0:
		return fmt.Errorf("%w: others can write to %s, %s", hotcell.ErrDenied, f.Path, f.Use)
	}
	return nil
}

// CheckWay is Check of the folder or, where it is not there yet, of the nearest one above
// it: who can write there could make it.
func (f Folder) CheckWay() error {
	for f.Path = filepath.Clean(f.Path); ; f.Path = filepath.Dir(f.Path) {
		err := f.Check()
		if !errors.Is(err, fs.ErrNotExist) || f.Path == "/" {
			return err
		}
	}
}
