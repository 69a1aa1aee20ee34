package importer_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"hotcell"
	"hotcell/internal/cli/importer"
)

const canary = "QZcanary7x"

// FuzzParseDotenv: no input crashes the parser, what is read keeps the rules,
// and it can be written and read again.
func FuzzParseDotenv(f *testing.F) {
	for _, seed := range seeds(f) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		before := string(src)
		got, notices, err := importer.ParseDotenv(src, importer.Verbatim)
		if string(src) != before {
			t.Fatal("the parser wrote into its input")
		}
		if err != nil {
			if !errors.Is(err, hotcell.ErrInvalid) || got != nil {
				t.Fatalf("error %v with %d variables", err, len(got))
			}
			return
		}
		defer importer.Clear(got)
		lines := strings.Count(before, "\n") + 1
		for _, n := range notices {
			if n.Line < 1 || n.Line > lines {
				t.Errorf("a notice of line %d, of %d", n.Line, lines)
			}
		}
		seen := map[string]bool{}
		for _, v := range got {
			text := plain(t, v.Value)
			if seen[v.Name] || text == "" || strings.Contains(text, "\x00") || v.Line < 1 || v.Line > lines {
				t.Errorf("a variable of line %d breaks the rules", v.Line)
			}
			seen[v.Name] = true
		}
		if out, err := importer.WriteDotenv(got); err == nil {
			same(t, out, got)
		}
	})
}

// FuzzWriteDotenv: what can be written is read back to the byte.
func FuzzWriteDotenv(f *testing.F) {
	f.Add("a", "b\\", "'#")
	f.Add("x\\\"", "'\"`\r", "`#c")
	f.Add("\\", "\"# x", "\nA=")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		want := variables("A", a, "B", b, "C", c)
		out, err := importer.WriteDotenv(want)
		if err != nil {
			if !errors.Is(err, hotcell.ErrInvalid) {
				t.Fatal(err)
			}
			return
		}
		same(t, out, want)
	})
}

// FuzzErrorsHoldNoInput plants a canary in every line: as name, as value, and
// as text; no error may hold it, and no notice where it is in a value.
func FuzzErrorsHoldNoInput(f *testing.F) {
	for _, seed := range seeds(f) {
		f.Add(seed, 3)
	}
	f.Fuzz(func(t *testing.T, src []byte, at int) {
		at = min(max(at, 0), len(src))
		planted := append(append(append([]byte{}, src[:at]...), canary...), src[at:]...)
		for _, opt := range []importer.Whitespace{importer.Refuse, importer.Verbatim, importer.Trim} {
			got, notices, err := importer.ParseDotenv(planted, opt)
			if err != nil && strings.Contains(strings.ToLower(err.Error()), strings.ToLower(canary)) {
				t.Fatalf("the error holds the input: %v", err)
			}
			for _, v := range got {
				if strings.Contains(v.Name, canary) {
					return // a name, which notices may tell
				}
			}
			if said := fmt.Sprint(notices, got); strings.Contains(said, canary) {
				t.Fatalf("a notice holds a value: %s", said)
			}
		}
	})
}

func seeds(f *testing.F) [][]byte {
	f.Helper()
	names, err := os.ReadDir("testdata/dotenv")
	if err != nil {
		f.Fatal(err)
	}
	var out [][]byte
	for _, n := range names {
		if strings.HasSuffix(n.Name(), ".env") {
			text, err := os.ReadFile("testdata/dotenv/" + n.Name())
			if err != nil {
				f.Fatal(err)
			}
			out = append(out, text)
		}
	}
	return out
}
