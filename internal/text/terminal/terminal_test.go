package terminal_test

import (
	"bytes"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"hotcell/internal/text/terminal"
	"hotcell/test/prove"
)

func shown(t *testing.T, pieces ...string) string {
	t.Helper()
	var out bytes.Buffer
	w := terminal.New(&out)
	for _, piece := range pieces {
		if n, err := w.Write([]byte(piece)); n != len(piece) || err != nil {
			t.Fatalf("%d, %v", n, err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestWhatATerminalIsShown(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain\ttext\r\n":                          "plain\ttext\r\n",
		"größe 🔑\n":                                "größe 🔑\n",
		"\x1b[1;31mred\x1b[0m":                     "\x1b[1;31mred\x1b[0m\x1b[0m",
		"\x1b[38:2::255:0:0mx":                     "\x1b[38:2::255:0:0mx\x1b[0m",
		"a\x1b]0;title\x07b":                       "ab",
		"a\x1b]52;c;aGk=\x1b\\b":                   "ab",
		"a\x9d0;title\x9cb":                        "a\ufffd0;title\ufffdb",
		"a\u009d0;x\u009cb":                        "a0;xb",
		"a\u009b2Jb":                               "a2Jb",
		"a\x1bP+q544e\x1b\\b":                      "ab",
		"a\x1bktitle\x1b\\b":                       "ab",
		"a\x1b^x\x1b\\\x1b_y\x1b\\\x1bXz\x07b":     "ab",
		"a\x1b[2J\x1b[H\x1b[6n\x1b[5A\x1b[?1049hb": "ab",
		"a\x1b[>4;2mb":                             "ab",
		"a\x1b[4 mb":                               "ab",
		"a\x1bcb\x1b7\x1b8\x1b(0\x1b#8c":           "abc",
		"a\b\b\x00\x05\x0e\x0f\x7f\vb":             "ab",
		"a\x1b":                                    "a",
		"a\x1b]0;never ends":                       "a",
		"a\x1b[31":                                 "a",
		"a\x1b[3\x1b[31mb":                         "a\x1b[31mb\x1b[0m",
		"a\x1b]0;x\x18b":                           "ab",
		"a\x1b]0;x\x1b[31mb":                       "a\x1b[31mb\x1b[0m",
		"a\xffb\xc3":                               "a\ufffdb",
		"a\u202eb\u2066c":                          "abc",
		"\x1b[" + strings.Repeat("1;", 60) + "mx":  "x",
	} {
		if got := shown(t, in); got != want {
			t.Errorf("%q is shown as %q, want %q", in, got, want)
		}
	}
}

var colour = regexp.MustCompile(`\x1b\[[0-9;:]*m`)

// steers says whether a text does more than print: the judge knows of nothing but
// what may be there.
func steers(text string) bool {
	rest := colour.ReplaceAllString(text, "")
	return !utf8.ValidString(text) || strings.ContainsFunc(rest, func(r rune) bool { return r < ' ' && !strings.ContainsRune("\n\r\t", r) || r >= 0x7f && r < 0xa0 })
}

func TestProveNothingSteersHoweverItIsSplit(t *testing.T) {
	t.Parallel()
	parts := []string{"\x1b", "[", "]", "P", "0;", "31", "m", "\x07", "\\", "\u009b", "\xc2", "\x9b", "\x9d", "a", "ß", "\xf0\x9f", "\x94\x91", "\n", "\x18", "?", "52;c;", " ", "\xff", "k", "(", "\b"}
	random := rand.New(rand.NewPCG(1, 2))
	for range prove.Trials(50_000, 20_000_000) {
		var text strings.Builder
		for range random.IntN(12) {
			text.WriteString(parts[random.IntN(len(parts))])
		}
		whole := text.String()
		want := shown(t, whole)
		if steers(want) {
			t.Fatalf("%q is shown as %q", whole, want)
		}
		var pieces []string
		for rest := whole; rest != ""; {
			n := 1 + random.IntN(len(rest))
			pieces, rest = append(pieces, rest[:n]), rest[n:]
		}
		if got := shown(t, pieces...); got != want {
			t.Fatalf("%q is shown as %q, and split as %q", whole, want, got)
		}
	}
}
