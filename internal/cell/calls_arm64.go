package cell

import "golang.org/x/sys/unix"

const (
	auditArch = unix.AUDIT_ARCH_AARCH64
	// foreign is where the numbers of another binary interface begin; none does.
	foreign = 0xffffffff
)

// nativeCalls are those of this architecture alone.
var nativeCalls = []uint32{}
