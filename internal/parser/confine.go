package parser

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"hotcell/internal/cell/confine"
)

// bounds are those of a process that reads: a GiB beyond what it begins with, and 15 s.
var bounds = confine.Bounds{Memory: 1 << 30, Processor: 15, Files: 16}

// closeOff leaves this process what it takes to wait for its line, to compute and to
// answer: it opens, starts and reaches nothing any more.
func closeOff() error {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("closing the process to tracing: %w", err)
	}
	return confine.Process(bounds, unix.SYS_SHUTDOWN, unix.SYS_RECVMSG, unix.SYS_SECCOMP)
}

// line waits for the line that this process is to answer on, which comes over its
// standard input, and gives up what that took: no other comes. It is nil where nobody
// needs the process any more.
func line() (*os.File, error) {
	rights := make([]byte, unix.CmsgSpace(4))
	var n int
	for {
		var err error
		if _, n, _, _, err = unix.Recvmsg(0, make([]byte, 1), rights, unix.MSG_CMSG_CLOEXEC); err == nil {
			break
		}
		if !errors.Is(err, unix.EINTR) {
			return nil, fmt.Errorf("waiting for a line: %w", err)
		}
	}
	if err := confine.Calls(unix.SYS_SHUTDOWN); err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, nil //nolint:nilnil // nobody came
	}
	all, err := unix.ParseSocketControlMessage(rights[:n])
	if err != nil || len(all) != 1 {
		return nil, errors.New("waiting for a line: another message came")
	}
	fds, err := unix.ParseUnixRights(&all[0])
	if err != nil || len(fds) != 1 {
		return nil, errors.New("waiting for a line: another message came")
	}
	return os.NewFile(uintptr(fds[0]), "line"), nil
}
