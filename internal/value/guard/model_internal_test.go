package guard

import (
	"bytes"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// model is the guard as one would write it without streams: it reads the whole
// text in all ways, and searches each reading for each form, one by one.
type model struct {
	marks [][]byte
	forms []modelForm
	parts []modelPart
}

// modelPart is a spelling of a value of which parts are looked for.
type modelPart struct {
	spelling
	label  uint32
	need   int
	eights map[string][]int // where each eight bytes are
}

type modelForm struct {
	label uint32
	text  []byte
	bare  bool
}

func modelOf(labels []string, values [][]byte) *model {
	m := &model{}
	for i, v := range values {
		m.marks = append(m.marks, mark(labels[i]))
		for _, f := range forms(v) {
			m.forms = append(m.forms, modelForm{uint32(i), f.text, f.bare})
		}
	}
	return m
}

// withParts has the model look for parts as well.
func (m *model) withParts(values [][]byte) *model {
	for i, v := range values {
		for _, s := range spellings(v) {
			one := modelPart{s, uint32(i), need(i+1) * s.least / leastBits, map[string][]int{}}
			for at := range max(0, len(s.text)-windowHead+1) {
				eight := string(s.text[at : at+windowHead])
				one.eights[eight] = append(one.eights[eight], at)
			}
			m.parts = append(m.parts, one)
		}
	}
	return m
}

// runs calls found with all runs of a text that are a part: of those of eight bytes
// at least, which each part has.
func (p *modelPart) runs(text []byte, found func(from, to int)) {
	for i := 0; i+windowHead <= len(text); i++ {
		for _, at := range p.eights[string(text[i:i+windowHead])] {
			if i > 0 && at > 0 && text[i-1] == p.text[at-1] {
				continue // it began before
			}
			to := i
			for to < len(text) && to-i+at < len(p.text) && text[to] == p.text[to-i+at] {
				to++
			}
			p.within(i, to, at-i, found)
		}
	}
}

// within takes apart what is alike where the value tells nothing for long, and counts.
func (p *modelPart) within(from, to, shift int, found func(from, to int)) {
	for from < to {
		first, last, bits, weight := -1, -1, 0, 0
		i := from
		for ; i < to && (last < 0 || i-last <= farthest); i++ {
			if w := p.weights[i+shift]; w > 0 {
				if first < 0 {
					first = i
				}
				last = i
				bits, weight = bits+int(p.unknown[i+shift]), weight+w
			}
		}
		if bits >= p.least && weight >= p.need {
			found(first, last+1)
		}
		from = i
	}
}

// modelLane is one reading, with where each of its bytes is from.
type modelLane struct {
	text       []byte
	start, end []int64
	// bare readings have only what is bare.
	bare bool
}

func (m *modelLane) add(b byte, start, end int64) {
	m.text, m.start, m.end = append(m.text, b), append(m.start, start), append(m.end, end)
}

// lanes are all readings of a text.
func (m *model) lanes(text []byte) []*modelLane {
	source := &modelLane{}
	for i, b := range text {
		source.add(b, int64(i), int64(i+1))
	}
	escapes := source.read(unescape)
	twice := escapes.read(unescape)
	unbroken := twice.read(squeeze)
	out := append([]*modelLane{source, escapes, twice, unbroken}, unbroken.hex()...)
	out = slices.Concat(out, twice.hex(), twice.numbers(), source.dumps(), escapes.dumps())
	return slices.Concat(append(out, unbroken.unmarked(), twice.read(printable)), twice.byLine(), source.inPieces())
}

// read decodes all of a reading at once.
func (m *modelLane) read(decode func(*lane, bool)) *modelLane {
	parent := &lane{}
	parent.buf = m.text
	l := &lane{parent: parent}
	decode(l, true)
	out := &modelLane{}
	for i, b := range l.buf {
		out.add(b, m.start[l.startOf(int64(i))], m.end[l.endOf(int64(i+1))-1])
	}
	return out
}

// hex is each run of digits and separators, read from the first digit of each
// group, and from the second.
func (m *modelLane) hex() (out []*modelLane) {
	isHex := func(b byte) bool { return strings.IndexByte("0123456789abcdefABCDEF", b) >= 0 }
	between := func(b byte) bool { return strings.IndexByte(" :-,_", b) >= 0 }
	for i := 0; i < len(m.text); i++ {
		from := i
		for i < len(m.text) && (isHex(m.text[i]) || between(m.text[i])) {
			i++
		}
		for odd := range 2 {
			run := &modelLane{}
			for at := from; at < i; {
				if between(m.text[at]) {
					at++
					continue
				}
				to := at
				for to < i && isHex(m.text[to]) {
					to++
				}
				for n := at + odd; n+2 <= to; n += 2 {
					run.add(byte(nibbles[m.text[n]])<<4|byte(nibbles[m.text[n+1]]), m.start[n], m.end[n+1])
				}
				at = to
			}
			out = append(out, run)
		}
	}
	return out
}

// numerals are how bytes are written as numbers, with decimals and with octals.
var numerals = [2]*regexp.Regexp{
	regexp.MustCompile(`^(?:-?([0-9]{1,3})|0[xX]([0-9a-fA-F]{1,2})|0o([0-7]{1,3})|(?:0b)?([01]{8})|0b([01]{1,7}))$`),
	regexp.MustCompile(`^(?:([0-7]{1,4})|0[xX]([0-9a-fA-F]{1,2})|0o([0-7]{1,3})|(?:0b)?([01]{8})|0b([01]{1,7}))$`),
}

// numbers is each row of numbers: what is between two is not text, and no longer than
// it may be.
func (m *modelLane) numbers() (out []*modelLane) {
	words := regexp.MustCompile(`[-0-9a-fA-FxXo]+`).FindAllIndex(m.text, -1)
	for i, pattern := range numerals {
		row, last := &modelLane{}, 0
		for _, at := range words {
			word, between := string(m.text[at[0]:at[1]]), m.text[last:at[0]]
			if len(between) > maxBlanks || len(bytes.Trim(between, " \t\r\n,;()[]{}")) > 0 {
				out, row = append(out, row), &modelLane{}
			}
			last = at[1]
			read := pattern.FindStringSubmatch(word)
			if read == nil {
				out, row = append(out, row), &modelLane{}
				continue
			}
			v := 0
			for n, base := range []int{10 - 2*i, 16, 8, 2, 2} {
				if read[n+1] != "" {
					wide, _ := strconv.ParseInt(read[n+1], base, 32)
					v = int(wide)
				}
			}
			if signed := word[0] == '-'; v > 255 || signed && (v == 0 || v > 128) {
				out, row = append(out, row), &modelLane{}
				continue
			} else if signed {
				v = 256 - v
			}
			row.add(byte(v), m.start[at[0]], m.end[at[1]-1])
		}
		out = append(out, row)
	}
	return out
}

// redact is the text with each value replaced, and how many marks there are.
func (m *model) redact(text []byte) (string, int) {
	var found []stretch
	for _, l := range m.lanes(text) {
		for _, f := range m.forms {
			if l.bare && !f.bare {
				continue
			}
			for from := 0; ; from++ {
				at := bytes.Index(l.text[from:], f.text)
				if at < 0 {
					break
				}
				from += at
				s := stretch{start: l.start[from], end: l.end[from+len(f.text)-1]}
				s.best = best{false, s.start, s.end - s.start, f.label}
				found = append(found, s)
			}
		}
		for i := range m.parts {
			p := &m.parts[i]
			p.runs(l.text, func(from, to int) {
				s := stretch{start: l.start[from], end: l.end[to-1]}
				s.best = best{true, s.start, s.end - s.start, p.label}
				found = append(found, s)
			})
		}
	}
	slices.SortFunc(found, func(a, b stretch) int { return int(a.start - b.start) })
	var out []byte
	at, count := int64(0), 0
	for i := 0; i < len(found); {
		s := found[i]
		for i++; i < len(found) && found[i].start < s.end; i++ {
			s.end = max(s.end, found[i].end)
			if found[i].best.over(s.best) {
				s.best = found[i].best
			}
		}
		out = append(append(out, text[at:s.start]...), m.marks[s.best.label]...)
		at = s.end
		count++
	}
	return string(append(out, text[at:]...)), count
}
