package seccomp

import "golang.org/x/sys/unix"

const (
	// Arch is this architecture, as the kernel names it.
	Arch = unix.AUDIT_ARCH_X86_64
	// Foreign is where the numbers of another binary interface begin: x32 counts
	// from here under the same architecture.
	Foreign = 0x40000000
)

// native are calls of a Go program that this architecture alone has.
var native = []uint32{unix.SYS_ARCH_PRCTL, unix.SYS_EPOLL_WAIT}
