package cell_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// probeCommand is the part of the test's own binary that runs as the job: it
// tries what must not work, and prints what did.
const probeCommand = "cell-probe"

// probeFolder is a folder of files with the probe in it.
func probeFolder(t testing.TB) []byte {
	t.Helper()
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "probe", Mode: 0o755, Size: int64(len(self))}); err != nil {
		t.Fatal(err)
	}
	_, _ = w.Write(self)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// attempt is a system call that must fail. None would harm the machine if it
// did not.
type attempt struct {
	name   string
	number uintptr
	args   [6]uintptr
}

func attempts() []attempt {
	text := func(s string) uintptr { b, _ := unix.BytePtrFromString(s); return uintptr(unsafe.Pointer(b)) }
	buf := uintptr(unsafe.Pointer(&scratch[0]))
	return []attempt{
		{"ptrace", unix.SYS_PTRACE, [6]uintptr{unix.PTRACE_TRACEME}},
		{"ptrace of init", unix.SYS_PTRACE, [6]uintptr{unix.PTRACE_SEIZE, 1}},
		{"process_vm_readv", unix.SYS_PROCESS_VM_READV, [6]uintptr{1, buf, 1, buf, 1}},
		{"pidfd_getfd", unix.SYS_PIDFD_GETFD, [6]uintptr{0, 0}},
		{"kcmp", unix.SYS_KCMP, [6]uintptr{1, 1}},
		{"mount", unix.SYS_MOUNT, [6]uintptr{text("tmpfs"), text("/tmp"), text("tmpfs")}},
		{"remount", unix.SYS_MOUNT, [6]uintptr{0, text("/usr"), 0, unix.MS_REMOUNT | unix.MS_BIND}},
		{"umount2", unix.SYS_UMOUNT2, [6]uintptr{text("/proc"), unix.MNT_DETACH}},
		{"pivot_root", unix.SYS_PIVOT_ROOT, [6]uintptr{text("/tmp"), text("/tmp")}},
		{"chroot", unix.SYS_CHROOT, [6]uintptr{text("/tmp")}},
		{"fsopen", unix.SYS_FSOPEN, [6]uintptr{text("tmpfs")}},
		{"open_tree", unix.SYS_OPEN_TREE, [6]uintptr{0, text("/"), 1}},
		{"unshare user", unix.SYS_UNSHARE, [6]uintptr{unix.CLONE_NEWUSER}},
		{"unshare mounts", unix.SYS_UNSHARE, [6]uintptr{unix.CLONE_NEWNS}},
		{"setns", unix.SYS_SETNS, [6]uintptr{0, 0}},
		{"clone with a user namespace", unix.SYS_CLONE, [6]uintptr{unix.CLONE_NEWUSER | uintptr(unix.SIGCHLD)}},
		{"clone with a network", unix.SYS_CLONE, [6]uintptr{unix.CLONE_NEWNET | uintptr(unix.SIGCHLD)}},
		{"clone3", unix.SYS_CLONE3, [6]uintptr{buf, 64}},
		{"keyctl", unix.SYS_KEYCTL, [6]uintptr{0}},
		{"add_key", unix.SYS_ADD_KEY, [6]uintptr{text("user"), text("k"), text("v"), 1, ^uintptr(2)}},
		{"request_key", unix.SYS_REQUEST_KEY, [6]uintptr{text("user"), text("k")}},
		{"bpf", unix.SYS_BPF, [6]uintptr{0, buf, 64}},
		{"io_uring_setup", unix.SYS_IO_URING_SETUP, [6]uintptr{1, buf}},
		{"perf_event_open", unix.SYS_PERF_EVENT_OPEN, [6]uintptr{buf}},
		{"userfaultfd", unix.SYS_USERFAULTFD, [6]uintptr{1}},
		{"kexec_load", unix.SYS_KEXEC_LOAD, [6]uintptr{}},
		{"init_module", unix.SYS_INIT_MODULE, [6]uintptr{}},
		{"name_to_handle_at", unix.SYS_NAME_TO_HANDLE_AT, [6]uintptr{0, text("/usr"), buf, buf}},
		{"open_by_handle_at", unix.SYS_OPEN_BY_HANDLE_AT, [6]uintptr{0, buf}},
		{"fanotify_init", unix.SYS_FANOTIFY_INIT, [6]uintptr{}},
		{"syslog", unix.SYS_SYSLOG, [6]uintptr{3, buf, 64}},
		{"personality without randomness", unix.SYS_PERSONALITY, [6]uintptr{0x40000}},
		{"sethostname", unix.SYS_SETHOSTNAME, [6]uintptr{text("x"), 1}},
		{"reboot without its magic", unix.SYS_REBOOT, [6]uintptr{}},
		{"device", unix.SYS_MKNODAT, [6]uintptr{^uintptr(99), text("/tmp/disk"), unix.S_IFBLK | 0o666, 0xfe00}},
		{"packet socket", unix.SYS_SOCKET, [6]uintptr{unix.AF_PACKET, unix.SOCK_RAW}},
		{"raw socket", unix.SYS_SOCKET, [6]uintptr{unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP}},
		{"vsock socket", unix.SYS_SOCKET, [6]uintptr{unix.AF_VSOCK, unix.SOCK_STREAM}},
		{"alg socket", unix.SYS_SOCKET, [6]uintptr{unix.AF_ALG, unix.SOCK_SEQPACKET}},
		{"sctp socket", unix.SYS_SOCKET, [6]uintptr{unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_SCTP}},
		{"netfilter socket", unix.SYS_SOCKET, [6]uintptr{unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_NETFILTER}},
		{"high bits of a family", unix.SYS_SOCKET, [6]uintptr{1<<32 | unix.AF_PACKET, unix.SOCK_RAW}},
		{"tipc pair", unix.SYS_SOCKETPAIR, [6]uintptr{unix.AF_TIPC, unix.SOCK_STREAM, 0, buf}},
		{"typing into a terminal", unix.SYS_IOCTL, [6]uintptr{0, unix.TIOCSTI, text("x")}},
		{"typing, high bits set", unix.SYS_IOCTL, [6]uintptr{0, 1<<32 | unix.TIOCSTI, text("x")}},
	}
}

var scratch [4096]byte

// probe tries everything and prints a line each: what failed as it must begins
// with "ok".
func probe() int {
	runtime.LockOSThread()
	say := func(name string, failed bool, how any) {
		verdict := "ok"
		if !failed {
			verdict = "ESCAPE"
		}
		fmt.Printf("%s %s: %v\n", verdict, name, how)
	}
	for _, a := range attempts() {
		_, _, errno := unix.RawSyscall6(a.number, a.args[0], a.args[1], a.args[2], a.args[3], a.args[4], a.args[5])
		// An address that is bad, or an argument, was looked at: nobody kept it off.
		kept := errno == unix.EPERM || errno == unix.EACCES || errno == unix.ENOSYS || errno == unix.EAFNOSUPPORT || errno == unix.EPROTONOSUPPORT
		say(a.name, kept, errno)
	}
	for _, address := range []string{"169.254.169.254:80", "10.0.0.1:443", "8.8.8.8:53", "192.168.0.1:22", "[fd00:ec2::254]:80", "[2001:4860:4860::8888]:53"} {
		_, err := net.DialTimeout("tcp", address, time.Second)
		say("connecting to "+address, err != nil && errors.Is(err, unix.ECONNREFUSED), err)
	}
	if len(os.Args) > 2 {
		_, err := net.Dial("unix", "@"+os.Args[2])
		say("the machine's abstract socket", err != nil, err)
	}
	fmt.Println("probe ended")
	return 0
}
