package guard

import (
	"io"
	"slices"
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

	source *lane
	// lanes are the readings of the stream, each of the one before it but the last
	// two, which both read the third.
	lanes []*lane
	hex   *unhex
	// found are the stretches to replace, by their start, without overlap.
	found []stretch
	out   []byte
	count int
	err   error
}

type stretch struct {
	start, end int64
	longest    int64
	mark       []byte
}

// Writer begins a stream.
func (p *Patterns) Writer(to io.Writer, policy Policy) *Writer {
	w := &Writer{patterns: p, to: to, policy: policy}
	if p == nil || len(p.labels) == 0 {
		w.patterns = nil
		return w
	}
	w.source = &lane{}
	escapes := &lane{parent: w.source, decode: unescape, name: "percent or escapes"}
	twice := &lane{parent: escapes, decode: unescape, name: "percent or escapes, twice"}
	squeezed := &lane{parent: twice, decode: squeeze, name: "broken up"}
	w.lanes = []*lane{w.source, escapes, twice, squeezed}
	first, second := &lane{parent: squeezed, name: "hex"}, &lane{parent: squeezed, name: "hex", decode: func(*lane, bool) {}}
	w.hex = &unhex{parent: squeezed, halves: [2]half{{lane: first, first: -1}, {lane: second, first: -1, odd: true}}, least: 2 * p.least}
	first.decode = w.hex.decode
	w.lanes = append(w.lanes, first, second)
	for _, l := range w.lanes {
		l.patterns = p
		l.found = func(o occurrence) { w.find(l, o) }
	}
	return w
}

// Count is how many replacements were written.
func (w *Writer) Count() int { return w.count }

// Write implements [io.Writer].
func (w *Writer) Write(b []byte) (int, error) {
	if w.patterns == nil {
		return w.to.Write(b)
	}
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
// beginning of nothing any more. It does not close what it writes to.
func (w *Writer) Close() error {
	if w.patterns == nil || w.err != nil {
		return w.err
	}
	w.look(true)
	if w.err == nil {
		w.err = w.pass(w.source.end())
	}
	for _, l := range w.lanes {
		l.wipe()
	}
	return w.err
}

// look looks at all readings of what is there.
func (w *Writer) look(final bool) {
	for i, l := range w.lanes {
		if l.parent != nil {
			l.decode(l, final)
		}
		// What ends within an escape is a reading of its own.
		if l.parent != nil && i < 4 && l.pending() {
			l.seam = max(l.seam, l.end())
		}
		if l.parent == nil || l.seamed() {
			l.scan()
		}
	}
}

// find notes an occurrence, and joins it with those that it overlaps: nothing of
// any value is to survive beside the mark of another. The longest names it.
func (w *Writer) find(l *lane, o occurrence) {
	label := w.patterns.labels[o.entry.label]
	if w.policy != nil {
		name := kindNames[o.entry.kind]
		if l.parent != nil {
			name = l.name
		}
		m := Match{label, name}
		switch w.policy(m) {
		case Pass:
			return
		case Refuse:
			w.err = &RefusedError{m}
			return
		case Redact:
		}
	}
	s := stretch{start: l.startOf(o.start), end: l.endOf(o.end), mark: w.patterns.marks[o.entry.label]}
	s.longest = s.end - s.start
	s.start = max(s.start, w.source.off)
	at, _ := slices.BinarySearchFunc(w.found, s.start, func(f stretch, start int64) int {
		if f.end <= start {
			return -1
		}
		return 1
	})
	last := at
	for ; last < len(w.found) && w.found[last].start < s.end; last++ {
		f := w.found[last]
		if f.longest > s.longest {
			s.longest, s.mark = f.longest, f.mark
		}
		s.start, s.end = min(s.start, f.start), max(s.end, f.end)
	}
	w.found = slices.Replace(w.found, at, last, s)
}

// decided is up to where nothing that is still to come can change anything.
func (w *Writer) decided() int64 {
	safe := w.source.held()
	for i, l := range w.lanes[1:] {
		if l.pending() {
			safe = min(safe, l.parent.startOf(l.taken))
		}
		if l.seamed() {
			safe = min(safe, l.startOf(l.held()))
		}
		if i < 3 {
			continue
		}
		if h := &w.hex.halves[i-3]; h.first >= 0 && w.patterns.high[h.first] {
			safe = min(safe, l.parent.startOf(h.at))
		}
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
	from, done := w.source.off, 0
	text := func(to int64) []byte { return w.source.buf[from-w.source.off : to-w.source.off] }
	for _, f := range w.found {
		if f.end > safe {
			break
		}
		w.out = append(append(w.out, text(f.start)...), f.mark...)
		from = f.end
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

// drop forgets what was passed on, on all lanes: a child first, since it asks its
// parent where its bytes are from.
func (w *Writer) drop(safe int64) {
	var floors [3]int64 // of the lanes that others read
	floors[0] = safe
	for i := 1; i < 3; i++ {
		floors[i] = w.lanes[i].floor(floors[i-1])
	}
	for i := len(w.lanes) - 1; i > 0; i-- {
		switch i {
		case 4, 5:
			w.lanes[i].drop(min(w.lanes[3].floor(floors[2]), w.lanes[i].taken))
		default:
			w.lanes[i].drop(floors[i-1])
		}
	}
	w.source.forget(safe)
}

// reset makes the writer as it was, but for its buffers.
func (w *Writer) reset() {
	for _, l := range w.lanes {
		l.buf, l.off, l.tried, l.open, l.sums, l.last = l.buf[:0], 0, [len(classes)]int64{}, l.open[:0], l.sums[:0], nil
		l.taken, l.segs, l.seam, l.state = 0, l.segs[:0], 0, 0
	}
	if w.hex != nil {
		w.hex.in = false
		for n := range w.hex.halves {
			w.hex.halves[n].first, w.hex.halves[n].skip = -1, false
		}
	}
	w.found, w.count, w.err, w.policy = w.found[:0], 0, nil, nil
}
