package guard

import (
	"bytes"
	"errors"
	"io"
)

// Reader is a [Writer] that is read from. A read returns as soon as anything is
// decided.
type Reader struct {
	from   io.Reader
	writer *Writer
	out    bytes.Buffer
	buf    []byte
	err    error
}

// Reader reads a stream with every form of every value replaced, or as the
// policy says.
func (p *Patterns) Reader(from io.Reader, policy Policy) *Reader {
	r := &Reader{from: from}
	r.writer = p.Writer(&r.out, policy)
	return r
}

// Count is how many replacements were made.
func (r *Reader) Count() int { return r.writer.Count() }

// Read implements [io.Reader].
func (r *Reader) Read(p []byte) (int, error) {
	if r.writer.patterns == nil {
		return r.from.Read(p)
	}
	for r.out.Len() == 0 && r.err == nil {
		r.more(len(p))
	}
	if r.out.Len() > 0 {
		return r.out.Read(p)
	}
	return 0, r.err
}

func (r *Reader) more(n int) {
	if r.buf == nil {
		r.buf = make([]byte, min(max(n, 512), piece))
	}
	n, err := r.from.Read(r.buf)
	if n > 0 {
		_, r.err = r.writer.Write(r.buf[:n])
		clear(r.buf[:n])
	}
	if err == nil || r.err != nil {
		return
	}
	r.err = err
	if errors.Is(err, io.EOF) {
		if failed := r.writer.Close(); failed != nil {
			r.err = failed
		}
	}
}
