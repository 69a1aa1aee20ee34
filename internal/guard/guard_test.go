package guard_test

import (
	"bytes"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"

	"hotcell/internal/guard"
)

var values = []string{
	"sk_live_51Hx9Zq2eTy", "pa$sword%20+/=&", `q"u\o/te<>&`, "hunter2", "äöü€-geheim-ßß", "abababababab-abababac", "xyzzy-xyzzy-xyzzy-1",
	"-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n-----END PRIVATE KEY-----\n",
	`{"type":"service_account","private_key":"abc\ndef"}`, strings.Repeat("0123456789abcdef", 300), "a\tb\rc\x01d\x7fe",
}

func build(t testing.TB, values ...string) *guard.Patterns {
	t.Helper()
	b := guard.NewBuilder()
	for i, v := range values {
		if err := b.Add(fmt.Sprintf("s%d", i), []byte(v)); err != nil {
			t.Fatalf("value %d: %v", i, err)
		}
	}
	return b.Build()
}

// written is a text that holds a value in one form.
func written(value string) map[string]string {
	js, _ := json.Marshal(value)
	texts := map[string]string{
		"raw": value, "hex": hex.EncodeToString([]byte(value)), "HEX": strings.ToUpper(hex.EncodeToString([]byte(value))),
		"query": url.QueryEscape(value), "path": url.PathEscape(value), "json": string(js[1 : len(js)-1]),
	}
	if strings.ContainsAny(value, "<>&") {
		delete(texts, "json")
	}
	for _, prefix := range []string{"", "u", "us", "use", "user:"} {
		for _, suffix := range []string{"", "!", "!!", "\n"} {
			texts["base64 "+prefix+"_"+suffix] = base64.StdEncoding.EncodeToString([]byte(prefix + value + suffix))
			texts["base64url "+prefix+"_"+suffix] = base64.RawURLEncoding.EncodeToString([]byte(prefix + value + suffix))
		}
	}
	return texts
}

// leaks says whether out still holds a telling piece of text.
func leaks(out, text string) bool {
	piece := max(6, min(12, len(text)-4))
	for i := 0; i+piece <= len(text); i++ {
		if strings.Contains(out, text[i:i+piece]) {
			return true
		}
	}
	return false
}

func TestEveryFormIsReplacedHoweverItIsSplit(t *testing.T) {
	t.Parallel()
	p := build(t, values...)
	for _, value := range values {
		for form, text := range written(value) {
			whole := "before " + text + " after"
			want := string(p.Redact([]byte(whole)))
			if leaks(want, text) || !strings.HasPrefix(want, "before ") || !strings.HasSuffix(want, " after") || !strings.Contains(want, "[hotcell:s") {
				t.Errorf("%s of %.12q: %.200q", form, value, want)
			}
			if len(whole) > 600 {
				continue
			}
			for cut := range len(whole) + 1 {
				if got := split(t, p, whole, cut); got != want {
					t.Fatalf("%s of %.12q, split at %d: %q, want %q", form, value, cut, got, want)
				}
			}
			if got := bytewise(t, p, whole); got != want {
				t.Errorf("%s of %.12q, byte by byte: %q, want %q", form, value, got, want)
			}
		}
	}
}

func split(t *testing.T, p *guard.Patterns, text string, at int) string {
	t.Helper()
	var out bytes.Buffer
	w := p.Writer(&out)
	for _, part := range []string{text[:at], text[at:]} {
		if n, err := w.Write([]byte(part)); err != nil || n != len(part) {
			t.Fatalf("Write = %d, %v", n, err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func bytewise(t *testing.T, p *guard.Patterns, text string) string {
	t.Helper()
	var out bytes.Buffer
	w := p.Writer(&out)
	for i := range len(text) {
		if _, err := w.Write([]byte{text[i]}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestOnlyABeginningIsHeldBack(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	w := build(t, "sk_live_51Hx9Zq2eTy").Writer(&out)
	steps := []struct{ in, passed string }{
		{"hello", "hello"}, {" s", " "}, {"k_live_", ""}, {"nope", "sk_live_nope"}, {"sk_live_51Hx9Zq2eT", ""}, {"y.", "[hotcell:s0]."},
	}
	for _, s := range steps {
		out.Reset()
		if _, err := w.Write([]byte(s.in)); err != nil {
			t.Fatal(err)
		}
		if out.String() != s.passed {
			t.Errorf("after %q: %q passed, want %q", s.in, out.String(), s.passed)
		}
	}
	if w.Count() != 1 {
		t.Errorf("Count = %d", w.Count())
	}
}

func TestOverlappingValuesLeaveNothing(t *testing.T) {
	t.Parallel()
	p := build(t, "abcdefgh", "efghijkl", "abcdefghij", "cdefgh")
	for _, c := range []struct{ in, want string }{
		{"abcdefghijkl", "[hotcell:s2]"}, {"xefghijklx", "x[hotcell:s1]x"}, {"abcdefgh.", "[hotcell:s0]."},
		{"abcdefabcdefgh", "abcdef[hotcell:s0]"}, {"abcdefghabcdefgh", "[hotcell:s0][hotcell:s0]"}, {"abcdefghi", "[hotcell:s0]i"},
	} {
		if got := bytewise(t, p, c.in); got != c.want {
			t.Errorf("%q: %q, want %q", c.in, got, c.want)
		}
	}
}

func TestWhatCannotBeGuardedIsRefusedWithoutTheValue(t *testing.T) {
	t.Parallel()
	for _, v := range []string{"", "true", "8080", "aaaaaaaa", "ababab", "abcab", "Password", "localhost"} {
		err := guard.NewBuilder().Add("n", []byte(v))
		if !errors.Is(err, guard.ErrUnguardable) {
			t.Errorf("%q: %v", v, err)
		} else if len(v) > 3 && strings.Contains(err.Error(), v) {
			t.Errorf("the error tells of the value: %v", err)
		}
	}
}

func TestNamesCannotBreakTheText(t *testing.T) {
	t.Parallel()
	b := guard.NewBuilder()
	if err := b.Add("a\"]\n<b>\\", []byte("hunter2-hunter2")); err != nil {
		t.Fatal(err)
	}
	if got := string(b.Build().Redact([]byte(`"hunter2-hunter2"`))); got != `"[hotcell:a____b__]"` {
		t.Errorf("got %s", got)
	}
}

func TestOrdinaryTextPasses(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	b := guard.NewBuilder()
	for i := range 1000 {
		value := make([]byte, 12)
		for j := range value {
			value[j] = byte(r.UintN(256))
		}
		if err := b.Add(fmt.Sprint(i), value); err != nil {
			t.Fatal(err)
		}
	}
	text := benign(4 << 20)
	var out bytes.Buffer
	w := b.Build().Writer(&out)
	for chunk := range slices.Chunk(text, 1000) {
		if _, err := w.Write(chunk); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil || w.Count() != 0 || !bytes.Equal(out.Bytes(), text) {
		t.Errorf("%d false redactions, %d of %d bytes, %v", w.Count(), out.Len(), len(text), err)
	}
}

// benign is text as logs have it.
func benign(size int) []byte {
	r := rand.New(rand.NewPCG(3, 4))
	var out bytes.Buffer
	for out.Len() < size {
		fmt.Fprintf(&out, "2026-11-%02dT10:%02d:%02dZ level=info msg=\"GET /v1/items/%x\" status=%d took=%dms id=%s\n",
			r.IntN(28)+1, r.IntN(60), r.IntN(60), r.Uint64(), 200+r.IntN(300), r.IntN(900), base32.StdEncoding.EncodeToString([]byte(fmt.Sprint(r.Uint64()))))
	}
	return out.Bytes()[:size]
}

func FuzzWriter(f *testing.F) {
	f.Add("hunter2-value", "x hunter2-value y aHVudGVyMi12YWx1ZQ==", uint8(3))
	f.Add("ababcababd", "abababcababdababcababd", uint8(1))
	f.Fuzz(func(t *testing.T, value, text string, step uint8) {
		b := guard.NewBuilder()
		if b.Add("n", []byte(value)) != nil {
			return
		}
		p := b.Build()
		want := p.Redact([]byte(text))
		const mark = "[hotcell:n]"
		if !strings.Contains(mark, value) && bytes.Contains(bytes.ReplaceAll(want, []byte("[hotcell:n]"), []byte("\x00\x00\x00")), []byte(value)) && !strings.Contains(value, "\x00") {
			t.Fatalf("the value survived")
		}
		var out bytes.Buffer
		w := p.Writer(&out)
		for chunk := range slices.Chunk([]byte(text), int(step)+1) {
			if _, err := w.Write(chunk); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil || !bytes.Equal(out.Bytes(), want) {
			t.Fatalf("split by %d: %q, want %q (%v)", int(step)+1, out.Bytes(), want, err)
		}
		if w.Count() == 0 && out.String() != text {
			t.Fatalf("nothing was found, and the text changed")
		}
	})
}

func BenchmarkWriter(b *testing.B) {
	text := benign(16 << 20)
	for _, n := range []int{100, 10_000} {
		r := rand.New(rand.NewPCG(5, 6))
		builder := guard.NewBuilder()
		for i := range n {
			if err := builder.Add(fmt.Sprint(i), fmt.Appendf(nil, "%016x%016x", r.Uint64(), r.Uint64())); err != nil {
				b.Fatal(err)
			}
		}
		p := builder.Build()
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				w := p.Writer(discard{})
				for chunk := range slices.Chunk(text, 32<<10) {
					_, _ = w.Write(chunk)
				}
				_ = w.Close()
			}
		})
	}
}

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }
