package guard

// unhex decodes runs of hex digits, in any case, with single separators between
// them or none, on two lanes: one begins at the first digit of each group, and
// one at the second.
type unhex struct {
	parent *lane
	halves [2]half
	// begins says whether a byte with that upper half may begin a form.
	begins *[16]bool
	// in is true within a run.
	in bool
	// least is how many digits a run has at least.
	least int
	runs  runs
}

// half is where one of the two lanes stands.
type half struct {
	lane *lane
	odd  bool
	// skip is true before the first digit of a group that an odd lane leaves out.
	skip bool
	// first is the first half of a byte, -1 for none, and at its position in the
	// parent.
	first int8
	at    int64
}

// spaced are the characters that hex is written with: first the digits, then what may
// stand between.
var spaced = classed("0123456789abcdefABCDEF", " :-,_")

// unhexed opens the two lanes.
func unhexed(p *Patterns, parent *lane) []*lane {
	u := &unhex{parent: parent, begins: &p.high, least: 2 * p.least}
	u.runs = runs{table: &spaced, shortest: u.least, enough: u.enough}
	first, second := &lane{decode: u.decode}, &lane{}
	u.halves = [2]half{{lane: first, first: -1}, {lane: second, first: -1, odd: true}}
	first.again = func() { u.enter(); u.in = false }
	return []*lane{first, second}
}

// decode takes in what the parent has, for both lanes. Runs that ended are
// looked at, and forgotten.
func (u *unhex) decode(l *lane, _ bool) {
	b := l.fresh()
	i := 0
	if u.in {
		i = u.run(b, 0)
	}
	for i < len(b) {
		if i = u.runs.next(b, i); i == len(b) {
			break
		}
		u.enter()
		i = u.run(b, i)
	}
	for n := range u.halves {
		h := &u.halves[n]
		h.lane.taken, h.lane.half = u.parent.end(), -1
		if h.first >= 0 && u.begins[h.first] {
			h.lane.half = h.at
		}
	}
}

func (u *unhex) enter() {
	u.in = true
	for n := range u.halves {
		u.halves[n].first, u.halves[n].skip = -1, u.halves[n].odd
	}
}

// run decodes from i to the end of the run, or of what there is.
func (u *unhex) run(b []byte, i int) int {
	at := u.parent.end() - int64(len(b))
	for ; i < len(b); i++ {
		c := b[i]
		switch spaced[c] &^ isAny {
		case isFirst:
			u.halves[0].digit(nibbles[c], at+int64(i))
			u.halves[1].digit(nibbles[c], at+int64(i))
		case isSecond:
			for n := range u.halves {
				u.halves[n].first, u.halves[n].skip = -1, u.halves[n].odd
			}
		default:
			u.leave()
			return i
		}
	}
	return i
}

func (h *half) digit(v int8, at int64) {
	switch {
	case h.skip:
		h.skip = false
	case h.first < 0:
		h.first, h.at = v, at
	default:
		h.lane.put(h.at, at+1, byte(h.first)<<4|byte(v))
		h.first = -1
	}
}

// leave ends a run: what it decoded to is looked at, and forgotten.
func (u *unhex) leave() {
	u.in = false
	for n := range u.halves {
		u.halves[n].first = -1
		u.halves[n].lane.cut()
	}
}

// enough says whether a run has digits for a value.
func (u *unhex) enough(b []byte) bool {
	n := 0
	for _, c := range b {
		if spaced[c]&isFirst != 0 {
			n++
		}
	}
	return n >= u.least
}
