package guard

import (
	"bytes"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"hotcell/test/prove"
)

// TestProveAPromptStreamHidesWhatAnotherDoes writes values in pieces to streams that
// hold back less: no whole value is left where none is left of a stream that waits.
func TestProveAPromptStreamHidesWhatAnotherDoes(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	for set := range max(1, prove.Trials(1_000, 1_000_000)/50) {
		d := dice{rand.New(rand.NewPCG(seed, uint64(set)))}
		values := d.values()
		for _, b := range []*Builder{NewBuilder(), NewBuilder().WithParts()} {
			p := builtOf(t, b, values)
			for range 25 {
				text, to := append(d.text(values), '\n'), bytes.Buffer{} // each line ends
				if len(p.Find(p.Redact(text))) > 0 {
					continue // what it leaves out joins what is left
				}
				var splits []int // a line that comes in pieces goes on in pieces
				for line := range bytes.SplitAfterSeq(text, []byte("\n")) {
					if len(splits) > 0 && d.IntN(2) == 0 {
						splits[len(splits)-1] += len(line)
					} else {
						splits = append(splits, len(line))
					}
				}
				got, _ := written(t, p.Writer(&to, nil).Prompt(), &to, text, splits)
				if left := p.Find([]byte(got)); len(left) > 0 && left[0].Form != aPart {
					t.Fatalf("seed %d, set %d: values %q, text %q, splits %v: %v is left in %q", seed, set, values, text, splits, left, got)
				}
			}
		}
	}
}

// TestAnEventIsNotHeldForWhatMayCome has a stream stop after an event that ends with a
// byte that a value begins with, and go on with the value. Each key has other bytes that
// look like a beginning.
func TestAnEventIsNotHeldForWhatMayCome(t *testing.T) {
	t.Parallel()
	const value = "sk_live_51Hx9Zq2eTyKd4Vw8"
	builders := []*Builder{NewBuilder()}
	for range 20 {
		builders = append(builders, NewBuilder().WithParts())
	}
	for _, b := range builders {
		p := builtOf(t, b, [][]byte{[]byte(value)})
		from, to := io.Pipe()
		defer func() { _ = to.Close() }()
		r := p.Reader(from, nil)
		var got strings.Builder
		event := func(delta string) string { return `data: {"delta":"` + delta + "\"}\n\n" }
		read := func(until int) {
			buf := make([]byte, 4096)
			for got.Len() < until {
				n, err := r.Read(buf)
				got.Write(buf[:n])
				if err != nil {
					t.Fatalf("%v after %q", err, got.String())
				}
			}
		}
		sent := ""
		for _, delta := range []string{"yes", "s", "k", "q", value[:4], value[4:7]} {
			sent += event(delta)
			go func() { _, _ = io.WriteString(to, event(delta)) }()
			read(len(sent)) // it stops here where the event is held back
		}
		go func() { // what comes together is not held up by the reads
			for i := 7; i < len(value); i += 3 {
				_, _ = io.WriteString(to, event(value[i:min(i+3, len(value))]))
			}
			_, _ = io.WriteString(to, event("and so on"))
			_ = to.Close()
		}()
		rest, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		text := string(rest)
		if strings.Contains(text, value[7:10]) || !strings.Contains(text, "[hotcell:s0]") || !strings.Contains(text, "and so on") {
			t.Errorf("%q", text)
		}
	}
}
