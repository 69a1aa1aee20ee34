package upstream

import (
	"encoding/binary"
	"errors"
	"net"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// wire is a connection below TLS. It knows whether anything was sent, and
// whether something lies there that nobody asked for.
type wire struct {
	net.Conn
	// plain is true where there is no TLS above.
	plain bool
	sent  atomic.Int64
	// head is what was read of the head of a TLS record, and left how much of its
	// body is to come (RFC 8446 section 5.1).
	head []byte
	left int
	// asleep has Read say at once that there is nothing.
	asleep bool
}

// nothing is what a wire says that is asleep: TLS goes on after it.
type nothing struct{}

func (nothing) Error() string   { return "nothing has come" }
func (nothing) Timeout() bool   { return true }
func (nothing) Temporary() bool { return true }

// Read implements [io.Reader].
func (w *wire) Read(b []byte) (int, error) {
	if w.asleep {
		return 0, nothing{}
	}
	n, err := w.Conn.Read(b)
	w.follow(b[:n])
	return n, err
}

// Write implements [io.Writer].
func (w *wire) Write(b []byte) (int, error) {
	n, err := w.Conn.Write(b)
	w.sent.Add(int64(n))
	return n, err
}

const recordHead = 5

// follow follows where TLS records end.
func (w *wire) follow(b []byte) {
	for len(b) > 0 && !w.plain {
		if w.left > 0 {
			n := min(w.left, len(b))
			w.left -= n
			b = b[n:]
			continue
		}
		n := min(recordHead-len(w.head), len(b))
		w.head = append(w.head, b[:n]...)
		if b = b[n:]; len(w.head) == recordHead {
			w.left, w.head = int(binary.BigEndian.Uint16(w.head[3:])), w.head[:0]
		}
	}
}

// quiet says whether the other side has said nothing beyond what was read from
// above: neither in the kernel, nor in TLS, nor a part of a record, nor its end.
func (w *wire) quiet(above net.Conn) bool {
	if len(w.head) > 0 || w.left > 0 {
		return false
	}
	if !w.plain {
		w.asleep = true
		var b [1]byte
		n, err := above.Read(b[:])
		w.asleep = false
		if n > 0 || !errors.Is(err, nothing{}) {
			return false
		}
	}
	return w.silent()
}

// silent looks into the kernel's buffer. What is no connection of the kernel's
// cannot be looked into, and is not kept.
func (w *wire) silent() bool {
	conn, ok := w.Conn.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return false
	}
	still := false
	err = raw.Control(func(fd uintptr) {
		var b [1]byte
		_, _, err := unix.Recvfrom(int(fd), b[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
		still = errors.Is(err, unix.EAGAIN)
	})
	return err == nil && still
}
