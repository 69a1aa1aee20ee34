package guard

import (
	"bytes"
	"hash/maphash"
)

// pieces joins the strings that fields of one name have in JSON, one after the other:
// a value that is sent in deltas of events, or line by line in records of a log.
type pieces struct {
	parent *lane
	slots  [maxSlots]slot
	phase  where
	// text is what there is of a string, start its position; long says that it is too
	// long to be a piece, escaped that its last byte takes the meaning of the next.
	text          []byte
	start         int64
	long, escaped bool
	// key is the name of the field whose string may come, keyed whether there is one.
	key   uint64
	keyed bool
}

// slot is what was joined of the fields of a name.
type slot struct {
	lane, bare *lane
	key        uint64
	used       bool
	// last is the position up to where the last piece went.
	last int64
}

// where in JSON the decoder stands.
type where uint8

const (
	inNothing where = iota
	inString
	afterString // which may be a name
	afterColon
)

const (
	// maxSlots is how many names are told apart at a time, maxPiece how long a piece
	// is, and maxApart how far two of one value are apart.
	maxSlots = 6
	maxPiece = 128
	maxApart = 4096
)

// seed keys the hashes of names.
var seed = maphash.MakeSeed()

// inPieces opens two lanes for each name: what is joined, and that without marks.
func inPieces(_ *Patterns, parent *lane) []*lane {
	p := &pieces{parent: parent}
	var out []*lane
	lanes := new([2 * maxSlots]lane)
	for i := range p.slots {
		s := &p.slots[i]
		s.lane, s.bare = &lanes[2*i], &lanes[2*i+1]
		s.bare.bare, s.bare.anchored, s.bare.parent, s.bare.decode = true, true, s.lane, unmark
		out = append(out, s.lane, s.bare)
	}
	out[0].decode, out[0].again = p.decode, p.begin
	return out
}

func (p *pieces) begin() {
	clear(p.text[:cap(p.text)])
	for i := range p.slots {
		p.slots[i].used = false
	}
	p.text, p.phase, p.long, p.escaped, p.keyed = p.text[:0], inNothing, false, false, false
}

// decode takes in what the parent has.
func (p *pieces) decode(l *lane, _ bool) {
	b, at := l.fresh(), l.taken
	for i := 0; i < len(b); {
		switch p.phase {
		case inNothing:
			n := bytes.IndexByte(b[i:], '"')
			if n < 0 {
				i = len(b)
				continue
			}
			i += n + 1
			p.open(at + int64(i))
		case inString:
			i += p.string(b[i:])
		case afterString, afterColon:
			i += p.between(b[i:], at+int64(i))
		}
	}
	for i := range p.slots {
		s := &p.slots[i]
		s.lane.taken = p.parent.end()
		if s.used && p.parent.end()-s.last > maxApart+maxPiece {
			s.end()
		}
	}
	l.half = -1
	if p.phase == inString && p.keyed && !p.long {
		l.half = p.start // nobody answers to a string that has not ended
	}
}

func (p *pieces) open(at int64) {
	p.phase, p.start, p.text, p.long, p.escaped = inString, at, p.text[:0], false, false
}

// string takes in what there is of a string, and returns how much that was.
func (p *pieces) string(b []byte) int {
	if n := bytes.IndexByte(b, '"'); n >= 0 && len(p.text)+n <= maxPiece && !p.escaped && unescaped(b[:n]) {
		p.text = append(p.text, b[:n]...)
		p.closed()
		return n + 1
	}
	for i, c := range b {
		switch {
		case c == '\n':
			p.phase, p.keyed = inNothing, false
			return i + 1
		case p.escaped:
			p.escaped = false
		case c == '\\':
			p.escaped = true
		case c == '"':
			p.closed()
			return i + 1
		}
		if len(p.text) == maxPiece {
			p.long = true
			continue
		}
		p.text = append(p.text, c)
	}
	return len(b)
}

// unescaped says whether a string goes on to its end without a look at each byte.
func unescaped(b []byte) bool { return bytes.IndexByte(b, '\\') < 0 && bytes.IndexByte(b, '\n') < 0 }

// closed is called at the end of a string.
func (p *pieces) closed() {
	p.phase = afterString
	if p.keyed {
		p.phase, p.keyed = inNothing, false
		p.piece()
	}
}

// between looks for a colon after a name, and for a string after that.
func (p *pieces) between(b []byte, at int64) int {
	for i, c := range b {
		switch {
		case isBlank(c), c == '\r', c == '\n':
			continue
		case c == ':' && p.phase == afterString && !p.long:
			p.phase, p.keyed = afterColon, true
			p.key = maphash.Bytes(seed, p.text)
			return i + 1
		case c == '"' && p.phase == afterColon:
			p.open(at + int64(i) + 1)
			return i + 1
		}
		p.phase, p.keyed = inNothing, false
		return i
	}
	return len(b)
}

// piece joins a string to those of its name.
func (p *pieces) piece() {
	s := p.slot()
	if p.long || s.used && p.start-s.last > maxApart {
		s.end()
	}
	s.used, s.key, s.last = true, p.key, p.start+int64(len(p.text))
	if p.long {
		return
	}
	for i := 0; i < len(p.text); {
		src := p.start + int64(i)
		if p.text[i] == '\\' {
			if n, meaning, _ := backslash(p.text[i:], true); n > 0 {
				for _, c := range meaning {
					s.lane.put(src, src+int64(n), c)
				}
				i += n
				continue
			}
		}
		s.lane.put(src, src+1, p.text[i])
		i++
	}
}

// slot is that of the name, else the one that was used the longest ago.
func (p *pieces) slot() *slot {
	oldest := &p.slots[0]
	for i := range p.slots {
		s := &p.slots[i]
		if s.used && s.key == p.key {
			return s
		}
		if !s.used && oldest.used || s.used == oldest.used && s.last < oldest.last {
			oldest = s
		}
	}
	oldest.end()
	return oldest
}

// end forgets what was joined.
func (s *slot) end() {
	s.used = false
	if s.lane.end() == s.lane.off {
		return
	}
	s.bare.decode(s.bare, true)
	s.bare.cut()
	s.lane.cut()
}
