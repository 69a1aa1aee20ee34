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

	"hotcell/internal/value/guard"
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
		if err := b.Add(guard.Label{ID: fmt.Sprint(i), Name: fmt.Sprintf("s%d", i)}, []byte(v)); err != nil {
			t.Fatalf("value %d: %v", i, err)
		}
	}
	return b.Build()
}

// written is a text that holds a value in one form.
func written(value string) map[string]string {
	js, _ := json.Marshal(value)
	spell := func(format string) string {
		var out strings.Builder
		for _, c := range []byte(value) {
			fmt.Fprintf(&out, format, c)
		}
		return out.String()
	}
	broken := base64.StdEncoding.EncodeToString([]byte("u" + value))
	texts := map[string]string{
		"raw": value, "hex": hex.EncodeToString([]byte(value)), "HEX": strings.ToUpper(hex.EncodeToString([]byte(value))),
		"query": url.QueryEscape(value), "path": url.PathEscape(value), "json": string(js[1 : len(js)-1]),
		"percent": spell("%%%02x"), "percent twice": spell("%%25%02X"), "colons": spell("%02x:"), "spaced": spell("%02X "), "shell": spell(`\x%02x`),
		"entities": spell("&#%d;"), "hex entities": spell("&#x%x;"), "octal": spell(`\%03o`), "odd hex": "f" + spell("%02x") + "0",
		"lines": strings.Join(pieces(broken, 76), "\r\n"), "short lines": strings.Join(pieces(broken, 5), "\n  "), "hex lines": strings.Join(pieces(spell("%02x"), 7), "\n"),
		"escaped lines": strings.Join(pieces(broken, 20), `\n`), "reversed": backwards(value),
		"base32": base32.StdEncoding.EncodeToString([]byte("us" + value)), "a break": value[:4] + "\n" + value[4:], "colours": value[:5] + "\x1b[1;31m" + value[5:], "zero width": value[:5] + "\u200b" + value[5:],
		"json of json": jsonOf(jsonOf(value)), "upper": strings.ToUpper(value),
	}
	if !ascii(value) {
		delete(texts, "zero width") // it may be within a character
		delete(texts, "upper")
		delete(texts, "entities") // those of characters, and not of bytes
		delete(texts, "hex entities")
	}
	for _, c := range []byte(value) {
		if c > '\377'>>1 || c == 0x7f {
			delete(texts, "octal")
		}
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

func pieces(s string, n int) (out []string) {
	for len(s) > n {
		out, s = append(out, s[:n]), s[n:]
	}
	return append(out, s)
}

func backwards(s string) string {
	b := []byte(s)
	slices.Reverse(b)
	return string(b)
}

func jsonOf(s string) string {
	text, _ := json.Marshal(s)
	return string(text[1 : len(text)-1])
}

func ascii(s string) bool { return !strings.ContainsFunc(s, func(r rune) bool { return r >= 0x80 }) }

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
	w := p.Writer(&out, nil)
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
	w := p.Writer(&out, nil)
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
	w := build(t, "sklivex51Hx9Zq2eTy").Writer(&out, nil)
	steps := []struct{ in, passed string }{
		{"A lad.", "A lad."}, {" s", " "}, {"klivex", ""}, {"blah.", "sklivexblah."}, {"sklivex51Hx9Zq2eT", ""}, {"y, blah.", "[hotcell:s0], blah."},
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
		err := guard.NewBuilder().Add(guard.Label{Name: "n"}, []byte(v))
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
	if err := b.Add(guard.Label{Name: "a\"]\n<b>\\"}, []byte("hunter2-hunter2")); err != nil {
		t.Fatal(err)
	}
	if got := string(b.Build().Redact([]byte(`"hunter2-hunter2"`))); got != `"[hotcell:a____b__]"` {
		t.Errorf("got %s", got)
	}
}

func TestAMarkThatHoldsAValueSaysLess(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, value, want string }{
		{"n1", "hotcell:n1", "x [hotcell:id1] y"},
		{"n1", "[hotcell:n1]", "x [hotcell:id1] y"},
		{"id1", "hotcell:id1", "x [hotcell] y"},
		{"q7Zr2Lx9Kd4Vw8Tn", "q7Zr2Lx9Kd4Vw8Tn", "x [hotcell:id1] y"},
		{"q7Zr2Lx9Kd", "q7Zr2Lx9Kd4Vw8Tn", "x [hotcell:id1] y"},
		{"n1", "tcell:n1]", "x [hotcell:id1] y"},
	} {
		b := guard.NewBuilder().WithParts()
		if err := b.Add(guard.Label{ID: "id1", Name: c.name}, []byte(c.value)); err != nil {
			t.Fatal(err)
		}
		p := b.Build()
		got := string(p.Redact([]byte("x " + c.value + " y")))
		if got != c.want || strings.Contains(got, c.value) || string(p.Redact([]byte(got))) != got {
			t.Errorf("%q of %s: %q, want %q", c.value, c.name, got, c.want)
		}
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
		if err := b.Add(guard.Label{Name: fmt.Sprint(i)}, value); err != nil {
			t.Fatal(err)
		}
	}
	text := benign(4 << 20)
	var out bytes.Buffer
	w := b.Build().Writer(&out, nil)
	for chunk := range slices.Chunk(text, 1000) {
		if _, err := w.Write(chunk); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil || w.Count() != 0 || !bytes.Equal(out.Bytes(), text) {
		t.Errorf("%d false redactions, %d of %d bytes, %v", w.Count(), out.Len(), len(text), err)
	}
}

func FuzzWriter(f *testing.F) {
	f.Add("hunter2-value", "x hunter2-value y aHVudGVyMi12YWx1ZQ==", uint8(3))
	f.Add("ababcababd", "abababcababdababcababd", uint8(1))
	f.Fuzz(func(t *testing.T, value, text string, step uint8) {
		b := guard.NewBuilder()
		if b.Add(guard.Label{Name: "n"}, []byte(value)) != nil {
			return
		}
		p := b.Build()
		want := p.Redact([]byte(text))
		const mark = "[hotcell:n]"
		if !strings.Contains(mark, value) && bytes.Contains(bytes.ReplaceAll(want, []byte("[hotcell:n]"), []byte("\x00\x00\x00")), []byte(value)) && !strings.Contains(value, "\x00") {
			t.Fatalf("the value survived")
		}
		var out bytes.Buffer
		w := p.Writer(&out, nil)
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
