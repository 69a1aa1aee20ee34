package guard

import "slices"

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
	most     int   // of the buffer, how much was ever filled
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
	// heirs are lanes that take up what begins on this one, so that they need not look
	// where they read the same.
	heirs []*lane
}

func (m *matcher) end() int64 { return m.off + int64(len(m.buf)) }

// scan tries all positions of which enough is there.
func (m *matcher) scan() {
	if m.parts.windows != nil {
		m.parts.reopen(m)
		to := m.end() - windowHead + 1
		m.parts.try(m, m.parts.tried, to)
		m.parts.tried = max(m.parts.tried, to)
	}
	m.reopen()
	for c := range m.patterns.index {
		to := m.end() - int64(classes[c].prefix) + 1
		m.try(c, m.tried[c], to)
		m.tried[c] = max(m.tried[c], to)
	}
	m.rest()
}

// rest ends a look: it tells of the parts that were found, and without a candidate no
// hash is needed any more.
func (m *matcher) rest() {
	m.parts.tell(m)
	if len(m.open) == 0 {
		m.sums = m.sums[:0]
	}
}

// try tries the positions from one up to another, for a class of forms: the first bytes
// of all of them are there. It looks at every so manieth: of each form, one of the first
// grams is at one of those.
func (m *matcher) try(class int, from, to int64) {
	ix := &m.patterns.index[class]
	if from >= to || len(ix.groups) == 0 {
		return
	}
	first, end, far := int(from-m.off), int(to-m.off), ix.looks.stride-1
	i := first + far
	for {
		at, gram, found := ix.looks.next(&ix.filter, &m.patterns.hasher, m.buf, i, end-1+far)
		i = at
		if !found {
			break
		}
		m.look(ix, gram, i, end)
		i += ix.looks.stride
	}
	for i = max(first, i-far); i < end; i++ { // the last, which no look reaches
		m.begins(ix, i)
	}
}

// look holds a gram at i against those that are known.
func (m *matcher) look(ix *index, gram uint32, i, to int) {
	if ix.postings == nil {
		for start := i - ix.looks.stride + 1; start <= i && start < to; start++ {
			m.begins(ix, start)
		}
		return
	}
	for _, one := range ix.postings[ix.starts[gram>>16]:ix.starts[gram>>16+1]] {
		if start := i - int(one.offset); one.gram == gram && start < to {
			m.begins(ix, start)
		}
	}
}

// begins takes up what begins at an index of the buffer, if anything does.
func (m *matcher) begins(ix *index, i int) {
	if !m.patterns.first[m.buf[i]] {
		return
	}
	if g := ix.group(m.patterns.hasher.head(m.buf[i:], ix.prefix)); g != nil {
		m.begin(int64(i)+m.off, g, int64(ix.prefix))
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
	m.filled()
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
	m.from, m.until, m.least = 0, 0, 0
}

// wipe clears what was in the buffer.
func (m *matcher) wipe() {
	m.filled()
	clear(m.buf[:min(cap(m.buf), m.most+block)]) // a block is written whole
	m.buf, m.most = m.buf[:0], 0
}

// filled notes how much there is in the buffer, before less of it is.
func (m *matcher) filled() { m.most = max(m.most, len(m.buf)) }
