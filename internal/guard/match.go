package guard

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

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
// of all of them are there.
func (m *matcher) try(class int, from, to int64) {
	ix := &m.patterns.index[class]
	switch {
	case from >= to || len(ix.groups) == 0:
	case class == longClass:
		m.tryLong(ix, int(from-m.off), int(to-m.off))
	default:
		m.tryShort(ix, int(from-m.off), int(to-m.off))
	}
}

// tryLong looks at every eighth position: of each form, one of the first eight
// grams is at one of those.
func (m *matcher) tryLong(ix *index, from, to int) {
	const stride = 8
	i := from + stride - 1
	last := min(to+stride-2, len(m.buf)-8)
	buf, filter, mask := m.buf, ix.bits, ix.mask
	a, b := m.patterns.hasher.a, m.patterns.hasher.b
	for ; i <= last; i += stride {
		w := binary.LittleEndian.Uint64(buf[i:]) & (1<<40 - 1)
		hi, lo := bits.Mul64(w^a, b)
		gram := uint32((hi ^ lo) >> 16)
		if want := bloom(gram); filter[gram&mask]&want == want {
			m.look(ix, gram, i, to)
		}
	}
	for i = max(from, i-stride+1); i < to; i++ { // the last, which no look reaches
		m.begins(ix, i)
	}
}

// tryShort looks at every third position, likewise.
func (m *matcher) tryShort(ix *index, from, to int) {
	const stride = 3
	last := to + stride - 2
	buf, filter, mask := m.buf, ix.bits, ix.mask
	a, b := m.patterns.hasher.a, m.patterns.hasher.b
	for i := from + stride - 1; i <= last; i += stride {
		hi, lo := bits.Mul64(uint64(binary.LittleEndian.Uint32(buf[i:]))^a, b)
		gram := uint32((hi ^ lo) >> 16)
		if want := bloom(gram); filter[gram&mask]&want == want {
			for start := i - stride + 1; start <= i && start < to; start++ {
				m.begins(ix, start)
			}
		}
	}
}

// look holds a gram at i against those that are known.
func (m *matcher) look(ix *index, gram uint32, i, to int) {
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
