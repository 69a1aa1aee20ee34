package parser

import "golang.org/x/sys/unix"

// nativeCalls are those of this architecture alone.
var nativeCalls = []uint32{unix.SYS_ARCH_PRCTL, unix.SYS_EPOLL_WAIT}
