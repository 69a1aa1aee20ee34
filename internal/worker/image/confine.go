package image

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"hotcell"
	"hotcell/internal/cell/seccomp"
	"hotcell/internal/line/border"
)

// UnpackCommand is the hidden command of a process that unpacks one image.
const UnpackCommand = "image-unpack"

// inside is where that process sees the tree: it sees nothing else.
const inside = "/tree"

// The limits of that process: memory beyond what it begins with, in bytes, and time of a
// processor, in seconds.
const (
	memory    = 1 << 30
	processor = 20 * 60
	openFiles = 512
)

// exitOpen is the exit code of a process that could not confine itself.
const exitOpen = 3

// UnpackMain is the process that unpacks: the image comes by its standard input, and what
// came of it goes to its standard output. It returns the exit code.
func UnpackMain() int {
	t, err := openTree(inside)
	if err != nil || confine() != nil {
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

// confine leaves this process what it takes to read, to compute, and to make files,
// folders and links: it starts and reaches nothing, and makes no device, no pipe, and no
// program that would run as another.
func confine() error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	debug.SetMaxStack(64 << 20)
	os.Clearenv()
	unix.Umask(0o022)
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("giving up new privileges: %w", err)
	}
	now, err := mapped()
	if err != nil {
		return err
	}
	for _, limit := range []struct {
		of   int
		most uint64
	}{{unix.RLIMIT_CORE, 0}, {unix.RLIMIT_CPU, processor}, {unix.RLIMIT_NOFILE, openFiles}, {unix.RLIMIT_AS, now + memory}} {
		if err := unix.Setrlimit(limit.of, &unix.Rlimit{Cur: limit.most, Max: limit.most}); err != nil {
			return fmt.Errorf("setting a limit: %w", err)
		}
	}
	p := filter(uint32(os.Getpid()))
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

// calls are what a Go program makes that computes, and what it takes to fill a folder.
var calls = []uint32{
	unix.SYS_READ, unix.SYS_WRITE, unix.SYS_CLOSE, unix.SYS_FCNTL, unix.SYS_FSTAT, unix.SYS_LSEEK,
	unix.SYS_MMAP, unix.SYS_MUNMAP, unix.SYS_MPROTECT, unix.SYS_MADVISE, unix.SYS_MINCORE, unix.SYS_BRK,
	unix.SYS_FUTEX, unix.SYS_NANOSLEEP, unix.SYS_CLOCK_GETTIME, unix.SYS_CLOCK_NANOSLEEP, unix.SYS_GETTIMEOFDAY,
	unix.SYS_SCHED_YIELD, unix.SYS_SCHED_GETAFFINITY, unix.SYS_GETPID, unix.SYS_GETTID, unix.SYS_GETRANDOM,
	unix.SYS_RT_SIGACTION, unix.SYS_RT_SIGPROCMASK, unix.SYS_RT_SIGRETURN, unix.SYS_SIGALTSTACK, unix.SYS_RESTART_SYSCALL,
	unix.SYS_SET_ROBUST_LIST, unix.SYS_RSEQ, unix.SYS_SET_TID_ADDRESS, unix.SYS_EXIT, unix.SYS_EXIT_GROUP,
	unix.SYS_EPOLL_CREATE1, unix.SYS_EPOLL_CTL, unix.SYS_EPOLL_PWAIT, unix.SYS_EVENTFD2,
	unix.SYS_OPENAT, unix.SYS_OPENAT2, unix.SYS_NEWFSTATAT, unix.SYS_GETDENTS64,
	unix.SYS_MKDIRAT, unix.SYS_UNLINKAT, unix.SYS_SYMLINKAT, unix.SYS_LINKAT, unix.SYS_UTIMENSAT,
}

// filter is the allow-list of system calls for the process with that id. All else
// answers EPERM.
func filter(pid uint32) seccomp.Program {
	p := seccomp.Begin()
	for _, number := range slices.Concat(calls, nativeCalls) {
		p.Equal(number, unix.SECCOMP_RET_ALLOW)
	}
	// Threads, and no processes.
	p.Equal(unix.SYS_CLONE3, seccomp.Refuse(unix.ENOSYS))
	p.Call(unix.SYS_CLONE, func(p *seccomp.Program) {
		p.Load(seccomp.Argument(0))
		p.Add(unix.BPF_JMP|unix.BPF_JSET|unix.BPF_K, 1, 0, unix.CLONE_THREAD)
		p.End(seccomp.Refuse(unix.EPERM))
		p.End(unix.SECCOMP_RET_ALLOW)
	})
	// Go interrupts its own threads by signals.
	p.Call(unix.SYS_TGKILL, func(p *seccomp.Program) {
		p.Load(seccomp.Argument(0))
		p.Equal(pid, unix.SECCOMP_RET_ALLOW)
		p.End(seccomp.Refuse(unix.EPERM))
	})
	p.End(seccomp.Refuse(unix.EPERM))
	return p
}
