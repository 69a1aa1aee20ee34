package guard

import "sort"

// offer is what began on a lane, for those that read it: a candidate, or, without a
// group, a part. They take it up where they read the same, and themselves look only
// where they do not.
type offer struct {
	start int64
	// size is how many bytes it began with.
	size int64
	// seen is up to where it was held against what is there. If it is not open, that
	// decided all.
	seen  int64
	open  bool
	group *group
}

// offer tells the lanes that read this one what began.
func (m *matcher) offer(o offer) {
	for _, heir := range m.heirs {
		heir.offers = append(heir.offers, o)
	}
}

// inherit looks where the lane does not read like its parent, and takes up what began
// on the parent elsewhere.
func (l *lane) inherit() {
	l.reopen()
	if l.parts.windows != nil {
		l.parts.reopen(&l.matcher)
		to := l.end() - windowHead + 1
		l.torn(l.parts.tried, to, windowHead, func(from, to int64) { l.parts.try(&l.matcher, from, to) })
		l.parts.tried = max(l.parts.tried, to)
	}
	for c := range l.patterns.index {
		to := l.end() - int64(classes[c].prefix) + 1
		l.torn(l.tried[c], to, classes[c].prefix, func(from, to int64) { l.try(c, from, to) })
		l.tried[c] = max(l.tried[c], to)
	}
	kept := l.offers[:0]
	for _, o := range l.offers {
		if o.start+o.size > l.taken-l.undone {
			kept = append(kept, o)
			continue
		}
		l.accept(o)
	}
	l.offers = kept
	l.rest()
}

// torn calls look with each stretch of the positions from one up to another whose first
// n bytes are not the parent's in one piece.
func (l *lane) torn(from, to int64, n int, look func(from, to int64)) {
	size := int64(n)
	i := max(0, sort.Search(len(l.segs), func(i int) bool { return l.segs[i].at > from })-1)
	for from < to {
		// Where a segment has so many bytes, those from its beginning are whole.
		start, next := to, to
		for ; i < len(l.segs); i++ {
			if end := l.ends(i); l.segs[i].end == 0 && end-size >= max(from, l.segs[i].at) {
				start, next = l.segs[i].at, end-size+1
				i++
				break
			}
		}
		if start = min(start, to); from < start {
			look(from, start)
		}
		from = next
	}
}

// ends is where a segment ends.
func (l *lane) ends(i int) int64 {
	if i+1 < len(l.segs) {
		return l.segs[i+1].at
	}
	return l.end()
}

// accept takes up what began on the parent, where this lane reads the same: not where
// that is known to hold for all that was seen of it, since the parent has found it.
func (l *lane) accept(o offer) {
	i := sort.Search(len(l.segs), func(i int) bool { return l.segs[i].src > o.start }) - 1
	if i < 0 || l.segs[i].end != 0 {
		return
	}
	end, moved := l.ends(i), l.segs[i].at-l.segs[i].src
	at := o.start + moved
	switch {
	case at < l.off || at+o.size > end:
	case !o.open && o.seen+moved <= end:
		o.start, o.seen = at, o.seen+moved
		l.offer(o)
	case o.group == nil:
		l.parts.begin(&l.matcher, at)
	default:
		l.begin(at, o.group, o.size)
	}
}
