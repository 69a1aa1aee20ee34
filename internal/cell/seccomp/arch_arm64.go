package seccomp

import "golang.org/x/sys/unix"

const (
	// Arch is this architecture, as the kernel names it.
	Arch = unix.AUDIT_ARCH_AARCH64
	// Foreign is where the numbers of another binary interface begin; none does.
	Foreign = 0xffffffff
)

// native are calls of a Go program that this architecture alone has.
var native = []uint32{}
