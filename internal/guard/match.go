package guard

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"sort"
)

// candidate is a place where a form begins, or seems to: its first bytes are there.
type candidate struct {
	start int64
	group *group
	// next is the first entry that was not held against it yet; limit the length
	// of the longest that it may still be.
	next, limit int
	check       int // the first checkpoint that was not reached
}

// occurrence is a form that was found on a lane, or a part of one.
type occurrence struct {
	start, end int64
	label      uint32
	kind       kind
	part       bool
}

// matcher finds forms in a buffer that grows at its end and is forgotten at its
// front. Positions count from the beginning of the lane.
type matcher struct {
	patterns *Patterns
	buf      []byte
	off      int64 // the position of buf[0]
	// tried is, for each class, the first position that was not tried as a start.
	tried [len(classes)]int64
	open  []candidate
	// sums are the rolling hashes of buf from position from on.
	sums []uint64
	from int64
	// last is the end of the last occurrence of an entry, within which more of the
	// same is taken on the rolling hash alone.
	last  *entry
	until int64
	found func(occurrence)
	// bare matchers find only what is bare (see form). Beginnings of fewer bytes than
	// least are not held.
	bare  bool
	least int
	// parts are found where the values are known, else there are no windows.
	parts parts
}

func (m *matcher) end() int64 { return m.off + int64(len(m.buf)) }

// scan tries all positions of which enough is there.
func (m *matcher) scan() {
	if m.parts.windows != nil {
		m.parts.scan(m)
	}
	m.reopen()
	for c := range m.patterns.index {
		ix := &m.patterns.index[c]
		if len(ix.groups) == 0 {
			continue
		}
		if c == longClass {
			m.scanLong(ix)
		} else {
			m.scanShort(ix)
		}
		m.scanEnd(ix, c)
	}
	if len(m.open) == 0 {
		m.sums = m.sums[:0]
	}
}

// scanLong looks at every eighth position: of each form, one of the first eight
// grams is at one of those.
func (m *matcher) scanLong(ix *index) {
	const stride, prefix = 8, maxPrefix
	i := int((m.tried[longClass]+stride-1)/stride*stride - m.off)
	last := len(m.buf) - prefix
	buf, filter, mask := m.buf, ix.bits, ix.mask
	a, b := m.patterns.hasher.a, m.patterns.hasher.b
	for ; i <= last; i += stride {
		w := binary.LittleEndian.Uint64(buf[i:]) & (1<<40 - 1)
		hi, lo := bits.Mul64(w^a, b)
		gram := uint32((hi ^ lo) >> 16)
		if want := bloom(gram); filter[gram&mask]&want == want {
			m.look(ix, longClass, gram, i)
		}
	}
	if at := int64(i-stride) + m.off + 1; at > m.tried[longClass] && i-stride >= 0 {
		m.tried[longClass] = at
	}
}

func (m *matcher) scanShort(ix *index) {
	const stride, prefix = 3, 6
	i := int((m.tried[shortClass]+stride-1)/stride*stride - m.off)
	last := len(m.buf) - prefix
	buf, filter, mask := m.buf, ix.bits, ix.mask
	a, b := m.patterns.hasher.a, m.patterns.hasher.b
	for ; i <= last; i += stride {
		hi, lo := bits.Mul64(uint64(binary.LittleEndian.Uint32(buf[i:]))^a, b)
		gram := uint32((hi ^ lo) >> 16)
		if want := bloom(gram); filter[gram&mask]&want == want {
			m.look(ix, shortClass, gram, i)
		}
	}
	if at := int64(i-stride) + m.off + 1; at > m.tried[shortClass] && i-stride >= 0 {
		m.tried[shortClass] = at
	}
}

// look holds a gram at i against those that are known.
func (m *matcher) look(ix *index, class int, gram uint32, i int) {
	for _, one := range ix.postings[ix.starts[gram>>16]:ix.starts[gram>>16+1]] {
		start := i - int(one.offset)
		if one.gram != gram || start < 0 || int64(start)+m.off < m.tried[class] || start+ix.prefix > len(m.buf) {
			continue
		}
		if g, begins := ix.byPrefix[m.patterns.hasher.head(m.buf[start:], ix.prefix)]; begins {
			m.begin(int64(start)+m.off, &ix.groups[g])
		}
	}
}

// scanEnd tries the last positions, which no stride has reached.
func (m *matcher) scanEnd(ix *index, class int) {
	from := max(m.tried[class], m.off)
	last := m.end() - int64(ix.prefix)
	for at := from; at <= last; at++ {
		if i := at - m.off; m.patterns.first[m.buf[i]] {
			if g, begins := ix.byPrefix[m.patterns.hasher.head(m.buf[i:], ix.prefix)]; begins {
				m.begin(at, &ix.groups[g])
			}
		}
	}
	m.tried[class] = max(m.tried[class], last+1)
}

// begin takes up a candidate.
func (m *matcher) begin(start int64, g *group) {
	c := candidate{start: start, group: g, limit: g.entries[len(g.entries)-1].length}
	if m.advance(&c) {
		m.open = append(m.open, c)
	}
}

// reopen holds the open candidates against what has come since.
func (m *matcher) reopen() {
	kept := m.open[:0]
	for i := range m.open {
		c := m.open[i]
		if m.advance(&c) {
			kept = append(kept, c)
		}
	}
	m.open = kept
}

// advance holds a candidate against all that is there. It returns false when
// nothing more can come of it.
func (m *matcher) advance(c *candidate) bool {
	have := int(m.end() - c.start)
	h := &m.patterns.hasher
	for c.next < len(c.group.entries) {
		e := &c.group.entries[c.next]
		for c.check < len(checkpoints) && checkpoints[c.check] <= min(have, e.length-1) {
			if !m.checkpoint(c) {
				return false
			}
			c.check++
			e = &c.group.entries[c.next]
		}
		if e.length > c.limit {
			return false
		}
		if e.length > have {
			return true
		}
		m.compare(c, e.length, h.short(m.hash(c.start, e.length, e.power)))
	}
	return false
}

// compare holds all entries of a length against a sum: they are in order of theirs.
func (m *matcher) compare(c *candidate, length int, sum uint32) {
	entries := c.group.entries
	at := c.next + sort.Search(len(entries)-c.next, func(i int) bool {
		e := &entries[c.next+i]
		return e.length > length || e.length == length && e.whole >= sum
	})
	for ; at < len(entries) && entries[at].length == length && entries[at].whole == sum; at++ {
		m.verify(c.start, &entries[at])
	}
	c.next = at + sort.Search(len(entries)-at, func(i int) bool { return entries[at+i].length > length })
}

// checkpoint drops the longer forms that differ within the next checkpoint: all that
// are left are longer than it.
func (m *matcher) checkpoint(c *candidate) bool {
	at := checkpoints[c.check]
	sum := m.patterns.hasher.short(m.hash(c.start, at, m.patterns.hasher.power(at)))
	if checks := c.group.checks; checks != nil {
		alike, known := checks[c.check][sum]
		c.next, c.limit = max(c.next, alike.first), min(c.limit, alike.limit)
		return known
	}
	limit := 0
	first := -1
	for i := c.next; i < len(c.group.entries); i++ {
		e := &c.group.entries[i]
		if e.length <= at || e.checks[c.check] == sum {
			limit = e.length
			if first < 0 {
				first = i
			}
		}
	}
	if first < 0 {
		return false
	}
	c.next, c.limit = first, min(c.limit, limit)
	return true
}

// verify holds the whole against its HMAC.
func (m *matcher) verify(start int64, e *entry) {
	end := start + int64(e.length)
	again := m.last == e && start < m.until
	if m.bare && !e.bare || !again && m.patterns.hasher.mac(m.buf[start-m.off:end-m.off]) != e.mac {
		return
	}
	m.last, m.until = e, end
	m.found(occurrence{start: start, end: end, label: e.label, kind: e.kind})
}

// hash is the rolling hash of n bytes at start.
func (m *matcher) hash(start int64, n int, power uint64) uint64 {
	m.sum(start, start+int64(n))
	from, to := m.sums[start-m.from], m.sums[start-m.from+int64(n)]
	out := to + prime - mulMod(from, power)
	if out >= prime {
		out -= prime
	}
	return out
}

// sum makes sure that there are rolling hashes from start to end.
func (m *matcher) sum(start, end int64) {
	if len(m.sums) == 0 || start < m.from {
		m.from, m.sums = start, append(m.sums[:0], 0)
	}
	have := m.from + int64(len(m.sums)) - 1
	if have >= end {
		return
	}
	sum, h := m.sums[len(m.sums)-1], &m.patterns.hasher
	for _, b := range m.buf[have-m.off : end-m.off] {
		sum = h.step(sum, b)
		m.sums = append(m.sums, sum)
	}
}

// held is the first position that may yet be the beginning of a form.
func (m *matcher) held() int64 {
	held := m.end()
	if m.parts.windows != nil {
		held = m.parts.held(m)
	}
	for _, c := range m.open {
		if m.end()-c.start >= int64(m.least) {
			held = min(held, c.start)
		}
	}
	p := m.patterns
	for n := min(maxPrefix-1, len(m.buf)); n > 0 && n >= m.least; n-- {
		at := len(m.buf) - n
		if !p.first[m.buf[at]] {
			continue
		}
		if _, begins := p.heads[n][uint32(p.hasher.head(m.buf[at:], n))]; begins {
			return min(held, m.off+int64(at))
		}
	}
	return held
}

// forget drops what is before a position.
func (m *matcher) forget(position int64) {
	n := int(position - m.off)
	if n <= 0 {
		return
	}
	// A lane that reads like its parent is not looked at, nor are its candidates held:
	// the parent has the same ones. They go with their bytes.
	m.parts.forget(position)
	m.open = slices.DeleteFunc(m.open, func(c candidate) bool { return c.start < position })
	// What is left behind is written over by what comes next, or cleared at the end.
	m.buf, m.off = m.buf[:copy(m.buf, m.buf[n:])], position
	for c := range m.tried {
		m.tried[c] = max(m.tried[c], position)
	}
	if len(m.sums) > 0 && m.from < position {
		if drop := position - m.from; int(drop) < len(m.sums) {
			m.sums = m.sums[:copy(m.sums, m.sums[drop:])]
			m.from = position
		} else {
			m.sums = m.sums[:0]
		}
	}
}

// reset makes the matcher as it was, but for its buffers.
func (m *matcher) reset() {
	m.parts.reset()
	m.buf, m.off, m.tried, m.open, m.sums, m.last = m.buf[:0], 0, [len(classes)]int64{}, m.open[:0], m.sums[:0], nil
}

// wipe clears what was in the buffer.
func (m *matcher) wipe() {
	clear(m.buf[:cap(m.buf)])
	m.buf = m.buf[:0]
}
