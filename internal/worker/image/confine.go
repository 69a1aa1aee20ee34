package image

import (
	"encoding/json"
	"errors"
	"os"
	"runtime/debug"

	"golang.org/x/sys/unix"

	"hotcell"
	"hotcell/internal/cell/confine"
	"hotcell/internal/line/border"
)

// UnpackCommand is the hidden command of a process that unpacks one image.
const UnpackCommand = "image-unpack"

// inside is where that process sees the tree: it sees nothing else.
const inside = "/tree"

// exitOpen is the exit code of a process that could not confine itself.
const exitOpen = 3

// UnpackMain is the process that unpacks: the image comes by its standard input, and what
// came of it goes to its standard output. It returns the exit code.
func UnpackMain() int {
	t, err := openTree(inside)
	if err != nil || closeOff() != nil {
		return exitOpen
	}
	var out report
	err = border.Run("unpacking an image", func() (err error) {
		out, err = unpack(t, os.Stdin)
		return err
	})
	switch {
	case errors.Is(err, hotcell.ErrInvalid), errors.Is(err, hotcell.ErrTampered):
		out = report{Refused: err.Error()}
	case err != nil:
		out = report{Fault: err.Error()}
	}
	text, err := json.Marshal(out)
	if err == nil {
		_, err = os.Stdout.Write(text)
	}
	if err != nil {
		return 1
	}
	return 0
}

// bounds are those of a process that unpacks: a GiB beyond what it begins with, and 20
// minutes of a processor.
var bounds = confine.Bounds{Memory: 1 << 30, Processor: 20 * 60, Files: 512, Writes: true}

// closeOff leaves this process what it takes to read, to compute, and to make files,
// folders and links: it starts and reaches nothing, and makes no device, no pipe, and no
// program that would run as another.
func closeOff() error {
	debug.SetMaxStack(64 << 20)
	unix.Umask(0o022)
	return confine.Process(bounds, unix.SYS_LSEEK, unix.SYS_OPENAT, unix.SYS_OPENAT2, unix.SYS_NEWFSTATAT, unix.SYS_GETDENTS64,
		unix.SYS_MKDIRAT, unix.SYS_UNLINKAT, unix.SYS_SYMLINKAT, unix.SYS_LINKAT, unix.SYS_UTIMENSAT)
}
