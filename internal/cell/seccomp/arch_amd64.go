package seccomp

import "golang.org/x/sys/unix"

const (
	// Arch is this architecture, as the kernel names it.
	Arch = unix.AUDIT_ARCH_X86_64
	// Foreign is where the numbers of another binary interface begin: x32 counts
	// from here under the same architecture.
	Foreign = 0x40000000
)
