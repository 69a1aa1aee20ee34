package unpack_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"hotcell/internal/wire/unpack"
	"hotcell/test/prove"
	"hotcell/test/spelling"
)

// collected keeps all readings.
type collected struct{ readings []*bytes.Buffer }

func (c *collected) sink() io.WriteCloser {
	b := &bytes.Buffer{}
	c.readings = append(c.readings, b)
	return closing{b}
}

func (c *collected) holds(value []byte) bool {
	for _, one := range c.readings {
		if bytes.Contains(one.Bytes(), value) {
			return true
		}
	}
	return false
}

type closing struct{ io.Writer }

func (closing) Close() error { return nil }

// pour writes a text in pieces.
func pour(l *unpack.Looker, text []byte, r *rand.Rand) error {
	for len(text) > 0 {
		n := min(1+r.IntN(1+r.IntN(len(text))), len(text))
		if _, err := l.Write(text[:n]); err != nil {
			_ = l.Close()
			return err
		}
		text = text[n:]
	}
	return l.Close()
}

func TestProveWhatIsPackedIsLookedIntoHoweverItIsSplit(t *testing.T) {
	t.Parallel()
	values := spelling.Values(20, rand.New(rand.NewPCG(1, 2)))
	for n, s := range spelling.All() {
		if !s.Packed {
			continue
		}
		for i := range prove.Trials(5, 2000) {
			r := rand.New(rand.NewPCG(uint64(n), uint64(i)))
			v := values[i%len(values)].Text
			text := s.Write(v, r)
			var c collected
			l := unpack.New(unpack.NewBudget(unpack.Limits{}), c.sink)
			if strings.Contains(s.Name, "named") {
				if err := l.Expect("br"); err != nil {
					t.Fatal(err)
				}
			}
			if err := pour(l, text, r); err != nil {
				t.Fatalf("%s: %v", s.Name, err)
			}
			// What is not packed stands in the stream itself.
			if !c.holds(v) && !bytes.Contains(text, v) {
				t.Fatalf("%s of %.20q: not seen in %d readings", s.Name, v, len(c.readings))
			}
		}
	}
}

func gzipped(b []byte) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, _ = z.Write(b)
	_ = z.Close()
	return out.Bytes()
}

func TestWhatCannotBeReadIsSaid(t *testing.T) {
	t.Parallel()
	nested := []byte("deep")
	for range 12 {
		nested = gzipped(nested)
	}
	whole := gzipped([]byte(strings.Repeat("abc", 1000)))
	cases := map[string]struct {
		text   []byte
		limits unpack.Limits
	}{
		"7z":                 {[]byte("upload 7z\xbc\xaf\x27\x1c\x00\x04 and more"), unpack.Limits{}},
		"rar":                {[]byte("Rar!\x1a\x07\x01\x00 and more"), unpack.Limits{}},
		"openssl":            {[]byte("Salted__\x01\x02\x03\x04\x05\x06\x07\x08 and more"), unpack.Limits{}},
		"openssl in base64":  {[]byte(`{"a":"U2FsdGVkX18BAgMEBQYHCAAAAAAAAAAAAAAA"}`), unpack.Limits{}},
		"age":                {[]byte("age-encryption.org/v1\n-> X25519 abc"), unpack.Limits{}},
		"pgp":                {[]byte("hello\n-----BEGIN PGP MESSAGE-----\n\nwcB"), unpack.Limits{}},
		"an enciphered zip":  {[]byte("PK\x03\x04\x14\x00\x01\x00\x08\x00aaaabbbbccccdddd\x01\x00\x00\x00xyz"), unpack.Limits{}},
		"zip, odd method":    {[]byte("PK\x03\x04\x14\x00\x00\x00\x60\x00aaaabbbbccccdddd\x01\x00\x00\x00xyz"), unpack.Limits{}},
		"cut short":          {whole[:len(whole)/2], unpack.Limits{}},
		"damaged":            {append(append(bytes.Clone(whole[:12]), 0xff, 0xff, 0xff, 0xff), whole[16:]...), unpack.Limits{}},
		"too deep":           {nested, unpack.Limits{}},
		"too much":           {whole, unpack.Limits{Bytes: 100}},
		"too many":           {bytes.Repeat(gzipped([]byte("x")), 20), unpack.Limits{Entries: 10}},
		"an xz that is huge": {append([]byte("\xfd7zXZ\x00\x00\x01\x69\x22\xde\x36"), 2, 0, 0x21, 1, 40, 0, 0, 0, 0, 0, 0, 0, 0, 0), unpack.Limits{}},
	}
	for name, c := range cases {
		for step := range 40 {
			l := unpack.New(unpack.NewBudget(c.limits), (&collected{}).sink)
			err := pour(l, c.text, rand.New(rand.NewPCG(5, uint64(step))))
			if !errors.Is(err, unpack.ErrUnreadable) {
				t.Errorf("%s: %v", name, err)
			}
			c.limits.Lenient = true
			l = unpack.New(unpack.NewBudget(c.limits), (&collected{}).sink)
			if err := pour(l, c.text, rand.New(rand.NewPCG(5, uint64(step)))); err != nil {
				t.Errorf("%s, where it may pass: %v", name, err)
			}
			c.limits.Lenient = false
		}
	}
	if err := unpack.New(unpack.NewBudget(unpack.Limits{}), (&collected{}).sink).Expect("aes128gcm"); !errors.Is(err, unpack.ErrUnreadable) {
		t.Errorf("an unknown coding: %v", err)
	}
}

func TestOrdinaryBytesPass(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	noise := make([]byte, 4<<20)
	for i := range noise {
		noise[i] = byte(r.UintN(256))
	}
	var text bytes.Buffer
	for text.Len() < 1<<20 {
		fmt.Fprintf(&text, "{\"id\":\"%016x\",\"text\":\"PK, BZ and x^2 -- Salted__ or not\",\"sum\":\"%x\"}\n", r.Uint64(), noise[text.Len()%4096:][:32])
	}
	for name, b := range map[string][]byte{"noise": noise, "text": text.Bytes()} {
		l := unpack.New(unpack.NewBudget(unpack.Limits{}), (&collected{}).sink)
		if err := pour(l, b, r); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestNothingIsHeldOnceAllWasLookedAt shows that a message which is complete can
// go on before the next has come.
func TestNothingIsHeldOnceAllWasLookedAt(t *testing.T) {
	t.Parallel()
	l := unpack.New(unpack.NewBudget(unpack.Limits{}), (&collected{}).sink)
	for _, piece := range [][]byte{[]byte("{\"a\":1}\n"), gzipped([]byte("one")), []byte("flag"), gzipped([]byte("two")), []byte("data: x")} {
		if _, err := l.Write(piece); err != nil {
			t.Fatal(err)
		}
		if held := l.Held(); held != 0 {
			t.Errorf("%d bytes are held after %q", held, piece)
		}
	}
	if _, err := l.Write(gzipped([]byte("three"))[:15]); err != nil || l.Held() == 0 {
		t.Errorf("a gzip that goes on is not held back: %v", err)
	}
	_ = l.Close()
}

type panicking struct{}

func (panicking) Write([]byte) (int, error) { panic("a fault") }
func (panicking) Close() error              { return nil }

func TestAFaultOfAReaderRefuses(t *testing.T) {
	t.Parallel()
	for _, lenient := range []bool{false, true} {
		l := unpack.New(unpack.NewBudget(unpack.Limits{Lenient: lenient}), func() io.WriteCloser { return panicking{} })
		_, err := l.Write(gzipped([]byte("hello")))
		if err = errors.Join(err, l.Close()); !errors.Is(err, unpack.ErrFault) {
			t.Errorf("lenient %v: %v", lenient, err)
		}
	}
}

func FuzzLooker(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, s := range spelling.All() {
		if s.Packed {
			f.Add(s.Write([]byte("sk_live_51Hx9Zq2eTy"), r), uint64(3))
		}
	}
	f.Fuzz(func(t *testing.T, text []byte, seed uint64) {
		limits := unpack.Limits{Bytes: 16 << 20}
		var whole, split collected
		one := unpack.New(unpack.NewBudget(limits), whole.sink)
		_, first := one.Write(text)
		first = errors.Join(first, one.Close())
		second := pour(unpack.New(unpack.NewBudget(limits), split.sink), text, rand.New(rand.NewPCG(seed, 1)))
		if (first == nil) != (second == nil) {
			t.Fatalf("in one piece %v, in several %v", first, second)
		}
		if first == nil && len(whole.readings) != len(split.readings) {
			t.Fatalf("%d readings in one piece, %d in several", len(whole.readings), len(split.readings))
		}
	})
}
