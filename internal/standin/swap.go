package standin

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"errors"
	"io"
	"net/url"
	"slices"
	"strings"
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

// SwapQuery swaps in a query; values are percent-encoded.
func (s *Swapper) SwapQuery(b []byte) []byte {
	escaped := func(text []byte) []byte { return []byte(url.QueryEscape(string(text))) }
	for _, p := range s.pairs {
		if spelt := escaped(p.StandIn); !bytes.Equal(spelt, p.StandIn) {
			b = bytes.ReplaceAll(b, spelt, escaped(p.Value))
		}
	}
	return s.each(b, escaped)
}

func (s *Swapper) each(b []byte, escape func([]byte) []byte) []byte {
	for _, p := range s.pairs {
		if bytes.Contains(b, p.StandIn) {
			b = bytes.ReplaceAll(b, p.StandIn, escape(p.Value))
		}
	}
	return b
}

// Basic swaps in the user and the password of "Basic …" (RFC 7617); what is no
// such thing stays as it is.
func (s *Swapper) Basic(header string) string {
	scheme, text, found := strings.Cut(header, " ")
	pair, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if !found || err != nil {
		return string(s.Swap([]byte(header)))
	}
	swapped := s.Swap(pair)
	if bytes.Equal(swapped, pair) {
		return header
	}
	return scheme + " " + base64.StdEncoding.EncodeToString(swapped)
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
