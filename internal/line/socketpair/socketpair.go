// Package socketpair makes connections between processes that have neither a
// name nor a port: whoever holds the line can dial, and nobody else.
//
// A line is a pair of SOCK_SEQPACKET sockets. To dial is to make a fresh pair
// of stream sockets and to send one of them over the line (SCM_RIGHTS); to
// accept is to receive it. The listening end may pass to a successor process:
// what was dialled meanwhile waits in the line. What was made elsewhere can be handed
// over too ([Dialer.Hand]). The package does not say who
// is at the other end; that is whoever was given it, and whoever holds the line
// can also fill it. One way to use it:
//
//	dial, listen, err := socketpair.Pair()
//	cmd.ExtraFiles = []*os.File{listen}
//	conn, err := dialer.DialContext(ctx)
package socketpair

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"hotcell/internal/line/border"
)

// Pair makes a line. Both ends close on exec. Dialling fails once every copy of
// the listening end is closed, and accepting ends once every copy of the
// dialling end is: who hands an end over and does not restart, closes its own.
func Pair() (dial, listen *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("making a line: %w", err)
	}
	return os.NewFile(uintptr(fds[0]), "dial"), os.NewFile(uintptr(fds[1]), "listen"), nil
}

// Dialer dials over a line. Its methods may be called at once from anywhere.
type Dialer struct {
	line *net.UnixConn
	// turn holds one token, since the write deadline is the line's and not the
	// dial's; a mutex could not be given up when a context ends.
	turn chan struct{}
}

// NewDialer dials over f, of which it keeps a copy: f stays the caller's.
func NewDialer(f *os.File) (*Dialer, error) {
	line, err := lineOf(f)
	if err != nil {
		return nil, err
	}
	return &Dialer{line: line, turn: make(chan struct{}, 1)}, nil
}

func lineOf(f *os.File) (*net.UnixConn, error) {
	c, err := net.FileConn(f)
	if err != nil {
		return nil, fmt.Errorf("opening the line: %w", err)
	}
	line, ok := c.(*net.UnixConn)
	if !ok || line.LocalAddr().Network() != "unixpacket" {
		return nil, errors.Join(errors.New("opening the line: it is no seqpacket socket"), c.Close())
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
	c, err := connection(fds[0])
	if err != nil {
		return nil, fmt.Errorf("making a connection: %w", err)
	}
	if err := d.send(ctx, fds[1], nil); err != nil {
		_ = c.Close()
		return nil, fmt.Errorf("dialling: %w", err)
	}
	return c, nil
}

// Hand hands a connection over that was made elsewhere, with a word about it of at most
// [MostWord] bytes; the connection stays the caller's to close.
func (d *Dialer) Hand(ctx context.Context, c *net.UnixConn, word string) error {
	if len(word) > MostWord {
		return fmt.Errorf("handing a connection over: a word has at most %d bytes", MostWord)
	}
	f, err := c.File()
	if err != nil {
		return fmt.Errorf("handing a connection over: %w", err)
	}
	defer func() { _ = f.Close() }()
	if err := d.send(ctx, int(f.Fd()), []byte(word)); err != nil {
		return fmt.Errorf("handing a connection over: %w", err)
	}
	return nil
}

// MostWord is how long a word about a connection may be, in bytes.
const MostWord = 255

// connection makes a connection of a descriptor, which it takes.
func connection(fd int) (net.Conn, error) {
	f := os.NewFile(uintptr(fd), "connection")
	defer func() { _ = f.Close() }()
	c, err := net.FileConn(f)
	if err != nil {
		return nil, err
	}
	if u, ok := c.(*net.UnixConn); !ok || u.LocalAddr().Network() != "unix" {
		return nil, errors.Join(errors.New("it is no stream socket"), c.Close())
	}
	return c, nil
}

// send hands a descriptor over, and waits while the line is full.
func (d *Dialer) send(ctx context.Context, fd int, word []byte) error {
	select {
	case d.turn <- struct{}{}:
		defer func() { <-d.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	expired := make(chan struct{})
	stop := border.WithEnd(ctx, "the end of a dial", border.Silent, func() {
		defer close(expired)
		_ = d.line.SetWriteDeadline(time.Unix(1, 0))
	})
	_, _, err := d.line.WriteMsgUnix(append([]byte{0}, word...), unix.UnixRights(fd), nil)
	if !stop() {
		// Else the deadline could be set after it was taken back, and fail the next dial.
		<-expired
		_ = d.line.SetWriteDeadline(time.Time{})
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return ctx.Err()
	}
	return err
}

// Close lets go of the line. Connections that were made stay open.
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

// room is how many descriptors a message may bring to be looked at. What does
// not fit, the kernel closes; what fits, received does.
const room = 16

// Accept waits for a connection. A message that does not hold exactly one
// stream socket is dropped, with what it held. It returns [net.ErrClosed] after
// Close, and [io.EOF] when nobody can dial any more.
func (l *Listener) Accept() (net.Conn, error) {
	c, _, err := l.Receive()
	return c, err
}

// Receive is Accept, with the word that came with the connection ([Dialer.Hand]): empty
// for one that was dialled.
func (l *Listener) Receive() (net.Conn, string, error) {
	for {
		data, rights := make([]byte, 1+MostWord), make([]byte, unix.CmsgSpace(room*4))
		said, n, _, _, err := l.line.ReadMsgUnix(data, rights)
		c := received(rights[:n]) // also beside an error: an empty message reads as the end
		if err == nil && c != nil {
			return c, string(data[min(1, said):said]), nil
		}
		if c != nil {
			_ = c.Close()
		}
		if err != nil && (!errors.Is(err, io.EOF) || l.ended()) {
			return nil, "", fmt.Errorf("accepting: %w", err)
		}
	}
}

// ended tells the end of the line from an empty message, which reads alike: at
// the end, the other side hung up and nothing waits to be read.
func (l *Listener) ended() bool {
	raw, err := l.line.SyscallConn()
	if err != nil {
		return true
	}
	ended := true
	err = raw.Control(func(fd uintptr) {
		poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}
		if n, err := unix.Poll(poll, 0); err != nil || n == 0 {
			ended = err != nil && !errors.Is(err, unix.EINTR)
			return
		}
		waiting, err := unix.IoctlGetInt(int(fd), unix.TIOCINQ)
		ended = err != nil || waiting == 0
	})
	return err != nil || ended
}

// received makes a connection of the one descriptor in a message, else nil. No
// descriptor outlives it but that one.
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
	if len(fds) != 1 {
		for _, fd := range fds {
			_ = unix.Close(fd)
		}
		return nil
	}
	c, err := connection(fds[0])
	if err != nil {
		return nil
	}
	return c
}

// Close ends Accept and lets go of the line. What waits in it stays there for
// whoever else holds this end.
func (l *Listener) Close() error { return l.line.Close() }

// Addr is the line's, which has no name.
func (l *Listener) Addr() net.Addr { return &net.UnixAddr{Name: "line", Net: "unixpacket"} }
