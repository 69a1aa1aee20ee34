package guard

import "sort"

// candidate is a place where a form begins, or seems to: its first bytes are there.
type candidate struct {
	start int64
	group *group
	// next is the first entry that was not held against it yet; limit the length
	// of the longest that it may still be.
	next, limit int
	check       int // the first checkpoint that was not reached
	// seen is up to where it was held against what is there.
	seen int64
}

// begin takes up a candidate that has so many first bytes.
func (m *matcher) begin(start int64, g *group, size int64) {
	c := candidate{start: start, group: g, limit: g.entries[len(g.entries)-1].length}
	open := m.advance(&c)
	if open {
		m.open = append(m.open, c)
	}
	m.offer(offer{start: start, size: size, seen: c.seen, open: open, group: g})
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
		c.seen = c.start + int64(e.length)
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
	c.seen = c.start + int64(at)
	sum := m.patterns.hasher.short(m.hash(c.start, at, m.patterns.hasher.powers[c.check]))
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

// farApart is how far behind the last candidate another is for which the hashes between
// them are not computed.
const farApart = 64

// sum makes sure that there are rolling hashes from start to end.
func (m *matcher) sum(start, end int64) {
	have := m.from + int64(len(m.sums)) - 1
	if len(m.sums) == 0 || start < m.from || start > have+farApart {
		m.from, have, m.sums = start, start, append(m.sums[:0], 0)
	}
	if have >= end {
		return
	}
	sum, h := m.sums[len(m.sums)-1], &m.patterns.hasher
	for _, b := range m.buf[have-m.off : end-m.off] {
		sum = h.step(sum, b)
		m.sums = append(m.sums, sum)
	}
}
