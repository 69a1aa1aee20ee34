package guard

import "sort"

// lane is one reading of the stream: what comes in, or what another lane's
// bytes decode to, with the way back to the bytes that came in.
type lane struct {
	matcher
	name   string
	parent *lane // nil for what comes in
	index  int   // among the writer's lanes
	// taken is the parent's position up to which was decoded.
	taken int64
	segs  []segment
	// seam is the position of the last place where this lane differs from its
	// parent; what has none since off reads like the parent, and is not looked at.
	seam int64
	// decode takes in what the parent has; final says that there will be no more. It
	// is nil where another lane's decoder fills this one as well.
	decode func(l *lane, final bool)
	state  int
	// after is the last byte that was taken, where a decoder asks for it.
	after byte
	// half is the parent's position of the first part of a byte, whose rest has not
	// come yet and which may begin a value; -1 for none.
	half int64
	// again makes the decoder as it was in the beginning; it may be nil.
	again func()
	// loose lanes join what stands far apart.
	loose bool
	// anchored lanes have segments only here and there: see unmark.
	anchored bool
	// inherits says that the lane takes up what begins on its parent, since its segments
	// say where it reads the same; offers are what it has not come to yet, and undone is how
	// much of what it took is not on it yet.
	inherits bool
	offers   []offer
	undone   int64
}

// segment is a stretch of a lane: byte by byte the parent's from src on, or,
// where end is not 0, all of it what the parent's bytes from src to end mean.
type segment struct{ at, src, end int64 }

// fresh are the parent's bytes that were not taken yet.
func (l *lane) fresh() []byte { return l.parent.buf[l.taken-l.parent.off:] }

// raw takes n of the parent's bytes as they are.
func (l *lane) raw(b []byte) {
	if len(b) == 0 {
		return
	}
	if n := len(l.segs); n == 0 || l.segs[n-1].end != 0 || l.segs[n-1].src+l.end()-l.segs[n-1].at != l.taken {
		l.segs = append(l.segs, segment{at: l.end(), src: l.taken})
	}
	l.buf = append(l.buf, b...)
	l.taken += int64(len(b))
}

// means takes n of the parent's bytes as what they mean.
func (l *lane) means(n int, meaning ...byte) {
	if len(meaning) > 0 {
		l.segs = append(l.segs, segment{at: l.end(), src: l.taken, end: l.taken + int64(n)})
		l.buf = append(l.buf, meaning...)
	}
	l.taken += int64(n)
	l.seam = l.end()
}

// put adds a byte that the parent's bytes from src to end mean, on a lane that
// holds only what it understands.
func (l *lane) put(src, end int64, b byte) {
	l.segs = append(l.segs, segment{at: l.end(), src: src, end: end})
	l.buf = append(l.buf, b)
	l.seam = l.end()
}

// cut ends a text on a lane that holds only what it understands: it is looked at
// and forgotten, and nothing that follows is joined to it.
func (l *lane) cut() {
	l.scan()
	l.forget(l.end())
	l.segs = l.segs[:0]
	l.half = -1
}

// read takes in what the parent has, and looks at it.
func (l *lane) read(final bool) {
	if l.decode != nil {
		l.decode(l, final)
	}
	// What ends within an escape is a reading of its own.
	if l.parent != nil && l.pending() {
		l.seam = max(l.seam, l.end())
	}
	if l.parent == nil || l.inherits || l.seamed() {
		l.scan()
	}
}

// scan looks at all of which enough is there.
func (l *lane) scan() {
	if l.inherits {
		l.inherit()
	} else {
		l.matcher.scan()
	}
}

// undecided is the first position in what came in that may yet be the beginning
// of a form on this lane.
func (l *lane) undecided() int64 {
	if l.parent == nil {
		return l.held()
	}
	at := l.parent.end()
	if l.pending() && l.least <= 1 {
		at = l.taken
	}
	if l.half >= 0 {
		at = min(at, l.half)
	}
	out := l.parent.startOf(at)
	if l.seamed() {
		out = min(out, l.startOf(l.held()))
	}
	return out
}

// reset makes the lane as it was, but for its buffers.
func (l *lane) reset() {
	l.matcher.reset()
	l.taken, l.segs, l.seam, l.state, l.after, l.half, l.offers, l.undone = 0, l.segs[:0], 0, 0, 0, -1, l.offers[:0], 0
	if l.again != nil {
		l.again()
	}
}

// keptLoose is how many bytes of a loose lane stay there though they went on: more than
// the longest escape, and than what is no candidate yet.
const keptLoose = 64

// seamed says whether the lane reads differently than its parent.
func (l *lane) seamed() bool { return l.seam > l.off }

func (l *lane) find(position int64) segment {
	i := sort.Search(len(l.segs), func(i int) bool { return l.segs[i].at > position }) - 1
	return l.segs[max(i, 0)]
}

// startOf is where the byte at a position begins in what came in.
func (l *lane) startOf(position int64) int64 {
	switch {
	case l.parent == nil:
		return position
	case position < l.off:
		return 0 // it went on, and nobody knows where it began
	case position >= l.end() || len(l.segs) == 0:
		return l.parent.startOf(l.taken)
	}
	s := l.find(position)
	switch {
	case l.anchored:
		return l.parent.startOf(l.bareAt(s, position))
	case s.end != 0:
		return l.parent.startOf(s.src)
	}
	return l.parent.startOf(s.src + position - s.at)
}

// endOf is where the byte before a position ends in what came in.
func (l *lane) endOf(position int64) int64 {
	switch {
	case l.parent == nil:
		return position
	case position <= l.off:
		return 0
	}
	s := l.find(position - 1)
	switch {
	case l.anchored:
		return l.parent.endOf(l.bareAt(s, position-1) + 1)
	case s.end != 0:
		return l.parent.endOf(s.end)
	}
	return l.parent.endOf(s.src + position - s.at)
}

// floor is the first position whose byte begins at the parent's position or after.
func (l *lane) floor(parent int64) int64 {
	if l.anchored && len(l.segs) > 0 {
		_, s := l.anchor(parent)
		return s.at
	}
	i := sort.Search(len(l.segs), func(i int) bool { return l.segs[i].src >= parent })
	out := l.end()
	if i < len(l.segs) {
		out = l.segs[i].at
	}
	if i > 0 && l.segs[i-1].end == 0 {
		if s := l.segs[i-1]; s.at+parent-s.src < out {
			out = s.at + parent - s.src
		}
	}
	return out
}

// drop forgets what is before a position, as the parent will what is before another.
func (l *lane) drop(position, parent int64) {
	if l.least > 1 {
		position = min(position, max(l.off, min(l.end()-keptLoose, l.held())))
	}
	l.forget(position)
	if l.anchored {
		l.anchorAt(parent)
		return
	}
	i := 0
	for i+1 < len(l.segs) && l.segs[i+1].at <= position {
		i++
	}
	l.segs = l.segs[:copy(l.segs, l.segs[i:])]
}

// wipe clears what was in its buffers.
func (l *lane) wipe() {
	l.matcher.wipe()
	if l.again != nil {
		l.again()
	}
}

// pending says whether the parent has bytes whose meaning is not known yet.
func (l *lane) pending() bool { return l.taken < l.parent.end() }
