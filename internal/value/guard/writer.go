package guard

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"slices"

	"hotcell/internal/line/border"
)

// piece is how much of a write is looked at in one go.
const piece = 32 << 10

// Writer passes a stream on with every form of every value replaced, or as its
// policy says. What it writes does not depend on how the stream is split. It
// holds back only what may yet become a value. It is not for use by several at
// once.
type Writer struct {
	patterns *Patterns
	to       io.Writer
	policy   Policy
	told     Told

	// lanes are the readings of the stream, each after the one that it reads, the first of
	// them what came in; nil once the stream is closed.
	*lanes
	// found are the stretches to replace, by their start, without overlap.
	found []stretch
	// early is up to where what came in has gone on, though it could begin a value.
	early int64
	// lenient streams go on where a value came with a pause in it: its beginning stays,
	// and the mark replaces the rest.
	lenient bool
	out     []byte
	count   int
	err     error
}

// stretch is what one mark replaces: a match, or several that overlap.
type stretch struct {
	start, end int64
	best       best
}

// best is the match that names a stretch: a whole value before a part; of whole ones
// the longest, of equal ones the first, of those at one place the one that was added
// first. So it does not matter in which order they are found, nor in how many pieces
// a part is.
type best struct {
	part          bool
	start, length int64
	label         uint32
}

func (b best) over(other best) bool {
	if b.part != other.part {
		return other.part
	}
	length := 0
	if !b.part {
		length = cmp.Compare(b.length, other.length)
	}
	return cmp.Or(length, cmp.Compare(other.start, b.start), cmp.Compare(other.label, b.label)) > 0
}

// Writer begins a stream.
func (p *Patterns) Writer(to io.Writer, policy Policy) *Writer {
	w := &Writer{patterns: p, to: to, policy: policy}
	if p == nil || len(p.labels) == 0 {
		w.patterns = nil
		return w
	}
	w.lanes, _ = p.idle.Get().(*lanes)
	if w.lanes == nil {
		w.lanes = lanesOf(p)
	}
	w.lanes.of = w
	return w
}

// Tell has told called with all that is replaced from now on.
func (w *Writer) Tell(told Told) { w.told = told }

// Prompt is for a stream that somebody waits for, who must see what came before they
// send more, or reads along: beginnings of fewer than eight bytes are not held where a
// value may go on far behind, in the next event or on the next line. Up to seven bytes
// of it stay there, and the mark replaces the rest. It returns the writer.
func (w *Writer) Prompt() *Writer {
	if w.lanes == nil {
		return w
	}
	for _, l := range w.all {
		if l.loose {
			l.least = windowHead
		}
	}
	return w
}

// Count is how many replacements were written.
func (w *Writer) Count() int { return w.count }

// broken ends the stream where the guard met a fault of its own: nothing of what was
// held goes on, then or later.
func (w *Writer) broken(n *int, err *error) {
	thrown := recover()
	if thrown == nil {
		return
	}
	w.err = border.Of("the guard", thrown)
	if w.lanes != nil {
		for _, l := range w.all {
			clear(l.buf[:cap(l.buf)])
		}
	}
	w.lanes = nil
	clear(w.out[:cap(w.out)])
	*n, *err = 0, w.err
}

// Write implements [io.Writer].
func (w *Writer) Write(b []byte) (n int, err error) {
	switch {
	case w.patterns == nil:
		return w.to.Write(b)
	case w.lanes == nil:
		return 0, cmp.Or(w.err, io.ErrClosedPipe)
	}
	defer w.broken(&n, &err)
	for rest := b; len(rest) > 0 && w.err == nil; {
		n := min(len(rest), piece)
		w.source.buf = append(w.source.buf, rest[:n]...)
		rest = rest[n:]
		w.look(false)
		if w.err == nil {
			w.err = w.pass(w.decided())
		}
	}
	if w.err != nil {
		return 0, w.err
	}
	return len(b), nil
}

// Close passes on what was held back: the stream is over, so it is the
// beginning of nothing any more, and no more is taken. It does not close what it writes to.
func (w *Writer) Close() (err error) {
	if w.lanes == nil {
		return w.err
	}
	defer w.broken(new(int), &err)
	if w.err == nil {
		w.look(true)
	}
	if w.err == nil {
		w.err = w.pass(w.source.end())
	}
	w.lanes.reset()
	if w.err == nil {
		w.patterns.idle.Put(w.lanes)
	}
	w.lanes = nil
	return w.err
}

// maxEarly is how many bytes that may begin a value go on in a silence: fewer than
// the shortest part that is looked for, so that a service which stops there tells no
// more than one which goes on with something else.
const maxEarly = windowHead - 1

// aPart is the form of what is less than a value.
const aPart = "a part"

// ErrEarly says that a value went on after its beginning had gone on in a silence.
// Nothing more of it was passed on.
var ErrEarly = errors.New("a value came with a pause in it, which only somebody who wants it through would send")

// Release passes on what is held back, where that is no more than seven bytes and the ends
// of lines behind them, which tell nothing: for streams on which the other end waits for an
// answer before it goes on. If it was the beginning of a value all the same, the next Write
// fails with [ErrEarly].
func (w *Writer) Release() (err error) {
	if w.lanes == nil || w.err != nil {
		return w.err
	}
	defer w.broken(new(int), &err)
	decided, end := w.decided(), w.source.end()
	from := max(decided, w.early)
	if end == from || len(w.found) > 0 || decided < w.source.off { // what began before went on
		return nil
	}
	if held := bytes.TrimRight(w.source.buf[decided-w.source.off:], "\r\n"); len(held) > maxEarly {
		return nil
	}
	w.early = end
	_, w.err = w.to.Write(w.source.buf[from-w.source.off:])
	return w.err
}

// holds says whether anything is held back that has not gone on.
func (w *Writer) holds() bool {
	return w.lanes != nil && w.source.end() > max(w.source.off, w.early)
}

// look looks at all readings of what is there.
func (w *Writer) look(final bool) {
	for _, l := range w.all {
		l.read(final)
	}
}

// find notes an occurrence, and joins it with those that it overlaps: nothing of
// any value is to survive beside the mark of another. The longest names it.
func (w *Writer) find(l *lane, o occurrence) {
	if w.policy != nil {
		m := Match{w.patterns.labels[o.label], kindNames[o.kind]}
		switch {
		case o.part:
			m.Form = aPart
		case l.parent != nil:
			m.Form = l.name
		}
		switch w.policy(m) {
		case Pass:
			return
		case Refuse:
			// The plainest reading names it, and the whole rather than a part of it.
			if earlier, refused := errors.AsType[*RefusedError](w.err); !refused || earlier.Match.Form == aPart && !o.part {
				w.err = &RefusedError{m}
			}
			return
		case Redact:
		}
	}
	s := stretch{start: l.startOf(o.start), end: l.endOf(o.end)}
	if l.loose && s.end <= max(w.source.off, w.early) {
		return // it was found and replaced where it is in one piece
	}
	s.best = best{o.part, s.start, s.end - s.start, o.label}
	s.start = max(s.start, w.source.off) // what went on cannot be called back
	if l.least > 1 {
		s.start = max(s.start, w.early)
	}
	at, _ := slices.BinarySearchFunc(w.found, s.start, func(f stretch, start int64) int {
		if f.end <= start {
			return -1
		}
		return 1
	})
	last := at
	for ; last < len(w.found) && w.found[last].start < s.end; last++ {
		f := w.found[last]
		if f.best.over(s.best) {
			s.best = f.best
		}
		s.start, s.end = min(s.start, f.start), max(s.end, f.end)
	}
	w.found = slices.Replace(w.found, at, last, s)
}

// decided is up to where nothing that is still to come can change anything.
func (w *Writer) decided() int64 {
	safe := w.source.end()
	for _, l := range w.all {
		safe = min(safe, l.undecided())
	}
	for _, f := range w.found {
		if f.start < safe && f.end > safe {
			safe = f.start
		}
	}
	return safe
}

// pass writes what is decided, and forgets it.
func (w *Writer) pass(safe int64) error {
	w.out = w.out[:0]
	from, done := max(w.source.off, w.early), 0
	text := func(to int64) []byte { return w.source.buf[from-w.source.off : max(from, to)-w.source.off] }
	for _, f := range w.found {
		if f.start < w.early && !w.lenient {
			w.count++
			return ErrEarly
		}
		if f.end > safe {
			break
		}
		f.start = max(f.start, from)
		w.tell(f)
		w.out = append(append(w.out, text(f.start)...), w.patterns.marks[f.best.label]...)
		from = max(from, f.end)
		done++
	}
	w.count += done
	var err error
	if done == 0 {
		if safe > from {
			_, err = w.to.Write(text(safe))
		}
	} else {
		w.out = append(w.out, text(safe)...)
		_, err = w.to.Write(w.out)
		clear(w.out)
	}
	w.found = slices.Delete(w.found, 0, done)
	w.drop(safe)
	return err
}

// tell tells of a stretch that is about to be replaced.
func (w *Writer) tell(f stretch) {
	switch {
	case w.told == nil:
	case f.best.part:
		w.told(w.patterns.hasher.further(w.source.buf[f.start-w.source.off:f.end-w.source.off]) | 1)
	default:
		w.told(0)
	}
}

// drop forgets what was passed on, on all lanes: a child first, since it asks its
// parent where its bytes are from.
func (w *Writer) drop(safe int64) {
	w.floors[0] = safe
	for i, l := range w.all[1:] {
		w.floors[i+1] = l.floor(w.floors[l.parent.index])
	}
	for i, l := range slices.Backward(w.all) {
		parent := int64(0)
		if l.parent != nil {
			parent = w.floors[l.parent.index]
		}
		l.drop(w.floors[i], parent)
	}
}
