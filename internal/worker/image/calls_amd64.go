package image

import "golang.org/x/sys/unix"

// nativeCalls are those of this architecture alone.
var nativeCalls = []uint32{unix.SYS_EPOLL_WAIT, unix.SYS_EPOLL_CREATE, unix.SYS_ARCH_PRCTL}
