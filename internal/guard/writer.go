package guard

import (
	"bytes"
	"io"
	"slices"
)

// Writer passes a stream on with every form of every value replaced. What it
// writes does not depend on how the stream is split. It holds back only what
// may yet become a value. It is not for use by several at once.
type Writer struct {
	patterns *Patterns
	to       io.Writer
	out      []byte

	buf []byte // what has not been passed on
	at  int    // positions before this one were looked up
	// open are the patterns of which all that has come so far is the beginning.
	open []candidate
	// found are the stretches to replace, by their start, without overlap.
	found []stretch
	count int
}

type candidate struct {
	start int
	pattern
}

type stretch struct {
	start, end int
	mark       []byte
}

// Writer begins a stream.
func (p *Patterns) Writer(to io.Writer) *Writer { return &Writer{patterns: p, to: to} }

// Count is how many replacements were written.
func (w *Writer) Count() int { return w.count }

// Write implements [io.Writer].
func (w *Writer) Write(b []byte) (int, error) {
	known := len(w.buf)
	w.buf = append(w.buf, b...)
	w.extend(known)
	w.look()
	return len(b), w.pass(w.decided())
}

// Close passes on what was held back: the stream is over, so it is the
// beginning of nothing any more. It does not close what it writes to.
func (w *Writer) Close() error {
	w.open, w.at = nil, len(w.buf)
	return w.pass(len(w.buf))
}

// extend holds the open candidates against what has come since.
func (w *Writer) extend(known int) {
	w.open = slices.DeleteFunc(w.open, func(c candidate) bool {
		end := min(c.start+len(c.text), len(w.buf))
		if !bytes.Equal(w.buf[known:end], c.text[known-c.start:end-c.start]) {
			return true
		}
		if end-c.start == len(c.text) {
			w.find(c)
			return true
		}
		return false
	})
}

// look looks each position up of which enough is there.
func (w *Writer) look() {
	p, end := w.patterns, len(w.buf)-indexed
	for ; w.at <= end; w.at++ {
		if n := pair(w.buf[w.at:]); p.first[n/64]>>(n%64)&1 == 0 {
			continue
		}
		for _, one := range p.buckets[word(w.buf[w.at:])] {
			have := min(len(one.text), len(w.buf)-w.at)
			if !bytes.Equal(w.buf[w.at:w.at+have], one.text[:have]) {
				continue
			}
			if c := (candidate{w.at, one}); have == len(one.text) {
				w.find(c)
			} else {
				w.open = append(w.open, c)
			}
		}
	}
}

// find notes a stretch, and joins it with those that it overlaps: nothing of
// any value is to survive beside the mark of another. The longest names it.
func (w *Writer) find(c candidate) {
	s := stretch{c.start, c.start + len(c.text), c.mark}
	longest := len(c.text)
	w.found = slices.DeleteFunc(w.found, func(f stretch) bool {
		if f.end <= s.start || f.start >= s.end {
			return false
		}
		if f.end-f.start > longest {
			longest, s.mark = f.end-f.start, f.mark
		}
		s.start, s.end = min(s.start, f.start), max(s.end, f.end)
		return true
	})
	at, _ := slices.BinarySearchFunc(w.found, s, func(a, b stretch) int { return a.start - b.start })
	w.found = slices.Insert(w.found, at, s)
}

// decided is up to where nothing that is still to come can change anything.
func (w *Writer) decided() int {
	safe := len(w.buf)
	for _, c := range w.open {
		safe = min(safe, c.start)
	}
	for i := w.at; i < safe; i++ {
		tail := string(w.buf[i:])
		if _, begins := slices.BinarySearch(w.patterns.heads[len(tail)-1], tail); begins {
			safe = i
		}
	}
	for _, f := range w.found {
		if f.start < safe && f.end > safe {
			safe = f.start
		}
	}
	return safe
}

// pass writes what is decided, and forgets it.
func (w *Writer) pass(safe int) error {
	w.out = w.out[:0]
	from, done := 0, 0
	for _, f := range w.found {
		if f.end > safe {
			break
		}
		w.out = append(append(w.out, w.buf[from:f.start]...), f.mark...)
		from = f.end
		done++
	}
	w.count += done
	w.out = append(w.out, w.buf[from:safe]...)
	w.forget(safe, done)
	if len(w.out) == 0 {
		return nil
	}
	_, err := w.to.Write(w.out)
	clear(w.out)
	return err
}

func (w *Writer) forget(safe, done int) {
	rest := copy(w.buf, w.buf[safe:])
	clear(w.buf[rest:])
	w.buf = w.buf[:rest]
	w.at = max(0, w.at-safe)
	w.found = slices.Delete(w.found, 0, done)
	for i := range w.found {
		w.found[i].start -= safe
		w.found[i].end -= safe
	}
	for i := range w.open {
		w.open[i].start -= safe
	}
}
