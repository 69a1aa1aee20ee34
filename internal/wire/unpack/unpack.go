// Package unpack looks into what is packed in a stream: compressed streams,
// archives, packs of git, and any of these in base64, one within the other.
//
// It trusts no table of contents and no declared length: it takes up whatever
// begins like something packed, wherever that stands, and hands each reading to
// a sink. So a part of a multipart body, a frame of gRPC, a layer in a tar and a
// stream in a PDF need no parser of their own. What it spends is counted: bytes,
// memory, depth, entries, and never time. It changes nothing and passes nothing
// on; what its caller may pass on before more has come, [Looker.Held] says. What
// is enciphered it cannot read, and says so. One way to use it:
//
//	l := unpack.New(unpack.NewBudget(unpack.Limits{}), func() io.WriteCloser { return patterns.Writer(io.Discard, refuse) })
//	_, err := io.Copy(l, body)
//	err = errors.Join(err, l.Close())
package unpack

import (
	"bytes"
	"errors"
	"io"
)

// ErrUnreadable says that something packed cannot be looked into. The error is an
// [UnreadableError].
var ErrUnreadable = errors.New("it cannot be looked into")

// UnreadableError says why something packed cannot be looked into.
type UnreadableError struct{ Why string }

func (u *UnreadableError) Error() string { return ErrUnreadable.Error() + ": " + u.Why }

// Unwrap makes it an [ErrUnreadable].
func (*UnreadableError) Unwrap() error { return ErrUnreadable }

func unreadable(why string) error { return &UnreadableError{why} }

// ErrLimit says that a stream unpacks to more than it may. It is an
// [ErrUnreadable].
var ErrLimit = unreadable("it unpacks to more than is looked at")

var errClosed = errors.New("the stream is over")

// Sink makes what a reading is written to; its Close ends the reading.
type Sink func() io.WriteCloser

// Looker looks into a stream that is written to it. It is not for use by several
// at once.
type Looker struct {
	budget *Budget
	sink   Sink
	depth  int

	// began is false before the first byte.
	began bool
	// tail is what came last, too short to show what it begins.
	tail   []byte
	active []*stream
	text   runs
	failed error
	closed bool
}

// New begins to look into a stream.
func New(b *Budget, sink Sink) *Looker { return &Looker{budget: b, sink: sink} }

// Expect has the stream begin with codings of HTTP, in the order in which they
// were applied, before anything is written.
func (l *Looker) Expect(codings ...string) error {
	if len(codings) == 0 {
		return nil
	}
	last := len(codings) - 1
	name, rest := codings[last], codings[:last]
	open := named(name)
	if open == nil {
		return l.fail(unreadable("it is in a coding that is not known"))
	}
	return l.start(packing{name: name, memory: namedMemory, said: true, open: func(from *stream, to *reading) error {
		if err := to.inner.Expect(rest...); err != nil {
			return err
		}
		return open(from, to)
	}}, nil)
}

// Write looks at the next bytes. It fails with what a sink fails with, and with
// [ErrUnreadable]; then all later writes fail with the same.
func (l *Looker) Write(p []byte) (int, error) {
	switch {
	case l.failed != nil:
		return 0, l.failed
	case l.closed:
		return 0, errClosed
	}
	if err := l.feed(p); err != nil {
		return 0, l.fail(err)
	}
	l.tail = append(l.tail, p...)
	if err := l.scan(false); err != nil {
		return 0, l.fail(err)
	}
	if err := l.text.write(l, p); err != nil {
		return 0, l.fail(err)
	}
	return len(p), nil
}

// Close says that the stream is over, and what came of all that was packed in it.
func (l *Looker) Close() error {
	if l.closed {
		return l.failed
	}
	l.closed = true
	if l.failed == nil {
		l.failed = l.end()
	}
	for _, s := range l.active {
		s.stop()
	}
	l.text.stop()
	clear(l.tail)
	l.active, l.tail = nil, nil
	return l.failed
}

func (l *Looker) end() error {
	if err := l.scan(true); err != nil {
		return err
	}
	if err := l.text.end(l); err != nil {
		return err
	}
	for _, s := range l.active {
		s.over = true
		if err := l.resume(s); err != nil {
			return err
		}
	}
	return nil
}

func (l *Looker) fail(err error) error {
	l.failed = err
	return err
}

// Held is how many of the last bytes that were written may hold what was not
// looked at yet: what their packing keeps to itself before it gives it out.
func (l *Looker) Held() int64 {
	held := l.text.held()
	if bytes.ContainsFunc(l.tail[:min(len(l.tail), 4)], func(c rune) bool { return c < ' ' || c > '~' }) {
		held = max(held, int64(len(l.tail)))
	}
	for _, s := range l.active {
		held = max(held, s.packing.keeps())
	}
	return held
}

// Busy says whether something is being unpacked that did not end yet.
func (l *Looker) Busy() bool {
	return len(l.active) > 0 || l.text.inner != nil && l.text.inner.Busy()
}

// feed hands bytes to what is under way.
func (l *Looker) feed(p []byte) error {
	kept := l.active[:0]
	for i, s := range l.active {
		s.in = p
		if err := l.resume(s); err != nil {
			l.active = append(kept, l.active[i+1:]...)
			return err
		}
		if !s.ended {
			kept = append(kept, s)
		}
	}
	clear(l.active[len(kept):])
	l.active = kept
	return nil
}

// scan takes up what begins in the bytes that have come, and keeps those that
// do not show yet what they begin; final says that there will be no more.
func (l *Looker) scan(final bool) error {
	b := l.tail
	at := next(b, 0)
	for ; at < len(b); at = next(b, at+1) {
		found, more := recognise(b[at:], !l.began && at == 0, final)
		if more {
			break
		}
		if found == nil {
			continue
		}
		if err := l.start(*found, b[at:]); err != nil {
			return err
		}
	}
	l.began = l.began || at > 0
	l.tail = l.tail[:copy(l.tail, l.tail[at:])]
	return nil
}

// start begins to read something packed that begins with b.
func (l *Looker) start(p packing, b []byte) error {
	if p.open == nil {
		return l.budget.pass(unreadable("it is " + p.name))
	}
	if l.depth >= l.budget.limits.Depth {
		if p.weak {
			return nil
		}
		return l.budget.pass(unreadable("it is packed too many times over"))
	}
	if err := l.budget.begin(p.memory); err != nil {
		return l.budget.pass(err)
	}
	s := newStream(l, p)
	s.in = b
	if err := l.resume(s); err != nil {
		return err
	}
	if s.ended {
		return nil
	}
	if l.active = append(l.active, s); len(l.active) > maxActive {
		return l.budget.pass(unreadable("too much in it is packed at once"))
	}
	return nil
}

// maxActive is how much may be under way at one place at once.
const maxActive = 32

// resume lets a stream go on until it wants more, and says what is to stop all.
func (l *Looker) resume(s *stream) error {
	if s.ended {
		return nil
	}
	s.next()
	if !s.ended {
		return nil
	}
	l.budget.finish(s.packing.memory)
	err := s.err
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errDecoding):
		if s.packing.said || s.packing.first && !s.packing.weak {
			return l.budget.pass(unreadable("what is packed in it breaks off or is damaged"))
		}
		return nil // it only looked packed, or nobody can unpack it either
	case errors.Is(err, ErrUnreadable):
		return l.budget.pass(err)
	}
	return err
}
