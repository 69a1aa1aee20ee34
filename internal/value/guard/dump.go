package guard

import (
	"bytes"
	"strconv"
)

// dump decodes lines that begin with an offset, as hexdump, xxd, od, gdb and curl's
// traces write bytes, on three lanes: one for groups in the order of the bytes, one
// for those with the low byte first and for decimals, and one for characters.
type dump struct {
	parent *lane
	lanes  [3]*lane
	begun
}

// begun is what is known of a line so far.
type begun struct {
	phase phase
	// offset is how many digits the offset of this line has so far, blanks how many
	// blanks stand before it; zero is true after a first 0, hexed after 0x, and colon
	// after a colon behind it all.
	offset, blanks     int
	zero, hexed, colon bool
}

// phase is where in a line the decoder stands.
type phase uint8

const (
	inOffset phase = iota
	inBody         // what is taken ends with the offset
	inRest         // of a line of which nothing more is read
)

const (
	inOrder  = 0
	lowFirst = 1
	asText   = 2
	// maxBody is how much of a line is read after its offset.
	maxBody    = 512
	minOffset  = 4
	maxOffset  = 16
	maxIndent  = 16
	traceWidth = 16
)

// dumped opens the three lanes.
func dumped(_ *Patterns, parent *lane) []*lane {
	d := &dump{parent: parent}
	d.lanes = [3]*lane{{decode: d.decode}, {}, {}}
	d.lanes[0].again = d.begin
	return d.lanes[:]
}

// begin makes the decoder as it is at the beginning of a line.
func (d *dump) begin() { d.begun = begun{} }

// decode takes in what the parent has, for all lanes: line by line, since what stands
// beside the bytes in characters goes with them.
func (d *dump) decode(l *lane, final bool) {
	b := l.fresh()
	i := 0
	for i < len(b) {
		rest := b[i:]
		switch d.phase {
		case inOffset:
			i += d.prefix(rest)
		case inBody:
			n, whole := bodyOf(rest, final)
			switch {
			case whole:
				d.line(rest[:n], d.parent.end()-int64(len(rest)))
			case d.hopeless(rest):
				d.cut()
			default:
				d.took(i, len(b))
				return
			}
			i, d.phase = i+n, inRest
		case inRest:
			n := bytes.IndexByte(rest, '\n')
			if n < 0 {
				d.took(len(b), len(b))
				return
			}
			i += n + 1
			d.begin()
		}
	}
	d.took(i, len(b))
}

// took says that n bytes of those were taken.
func (d *dump) took(n, of int) {
	for _, l := range d.lanes {
		l.taken = d.parent.end() - int64(of-n)
	}
}

// bodyOf is how much of b is the line's, and whether that is all of it that is read.
func bodyOf(b []byte, final bool) (n int, whole bool) {
	n = min(len(b), maxBody)
	if end := bytes.IndexByte(b[:n], '\n'); end >= 0 {
		return end, true
	}
	return n, n == maxBody || final
}

// prefix reads the line's beginning as far as it is there, and returns how much of
// it was.
func (d *dump) prefix(b []byte) int {
	for i, c := range b {
		switch {
		case nibbles[c] >= 0 && d.offset < maxOffset:
			d.zero = c == '0' && d.offset == 0 && !d.hexed
			d.offset++
		case c == 'x' && d.zero:
			d.offset, d.zero, d.hexed = 0, false, true
		case isBlank(c) && d.offset == 0 && !d.hexed && d.blanks < maxIndent:
			d.blanks++
		case isBlank(c) && d.offset >= minOffset:
			d.phase = inBody
			return i
		case c == ':' && d.offset >= minOffset:
			d.phase, d.colon = inBody, true
			return i + 1
		default:
			d.cut()
			d.phase = inRest
			return i
		}
	}
	return len(b)
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

func (d *dump) cut() {
	for _, l := range d.lanes {
		if l.end() > l.off {
			l.cut()
		}
	}
}

// hopeless says that nothing will be read of a line that begins so.
func (d *dump) hopeless(body []byte) bool {
	if d.traced() {
		return false
	}
	gap := blanksOf(body)
	if gap == len(body) || gap >= fieldWidth-1 {
		return false
	}
	first := body[gap:]
	return nibbles[first[0]] < 0 && first[0] != '-' ||
		len(first) > 1 && nibbles[first[1]] < 0 && first[1] != 'x' && !isBlank(first[1])
}

// traced says whether the line begins as those of curl's traces do.
func (d *dump) traced() bool { return d.colon && d.offset == minOffset && !d.hexed }

func blanksOf(b []byte) int {
	for n, c := range b {
		if !isBlank(c) {
			return n
		}
	}
	return len(b)
}

// line puts what a line means on each lane. A lane on which it means nothing ends its
// text.
func (d *dump) line(body []byte, at int64) {
	body = bytes.TrimSuffix(body, []byte("\r"))
	for i, l := range d.lanes {
		before := l.end()
		if i == asText {
			d.text(l, body, at)
		} else {
			d.groups(l, i, body, at)
		}
		if l.end() == before && before > l.off {
			l.cut()
		}
	}
}

// groups puts the bytes of a line's groups, up to what is none: two blanks, but for
// those in the middle of hexdump's sixteen, are before the characters. Each byte
// stands for all up to the line's end, since there it is once more.
func (d *dump) groups(l *lane, order int, body []byte, at int64) {
	end, count := at+int64(len(body)), 0
	var buf [8]byte
	for i := 0; i < len(body); {
		gap := blanksOf(body[i:])
		from := i + gap
		to := from
		for to < len(body) && !isBlank(body[to]) {
			to++
		}
		group := body[from:to]
		meaning := grouped(buf[:0], group, order)
		middle := gap == 2 && count == 8 && !d.colon
		if decimal := order == lowFirst && len(group) <= 4 && len(meaning) == 1; len(meaning) == 0 ||
			count > 0 && gap > 1 && !middle && (!decimal || gap > 4) || d.traced() && count+len(meaning) > traceWidth {
			return
		}
		for _, c := range meaning {
			l.put(at+int64(from), end, c)
		}
		i, count = to, count+len(meaning)
	}
}

// grouped are the bytes that a group means in an order; none where it means nothing.
func grouped(out, group []byte, order int) []byte {
	text, hexed := bytes.CutPrefix(group, []byte("0x"))
	n := len(text)
	switch {
	case n == 0 || n > maxOffset:
		return nil
	case order == lowFirst && !hexed && n <= 4 && (n < 4 || text[0] == '-'):
		return decimal(out, text)
	case order == lowFirst && n == 6:
		v, err := strconv.ParseUint(string(text), 8, 16)
		if err != nil {
			return nil
		}
		return append(out, byte(v), byte(v>>8))
	case order == inOrder && !hexed && n == 3:
		if v, ok := number(text, 8, 3); ok {
			return append(out, v)
		}
		return nil
	case n%2 != 0 || order == lowFirst && n != 4 && n != 8 && n != 16:
		return nil
	}
	for i := 0; i < n; i += 2 {
		at := i
		if order == lowFirst {
			at = n - 2 - i
		}
		high, low := nibbles[text[at]], nibbles[text[at+1]]
		if high < 0 || low < 0 {
			return nil
		}
		out = append(out, byte(high)<<4|byte(low))
	}
	return out
}

// decimal is a byte with a sign or without.
func decimal(out, text []byte) []byte {
	if digits, signed := bytes.CutPrefix(text, []byte("-")); signed {
		if v, ok := number(digits, 10, 3); ok && v > 0 && v <= 128 {
			return append(out, -v)
		}
		return nil
	}
	if v, ok := number(text, 10, 3); ok {
		return append(out, v)
	}
	return nil
}

// fieldWidth is how wide od writes a character.
const fieldWidth = 4

// named are the characters that od has names for, behind a backslash.
var named = map[byte]byte{'0': 0, 'a': '\a', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v'}

// text puts the characters of a line: of curl's traces all, of od's one a field.
func (d *dump) text(l *lane, body []byte, at int64) {
	if d.traced() {
		for i := 1; i < len(body); i++ {
			l.put(at+int64(i), at+int64(i)+1, body[i])
		}
		return
	}
	if d.colon {
		return
	}
	for ; len(body) >= fieldWidth; body, at = body[fieldWidth:], at+fieldWidth {
		c := body[fieldWidth-1]
		if string(body[:fieldWidth-1]) != "   " || c == '\t' {
			v, ok := number(body[1:fieldWidth], 8, 3)
			if meaning, known := named[c]; known && string(body[:fieldWidth-1]) == `  \` {
				v, ok = meaning, true
			}
			if body[0] != ' ' || !ok {
				return
			}
			c = v
		}
		l.put(at, at+fieldWidth, c)
	}
}
