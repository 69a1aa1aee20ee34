package guard

import (
	"bytes"
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"hotcell/test/prove"
)

// dice makes values, and texts that nearly hold them.
type dice struct{ *rand.Rand }

func (d dice) of(alphabet string, n int) []byte {
	out := make([]byte, n)
	for i := range out {
		out[i] = alphabet[d.IntN(len(alphabet))]
	}
	return out
}

func pick[T any](d dice, all ...T) T { return all[d.IntN(len(all))] }

// values are some that have much to do with each other.
func (d dice) values() [][]byte {
	var out [][]byte
	for len(out) < 1+d.IntN(4) {
		v := d.value()
		if len(out) > 0 && d.IntN(2) == 0 {
			other := out[d.IntN(len(out))]
			v = slices.Concat(other[:d.IntN(len(other)+1)], v[:d.IntN(len(v)+1)])
			if n := d.IntN(min(5, len(other))); d.IntN(2) == 0 {
				v = slices.Concat(other[n:], d.of("xyz", n)) // the same, moved
			}
		}
		if Guardable(v) == nil {
			out = append(out, v)
		}
	}
	return out
}

func (d dice) value() []byte {
	n := 6 + d.IntN(12)
	if d.IntN(6) == 0 {
		n = pick(d, 31, 32, 33, 70, 127, 128, 129, 1030)
	}
	switch d.IntN(9) {
	case 0: // it overlaps with itself
		piece := d.of("abc", 1+d.IntN(5))
		return append(bytes.Repeat(piece, n/len(piece)+1), d.of("abcd", 1+d.IntN(3))...)
	case 1:
		return d.of("0123456789abcdef", n)
	case 2:
		return d.of(`"\'%&;<>/{}: ab4`, n)
	case 3:
		return []byte(string(d.of("aé"[:1]+"bc", n/2)) + "äöü€ß"[:2+2*d.IntN(3)] + string(d.of("abcde", n/2)))
	case 4:
		return slices.Concat(d.of("ABCDEFGHabcdefgh+/", n), []byte("\n"), d.of("ABCDEFGHabcdefgh+/", 12+d.IntN(9)), []byte("\n"))
	case 5:
		return append([]byte("sk_live_"), d.of("abAB01", n)...)
	case 6:
		return d.of("\x00\x01\x0a\x0d\x1b\x20\x7f\x80\xe2\xff", n)
	}
	return d.of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", n)
}

// spelt is a value in one of the ways that the guard knows, or nearly.
func (d dice) spelt(value []byte) []byte {
	spell := func(format string) []byte {
		var out []byte
		for _, c := range value {
			if d.IntN(8) == 0 && !strings.HasPrefix(format, "%02") {
				out = append(out, c)
			} else {
				out = fmt.Appendf(out, format, c)
			}
		}
		return out
	}
	switch d.IntN(22) {
	case 18, 19, 20:
		return d.wrapped(value)
	case 16, 17:
		return d.dumped(value)
	case 14:
		return base64.StdEncoding.AppendEncode(nil, slices.Concat(d.of("ab", d.IntN(3)), d.spelt(value)))
	case 15:
		return d.numbered(value)
	case 0:
		return spell(pick(d, "%%%02x", "=%02X", "%%25%02X", `\00%04x`, `\x%02x`, `\u%04x`, "&#%d;", "&#x%x;", `\%03o`, `\\x%02x`))
	case 1:
		return spell(pick(d, "%02x", "%02X", "%02x:", "%02X ", "%02x, ", "%02x\n"))
	case 2:
		text, _ := json.Marshal(string(value))
		return text
	case 3:
		return base64.StdEncoding.AppendEncode(nil, slices.Concat(d.of("abc", d.IntN(4)), value, d.of("abc", d.IntN(4))))
	case 4:
		return base64.RawURLEncoding.AppendEncode(nil, slices.Concat(d.of("abc", d.IntN(4)), value))
	case 5:
		return base32.StdEncoding.AppendEncode(nil, slices.Concat(d.of("abc", d.IntN(6)), value))
	case 6:
		return reversed(value)
	case 7:
		return bytes.ToUpper(value)
	case 8:
		return wide(value)
	case 9:
		return fmt.Appendf(nil, "%q", value)
	}
	return bytes.Clone(value)
}

// numbered is a value in numbers, at times with one of another kind among them.
func (d dice) numbered(value []byte) []byte {
	format := pick(d, "%d", "%d", "%03d", "0x%02x", "0X%X", "%o", "%03o", "%04o", "0o%o", "%08b", "0b%b", "-%d")
	between := pick(d, ",", ", ", " ", ",\n  ", "\n", "; ", "], [", strings.Repeat(" ", 64), strings.Repeat(" ", 65))
	var out []byte
	for i, c := range value {
		if i > 0 {
			out = append(out, between...)
		}
		switch {
		case format == "-%d" && c >= 128:
			out = fmt.Appendf(out, "-%d", 256-int(c))
		case format == "-%d":
			out = fmt.Appendf(out, "%d", c)
		case d.IntN(60) == 0:
			out = append(out, pick(d, "256", "0x", "-0", "a", "0b2", "1234567890123", "0x41", "x")...)
		default:
			out = fmt.Appendf(out, format, c)
		}
	}
	return slices.Concat([]byte(pick(d, "", "[", "1 ", "x", "-", "0")), out, []byte(pick(d, "", "]", " 1", "x", "0")))
}

// text is what holds values, whole, cut, broken and quoted, between small change.
func (d dice) text(values [][]byte) []byte {
	var out []byte
	for range 1 + d.IntN(5) {
		piece := d.spelt(pick(d, values...))
		if d.IntN(6) == 0 {
			piece = merged(piece, pick(d, values...))
		}
		if d.IntN(3) == 0 {
			piece = piece[:d.IntN(len(piece)+1)]
		}
		if d.IntN(5) == 0 {
			piece = piece[d.IntN(len(piece)+1):]
		}
		for d.IntN(3) == 0 {
			at := d.IntN(len(piece) + 1)
			piece = slices.Insert(piece, at, []byte(pick(d, "\n", "=\r\n", "=3D", "=41=4", "\x1b]8;;\x1b\\", "\r\n  ", "\x1b[1m", "\x1b", "\u200b", "\xe2\x80", "\\", "%", "&", ".", "\\u00", "…"))...)
		}
		out = append(append(out, d.filler()...), piece...)
	}
	return append(out, d.filler()...)
}

// merged is a and b, with what a ends and b begins with only once.
func merged(a, b []byte) []byte {
	for n := min(len(a), len(b)); n > 0; n-- {
		if bytes.HasSuffix(a, b[:n]) {
			return slices.Concat(a, b[n:])
		}
	}
	return slices.Concat(a, b)
}

func (d dice) filler() []byte {
	return d.of(pick(d, "ab", "0123456789abcdef -:", "\\\"\n", "%&;#x\\u0041 ", "\n\r\t ", "\x1b[1m", "Q.t\n", "sk_live_", "12 ,x-[0b", "0x1 \n,", "\n0000:  41", "\n0001  "), d.IntN(pick(d, 1, 3, 12)))
}

// splits are ways to write n bytes: how long each write is.
func (d dice) splits(n int) (out []int) {
	most := pick(d, 1, 2, 5, 20, 100)
	for n > 0 {
		one := min(n, 1+d.IntN(most))
		out = append(out, one)
		n -= one
	}
	return out
}

// written is what a writer makes of a text in that many writes, on fresh lanes or on
// those that were used before.
func written(t *testing.T, w *Writer, to *bytes.Buffer, text []byte, splits []int) (string, int) {
	t.Helper()
	to.Reset()
	for _, n := range splits {
		if _, err := w.Write(text[:n]); err != nil {
			t.Fatal(err)
		}
		text = text[n:]
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return to.String(), w.Count()
}

func compiled(t testing.TB, values [][]byte) (*Patterns, *model) {
	t.Helper()
	return builtOf(t, NewBuilder(), values), modelFor(values)
}

// compiledWithParts is like compiled, and parts are looked for.
func compiledWithParts(t testing.TB, values [][]byte) (*Patterns, *model) {
	t.Helper()
	return builtOf(t, NewBuilder().WithParts(), values), modelFor(values).withParts(values)
}

func modelFor(values [][]byte) *model {
	var labels []string
	for i := range values {
		labels = append(labels, fmt.Sprintf("s%d", i))
	}
	return modelOf(labels, values)
}

func builtOf(t testing.TB, b *Builder, values [][]byte) *Patterns {
	t.Helper()
	for i, v := range values {
		label := fmt.Sprintf("s%d", i)
		if err := b.Add(Label{ID: label, Name: label}, v); err != nil {
			t.Fatal(err)
		}
	}
	return b.Build()
}

// TestProveTheWriterIsItsModel holds the writer against the model: what it writes
// is what the model makes of the whole text, however the text comes.
func TestProveTheWriterIsItsModel(t *testing.T) {
	t.Parallel()
	holds(t, prove.Trials(2_000, 10_000_000), compiled, dice.text)
}

// TestProvePartsAreTheModels is the same, with parts of values.
func TestProvePartsAreTheModels(t *testing.T) {
	t.Parallel()
	holds(t, prove.Trials(400, 2_000_000), compiledWithParts, dice.text)
}

func holds(t *testing.T, trials int, compiled func(testing.TB, [][]byte) (*Patterns, *model), textOf func(dice, [][]byte) []byte) {
	t.Helper()
	const texts = 100 // of one set of values
	seed := rand.Uint64()
	for set := range max(1, trials/texts) {
		d := dice{rand.New(rand.NewPCG(seed, uint64(set)))}
		values := d.values()
		p, m := compiled(t, values)
		var to bytes.Buffer
		for range texts {
			text := textOf(d, values)
			want, count := m.redact(text)
			splits := d.splits(len(text))
			got, n := written(t, p.Writer(&to, nil), &to, text, splits)
			if got != want || n != count {
				t.Fatalf("seed %d, set %d: values %q, text %q, splits %v:\n%q (%d)\nwant\n%q (%d)", seed, set, values, text, splits, got, n, want, count)
			}
		}
	}
}

// TestProveNoSplitMatters tries all ways to cut each of 200 texts in two, and byte
// by byte.
func TestProveNoSplitMatters(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	for n := range prove.Trials(20, 200) {
		d := dice{rand.New(rand.NewPCG(seed, uint64(n)))}
		values := d.values()
		p, m := compiled(t, values)
		text := d.text(values)
		want, count := m.redact(text)
		var to bytes.Buffer
		try := func(splits ...int) {
			t.Helper()
			got, n := written(t, p.Writer(&to, nil), &to, text, splits)
			if got != want || n != count {
				t.Fatalf("seed %d: values %q, text %q, splits %v:\n%q (%d)\nwant\n%q (%d)", seed, values, text, splits, got, n, want, count)
			}
		}
		for cut := range len(text) + 1 {
			try(cut, len(text)-cut)
		}
		try(slices.Repeat([]int{1}, len(text))...)
	}
}

// TestWhatStaysOpenOnALaneIsForgotten has a candidate on a lane that then reads
// like its parent, whose bytes go on.
func TestWhatStaysOpenOnALaneIsForgotten(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		value string
		text  []string
	}{
		{"dro812Q", []string{"Q\ndro812", ".", "t\n"}},
		{"dro812Q", []string{"Q\ndro812", ".", "t\n", "dro8", "12Q"}},
		{"dro812Q-and-a-long-one", []string{`"\u0041dro812Q-and-a-`, `"`, "x\\n", strings.Repeat(".", 40), "\x1b[0m"}},
		{"dro812Q", []string{"%41dro812", "!", "%41"}},
		{"dro812QxZ9aBk4", []string{"\x1b[> d", "ro8", "12 |\n> QxZ9", "aBk4\n"}}, // the d ends a sequence
		{"dro812QxZ9aBk4", []string{"> dro8", "12 |\n> Qx", "Z9", "aBk4"}},
	} {
		p, m := compiled(t, [][]byte{[]byte(c.value)})
		var to bytes.Buffer
		w := p.Writer(&to, nil)
		var splits []int
		for _, s := range c.text {
			splits = append(splits, len(s))
		}
		text := []byte(strings.Join(c.text, ""))
		got, _ := written(t, w, &to, text, splits)
		if want, _ := m.redact(text); got != want {
			t.Errorf("%q: %q, want %q", c.text, got, want)
		}
	}
}

// FuzzSplits takes the text apart at the places that its bits say.
func FuzzSplits(f *testing.F) {
	f.Add("dro812Q", "", "Q\ndro812.t\n", []byte{0x80, 0x01})
	f.Add("ababcababd", "babcab-x", "abababcababdababcababd", []byte{0xff})
	f.Add("hunter2-value", "value-2", `"hunter2-\u0076alue" 68756e746572`, []byte{0x11, 0x42})
	f.Add("hunter2-value", "AB", "[104,117,110,0x74,0o145, 114,50,45,118,97,108,117,101]\n0000: 68 75 6e 74 65 72 32 2d 76 61 6c 75 65 hunter2-value\n", []byte{0x21, 0x42})
	f.Add("hunter2-value", "value-2", "0000000   h   u   n   t   e   r   2   -   v   a   l   u   e\n0000000 072550 072156 071145 026462 060566 072554 000145\n", []byte{0x05, 0x30})
	f.Fuzz(func(t *testing.T, one, two, text string, bits []byte) {
		if len(text) > 4096 || len(one)+len(two) > 4096 {
			return
		}
		var values [][]byte
		for _, v := range []string{one, two} {
			if Guardable([]byte(v)) == nil {
				values = append(values, []byte(v))
			}
		}
		p, m := compiled(t, values)
		var splits []int
		last := 0
		for i := 1; i <= len(text); i++ {
			if i == len(text) || len(bits) > 0 && bits[i/8%len(bits)]>>(i%8)&1 == 1 {
				splits, last = append(splits, i-last), i
			}
		}
		var to bytes.Buffer
		got, _ := written(t, p.Writer(&to, nil), &to, []byte(text), splits)
		if want, _ := m.redact([]byte(text)); got != want {
			t.Fatalf("values %q, text %q, splits %v: %q, want %q", values, text, splits, got, want)
		}
	})
}
