// Package socketpair makes connections between processes that have neither a
// name nor a port: whoever holds the line can dial, and nobody else.
//
// A line is a pair of SOCK_SEQPACKET sockets. To dial is to make a fresh pair
// of stream sockets and to send one of them over the line (SCM_RIGHTS); to
// accept is to receive it. The listening end may pass to a successor process:
// what was dialled meanwhile waits in the line. The package does not say who
// is at the other end; that is whoever was given it. One way to use it:
//
//	dial, listen, err := socketpair.Pair()
//	cmd.ExtraFiles = []*os.File{listen}
//	conn, err := dialer.DialContext(ctx)
package socketpair

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Pair makes a line. Both ends close on exec.
func Pair() (dial, listen *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("making a line: %w", err)
	}
	return os.NewFile(uintptr(fds[0]), "dial"), os.NewFile(uintptr(fds[1]), "listen"), nil
}

// Dialer dials over a line.
type Dialer struct {
	mu   sync.Mutex
	line *net.UnixConn
}

// NewDialer dials over f, of which it keeps a copy: f stays the caller's.
func NewDialer(f *os.File) (*Dialer, error) {
	line, err := lineOf(f)
	if err != nil {
		return nil, err
	}
	return &Dialer{line: line}, nil
}

func lineOf(f *os.File) (*net.UnixConn, error) {
	c, err := net.FileConn(f)
	if err != nil {
		return nil, fmt.Errorf("opening the line: %w", err)
	}
	line, ok := c.(*net.UnixConn)
	if !ok {
		return nil, errors.Join(errors.New("opening the line: it is no unix socket"), c.Close())
	}
	return line, nil
}

// DialContext makes a connection. It returns before the other side has accepted;
// it fails where nobody holds the other end any more, or the line is full until
// ctx ends.
func (d *Dialer) DialContext(ctx context.Context) (net.Conn, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("making a connection: %w", err)
	}
	defer func() { _ = unix.Close(fds[1]) }()
	if err := d.send(ctx, fds[1]); err != nil {
		_ = unix.Close(fds[0])
		return nil, fmt.Errorf("dialling: %w", err)
	}
	f := os.NewFile(uintptr(fds[0]), "connection")
	defer func() { _ = f.Close() }()
	return net.FileConn(f)
}

// send hands a descriptor over. The line is one, so senders take turns.
func (d *Dialer) send(ctx context.Context, fd int) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = d.line.SetWriteDeadline(time.Unix(1, 0)) })
	defer func() {
		stop()
		_ = d.line.SetWriteDeadline(time.Time{})
	}()
	_, _, err := d.line.WriteMsgUnix([]byte{0}, unix.UnixRights(fd), nil)
	if ctx.Err() != nil && err != nil {
		return ctx.Err()
	}
	return err
}

// Close lets go of the line.
func (d *Dialer) Close() error { return d.line.Close() }

// Listener accepts what is dialled over a line. It is a [net.Listener].
type Listener struct{ line *net.UnixConn }

// NewListener accepts from f, of which it keeps a copy: f stays the caller's.
func NewListener(f *os.File) (*Listener, error) {
	line, err := lineOf(f)
	if err != nil {
		return nil, err
	}
	return &Listener{line}, nil
}

// Accept waits for a connection. A message that does not hold exactly one
// descriptor is dropped, with what it held.
func (l *Listener) Accept() (net.Conn, error) {
	for {
		// Room for a few, so that what is sent too many can be closed and not lost.
		data, rights := make([]byte, 1), make([]byte, unix.CmsgSpace(16*4))
		n, rn, _, _, err := l.line.ReadMsgUnix(data, rights)
		if err != nil {
			return nil, err
		}
		if n == 0 && rn == 0 {
			return nil, net.ErrClosed // the last dialler is gone
		}
		if c := received(rights[:rn]); c != nil {
			return c, nil
		}
	}
}

// received makes a connection of the one descriptor in a message, else nil.
func received(rights []byte) net.Conn {
	messages, err := unix.ParseSocketControlMessage(rights)
	if err != nil {
		return nil
	}
	var fds []int
	for _, m := range messages {
		if some, err := unix.ParseUnixRights(&m); err == nil {
			fds = append(fds, some...)
		}
	}
	var c net.Conn
	for _, fd := range fds {
		unix.CloseOnExec(fd)
		f := os.NewFile(uintptr(fd), "connection")
		if len(fds) == 1 {
			if c, err = net.FileConn(f); err != nil {
				c = nil
			}
		}
		_ = f.Close()
	}
	return c
}

// Close ends Accept and lets go of the line.
func (l *Listener) Close() error { return l.line.Close() }

// Addr is the line's, which has no name.
func (l *Listener) Addr() net.Addr { return &net.UnixAddr{Name: "line", Net: "unixpacket"} }
