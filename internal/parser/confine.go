package parser

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"hotcell/internal/cell/seccomp"
)

// The limits of a process that reads: memory beyond what it begins with, in bytes, and
// time of a processor, in seconds.
const (
	memory    = 1 << 30
	processor = 15
)

// confine leaves this process what it takes to wait for its line, to compute and to
// answer: it opens, starts and reaches nothing any more.
func confine() error {
	// That nothing is gained any more is said of one thread, which puts the filter on all.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	os.Clearenv()
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("closing the process to tracing: %w", err)
	}
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
	}{{unix.RLIMIT_CORE, 0}, {unix.RLIMIT_FSIZE, 0}, {unix.RLIMIT_CPU, processor}, {unix.RLIMIT_NOFILE, 16}, {unix.RLIMIT_AS, now + memory}} {
		if err := unix.Setrlimit(limit.of, &unix.Rlimit{Cur: limit.most, Max: limit.most}); err != nil {
			return fmt.Errorf("setting a limit: %w", err)
		}
	}
	return restrict(unix.SYS_RECVMSG, unix.SYS_SECCOMP)
}

// restrict leaves this process the calls of one that reads, and more for now.
func restrict(more ...uint32) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	p := filter(uint32(os.Getpid()), more...)
	return p.Install(unix.SECCOMP_FILTER_FLAG_TSYNC)
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
	if err := restrict(); err != nil {
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

// mapped is how much address space the process has, in bytes. It is much more than it
// uses: Go reserves some, and a race detector a great deal.
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

// calls are what a Go program makes that computes, and reads and writes what it has
// open.
var calls = []uint32{
	unix.SYS_READ, unix.SYS_WRITE, unix.SYS_CLOSE, unix.SYS_SHUTDOWN, unix.SYS_FCNTL, unix.SYS_FSTAT,
	unix.SYS_MMAP, unix.SYS_MUNMAP, unix.SYS_MPROTECT, unix.SYS_MADVISE, unix.SYS_MINCORE, unix.SYS_BRK,
	unix.SYS_FUTEX, unix.SYS_NANOSLEEP, unix.SYS_CLOCK_GETTIME, unix.SYS_CLOCK_NANOSLEEP, unix.SYS_GETTIMEOFDAY,
	unix.SYS_SCHED_YIELD, unix.SYS_SCHED_GETAFFINITY, unix.SYS_GETPID, unix.SYS_GETTID, unix.SYS_GETRANDOM,
	unix.SYS_RT_SIGACTION, unix.SYS_RT_SIGPROCMASK, unix.SYS_RT_SIGRETURN, unix.SYS_SIGALTSTACK, unix.SYS_RESTART_SYSCALL,
	unix.SYS_SET_ROBUST_LIST, unix.SYS_RSEQ, unix.SYS_SET_TID_ADDRESS, unix.SYS_EXIT, unix.SYS_EXIT_GROUP,
	unix.SYS_EPOLL_CREATE1, unix.SYS_EPOLL_CTL, unix.SYS_EPOLL_PWAIT, unix.SYS_EVENTFD2,
}

// filter is the allow-list of system calls for the process with that id, and more. All
// else answers EPERM.
func filter(pid uint32, more ...uint32) seccomp.Program {
	p := seccomp.Begin()
	for _, number := range slices.Concat(calls, nativeCalls, more) {
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
