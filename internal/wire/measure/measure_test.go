package measure_test

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"hotcell/internal/wire/measure"
	"hotcell/test/prove"
)

var wide = measure.Limits{Depth: 1 << 30, Weight: 1 << 40}

func TestBounds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text   string
		limits measure.Limits
		want   error
	}{
		"as deep as may be":     {strings.Repeat("[", 7) + strings.Repeat("]", 7), measure.Limits{Depth: 7, Weight: 1 << 20}, nil},
		"one deeper":            {strings.Repeat("[", 8) + strings.Repeat("]", 8), measure.Limits{Depth: 7, Weight: 1 << 20}, measure.ErrDeep},
		"objects too":           {strings.Repeat(`{"a":`, 8), measure.Limits{Depth: 7, Weight: 1 << 20}, measure.ErrDeep},
		"side by side":          {"[" + strings.Repeat("[[]],", 100) + "0]", measure.Limits{Depth: 3, Weight: 1 << 20}, nil},
		"brackets in a text":    {`["[[[[\"[[[[", "{{{{"]`, measure.Limits{Depth: 1, Weight: 1 << 20}, nil},
		"after a text":          {`["\\", [[[]]]]`, measure.Limits{Depth: 3, Weight: 1 << 20}, measure.ErrDeep},
		"an open text":          {`["[[[[[[[`, measure.Limits{Depth: 1, Weight: 1 << 20}, nil},
		"an escape at the end":  {`["\`, measure.Limits{Depth: 1, Weight: 1 << 20}, nil},
		"many empty objects":    {"[" + strings.Repeat("{},", 10_000) + "0]", measure.Limits{Depth: 9, Weight: 1 << 20}, measure.ErrHeavy},
		"many small numbers":    {"[" + strings.Repeat("1,", 20_000) + "0]", measure.Limits{Depth: 9, Weight: 1 << 20}, measure.ErrHeavy},
		"many small members":    {"{" + strings.Repeat(`"":1,`, 20_000) + `"":0}`, measure.Limits{Depth: 9, Weight: 1 << 20}, measure.ErrHeavy},
		"one long text":         {`"` + strings.Repeat("x", 900_000) + `"`, measure.Limits{Depth: 9, Weight: 1 << 20}, nil},
		"one that is too long":  {`"` + strings.Repeat("x", 1<<20) + `"`, measure.Limits{Depth: 9, Weight: 1 << 20}, measure.ErrHeavy},
		"more ends than starts": {"]]]]" + strings.Repeat("[", 5), measure.Limits{Depth: 9, Weight: 1 << 20}, nil},
		"nothing":               {"", measure.Limits{}, nil},
	} {
		if err := measure.JSON([]byte(c.text), c.limits); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// depthOf is how deep a value that was read lies: what is held against the measure.
func depthOf(v any) int {
	deepest := 0
	switch v := v.(type) {
	case []any:
		for _, one := range v {
			deepest = max(deepest, depthOf(one))
		}
	case map[string]any:
		for _, one := range v {
			deepest = max(deepest, depthOf(one))
		}
	default:
		return 0
	}
	return deepest + 1
}

// text is a random JSON text, or nearly one.
func text(r *rand.Rand) []byte {
	pieces := []string{"[", "]", "{", "}", ",", ":", `"`, `\`, `"a"`, `"[\"{"`, "1", "null", " ", `"\\"`, `"\u005b"`, "[]", "{}", `{"a":[1]}`, `"a":`}
	if r.IntN(4) > 0 {
		out, _ := json.Marshal(value(r, 0))
		for range r.IntN(2) { // which spoils some
			at := r.IntN(len(out) + 1)
			out = append(out[:at:at], append([]byte(pieces[r.IntN(len(pieces))]), out[at:]...)...)
		}
		return out
	}
	var out []byte
	for range r.IntN(20) {
		out = append(out, pieces[r.IntN(len(pieces))]...)
	}
	return out
}

func value(r *rand.Rand, depth int) any {
	switch n := r.IntN(6); {
	case n == 0 && depth < 9:
		out := []any{}
		for range r.IntN(4) {
			out = append(out, value(r, depth+1))
		}
		return out
	case n < 4 && depth < 9:
		out := map[string]any{}
		for range r.IntN(4) {
			out[string([]byte{"\"[{]}\\,:ab"[r.IntN(10)], 'x', "\"[{]}\\,:ab"[r.IntN(10)]})] = value(r, depth+1)
		}
		return out
	}
	return []any{"[[", `\"{`, 7, nil, true, ""}[r.IntN(6)]
}

// What encoding/json takes is measured as it reads it: at its depth it passes, and one
// less refuses it. (Of members with one name the last one stays, so the text may be
// deeper than the value.)
func TestProveDepthAgainstAReader(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(7, rand.Uint64()))
	read := 0
	for range prove.Trials(20_000, 5_000_000) {
		in := text(r)
		var v any
		if json.Unmarshal(in, &v) != nil {
			_ = measure.JSON(in, wide) // it ends, whatever it is
			continue
		}
		read++
		if depth := depthOf(v); depth > 0 {
			if err := measure.JSON(in, measure.Limits{Depth: depth - 1, Weight: 1 << 40}); !errors.Is(err, measure.ErrDeep) {
				t.Fatalf("%q is %d deep, and passes as less", in, depth)
			}
		}
		if again, _ := json.Marshal(v); measure.JSON(again, measure.Limits{Depth: depthOf(v), Weight: 1 << 40}) != nil {
			t.Fatalf("%q is %d deep, and refused as such", again, depthOf(v))
		}
	}
	if read < 1000 {
		t.Errorf("only %d of the texts could be read", read)
	}
}

// The estimate is above what a reader takes. (Not at once with others: they allocate too.)
func TestTheWeightIsEnough(t *testing.T) { //nolint:paralleltest // see above
	const n = 100_000
	for name, in := range map[string]string{
		"empty objects": "[" + strings.Repeat("{},", n) + "0]",
		"small objects": "[" + strings.Repeat(`{"a":1},`, n) + "0]",
		"objects":       "[" + strings.Repeat(`{"a":1,"b":"x","c":[],"d":{},"e":1,"f":1,"g":1,"h":1,"i":1},`, n/10) + "0]",
		"empty lists":   "[" + strings.Repeat("[],", n) + "0]",
		"small lists":   "[" + strings.Repeat("[1],", n) + "0]",
		"numbers":       "[" + strings.Repeat("1.5,", n) + "0]",
		"texts":         "[" + strings.Repeat(`"x",`, n) + "0]",
	} {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		var v any
		if err := json.Unmarshal([]byte(in), &v); err != nil {
			t.Fatal(err)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		runtime.KeepAlive(v)
		if took := int64(after.HeapAlloc) - int64(before.HeapAlloc); measure.JSON([]byte(in), measure.Limits{Depth: 9, Weight: took}) == nil {
			t.Errorf("%s: they take %d bytes, and are taken for less", name, took)
		}
	}
}

func BenchmarkJSON(b *testing.B) {
	in := []byte("[" + strings.Repeat(`{"id":"msg_1234","text":"what somebody wrote, in a few words","at":1700000000,"tags":["a","b"]},`, 10_000) + "0]")
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		if err := measure.JSON(in, wide); err != nil {
			b.Fatal(err)
		}
	}
}

func FuzzJSON(f *testing.F) {
	f.Add([]byte(`{"a":[1,"\"["]}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		var v any
		if json.Unmarshal(in, &v) == nil && depthOf(v) > 0 && measure.JSON(in, measure.Limits{Depth: depthOf(v) - 1, Weight: 1 << 40}) == nil {
			t.Errorf("%q is deeper than it is measured", in)
		}
	})
}
