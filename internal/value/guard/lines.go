package guard

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// lines joins what stands last on each line, without its marks: a value that is
// wrapped, with a time, a level, a name, a number or a frame before each piece of it.
type lines struct {
	parent *lane
	lane   *lane
	// line is the beginning of a line that has not ended, start its position; long
	// says that it is too long to be one of those.
	line  []byte
	start int64
	long  bool
	// gaps is how many lines had nothing on them since the last that had.
	gaps int
}

const (
	// maxWrapped is how long a line of a wrapped value may be, maxPayload how long what
	// stands last on it.
	maxWrapped = 256
	maxPayload = 128
	maxGaps    = 4
)

// byLine opens the lane.
func byLine(_ *Patterns, parent *lane) []*lane {
	w := &lines{parent: parent}
	w.lane = &lane{decode: w.decode, again: w.begin, inherits: true}
	return []*lane{w.lane}
}

func (w *lines) begin() {
	clear(w.line[:cap(w.line)])
	w.line, w.long, w.gaps = w.line[:0], false, 0
}

// decode takes in what the parent has, line by line. What has not ended is kept
// aside, and not held: what begins on it is held by the reading without marks, but where
// that takes it for a part of a sequence for a terminal.
func (w *lines) decode(l *lane, final bool) {
	b := l.fresh()
	at := l.taken
	for len(b) > 0 {
		n := bytes.IndexByte(b, '\n')
		if n < 0 {
			break
		}
		l.taken, l.undone = at+int64(n), 0
		switch {
		case w.long || len(w.line)+n > maxWrapped:
			w.none()
		case len(w.line) > 0:
			w.line = append(w.line, b[:n]...)
			w.take(w.line, w.start)
		default:
			w.take(b[:n], at)
		}
		w.line, w.long = w.line[:0], false
		b, at = b[n+1:], at+int64(n)+1
	}
	switch {
	case w.long || len(w.line)+len(b) > maxWrapped:
		if !w.long {
			w.none()
		}
		w.long, w.line = true, w.line[:0]
	case len(b) > 0:
		if len(w.line) == 0 {
			w.start = at
		}
		w.line = append(w.line, b...)
	}
	l.taken, l.undone = w.parent.end(), 0
	if final && len(w.line) > 0 {
		w.take(w.line, w.start)
		w.line = w.line[:0]
	}
	l.undone, l.half = int64(len(w.line)), -1
	if l.least <= 1 && bytes.IndexByte(w.line, 0x1b) >= 0 {
		l.half = w.start // a sequence may have a blank, and what is here begins within it
	}
}

// none ends a text: nothing that follows is joined to it.
func (w *lines) none() {
	w.gaps = 0
	if w.lane.end() > w.lane.off {
		w.lane.cut()
	}
}

// take puts what stands last on a line that begins at a position.
func (w *lines) take(line []byte, start int64) {
	for n := len(line); n > 0 && (isBlank(line[n-1]) || line[n-1] == '\r'); n-- {
		line = line[:n-1]
	}
	from, found := payload(line)
	if !found {
		w.none()
		return
	}
	before := w.lane.end()
	for i := from; i < len(line); i++ {
		if bared[line[i]] {
			i += w.lane.bareRun(line[i:], start+int64(i)) - 1
		} else if n, _, _ := steering(line[i:], true); line[i] == 0x1b && n > 0 {
			i += n - 1
		}
	}
	if w.lane.end() > before {
		w.gaps, w.lane.seam = 0, w.lane.end()
	} else if w.gaps++; w.gaps > maxGaps {
		w.none()
	}
}

// payload is where on a line that begins which stands last on it: after what ends a
// prefix, else after the last blank with a letter or digit behind it, else the whole.
func payload(line []byte) (from int, found bool) {
	end := len(line) - 1
	for end >= 0 && !bared[line[end]] {
		if end > 0 && line[end] == ' ' && line[end-1] == ':' {
			return len(line), true // a piece of marks alone
		}
		end-- // a frame, or what joins it to the next
	}
	word, stop := -1, max(0, len(line)-maxPayload)
	for i := end; i >= stop; i-- {
		if i = blankUpTo(line, i); i < stop {
			break
		}
		c := line[i]
		if c == '\t' || i > 0 && endsPrefix(line[i-1]) {
			return i + 1, true
		}
		if word < 0 {
			word = i + 1
		}
	}
	return max(word, 0), word >= 0 || stop == 0
}

// blankUpTo is where the last blank up to an index is, -1 for none: it looks at eight
// bytes at a time.
func blankUpTo(line []byte, i int) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	for i >= 7 {
		w := binary.LittleEndian.Uint64(line[i-7:])
		low := (w - (' '+1)*ones) &^ w & tops // what is no more than a blank, or just behind such
		if low == 0 {
			i -= 8
			continue
		}
		if i -= bits.LeadingZeros64(low) / 8; isBlank(line[i]) {
			return i
		}
		i--
	}
	for i >= 0 && !isBlank(line[i]) {
		i--
	}
	return i
}

// endsPrefix says whether a blank after it parts a prefix from what it is of.
func endsPrefix(c byte) bool {
	return c == '|' || c == '>' || c == ']' || c == ':' || c == ' '
}
