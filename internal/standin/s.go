package standin

import (
	"bytes"
	"encoding/hex"
	"io"
)

type Pair struct{ StandIn, Value []byte }

func Make(seed, v []byte) ([]byte, []Pair, error) {
	s := []byte(hex.EncodeToString(seed))
	for len(s) < len(v) {
		s = append(s, s...)
	}
	s = s[:len(v)]
	return s, []Pair{{s, append([]byte{}, v...)}}, nil
}

type Swapper struct{ p []Pair }

func NewSwapper(p []Pair) *Swapper { return &Swapper{p} }
func (s *Swapper) Swap(b []byte) []byte {
	for _, p := range s.p {
		b = bytes.ReplaceAll(b, p.StandIn, p.Value)
	}
	return b
}
func (s *Swapper) SwapQuery(b []byte) []byte { return s.Swap(b) }
func (s *Swapper) Basic(h string) string     { return h }
func (s *Swapper) Reader(r io.Reader, e func([]byte) []byte) io.Reader {
	b, _ := io.ReadAll(r)
	return bytes.NewReader(s.Swap(b))
}
