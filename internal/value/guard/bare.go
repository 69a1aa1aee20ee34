package guard

import (
	"slices"
	"sort"
)

// bared says of each byte whether it is left on a reading without marks: letters,
// digits, and what is not ASCII.
var bared = func() (out [256]bool) {
	for i := range out {
		c := byte(i)
		out[i] = letter(c) || digit(c) || c >= 0x80
	}
	return out
}()

// baredOne is how many of a byte are left there.
var baredOne = func() (out [256]uint8) {
	for i := range out {
		if bared[i] {
			out[i] = 1
		}
	}
	return out
}()

// bareNeed is how many thousandths of a bit the letters and digits of a value tell at
// least, for it to be looked for without its marks: words that follow each other in
// ordinary text, and the digits of a time, are no value.
const bareNeed = 46_000

// block is how many of the parent's bytes are between two anchors at most.
const block = 64

// unmark drops all that is neither a letter nor a digit: a value with spaces, commas,
// quotes or a frame of a table in it reads as the same value without its own marks.
func unmark(l *lane, _ bool) {
	b := l.fresh()
	l.buf = slices.Grow(l.buf, len(b)+block)
	for len(b) > 0 {
		if k := len(l.segs); k == 0 || l.segs[k-1].src+block <= l.taken {
			l.segs = append(l.segs, segment{at: l.end(), src: l.taken})
		}
		n := min(len(b), int(l.segs[len(l.segs)-1].src+block-l.taken))
		end := len(l.buf)
		l.buf = l.buf[:end+keep((*[block]byte)(l.buf[end:end+block]), b[:n])]
		l.taken += int64(n)
		b = b[n:]
	}
	l.seam = l.end()
}

// keep puts the letters and digits of a block, and returns how many they are: all are
// written, and those that are none written over, which costs less than to ask.
func keep(out *[block]byte, b []byte) int {
	n := uint(0)
	for _, c := range b {
		out[n%block] = c
		n += uint(baredOne[c])
	}
	return int(n)
}

// bareAt is the parent's position of a byte on a lane without marks, whose segments are
// anchors: from one to the next it has those of the parent's bytes that are left. It is
// 0 for one that went on.
func (l *lane) bareAt(anchor segment, position int64) int64 {
	left := position - anchor.at
	if left < 0 {
		return 0
	}
	src := anchor.src
	for ; ; src++ {
		if bared[l.parent.buf[src-l.parent.off]] {
			if left--; left < 0 {
				return src
			}
		}
	}
}

// anchor is the last one up to the parent's position, and how it is if moved there.
func (l *lane) anchor(parent int64) (i int, moved segment) {
	i = sort.Search(len(l.segs), func(i int) bool { return l.segs[i].src > parent }) - 1
	if i < 0 {
		return 0, l.segs[0]
	}
	s := l.segs[i]
	for to := min(parent, l.taken); s.src < to; s.src++ {
		s.at += int64(baredOne[l.parent.buf[s.src-l.parent.off]])
	}
	return i, s
}

// anchorAt makes the first anchor one that is there when the parent has forgotten what
// is before a position.
func (l *lane) anchorAt(parent int64) {
	if len(l.segs) == 0 {
		return
	}
	i, first := l.anchor(parent)
	l.segs[i] = first
	l.segs = l.segs[:copy(l.segs, l.segs[i:])]
}

// bareRun takes the letters and digits that b begins with, which are the parent's at a
// position, and returns how many they are.
func (l *lane) bareRun(b []byte, src int64) int {
	n := 1
	for n < len(b) && bared[b[n]] {
		n++
	}
	if k := len(l.segs); k == 0 || l.segs[k-1].src+l.end()-l.segs[k-1].at != src {
		l.segs = append(l.segs, segment{at: l.end(), src: src})
	}
	l.buf = append(l.buf, b[:n]...)
	return n
}

// bare is a text without its marks, and how many of its bytes its first ones are from.
func bare(text []byte) (out []byte, reach int) {
	for i, c := range text {
		if bared[c] {
			if out = append(out, c); len(out) == maxPrefix {
				reach = i + 1
			}
		}
	}
	return out, reach
}

// tellsBare says whether a value's letters and digits tell enough of it.
func tellsBare(value []byte) bool {
	sum := 0
	for i, w := range weigh(value, secretPart(value)) {
		if bared[value[i]] {
			sum += w
		}
	}
	return sum >= bareNeed
}

// withBare adds the forms of a value that it has on a reading without marks, and
// says which of the others are the same there. No more of its first bytes are hashed
// by themselves than of other forms.
func withBare(value []byte, out []form) []form {
	if len(value) > wholeSpelling || !tellsBare(value) {
		return out
	}
	for i := range out {
		text, reach := bare(out[i].text)
		switch k := out[i].kind; {
		case len(text) == len(out[i].text):
			out[i].bare = true
		case len(text) < minBare || k != kindRaw && k != kindBase64:
		default:
			of := reach
			if k == kindBase64 {
				of = reach * 6 / 8
			}
			out = append(out, form{kind: k, text: text, further: out[i].further || of > maxPrefix, bare: true})
		}
	}
	return out
}

// minBare is how many letters and digits there are at least in what is looked for so.
const minBare = 8
