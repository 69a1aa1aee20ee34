package standin

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"slices"
)

// Swapper puts values where their stand-ins are.
type Swapper struct{ pairs []Pair }

// NewSwapper swaps the pairs, the longer before the shorter. It keeps hold of
// the values.
func NewSwapper(pairs []Pair) *Swapper {
	own := slices.Clone(pairs)
	slices.SortStableFunc(own, func(a, b Pair) int { return cmp.Compare(len(b.StandIn), len(a.StandIn)) })
	return &Swapper{own}
}

// Swap swaps in a text.
func (s *Swapper) Swap(b []byte) []byte {
	return s.each(b, func(text []byte) []byte { return text })
}

func (s *Swapper) each(b []byte, escape func([]byte) []byte) []byte {
	for _, p := range s.pairs {
		if bytes.Contains(b, p.StandIn) {
			b = bytes.ReplaceAll(b, p.StandIn, escape(p.Value))
		}
	}
	return b
}

// Reader swaps in a stream, over any chunks; escape is how a value is written in
// it. It holds back only what may be the beginning of a stand-in.
func (s *Swapper) Reader(from io.Reader, escape func([]byte) []byte) io.Reader {
	return &reader{swapper: s, from: from, escape: escape, buf: make([]byte, 4096)}
}

type reader struct {
	swapper *Swapper
	from    io.Reader
	escape  func([]byte) []byte
	buf     []byte
	held    []byte
	out     []byte
	err     error
}

// Read implements [io.Reader].
func (r *reader) Read(p []byte) (int, error) {
	for len(r.out) == 0 && r.err == nil {
		n, err := r.from.Read(r.buf)
		r.held = append(r.held, r.buf[:n]...)
		r.err = err
		keep := 0
		if !errors.Is(err, io.EOF) {
			keep = r.open()
		}
		ready := len(r.held) - keep
		r.out = append(r.out[:0], r.swapper.each(bytes.Clone(r.held[:ready]), r.escape)...)
		r.held = r.held[:copy(r.held, r.held[ready:])]
	}
	if len(r.out) > 0 {
		n := copy(p, r.out)
		r.out = r.out[n:]
		return n, nil
	}
	return 0, r.err
}

// open is how much of the end may be the beginning of a stand-in.
func (r *reader) open() int {
	for n := min(len(r.held), r.longest()-1); n > 0; n-- {
		tail := r.held[len(r.held)-n:]
		for _, p := range r.swapper.pairs {
			if len(p.StandIn) > n && bytes.HasPrefix(p.StandIn, tail) {
				return n
			}
		}
	}
	return 0
}

func (r *reader) longest() int {
	n := 0
	for _, p := range r.swapper.pairs {
		n = max(n, len(p.StandIn))
	}
	return n
}
