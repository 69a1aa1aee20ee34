package unpack

import (
	"errors"
	"fmt"
	"io"
	"iter"
)

// errDecoding is what a decoder says of bytes that are not its format.
var errDecoding = errors.New("decoding")

// ErrFault is a fault of a decoder, or of what looks at its output: what they were
// given is not let through, whatever else may pass.
var ErrFault = errors.New("its reader failed")

// stream is one thing that is packed, read as its bytes come. Its decoder runs
// only while it is resumed, and stops where it wants bytes that have not come.
type stream struct {
	packing packing
	next    func()
	stop    func()

	in    []byte
	over  bool
	ended bool
	err   error
	yield func(struct{}) bool
}

func newStream(l *Looker, p packing) *stream {
	s := &stream{packing: p}
	next, stop := iter.Pull(func(yield func(struct{}) bool) {
		s.yield = yield
		s.err = s.run(l)
		s.ended = true
	})
	s.next = func() { next() }
	s.stop = stop
	return s
}

// run reads all that the packing holds. A panic of a decoder, or of what looks at
// its output, is this stream's error.
func (s *stream) run(l *Looker) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = ErrFault
		}
	}()
	out := &reading{sink: l.sink(), inner: &Looker{budget: l.budget, sink: l.sink, depth: l.depth + 1}, budget: l.budget}
	err = s.packing.open(s, out)
	if err != nil && out.failed == nil && !errors.Is(err, ErrUnreadable) {
		err = fmt.Errorf("%w: %w", errDecoding, err)
	}
	// What came out before a fault counts as well.
	if failed := out.close(); failed != nil {
		return failed
	}
	return err
}

// Read implements [io.Reader].
func (s *stream) Read(p []byte) (int, error) {
	if err := s.fill(); err != nil {
		return 0, err
	}
	n := copy(p, s.in)
	s.in = s.in[n:]
	return n, nil
}

// ReadByte implements [io.ByteReader], so that decoders read no more than they need.
func (s *stream) ReadByte() (byte, error) {
	if err := s.fill(); err != nil {
		return 0, err
	}
	c := s.in[0]
	s.in = s.in[1:]
	return c, nil
}

func (s *stream) fill() error {
	for len(s.in) == 0 {
		if s.over {
			return io.EOF
		}
		if !s.yield(struct{}{}) {
			return io.ErrClosedPipe
		}
	}
	return nil
}

// reading is what comes out of something packed: looked at, and looked into.
type reading struct {
	sink   io.WriteCloser
	inner  *Looker
	budget *Budget
	// some is true once anything came out.
	some   bool
	failed error
}

// Write implements [io.Writer].
func (r *reading) Write(p []byte) (int, error) {
	r.some = true
	if r.failed == nil {
		r.failed = r.budget.spend(len(p))
	}
	if r.failed == nil {
		_, r.failed = r.sink.Write(p)
	}
	if r.failed == nil {
		_, r.failed = r.inner.Write(p)
	}
	if r.failed != nil {
		return 0, r.failed
	}
	return len(p), nil
}

func (r *reading) close() error {
	err := r.failed
	if err == nil {
		err = r.sink.Close()
	}
	if inner := r.inner.Close(); err == nil {
		err = inner
	}
	return err
}

// buffer is how much is unpacked in one go.
const buffer = 32 << 10

// drain copies what a decoder gives.
func drain(from io.Reader, to io.Writer) error {
	b := make([]byte, buffer)
	defer clear(b)
	for {
		n, err := from.Read(b)
		if n > 0 {
			if _, failed := to.Write(b[:n]); failed != nil {
				return failed
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
