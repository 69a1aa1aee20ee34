package cell

import (
	"fmt"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"
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

// Where struct seccomp_data has what (seccomp(2)). Of an argument, the lower
// half is looked at: the kernel reads no more of those that are looked at here.
const (
	atNumber = 0
	atArch   = 4
	atFirst  = 16
)

func argument(n uint32) uint32 { return atFirst + 8*n }

// program is a classic BPF program under construction.
type program []unix.SockFilter

func (p *program) add(code uint16, yes, no uint8, k uint32) {
	*p = append(*p, unix.SockFilter{Code: code, Jt: yes, Jf: no, K: k})
}

func (p *program) load(offset uint32) { p.add(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, 0, 0, offset) }
func (p *program) end(action uint32)  { p.add(unix.BPF_RET|unix.BPF_K, 0, 0, action) }

// equal ends with action where what was loaded is k.
func (p *program) equal(k, action uint32) {
	p.add(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, 0, 1, k)
	p.end(action)
}

// above ends with action where what was loaded is k or more.
func (p *program) above(k, action uint32) {
	p.add(unix.BPF_JMP|unix.BPF_JGE|unix.BPF_K, 0, 1, k)
	p.end(action)
}

// within ends with action where what was loaded is from low to high.
func (p *program) within(low, high, action uint32) {
	p.add(unix.BPF_JMP|unix.BPF_JGE|unix.BPF_K, 0, 2, low)
	p.add(unix.BPF_JMP|unix.BPF_JGT|unix.BPF_K, 1, 0, high)
	p.end(action)
}

// call writes rules for one call; they end on every way.
func (p *program) call(number uint32, rules func(*program)) {
	var body program
	rules(&body)
	p.add(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, 0, uint8(len(body)), number)
	*p = append(*p, body...)
}

func refuse(errno unix.Errno) uint32 { return unix.SECCOMP_RET_ERRNO | uint32(errno) }

// filter is the allow-list of system calls. What it does not know answers
// EPERM, and what is newer than it ENOSYS, so that C libraries fall back.
func filter(of confinement) program {
	var p program
	p.load(atArch)
	p.add(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, 1, 0, auditArch)
	p.end(unix.SECCOMP_RET_KILL_PROCESS)
	p.load(atNumber)
	p.above(foreign, refuse(unix.EPERM))
	listed := slices.Sorted(slices.Values(slices.Concat(calls, nativeCalls)))
	for i := 0; i < len(listed); {
		last := i
		for last+1 < len(listed) && listed[last+1] <= listed[last]+1 {
			last++
		}
		p.within(listed[i], listed[last], unix.SECCOMP_RET_ALLOW)
		i = last + 1
	}
	if of == browsers {
		p.equal(unix.SYS_CHROOT, unix.SECCOMP_RET_ALLOW)
		p.call(unix.SYS_UNSHARE, func(p *program) { flags(p, namespaces&^unboxing) })
	}
	arguments(&p, of)
	p.above(max(listed[len(listed)-1], unix.SYS_MSEAL)+1, refuse(unix.ENOSYS))
	p.end(refuse(unix.EPERM))
	return p
}

// arguments holds the calls of which only some arguments are safe.
func arguments(p *program, of confinement) {
	// The flags of clone3 are in memory, out of a filter's sight: C libraries
	// fall back to clone when it is not there.
	p.equal(unix.SYS_CLONE3, refuse(unix.ENOSYS))
	p.call(unix.SYS_CLONE, func(p *program) {
		if of == browsers {
			flags(p, namespaces&^unboxing)
			return
		}
		flags(p, namespaces)
	})
	p.call(unix.SYS_IOCTL, func(p *program) {
		p.load(argument(1))
		p.equal(unix.TIOCSTI, refuse(unix.EPERM))
		p.equal(unix.TIOCLINUX, refuse(unix.EPERM))
		p.end(unix.SECCOMP_RET_ALLOW)
	})
	p.call(unix.SYS_PERSONALITY, func(p *program) {
		p.load(argument(0))
		for _, one := range personalities {
			p.equal(one, unix.SECCOMP_RET_ALLOW)
		}
		p.end(refuse(unix.EPERM))
	})
	p.call(unix.SYS_SOCKETPAIR, func(p *program) {
		p.load(argument(0))
		p.equal(unix.AF_UNIX, unix.SECCOMP_RET_ALLOW)
		p.end(refuse(unix.EAFNOSUPPORT))
	})
	p.call(unix.SYS_SOCKET, sockets)
}

// flags lets a call through whose first argument has none of those.
func flags(p *program, refused uint32) {
	p.load(argument(0))
	p.add(unix.BPF_JMP|unix.BPF_JSET|unix.BPF_K, 0, 1, refused)
	p.end(refuse(unix.EPERM))
	p.end(unix.SECCOMP_RET_ALLOW)
}

// sockets lets through unix and internet sockets, and netlink for routes, which
// getaddrinfo asks for addresses.
func sockets(p *program) {
	var internet, netlink program
	internet.load(argument(2))
	for _, one := range protocols {
		internet.equal(one, unix.SECCOMP_RET_ALLOW)
	}
	internet.end(refuse(unix.EPROTONOSUPPORT))
	netlink.load(argument(2))
	netlink.equal(unix.NETLINK_ROUTE, unix.SECCOMP_RET_ALLOW)
	netlink.end(refuse(unix.EPROTONOSUPPORT))

	p.load(argument(0))
	p.equal(unix.AF_UNIX, unix.SECCOMP_RET_ALLOW)
	// Each of these jumps over what is between it and its part.
	p.add(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, uint8(3+len(internet)), 0, unix.AF_NETLINK)
	p.add(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, 2, 0, unix.AF_INET)
	p.add(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, 1, 0, unix.AF_INET6)
	p.end(refuse(unix.EAFNOSUPPORT))
	*p = append(append(*p, internet...), netlink...)
}

// filterCalls installs the filter on the calling thread, and so on what that
// becomes.
func filterCalls(of confinement) error {
	f := filter(of)
	prog := unix.SockFprog{Len: uint16(len(f)), Filter: &f[0]}
	if _, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(&prog))); errno != 0 {
		return fmt.Errorf("setting the filter of system calls: %w", errno)
	}
	return nil
}
