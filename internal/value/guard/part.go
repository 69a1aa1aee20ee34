package guard

import (
	"encoding/binary"
	"slices"
)

// parts finds parts of values on a lane, beside the lane's matcher.
type parts struct {
	windows *windows
	// tried is the first position that was not tried as a beginning.
	tried int64
	// open are the positions at which a window begins that is not there wholly.
	open []int64
	// hits are what one look found, each as long as its windows overlap.
	hits []occurrence
}

// reopen holds those that are open against what has come since.
func (p *parts) reopen(m *matcher) {
	again := p.open
	p.open = p.open[:0]
	for _, at := range again {
		p.hold(m, at)
	}
}

// try tries the positions from one up to another: the first eight bytes of all of them
// are there.
func (p *parts) try(m *matcher, from, to int64) {
	h, far := &m.patterns.hasher, windowStride-1
	first, end := int(from-m.off), int(to-m.off)
	i := first + far
	for {
		at, _, found := windowGrams.next(&p.windows.grams, h, m.buf, i, end-1+far)
		i = at
		if !found {
			break
		}
		p.each(m, i-far, min(i+1, end))
		i += windowStride
	}
	p.each(m, max(first, i-far), end) // the last, which no look reaches
}

// each tries each index of the buffer from one up to another.
func (p *parts) each(m *matcher, from, to int) {
	for i := from; i < to; i++ {
		if p.likely(m, i) {
			p.begin(m, int64(i)+m.off)
		}
	}
}

// tell tells of what was found.
func (p *parts) tell(m *matcher) {
	for i := range p.hits {
		m.found(p.hits[i])
	}
	p.hits = p.hits[:0]
}

// likely says whether the first and the last five of eight bytes are those of a window.
func (p *parts) likely(m *matcher, start int) bool {
	w := binary.LittleEndian.Uint64(m.buf[start:])
	for _, gram := range [...]uint64{w & (1<<(8*windowGram) - 1), w >> (8 * (windowHead - windowGram))} {
		if !p.windows.grams.has(m.patterns.hasher.gram(gram)) {
			return false
		}
	}
	return true
}

// begin holds what begins at a position against the windows, if any begins so.
func (p *parts) begin(m *matcher, at int64) {
	if seen, open := p.hold(m, at); seen > at {
		m.offer(offer{start: at, size: windowHead, seen: seen, open: open})
	}
}

// hold does so, and says up to where it looked, and whether there is not enough to tell.
func (p *parts) hold(m *matcher, at int64) (seen int64, open bool) {
	h, b := &m.patterns.hasher, m.buf[at-m.off:]
	first := h.eight(b)
	i := p.windows.beginning(first)
	if i < 0 {
		return at, false
	}
	length, rest := 0, uint64(0)
	for ; i < len(p.windows.all) && p.windows.all[i].first == first; i++ {
		w := &p.windows.all[i]
		if int(w.length) > len(b) { // they are in order of their lengths
			p.open = append(p.open, at)
			return at + int64(len(b)), true
		}
		if int(w.length) != length {
			length = int(w.length)
			rest = h.further(b[windowHead:length])
		}
		if rest == w.rest {
			p.hit(at, int64(length), w.label)
		}
	}
	return at + int64(length), false
}

// hit notes a window, and joins it with the one before it that it goes on.
func (p *parts) hit(start, length int64, label uint32) {
	for i := len(p.hits) - 1; i >= max(0, len(p.hits)-8); i-- {
		if one := &p.hits[i]; one.label == label && one.start <= start && one.end > start {
			one.end = max(one.end, start+length)
			return
		}
	}
	p.hits = append(p.hits, occurrence{start: start, end: start + length, label: label, part: true})
}

// held is the first position that may yet be the beginning of a window.
func (p *parts) held(m *matcher) int64 {
	held := m.end()
	for _, at := range p.open {
		held = min(held, at)
	}
	for n := min(windowHead-1, len(m.buf)); n > 0 && n >= m.least; n-- {
		if p.windows.mayBegin(&m.patterns.hasher, m.buf[len(m.buf)-n:]) {
			return min(held, m.end()-int64(n))
		}
	}
	return held
}

// forget drops what is before a position.
func (p *parts) forget(position int64) {
	p.tried = max(p.tried, position)
	p.open = slices.DeleteFunc(p.open, func(at int64) bool { return at < position })
}

func (p *parts) reset() { p.tried, p.open, p.hits = 0, p.open[:0], p.hits[:0] }
