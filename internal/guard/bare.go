package guard

// bared says of each byte whether it is left on a reading without marks: letters,
// digits, and what is not ASCII.
var bared = func() (out [256]bool) {
	for i := range out {
		c := byte(i)
		out[i] = letter(c) || digit(c) || c >= 0x80
	}
	return out
}()

// bareNeed is how many thousandths of a bit the letters and digits of a value tell at
// least, for it to be looked for without its marks: words that follow each other in
// ordinary text, and the digits of a time, are no value.
const bareNeed = 46_000

// unmark drops all that is neither a letter nor a digit: a value with spaces, commas,
// quotes or a frame of a table in it reads as the same value without its own marks.
func unmark(l *lane, _ bool) {
	b := l.fresh()
	for i := 0; i < len(b); i++ {
		if bared[b[i]] {
			i += l.bareRun(b[i:], l.taken+int64(i))
		}
	}
	l.taken += int64(len(b))
	l.seam = l.end()
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
