package guard_test

import (
	"bytes"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hotcell/internal/value/guard"
	"hotcell/test/prove"
)

// TestProveOrdinaryTextHasNoParts holds ordinary text of all kinds against a
// hundred values.
func TestProveOrdinaryTextHasNoParts(t *testing.T) {
	t.Parallel()
	var values []string
	r := rand.New(rand.NewPCG(21, 22))
	of := func(alphabet string, n int) string { return picked(r, alphabet, n) }
	all := small + strings.ToUpper(small) + digits
	for range 12 {
		values = append(values, "sk_live_"+of(all, 24), "sk-ant-api03-"+of(all+"-_", 90), of("0123456789abcdef", 40), "https://user:"+of(all, 16)+"@db.acme.test/production",
			of(small, 16), of(all+"+/", 40), "postgres://app:"+of(small+digits, 20)+"@localhost:5432/app", "AKIA"+of(digits+strings.ToUpper(small), 16))
	}
	values = append(values, testKey(t), "correct-horse-battery-staple", "Summer2026!production")
	ordinary(t, withParts(t, values...), prove.Trials(24<<20, 1<<30))
}

// TestProveOrdinaryTextHasNoValue holds ordinary text of all kinds against ten thousand
// random values of twelve bytes and more.
func TestProveOrdinaryTextHasNoValue(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(23, 24))
	all := small + strings.ToUpper(small) + digits
	var values []string
	for len(values) < prove.Trials(1_000, 10_000) {
		for _, alphabet := range []string{all, all + "!#$%&()*+,-./:;<=>?@[]^_{|}~", digits + "abcdef", small + digits, all + "-_"} {
			values = append(values, picked(r, alphabet, 12+r.IntN(30)))
		}
	}
	ordinary(t, build(t, values...), prove.Trials(4<<20, 1<<30))
}

const small, digits = "abcdefghijklmnopqrstuvwxyz", "0123456789"

// picked is a random text of an alphabet.
func picked(r *rand.Rand, alphabet string, n int) string {
	out := make([]byte, n)
	for i := range out {
		out[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(out)
}

// ordinary looks through so many bytes of what is on this machine, and of what is
// made: nothing may be found.
func ordinary(t *testing.T, p *guard.Patterns, left int) {
	t.Helper()
	look := func(name string, text []byte) {
		var out bytes.Buffer
		w := p.Writer(&out, nil)
		for chunk := range slices.Chunk(text, 32<<10) {
			_, _ = w.Write(chunk)
			if w.Count() > 0 {
				t.Fatalf("%s: %q", name, around(out.String(), "[hotcell:"))
			}
			out.Reset()
		}
		_ = w.Close()
		if w.Count() > 0 {
			t.Fatalf("%s: %q", name, around(out.String(), "[hotcell:"))
		}
		left -= len(text)
	}
	goroot, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, root := range []string{filepath.Join(strings.TrimSpace(string(goroot)), "src"), "/usr/share"} {
		stop := left / 2
		_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return nil //nolint:nilerr // what cannot be read is not looked at
			}
			if left < stop {
				return fs.SkipAll
			}
			if text, err := os.ReadFile(path); err == nil && len(text) < 1<<20 {
				look(path, text)
			}
			return nil
		})
	}
	for n := uint64(0); left > 0; n++ {
		noise := make([]byte, 3<<18)
		source := rand.NewChaCha8([32]byte{byte(n), byte(n >> 8), 3})
		_, _ = source.Read(noise)
		look("pages", pages(1<<20))
		look("base64", []byte(base64.StdEncoding.EncodeToString(noise)))
		look("hex", []byte(hex.EncodeToString(noise[:1<<19])))
		look("base32", []byte(base32.StdEncoding.EncodeToString(noise[:1<<18])))
	}
}

func around(text, piece string) string {
	at := max(strings.Index(text, piece), 0)
	return text[max(0, at-60):min(len(text), at+60)]
}
