package guard

import (
	"bytes"
	"errors"
	"io"
	"time"

	"hotcell/internal/line/border"
)

// Reader is a [Writer] that is read from. A read returns as soon as anything is
// decided, and in a silence what was held back: see [Writer.Release].
type Reader struct {
	from   io.Reader
	writer *Writer
	out    bytes.Buffer
	buf    []byte
	err    error
	// whole waits for a silence before it gives what came, so that a line is in one
	// piece although its end was held back.
	whole bool
	// came is where a read that takes long will tell of its end; nil where none is
	// under way.
	came chan arrival
}

// arrival is what one read of the stream brought.
type arrival struct {
	n   int
	err error
}

// silence is how long nothing must have come for what is held back to go on.
const silence = 10 * time.Millisecond

// Reader reads a stream with every form of every value replaced, or as the
// policy says.
func (p *Patterns) Reader(from io.Reader, policy Policy) *Reader {
	r := &Reader{from: from}
	r.writer = p.Writer(&r.out, policy).Prompt()
	return r
}

// Log is a [Reader] for what people read while it comes: it gives lines and prompts in
// one piece, and does not end where a value came with a pause in it: up to seven bytes
// of its beginning stay, and the mark replaces the rest.
func (p *Patterns) Log(from io.Reader) *Reader {
	r := p.Reader(from, nil)
	r.whole, r.writer.lenient = true, true
	return r
}

// Tell has told called with all that is replaced from now on.
func (r *Reader) Tell(told Told) { r.writer.Tell(told) }

// Count is how many replacements were made.
func (r *Reader) Count() int { return r.writer.Count() }

// Read implements [io.Reader].
func (r *Reader) Read(p []byte) (int, error) {
	if r.writer.patterns == nil {
		return r.from.Read(p)
	}
	for r.err == nil && (r.out.Len() == 0 || r.whole && r.writer.holds() && r.out.Len() < piece) {
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
	one, there := r.next()
	if !there {
		r.err = r.writer.Release()
		return
	}
	if one.n > 0 {
		_, r.err = r.writer.Write(r.buf[:one.n])
		clear(r.buf[:one.n])
	}
	if one.err == nil || r.err != nil {
		return
	}
	r.err = one.err
	if errors.Is(one.err, io.EOF) {
		if failed := r.writer.Close(); failed != nil {
			r.err = failed
		}
	}
}

// next reads once. Where something is held back it waits no longer than a silence,
// and says that nothing is there: the read goes on meanwhile, and the next call has
// what it brings. It ends when the stream does, or is closed.
func (r *Reader) next() (one arrival, there bool) {
	if r.came == nil {
		if !r.writer.holds() {
			one.n, one.err = r.from.Read(r.buf)
			return one, true
		}
		came := make(chan arrival, 1)
		r.came = came
		fault := func(f *border.Fault) { came <- arrival{err: f} }
		border.Go("a read of a guarded stream", fault, func() {
			n, err := r.from.Read(r.buf)
			came <- arrival{n, err}
		})
	}
	var quiet <-chan time.Time
	if r.writer.holds() {
		timer := time.NewTimer(silence)
		defer timer.Stop()
		quiet = timer.C
	}
	select {
	case one = <-r.came:
		r.came = nil
		return one, true
	case <-quiet:
		return one, false
	}
}
