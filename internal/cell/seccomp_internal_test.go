package cell

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/elastic/go-seccomp-bpf/arch"
	profile "github.com/moby/profiles/seccomp"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"hotcell/internal/cell/seccomp"
)

// forbidden are calls of the base profile that no job needs, or that are let
// through with some arguments only.
var forbidden = []string{
	"adjtimex", "clock_adjtime", "fanotify_mark", "ioctl", "kcmp", "listmount", "modify_ldt", "name_to_handle_at", "pidfd_getfd",
	"process_madvise", "process_vm_readv", "process_vm_writev", "ptrace", "clone", "clone3", "personality", "socket", "socketcall",
	"socketpair", "statmount",
}

// verdict runs the filter on one call.
func verdict(t *testing.T, arch, number uint32, args ...uint64) uint32 {
	t.Helper()
	var raw []bpf.RawInstruction
	for _, one := range filter(jobs) {
		raw = append(raw, bpf.RawInstruction{Op: one.Code, Jt: one.Jt, Jf: one.Jf, K: one.K})
	}
	instructions, ok := bpf.Disassemble(raw)
	if !ok {
		t.Fatal("the filter has instructions that are none")
	}
	vm, err := bpf.NewVM(instructions)
	if err != nil {
		t.Fatal(err)
	}
	// The machine has the words in its own order, and this one in the network's.
	data := make([]byte, 64)
	binary.BigEndian.PutUint32(data[seccomp.AtNumber:], number)
	binary.BigEndian.PutUint32(data[seccomp.AtArch:], arch)
	for n, arg := range args {
		binary.BigEndian.PutUint32(data[seccomp.Argument(uint32(n)):], uint32(arg))
		binary.BigEndian.PutUint32(data[seccomp.Argument(uint32(n))+4:], uint32(arg>>32))
	}
	got, err := vm.Run(data)
	if err != nil {
		t.Fatal(err)
	}
	return uint32(got)
}

// The table is the base profile less what is forbidden, for this architecture.
func TestFilterIsTheBaseProfile(t *testing.T) {
	t.Parallel()
	info, err := arch.GetInfo("")
	if err != nil {
		t.Fatal(err)
	}
	base := map[string]bool{}
	for _, rule := range profile.DefaultProfile().Syscalls {
		if rule.Action != "SCMP_ACT_ALLOW" || len(rule.Args) > 0 || rule.Includes != nil && (len(rule.Includes.Caps) > 0 || len(rule.Includes.Arches) > 0 && !slices.Contains(rule.Includes.Arches, info.Name) && !slices.Contains(rule.Includes.Arches, "amd64")) {
			continue
		}
		for _, name := range rule.Names {
			base[name] = true
		}
	}
	for name, number := range info.SyscallNames {
		if strings.HasPrefix(name, "_") || number > 450 {
			continue // newer than one of the two lists
		}
		want := base[name] && !slices.Contains(forbidden, name)
		if got := verdict(t, seccomp.Arch, uint32(number)) == unix.SECCOMP_RET_ALLOW; got != want && !slices.Contains(withArguments, name) {
			t.Errorf("%s: allowed is %v, want %v", name, got, want)
		}
	}
}

// withArguments are the calls that TestFilterOfArguments is about.
var withArguments = []string{"clone", "ioctl", "personality", "socket", "socketpair"}

func TestFilterOfArguments(t *testing.T) {
	t.Parallel()
	const allow = unix.SECCOMP_RET_ALLOW
	for name, c := range map[string]struct {
		arch, number uint32
		args         []uint64
		want         uint32
	}{
		"read":                 {seccomp.Arch, unix.SYS_READ, nil, allow},
		"another architecture": {unix.AUDIT_ARCH_I386, unix.SYS_READ, nil, unix.SECCOMP_RET_KILL_PROCESS},
		"fork":                 {seccomp.Arch, unix.SYS_CLONE, []uint64{uint64(unix.SIGCHLD)}, allow},
		"thread":               {seccomp.Arch, unix.SYS_CLONE, []uint64{0x3d0f00}, allow},
		"user namespace":       {seccomp.Arch, unix.SYS_CLONE, []uint64{unix.CLONE_NEWUSER | 17}, seccomp.Refuse(unix.EPERM)},
		"clone3":               {seccomp.Arch, unix.SYS_CLONE3, nil, seccomp.Refuse(unix.ENOSYS)},
		"a call of tomorrow":   {seccomp.Arch, 5000, nil, seccomp.Refuse(unix.ENOSYS)},
		"ptrace":               {seccomp.Arch, unix.SYS_PTRACE, nil, seccomp.Refuse(unix.EPERM)},
		"window size":          {seccomp.Arch, unix.SYS_IOCTL, []uint64{0, unix.TIOCGWINSZ}, allow},
		"typing":               {seccomp.Arch, unix.SYS_IOCTL, []uint64{0, unix.TIOCSTI}, seccomp.Refuse(unix.EPERM)},
		"typing, high bits":    {seccomp.Arch, unix.SYS_IOCTL, []uint64{0, 7<<32 | unix.TIOCSTI}, seccomp.Refuse(unix.EPERM)},
		"pasting":              {seccomp.Arch, unix.SYS_IOCTL, []uint64{0, unix.TIOCLINUX}, seccomp.Refuse(unix.EPERM)},
		"plain personality":    {seccomp.Arch, unix.SYS_PERSONALITY, []uint64{0xffffffff}, allow},
		"no randomness":        {seccomp.Arch, unix.SYS_PERSONALITY, []uint64{0x40000}, seccomp.Refuse(unix.EPERM)},
		"tcp":                  {seccomp.Arch, unix.SYS_SOCKET, []uint64{unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_TCP}, allow},
		"udp 6":                {seccomp.Arch, unix.SYS_SOCKET, []uint64{unix.AF_INET6, unix.SOCK_DGRAM, 0}, allow},
		"unix":                 {seccomp.Arch, unix.SYS_SOCKET, []uint64{unix.AF_UNIX, unix.SOCK_STREAM, 0}, allow},
		"routes":               {seccomp.Arch, unix.SYS_SOCKET, []uint64{unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_ROUTE}, allow},
		"netlink of tcp":       {seccomp.Arch, unix.SYS_SOCKET, []uint64{unix.AF_NETLINK, unix.SOCK_RAW, unix.IPPROTO_TCP}, seccomp.Refuse(unix.EPROTONOSUPPORT)},
		"netfilter":            {seccomp.Arch, unix.SYS_SOCKET, []uint64{unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_NETFILTER}, seccomp.Refuse(unix.EPROTONOSUPPORT)},
		"multipath":            {seccomp.Arch, unix.SYS_SOCKET, []uint64{unix.AF_INET6, unix.SOCK_STREAM, unix.IPPROTO_MPTCP}, seccomp.Refuse(unix.EPROTONOSUPPORT)},
		"packets":              {seccomp.Arch, unix.SYS_SOCKET, []uint64{unix.AF_PACKET, unix.SOCK_RAW, 0}, seccomp.Refuse(unix.EAFNOSUPPORT)},
		"vsock":                {seccomp.Arch, unix.SYS_SOCKET, []uint64{unix.AF_VSOCK, unix.SOCK_STREAM, 0}, seccomp.Refuse(unix.EAFNOSUPPORT)},
		"unix pair":            {seccomp.Arch, unix.SYS_SOCKETPAIR, []uint64{unix.AF_UNIX, unix.SOCK_STREAM, 0}, allow},
		"tipc pair":            {seccomp.Arch, unix.SYS_SOCKETPAIR, []uint64{unix.AF_TIPC, unix.SOCK_STREAM, 0}, seccomp.Refuse(unix.EAFNOSUPPORT)},
	} {
		if got := verdict(t, c.arch, c.number, c.args...); got != c.want {
			t.Errorf("%s: got %#x, want %#x", name, got, c.want)
		}
	}
	if seccomp.Arch == unix.AUDIT_ARCH_X86_64 && verdict(t, seccomp.Arch, 0x40000000) == allow {
		t.Error("x32 is let through")
	}
}
