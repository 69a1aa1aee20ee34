package guard

// numbers decodes bytes that are written as numbers in a row, on two lanes: one takes
// those without a prefix as decimals, also with a sign, and one as octals. With
// 0x, 0o or 0b before it, and as eight bits, a number is on both.
type numbers struct {
	parent *lane
	lanes  [2]*lane
	runs   runs
	// in is true within a run, within is true within something that is no number of it.
	in, within bool
	// blanks is how many characters stand after the last number.
	blanks int
}

const (
	decimals = 0
	octals   = 1
	// maxNumber is how many characters a number has at most, maxBlanks how many stand
	// between two.
	maxNumber = len("0b01000001")
	maxBlanks = 64
)

// numeric are the characters that numbers are written with: first those of a number,
// then what may stand between.
var numeric = classed("0123456789abcdefABCDEFxXo-", " \t\r\n,;()[]{}")

// numbered opens the two lanes.
func numbered(p *Patterns, parent *lane) []*lane {
	n := &numbers{parent: parent}
	n.runs = runs{table: &numeric, shortest: 2*p.least - 1, enough: func(b []byte) bool { return rowOf(b, p.least) }}
	n.lanes = [2]*lane{{decode: n.decode}, {}}
	n.lanes[decimals].again = func() { n.in, n.within, n.blanks = false, false, 0 }
	return n.lanes[:]
}

// decode takes in what the parent has, for both lanes.
func (n *numbers) decode(l *lane, final bool) {
	b := l.fresh()
	i := 0
	for i < len(b) {
		if !n.in {
			if i = n.runs.next(b, i); i == len(b) {
				break
			}
			n.in, n.within, n.blanks = true, false, 0
		}
		at, waits := n.run(b, i, final)
		i = at
		if waits {
			break
		}
	}
	for _, one := range n.lanes {
		one.taken = n.parent.end() - int64(len(b)-i)
	}
}

// run decodes from i to the end of the run, or of what there is. It waits where that
// ends within a number.
func (n *numbers) run(b []byte, i int, final bool) (at int, waits bool) {
	for i < len(b) {
		switch numeric[b[i]] &^ isAny {
		case isFirst:
			to := i
			for to < len(b) && numeric[b[to]]&isFirst != 0 {
				to++
			}
			if to == len(b) && !final && !n.within && mayBeNumber(b[i:]) {
				return i, true
			}
			n.token(b[i:to], n.parent.end()-int64(len(b)-i))
			n.within = to == len(b)
			i = to
		case isSecond:
			n.within = false
			if n.blanks++; n.blanks > maxBlanks {
				n.cut()
			}
			i++
		default:
			n.in = false
			n.cut()
			return i, false
		}
	}
	return i, false
}

// rowOf says whether b has so many numbers, at a first look.
func rowOf(b []byte, least int) bool {
	between := true
	for _, c := range b {
		if numeric[c]&isFirst == 0 {
			between = true
			continue
		}
		if between && (digit(c) || c == '-') {
			if least--; least == 0 {
				return true
			}
		}
		between = false
	}
	return false
}

// mayBeNumber says whether a number may begin so.
func mayBeNumber(b []byte) bool { return len(b) <= maxNumber && (digit(b[0]) || b[0] == '-') }

// token puts what a number means on each lane; where it means nothing, the lane's
// text ends.
func (n *numbers) token(b []byte, at int64) {
	n.blanks = 0
	if n.within {
		b = nil // its beginning was none
	}
	meaning, known := byteIn(b)
	for i, l := range n.lanes {
		if known[i] {
			l.put(at, at+int64(len(b)), meaning[i])
		} else if l.end() > l.off {
			l.cut()
		}
	}
}

func (n *numbers) cut() {
	n.blanks = 0
	for _, l := range n.lanes {
		if l.end() > l.off {
			l.cut()
		}
	}
}

// byteIn is the byte that a number means, with decimals and with octals.
func byteIn(b []byte) (meaning [2]byte, known [2]bool) {
	if len(b) == 0 || len(b) > maxNumber || !mayBeNumber(b) {
		return meaning, known
	}
	both := func(text []byte, base, most int) ([2]byte, [2]bool) {
		v, ok := number(text, base, most)
		return [2]byte{v, v}, [2]bool{ok, ok}
	}
	switch {
	case b[0] == '-':
		v, ok := number(b[1:], 10, 3)
		meaning[decimals], known[decimals] = -v, ok && v > 0 && v <= 128
		return meaning, known
	case len(b) > 2 && b[0] == '0':
		switch b[1] {
		case 'x', 'X':
			return both(b[2:], 16, 2)
		case 'o':
			return both(b[2:], 8, 3)
		case 'b':
			return both(b[2:], 2, 8)
		}
	}
	if len(b) == 8 {
		return both(b, 2, 8)
	}
	meaning[decimals], known[decimals] = number(b, 10, 3)
	meaning[octals], known[octals] = number(b, 8, 4)
	return meaning, known
}

// number reads a byte from so many digits at most.
func number(b []byte, base, most int) (byte, bool) {
	if len(b) == 0 || len(b) > most {
		return 0, false
	}
	v := 0
	for _, c := range b {
		d := int(nibbles[c])
		if d < 0 || d >= base {
			return 0, false
		}
		v = v*base + d
	}
	return byte(v), v < 1<<8
}
