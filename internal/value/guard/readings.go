package guard

// reading is one way to read a stream, or what another reading gives.
type reading struct {
	// name is the form that a match on it has.
	name string
	// of is the reading that it reads: its place in the table, which is before its own.
	of int
	// open makes the lanes: one, or several that one decoder fills. The caller joins
	// them to their parent, and gives them their name.
	open func(p *Patterns, parent *lane) []*lane
	// bare readings have no marks: only forms that tell enough without are found there.
	bare bool
	// loose readings join what stands far apart: see [Writer.Prompt].
	loose bool
}

// The places of readings that others read.
const (
	asItCame = iota
	unescapedOnce
	unescapedTwice
	unbroken
)

// readings are all ways to read a stream. What is read on a reading is found in
// all forms that a fingerprint has (see forms); each costs a pass over what it reads.
var readings = []reading{
	asItCame:       {},
	unescapedOnce:  {name: "percent or escapes", of: asItCame, open: decoded(unescape)},
	unescapedTwice: {name: "percent or escapes, twice", of: unescapedOnce, open: decoded(unescape)},
	unbroken:       {name: "broken up", of: unescapedTwice, open: decoded(squeeze)},
	{name: "hex", of: unbroken, open: unhexed},
	// A line's end may be a digit that is not of the hex on the next line.
	{name: "hex in a line", of: unescapedTwice, open: unhexed},
	{name: "numbers", of: unescapedTwice, open: numbered},
	{name: "quoted-printable", of: unescapedTwice, open: decoded(printable)},
	{name: "a dump", of: asItCame, open: dumped},
	{name: "a dump with escapes", of: unescapedOnce, open: dumped},
	{name: "with marks in it", of: unbroken, open: stripped, bare: true, loose: true},
	{name: "line by line", of: unescapedTwice, open: byLine, bare: true, loose: true},
	{name: "in pieces", of: asItCame, open: inPieces, loose: true},
}

// decoded opens one lane that a decoder without memory of its own fills: with what the
// parent has, and here and there with what that means.
func decoded(decode func(l *lane, final bool)) func(*Patterns, *lane) []*lane {
	return func(*Patterns, *lane) []*lane { return []*lane{{decode: decode, inherits: true}} }
}

// stripped opens the lane without marks.
func stripped(*Patterns, *lane) []*lane { return []*lane{{decode: unmark, anchored: true}} }

// lanes are all readings of one stream.
type lanes struct {
	of *Writer
	// all are each after the one that it reads; source is the first.
	all    []*lane
	source *lane
	// floors are, for each lane, the first position that is still needed.
	floors []int64
}

// lanesOf opens the lanes of all readings.
func lanesOf(p *Patterns) *lanes {
	source := &lane{half: -1}
	out, first := &lanes{source: source, all: []*lane{source}}, make([]*lane, len(readings))
	first[asItCame] = source
	for i, r := range readings[1:] {
		parent := first[r.of]
		opened := r.open(p, parent)
		for _, l := range opened {
			if l.parent == nil {
				l.parent = parent
			}
			l.name, l.half = r.name, -1
			l.bare, l.loose = l.bare || r.bare, r.loose
			if l.inherits {
				l.parent.heirs = append(l.parent.heirs, l)
			}
		}
		first[i+1] = opened[0]
		out.all = append(out.all, opened...)
	}
	out.floors = make([]int64, len(out.all))
	for i, l := range out.all {
		l.patterns, l.index, l.parts.windows = p, i, p.windows
		l.found = func(o occurrence) { out.of.find(l, o) }
	}
	return out
}

// reset makes the lanes as they were, but for their buffers, in which nothing is left.
func (s *lanes) reset() {
	s.of = nil
	for _, l := range s.all {
		l.wipe()
		l.reset()
	}
}
