// Package confine leaves a process of ours that reads what strangers wrote what it takes
// to compute, and no more: it starts and reaches nothing, and has bounds.
//
// It does not hide what the process can already see or has open: whoever starts it does.
// One way to use it, first of all in a process that was started for this:
//
//	err := confine.Process(confine.Bounds{Memory: 1 << 30, Processor: 15, Files: 16})
package confine

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"hotcell/internal/cell/seccomp"
)

// Bounds are the limits of a process (setrlimit(2)).
type Bounds struct {
	// Memory is address space beyond what it has now, in bytes, Processor its time on
	// one, in seconds, Files how many it may have open.
	Memory, Processor, Files uint64
	// Writes lets it write into files.
	Writes bool
}

// Process gives up what the process has from its start, the environment and new
// privileges, sets its bounds, and leaves it the calls of a program that computes, and
// more. No other thread of it keeps any other.
func Process(b Bounds, more ...uint32) error {
	// That nothing is gained any more is said of one thread, which puts the filter on all.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	os.Clearenv()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("giving up new privileges: %w", err)
	}
	now, err := mapped()
	if err != nil {
		return err
	}
	limits := []struct {
		of   int
		most uint64
	}{{unix.RLIMIT_CORE, 0}, {unix.RLIMIT_CPU, b.Processor}, {unix.RLIMIT_NOFILE, b.Files}, {unix.RLIMIT_AS, now + b.Memory}, {unix.RLIMIT_FSIZE, 0}}
	if b.Writes {
		limits = limits[:len(limits)-1]
	}
	for _, limit := range limits {
		if err := unix.Setrlimit(limit.of, &unix.Rlimit{Cur: limit.most, Max: limit.most}); err != nil {
			return fmt.Errorf("setting a limit: %w", err)
		}
	}
	return Calls(more...)
}

// Calls leaves the process the calls of a program that computes, and more. It can be said
// again, to leave fewer, where SYS_SECCOMP was left.
func Calls(more ...uint32) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	p := seccomp.Computing(uint32(os.Getpid()), more...)
	return p.Install(unix.SECCOMP_FILTER_FLAG_TSYNC)
}

// mapped is how much address space the process has, in bytes.
func mapped() (uint64, error) {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, fmt.Errorf("looking at the process's size: %w", err)
	}
	first, _, _ := strings.Cut(string(text), " ")
	pages, err := strconv.ParseUint(first, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("looking at the process's size: %w", err)
	}
	return pages * uint64(os.Getpagesize()), nil
}
