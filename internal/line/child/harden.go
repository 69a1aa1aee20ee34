package child

import (
	"context"
	"fmt"
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"hotcell/internal/line/border"
)

// Harden makes this process hard to look into: it leaves no core dump, others
// of its uid can neither trace it nor read its memory, and where the limit
// allows all of it, its memory is never swapped out. It is called first.
func Harden() error {
	os.Clearenv()
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("closing the process to tracing: %w", err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("turning core dumps off: %w", err)
	}
	if err := giveUpPrivileges(); err != nil {
		return fmt.Errorf("giving up new privileges: %w", err)
	}
	if LocksMemory() {
		if err := unix.Mlockall(unix.MCL_CURRENT | unix.MCL_FUTURE); err != nil {
			return fmt.Errorf("locking memory: %w", err)
		}
	}
	return nil
}

// giveUpPrivileges has no thread of this process, and nothing that one would start, gain
// privileges by a program's bits. A program with C in it, as under the race detector, has
// threads that Go does not know: there it is this thread, and those that it starts.
func giveUpPrivileges() error {
	switch _, _, errno := syscall.AllThreadsSyscall(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0); errno {
	case 0:
		return nil
	case syscall.ENOTSUP:
		return unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
	default:
		return errno
	}
}

// HardenWorker is [Harden] for a process that starts others and holds no value:
// it leaves its children able to gain what a cell's making needs.
func HardenWorker() error {
	os.Clearenv()
	//nolint:forbidigo // this process has just lost its whole environment, and looks programs up
	if err := os.Setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"); err != nil {
		return err
	}
	return unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
}

// LocksMemory says whether RLIMIT_MEMLOCK lets a process lock all its memory.
// With a lower limit the Go heap would run into it and end the process.
func LocksMemory() bool {
	var limit unix.Rlimit
	return unix.Getrlimit(unix.RLIMIT_MEMLOCK, &limit) == nil && limit.Cur == unix.RLIM_INFINITY
}

// Leashed returns a context that ends when the parent lets go of this process,
// or dies.
func Leashed(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	border.Go("the leash", border.Silent, func() {
		defer cancel()
		_, _ = io.Copy(io.Discard, os.Stdin)
	})
	return ctx
}

// Own keeps what this process inherited from those that it starts.
func Own() error {
	if err := unix.CloseRange(3, ^uint(0), unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return fmt.Errorf("keeping descriptors back: %w", err)
	}
	return nil
}

// Inherited is the path by which a child opens the n-th of what it inherited, from 0.
// It leads to the file itself, whatever its name and whoever may pass its folders.
func Inherited(n int) string { return fmt.Sprintf("/proc/self/fd/%d", 3+n) }

// Line is the n-th inherited line, from 0.
func Line(n int) *os.File {
	fd := uintptr(3 + n)
	unix.CloseOnExec(int(fd))
	return os.NewFile(fd, fmt.Sprintf("line %d", n))
}
