package backup

import (
	"encoding/binary"
	"errors"
	"io"
)

// maxFrame bounds what one frame holds, in bytes.
const maxFrame = 64 << 10

// frames writes a part as frames: a length of 4 bytes, big endian, and as many bytes; one
// of length 0 ends it. A part's length is not known when it begins.
type frames struct {
	w      io.Writer
	buffer []byte
}

// Write implements [io.Writer].
func (f *frames) Write(b []byte) (n int, err error) {
	for n = len(b); len(b) > 0; {
		if f.buffer == nil {
			f.buffer = make([]byte, 4, 4+maxFrame)
		}
		took := min(len(b), 4+maxFrame-len(f.buffer))
		f.buffer, b = append(f.buffer, b[:took]...), b[took:]
		if len(f.buffer) == 4+maxFrame {
			if err := f.flush(); err != nil {
				return n - len(b), err
			}
		}
	}
	return n, nil
}

func (f *frames) flush() error {
	if len(f.buffer) <= 4 {
		return nil
	}
	binary.BigEndian.PutUint32(f.buffer, uint32(len(f.buffer)-4))
	_, err := f.w.Write(f.buffer)
	f.buffer = f.buffer[:4]
	return err
}

// Close ends the part.
func (f *frames) Close() error {
	if err := f.flush(); err != nil {
		return err
	}
	_, err := f.w.Write(make([]byte, 4))
	return err
}

// unframed reads a part. What is wrong with the frames is kept, since whoever reads
// through it has words of its own.
type unframed struct {
	r     io.Reader
	left  uint32
	ended bool
	wrong error
}

// Read implements [io.Reader].
func (u *unframed) Read(b []byte) (int, error) {
	if u.wrong != nil {
		return 0, u.wrong
	}
	if u.left == 0 && !u.ended {
		var length [4]byte
		if _, err := io.ReadFull(u.r, length[:]); err != nil {
			return 0, u.fail(err)
		}
		u.left = binary.BigEndian.Uint32(length[:])
		u.ended = u.left == 0
		if u.left > maxFrame {
			u.wrong = ErrChanged
			return 0, u.wrong
		}
	}
	if u.ended {
		return 0, io.EOF
	}
	n, err := u.r.Read(b[:min(len(b), int(u.left))])
	u.left -= uint32(n)
	if n > 0 {
		return n, nil
	}
	if err == nil {
		return 0, nil
	}
	return 0, u.fail(err)
}

func (u *unframed) fail(err error) error {
	u.wrong = err
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		u.wrong = ErrCut
	}
	return u.wrong
}
