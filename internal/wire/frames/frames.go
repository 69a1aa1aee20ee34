// Package frames passes WebSocket connections (RFC 6455) on with the guard on
// their messages, in one direction or both.
//
// It guards that nothing of a value crosses within a message, over its
// fragments, or over several messages of one connection. It takes frames
// without extensions only: what is compressed cannot be read. One way to use
// it:
//
//	sent, received := frames.Join(client, upstream, frames.Sides{Up: …, Down: …})
package frames

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
)

// Filter takes a message and writes what may pass of it. Its Close ends the
// message; it fails where nothing more may pass.
type Filter interface {
	io.WriteCloser
}

// Side makes the filter of one message, and the one that watches all that passed.
type Side func(to io.Writer) Filter

// The opcodes (RFC 6455 section 5.2).
const (
	opContinue = 0
	opText     = 1
	opBinary   = 2
	opClose    = 8
	opPong     = 10
)

const (
	// maxControl is how long a control frame's payload may be (section 5.5).
	maxControl = 125
	// piece is how much of a message is handed on at once.
	piece = 32 << 10
)

var errProtocol = errors.New("the frames do not follow the protocol")

// header is a frame's.
type header struct {
	final  bool
	opcode byte
	masked bool
	mask   [4]byte
	length uint64
}

func readHeader(r io.Reader) (h header, err error) {
	var b [8]byte
	if _, err := io.ReadFull(r, b[:2]); err != nil {
		return h, err
	}
	h.final, h.opcode, h.masked, h.length = b[0]&0x80 != 0, b[0]&0x0f, b[1]&0x80 != 0, uint64(b[1]&0x7f)
	if b[0]&0x70 != 0 {
		return h, fmt.Errorf("%w: an extension is used that was not negotiated", errProtocol)
	}
	switch h.length {
	case 126:
		_, err = io.ReadFull(r, b[:2])
		h.length = uint64(binary.BigEndian.Uint16(b[:]))
	case 127:
		_, err = io.ReadFull(r, b[:8])
		h.length = binary.BigEndian.Uint64(b[:])
	}
	if err == nil && h.masked {
		_, err = io.ReadFull(r, h.mask[:])
	}
	if err != nil {
		return h, cut(err)
	}
	if h.opcode >= opClose && (h.length > maxControl || !h.final) || h.opcode > opPong || h.opcode > opBinary && h.opcode < opClose || h.length>>63 != 0 {
		return h, errProtocol
	}
	return h, nil
}

func cut(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// writeFrame writes a frame; masked ones get a fresh mask, and payload is
// masked in place.
func writeFrame(w io.Writer, h header, payload []byte) error {
	b := make([]byte, 0, 14)
	first := h.opcode
	if h.final {
		first |= 0x80
	}
	bit := byte(0)
	if h.masked {
		bit = 0x80
	}
	switch n := len(payload); {
	case n < 126:
		b = append(b, first, bit|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, first, bit|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, first, bit|127), uint64(n))
	}
	if h.masked {
		binary.LittleEndian.PutUint32(h.mask[:], rand.Uint32()) //nolint:gosec // it guards caches against clients, and the client is not this one
		b = append(b, h.mask[:]...)
		unmask(payload, h.mask, 0)
	}
	if _, err := w.Write(b); err != nil {
		return err
	}
	_, err := w.Write(payload)
	return err
}

func unmask(b []byte, mask [4]byte, at uint64) {
	for i := range b {
		b[i] ^= mask[(at+uint64(i))&3]
	}
}

// pump reads frames from one side and writes them to the other.
type pump struct {
	from *bufio.Reader
	to   *bufio.Writer
	side Side
	// watch sees all that passes, message after message.
	watch   Filter
	message *message
	buf     []byte
}

func newPump(from io.Reader, to io.Writer, side Side) *pump {
	return &pump{from: bufio.NewReaderSize(from, 4096), to: bufio.NewWriterSize(to, 4096), side: side, watch: side(io.Discard), buf: make([]byte, piece)}
}

// run passes frames on until there are none, or one may not pass.
func (p *pump) run() error {
	for {
		h, err := readHeader(p.from)
		if errors.Is(err, io.EOF) && p.message == nil {
			return nil
		}
		if err != nil {
			return cut(err)
		}
		if h.opcode >= opClose {
			err = p.control(h)
		} else {
			err = p.data(h)
		}
		if err == nil && p.from.Buffered() == 0 {
			err = p.to.Flush()
		}
		if err != nil {
			_ = p.to.Flush()
			return err
		}
	}
}

// control passes a control frame on; it stands between the frames of a message.
func (p *pump) control(h header) error {
	payload := p.buf[:h.length]
	if _, err := io.ReadFull(p.from, payload); err != nil {
		return cut(err)
	}
	if h.masked {
		unmask(payload, h.mask, 0)
	}
	head := 0
	if h.opcode == opClose && len(payload) >= 2 {
		head = 2 // the status code is no text
	}
	out := &collector{}
	f := p.side(out)
	if _, err := f.Write(payload[head:]); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	passed := append(append([]byte{}, payload[:head]...), out.b...)
	if len(passed) > maxControl {
		passed = passed[:maxControl]
	}
	return writeFrame(p.to, h, passed)
}

type collector struct{ b []byte }

func (c *collector) Write(b []byte) (int, error) {
	c.b = append(c.b, b...)
	return len(b), nil
}

// data passes a frame of a message on.
func (p *pump) data(h header) error {
	if (h.opcode == opContinue) != (p.message != nil) {
		return errProtocol
	}
	if p.message == nil {
		p.message = &message{pump: p, next: header{opcode: h.opcode, masked: h.masked}}
		p.message.filter = p.side(p.message)
	}
	for at := uint64(0); at < h.length; {
		n, err := p.from.Read(p.buf[:min(uint64(len(p.buf)), h.length-at)])
		if n > 0 {
			if h.masked {
				unmask(p.buf[:n], h.mask, at)
			}
			at += uint64(n)
			if _, err := p.message.filter.Write(p.buf[:n]); err != nil {
				return err
			}
		}
		if err != nil && at < h.length {
			return cut(err)
		}
	}
	if !h.final {
		return p.message.flush(false)
	}
	m := p.message
	p.message = nil
	if err := m.filter.Close(); err != nil {
		return err
	}
	return m.flush(true)
}

// message collects what passed the filter, and writes it as frames.
type message struct {
	pump   *pump
	filter Filter
	next   header
	held   []byte
}

// Write implements [io.Writer] for the filter.
func (m *message) Write(b []byte) (int, error) {
	if _, err := m.pump.watch.Write(b); err != nil {
		return 0, err
	}
	m.held = append(m.held, b...)
	if len(m.held) >= piece {
		return len(b), m.flush(false)
	}
	return len(b), nil
}

func (m *message) flush(final bool) error {
	if !final && len(m.held) == 0 {
		return nil
	}
	h := m.next
	h.final = final
	err := writeFrame(m.pump.to, h, m.held)
	clear(m.held)
	m.held = m.held[:0]
	m.next.opcode = opContinue
	return err
}
