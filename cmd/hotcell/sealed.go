//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// sealedFile is a file in memory that nobody can change and no folder has: the parts of
// the server inherit it, so that there is no name under which another could be put.
func sealedFile(name string, text []byte) (*os.File, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, fmt.Errorf("keeping %s in memory: %w", name, err)
	}
	f := os.NewFile(uintptr(fd), name)
	_, err = f.Write(text)
	if err := errors.Join(err, f.Chmod(0o444)); err != nil {
		return nil, errors.Join(fmt.Errorf("keeping %s in memory: %w", name, err), f.Close())
	}
	if _, err := unix.FcntlInt(f.Fd(), unix.F_ADD_SEALS, unix.F_SEAL_WRITE|unix.F_SEAL_GROW|unix.F_SEAL_SHRINK|unix.F_SEAL_SEAL); err != nil {
		return nil, errors.Join(fmt.Errorf("keeping %s in memory: %w", name, err), f.Close())
	}
	return f, nil
}
