package seccomp

import (
	"slices"

	"golang.org/x/sys/unix"
)

// computing are the calls of a Go program that computes, and reads and writes what it has
// open.
var computing = []uint32{
	unix.SYS_READ, unix.SYS_WRITE, unix.SYS_CLOSE, unix.SYS_FCNTL, unix.SYS_FSTAT,
	unix.SYS_MMAP, unix.SYS_MUNMAP, unix.SYS_MPROTECT, unix.SYS_MADVISE, unix.SYS_MINCORE, unix.SYS_BRK,
	unix.SYS_FUTEX, unix.SYS_NANOSLEEP, unix.SYS_CLOCK_GETTIME, unix.SYS_CLOCK_NANOSLEEP, unix.SYS_GETTIMEOFDAY,
	unix.SYS_SCHED_YIELD, unix.SYS_SCHED_GETAFFINITY, unix.SYS_GETPID, unix.SYS_GETTID, unix.SYS_GETRANDOM,
	unix.SYS_RT_SIGACTION, unix.SYS_RT_SIGPROCMASK, unix.SYS_RT_SIGRETURN, unix.SYS_SIGALTSTACK, unix.SYS_RESTART_SYSCALL,
	unix.SYS_SET_ROBUST_LIST, unix.SYS_RSEQ, unix.SYS_SET_TID_ADDRESS, unix.SYS_EXIT, unix.SYS_EXIT_GROUP,
	unix.SYS_EPOLL_CREATE1, unix.SYS_EPOLL_CTL, unix.SYS_EPOLL_PWAIT, unix.SYS_EVENTFD2,
}

// Computing is an allow-list of calls for such a program with that process id, and more.
// It has threads, and starts no processes. All else answers EPERM.
func Computing(pid uint32, more ...uint32) Program {
	p := Begin()
	for _, number := range slices.Concat(computing, native, more) {
		p.Equal(number, unix.SECCOMP_RET_ALLOW)
	}
	p.Equal(unix.SYS_CLONE3, Refuse(unix.ENOSYS))
	p.Call(unix.SYS_CLONE, func(p *Program) {
		p.Load(Argument(0))
		p.Add(unix.BPF_JMP|unix.BPF_JSET|unix.BPF_K, 1, 0, unix.CLONE_THREAD)
		p.End(Refuse(unix.EPERM))
		p.End(unix.SECCOMP_RET_ALLOW)
	})
	// Go interrupts its own threads by signals.
	p.Call(unix.SYS_TGKILL, func(p *Program) {
		p.Load(Argument(0))
		p.Equal(pid, unix.SECCOMP_RET_ALLOW)
		p.End(Refuse(unix.EPERM))
	})
	p.End(Refuse(unix.EPERM))
	return p
}
