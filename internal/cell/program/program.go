// Package program carries the first program of a job's cell, hotcell-init, inside this one:
// what is delivered is one file, and a cell still starts nothing of the product but that.
// A binary that was built without it, by a plain go build, has none to give, and is the
// first program of its cells itself. scripts/build.sh builds it in.
//
//	init, err := program.Open()
//	driver := cell.NewBubblewrap(cell.Options{Binary: cell.Self, Init: init, …})
package program

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Open unpacks the program into memory that nobody can write to any more, for cells to
// be started from; nil where there is none. All cells share what of it they only read.
func Open() (*os.File, error) {
	if len(packed) == 0 {
		return nil, nil //nolint:nilnil // a binary without it
	}
	f, err := unpack()
	if err != nil {
		return nil, fmt.Errorf("unpacking the first program of cells: %w", err)
	}
	return f, nil
}

func unpack() (*os.File, error) {
	const flags = unix.MFD_CLOEXEC | unix.MFD_ALLOW_SEALING
	fd, err := unix.MemfdCreate("hotcell-init", flags|unix.MFD_EXEC)
	if errors.Is(err, unix.EINVAL) { // a kernel before 6.3, where all may be executed
		fd, err = unix.MemfdCreate("hotcell-init", flags)
	}
	if err != nil {
		return nil, err
	}
	written := os.NewFile(uintptr(fd), "hotcell-init")
	defer func() { _ = written.Close() }()
	from, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	if _, err := io.Copy(written, from); err != nil { //nolint:gosec // it is our own
		return nil, err
	}
	const seals = unix.F_SEAL_WRITE | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_SEAL
	_, err = unix.FcntlInt(written.Fd(), unix.F_ADD_SEALS, seals)
	if err := errors.Join(err, written.Chmod(0o555)); err != nil {
		return nil, err
	}
	// Opened anew for reading: what is open for writing cannot be executed.
	return os.Open("/proc/self/fd/" + strconv.Itoa(fd))
}
