package guard

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"testing"

	"hotcell/test/prove"
)

// TestProveLanesOfAnEndedStreamHoldNothing closes streams of all lengths, refused ones
// too, and looks into the buffers that the next stream will use.
func TestProveLanesOfAnEndedStreamHoldNothing(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	for set := range prove.Trials(20, 2_000) {
		d := dice{rand.New(rand.NewPCG(seed, uint64(set)))}
		values := d.values()
		p, _ := compiled(t, values)
		for range 5 {
			refuse := d.IntN(3) == 0
			w := p.Writer(io.Discard, func(Match) Verdict {
				if refuse {
					return Refuse
				}
				return Redact
			})
			of := w.lanes
			for range 1 + d.IntN(4) {
				if _, err := w.Write(bytes.Repeat(d.text(values), 1+d.IntN(9))); err != nil {
					break
				}
			}
			_ = w.Close()
			for _, l := range of.all {
				if at := slices.IndexFunc(l.buf[:cap(l.buf)], func(c byte) bool { return c != 0 }); at >= 0 {
					t.Fatalf("seed %d, set %d: the lane %q has bytes at %d", seed, set, l.name, at)
				}
			}
		}
	}
}

// TestAClosedStreamTakesNoMore has what is written late fail, and not pass unseen.
func TestAClosedStreamTakesNoMore(t *testing.T) {
	t.Parallel()
	p := builtOf(t, NewBuilder(), [][]byte{[]byte("dro812QxZ9aBk4")})
	var to bytes.Buffer
	w := p.Writer(&to, nil)
	if _, err := w.Write([]byte("one ")); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if n, err := w.Write([]byte("dro812QxZ9aBk4")); n != 0 || !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("%d, %v", n, err)
		}
	}
	if to.String() != "one " {
		t.Errorf("%q", to.String())
	}
}
