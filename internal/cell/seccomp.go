package cell

import (
	"slices"

	"golang.org/x/sys/unix"

	"hotcell/internal/cell/seccomp"
)

// namespaces are the flags of clone(2) that make namespaces, and unboxing those
// of them that a browser confines its own processes with.
const unboxing = unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNET

const namespaces = unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNET

// personalities are the execution domains of plain programs (personality(2)).
var personalities = []uint32{0, 8, 0x20000, 0x20008, 0xffffffff}

// protocols are what internet sockets may speak: whatever the type says, ICMP,
// TCP, UDP, ICMPv6. The kernel would load a module for many others.
var protocols = []uint32{0, unix.IPPROTO_ICMP, unix.IPPROTO_TCP, unix.IPPROTO_UDP, unix.IPPROTO_ICMPV6}

// filter is the allow-list of system calls. What it does not know answers
// EPERM, and what is newer than it ENOSYS, so that C libraries fall back.
func filter(of confinement) seccomp.Program {
	p := seccomp.Begin()
	listed := slices.Sorted(slices.Values(slices.Concat(calls, nativeCalls)))
	for i := 0; i < len(listed); {
		last := i
		for last+1 < len(listed) && listed[last+1] <= listed[last]+1 {
			last++
		}
		p.Within(listed[i], listed[last], unix.SECCOMP_RET_ALLOW)
		i = last + 1
	}
	if of == browsers {
		p.Equal(unix.SYS_CHROOT, unix.SECCOMP_RET_ALLOW)
		p.Call(unix.SYS_UNSHARE, func(p *seccomp.Program) { flags(p, namespaces&^unboxing) })
	}
	arguments(&p, of)
	p.Above(max(listed[len(listed)-1], unix.SYS_MSEAL)+1, seccomp.Refuse(unix.ENOSYS))
	p.End(seccomp.Refuse(unix.EPERM))
	return p
}

// arguments holds the calls of which only some arguments are safe.
func arguments(p *seccomp.Program, of confinement) {
	// The flags of clone3 are in memory, out of a filter's sight: C libraries
	// fall back to clone when it is not there.
	p.Equal(unix.SYS_CLONE3, seccomp.Refuse(unix.ENOSYS))
	p.Call(unix.SYS_CLONE, func(p *seccomp.Program) {
		if of == browsers {
			flags(p, namespaces&^unboxing)
			return
		}
		flags(p, namespaces)
	})
	p.Call(unix.SYS_IOCTL, func(p *seccomp.Program) {
		p.Load(seccomp.Argument(1))
		p.Equal(unix.TIOCSTI, seccomp.Refuse(unix.EPERM))
		p.Equal(unix.TIOCLINUX, seccomp.Refuse(unix.EPERM))
		p.End(unix.SECCOMP_RET_ALLOW)
	})
	p.Call(unix.SYS_PERSONALITY, func(p *seccomp.Program) {
		p.Load(seccomp.Argument(0))
		for _, one := range personalities {
			p.Equal(one, unix.SECCOMP_RET_ALLOW)
		}
		p.End(seccomp.Refuse(unix.EPERM))
	})
	p.Call(unix.SYS_SOCKETPAIR, func(p *seccomp.Program) {
		p.Load(seccomp.Argument(0))
		p.Equal(unix.AF_UNIX, unix.SECCOMP_RET_ALLOW)
		p.End(seccomp.Refuse(unix.EAFNOSUPPORT))
	})
	p.Call(unix.SYS_SOCKET, sockets)
}

// flags lets a call through whose first argument has none of those.
func flags(p *seccomp.Program, refused uint32) {
	p.Load(seccomp.Argument(0))
	p.Add(unix.BPF_JMP|unix.BPF_JSET|unix.BPF_K, 0, 1, refused)
	p.End(seccomp.Refuse(unix.EPERM))
	p.End(unix.SECCOMP_RET_ALLOW)
}

// sockets lets through unix and internet sockets, and netlink for routes, which
// getaddrinfo asks for addresses.
func sockets(p *seccomp.Program) {
	var internet, netlink seccomp.Program
	internet.Load(seccomp.Argument(2))
	for _, one := range protocols {
		internet.Equal(one, unix.SECCOMP_RET_ALLOW)
	}
	internet.End(seccomp.Refuse(unix.EPROTONOSUPPORT))
	netlink.Load(seccomp.Argument(2))
	netlink.Equal(unix.NETLINK_ROUTE, unix.SECCOMP_RET_ALLOW)
	netlink.End(seccomp.Refuse(unix.EPROTONOSUPPORT))

	p.Load(seccomp.Argument(0))
	p.Equal(unix.AF_UNIX, unix.SECCOMP_RET_ALLOW)
	// Each of these jumps over what is between it and its part.
	p.Add(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, uint8(3+len(internet)), 0, unix.AF_NETLINK)
	p.Add(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, 2, 0, unix.AF_INET)
	p.Add(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, 1, 0, unix.AF_INET6)
	p.End(seccomp.Refuse(unix.EAFNOSUPPORT))
	*p = append(append(*p, internet...), netlink...)
}

// filterCalls installs the filter on the calling thread, and so on what that
// becomes.
func filterCalls(of confinement) error {
	f := filter(of)
	return f.Install(0)
}
