package socketpair_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"hotcell/internal/line/socketpair"
)

func stream(t *testing.T) [2]int { return pairOf(t, unix.SOCK_STREAM) }

func pairOf(t *testing.T, kind int) [2]int {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, kind|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	return fds
}

// send sends data with n copies of fd over the line, and closes fd.
func send(t *testing.T, line int, data []byte, fd, n int) {
	t.Helper()
	var rights []byte
	if n > 0 {
		fds := make([]int, n)
		for i := range fds {
			fds[i] = fd
		}
		rights = unix.UnixRights(fds...)
	}
	if err := sendmsg(line, data, rights); err != nil {
		t.Fatalf("sending %d bytes and %d descriptors: %v", len(data), n, err)
	}
	if fd >= 0 {
		_ = unix.Close(fd)
	}
}

// sendmsg sends empty messages as empty; unix.Sendmsg puts a byte in.
func sendmsg(line int, data, rights []byte) error {
	m := unix.Msghdr{Iov: &unix.Iovec{Base: unsafe.SliceData(data)}, Iovlen: 1, Control: unsafe.SliceData(rights)}
	m.Iov.SetLen(len(data))
	m.SetControllen(len(rights))
	if _, _, errno := unix.Syscall(unix.SYS_SENDMSG, uintptr(line), uintptr(unsafe.Pointer(&m)), 0); errno != 0 {
		return errno
	}
	return nil
}

// A message of any other form neither ends Accept nor leaves a descriptor
// behind: the near end of each pair that was sent reads its end.
func TestHostileMessagesAreDroppedWithTheirDescriptors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		data string
		n    int
		kind int
	}{
		"nothing at all":           {"", 0, unix.SOCK_STREAM},
		"bytes alone":              {"x", 0, unix.SOCK_STREAM},
		"one descriptor, no bytes": {"", 1, unix.SOCK_STREAM},
		"two":                      {"x", 2, unix.SOCK_STREAM},
		"two, no bytes":            {"", 2, unix.SOCK_STREAM},
		"as many as are looked at": {"x", 16, unix.SOCK_STREAM},
		"more than are looked at":  {"x", 17, unix.SOCK_STREAM},
		"as many as can be sent":   {"x", 253, unix.SOCK_STREAM},
		"more bytes than are read": {"a longer message", 2, unix.SOCK_STREAM},
		"a datagram socket":        {"x", 1, unix.SOCK_DGRAM},
		"a line for a connection":  {"x", 1, unix.SOCK_SEQPACKET},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dial, listen := line(t)
			l, err := socketpair.NewListener(listen)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = l.Close() }()
			fds := pairOf(t, c.kind)
			defer func() { _ = unix.Close(fds[0]) }()
			send(t, int(dial.Fd()), []byte(c.data), fds[1], c.n)
			d, err := socketpair.NewDialer(dial)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = d.Close() }()
			go echo(l)
			roundTrip(t, d)
			if err := unix.Send(fds[0], []byte{0}, unix.MSG_NOSIGNAL); !errors.Is(err, unix.EPIPE) && !errors.Is(err, unix.ECONNREFUSED) {
				t.Errorf("a descriptor that was sent lives on: writing to its other end = %v", err)
			}
		})
	}
}

func TestForeignDescriptorsAreDropped(t *testing.T) {
	t.Parallel()
	dial, listen := line(t)
	l, err := socketpair.NewListener(listen)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	null, err := unix.Open(os.DevNull, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	tcp, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range []int{null, tcp} {
		send(t, int(dial.Fd()), []byte{0}, fd, 1)
	}
	d, err := socketpair.NewDialer(dial)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	go echo(l)
	roundTrip(t, d)
}

// What a dialler sent before it died is accepted, whatever lies between.
func TestEmptyMessageIsNotTheEnd(t *testing.T) {
	t.Parallel()
	dial, listen := line(t)
	l, err := socketpair.NewListener(listen)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	send(t, int(dial.Fd()), nil, -1, 0)
	fds := stream(t)
	defer func() { _ = unix.Close(fds[0]) }()
	send(t, int(dial.Fd()), []byte{0}, fds[1], 1)
	_ = dial.Close()
	c, err := l.Accept()
	if err != nil {
		t.Fatalf("Accept = %v", err)
	}
	_ = c.Close()
	if _, err := l.Accept(); !errors.Is(err, io.EOF) {
		t.Errorf("Accept at the end = %v", err)
	}
}

// childEnv makes this program the process at the other end.
const childEnv = "HOTCELL_TEST_SOCKETPAIR_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		l, err := socketpair.NewListener(os.NewFile(3, "listen"))
		if err != nil {
			os.Exit(1)
		}
		echo(l)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func child(t *testing.T, listen *os.File) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = []string{childEnv + "=1"}
	cmd.ExtraFiles = []*os.File{listen}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

func TestSuccessorOfAKilledProcessAcceptsWhatWasDialledMeanwhile(t *testing.T) {
	t.Parallel()
	dial, listen := line(t)
	d, err := socketpair.NewDialer(dial)
	if err != nil {
		t.Fatal(err)
	}
	_ = dial.Close()
	first := child(t, listen)
	roundTrip(t, d)
	_ = first.Process.Kill()
	_ = first.Wait()
	waiting := make([]net.Conn, 5)
	for i := range waiting {
		if waiting[i], err = d.DialContext(context.Background()); err != nil {
			t.Fatalf("dialling between two processes: %v", err)
		}
	}
	second := child(t, listen)
	for _, c := range waiting {
		speak(t, c)
	}
	_ = listen.Close()
	_ = d.Close() // nobody can dial any more: the process ends by itself
	if err := second.Wait(); err != nil {
		t.Errorf("the successor ended with %v", err)
	}
}
