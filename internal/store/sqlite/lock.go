package sqlite

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"hotcell"
)

// lockFile takes the lock that keeps a second process out, or lets those in that
// share. The kernel lets go of it when the process ends, however it ends; the
// file stays.
func lockFile(path string, shared bool) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking database: %w", err)
	}
	how := unix.LOCK_EX
	if shared {
		how = unix.LOCK_SH
	}
	if err := unix.Flock(int(f.Fd()), how|unix.LOCK_NB); err != nil {
		err = errors.Join(err, f.Close())
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("%w: another hotcell serve uses this folder", hotcell.ErrConflict)
		}
		return nil, fmt.Errorf("locking database: %w", err)
	}
	return f, nil
}
