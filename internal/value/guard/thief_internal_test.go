package guard

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// thief has a stolen set of fingerprints, and tries out all that can be tried a byte
// at a time.
type thief struct {
	hasher   hasher
	alphabet []byte
}

// tried is what the first bytes of a form must be, by the hashes of one, two, … of them.
func (t *thief) tried(p *imprint) []byte {
	prefix := classes[p.class].prefix
	var found []byte
	var further func(sofar []byte) bool
	further = func(sofar []byte) bool {
		n := len(sofar) + 1
		for _, c := range t.alphabet {
			next := append(slices.Clone(sofar), c)
			if n < prefix && uint32(t.hasher.head(next, n)) != p.heads[n-1] {
				continue
			}
			if n == prefix {
				if t.hasher.head(next, n) != p.prefix {
					continue
				}
				found = next
				return true
			}
			if further(next) {
				return true
			}
		}
		return false
	}
	further(nil)
	return found
}

// learnt says which bytes of a value a thief of its fingerprints knows.
func learnt(t *testing.T, value []byte) []bool {
	t.Helper()
	b := NewBuilder()
	if err := b.Add(Label{ID: "id", Name: "name"}, value); err != nil {
		t.Fatal(err)
	}
	text, err := b.Fingerprints().MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	var stolen Fingerprints
	if err := stolen.UnmarshalBinary(text); err != nil {
		t.Fatal(err)
	}
	th := thief{hasher: newHasher(stolen.key)}
	for c := range 128 {
		th.alphabet = append(th.alphabet, byte(c))
	}
	known := make([]bool, len(value))
	know := func(piece []byte) {
		if len(piece) < 3 {
			return
		}
		for i := 0; i+len(piece) <= len(value); i++ {
			if bytes.EqualFold(value[i:i+len(piece)], piece) {
				markAll(known[i : i+len(piece)])
			}
		}
	}
	told := 0
	for i := range stolen.prints {
		piece := th.tried(&stolen.prints[i])
		if piece == nil {
			continue // of bytes that are no ASCII
		}
		told++
		know(piece)
		know(reversed(piece))
		know(bytes.ReplaceAll(piece, []byte{0}, nil))
		for _, decoded := range unsixed(piece) {
			know(decoded)
			know(bytes.ReplaceAll(decoded, []byte{0}, nil))
			for from := range 2 {
				digits := decoded[min(from, len(decoded)):]
				digits = digits[:len(digits)/2*2]
				raw := make([]byte, len(digits)/2)
				if n, err := hex.Decode(raw, digits); err == nil {
					know(raw[:n])
				}
			}
			for _, inner := range unsixed(decoded) {
				know(inner)
			}
		}
	}
	if told == 0 {
		t.Fatal("the thief learns nothing at all: this shows nothing")
	}
	return known
}

// unsixed is what a piece of base64 may be of, wherever it begins.
func unsixed(piece []byte) (out [][]byte) {
	for cut := range 4 {
		for _, alphabet := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			if whole := piece[min(cut, len(piece)):]; len(whole) >= 4 {
				decoded := make([]byte, 16)
				n, _ := alphabet.Decode(decoded, whole[:len(whole)/4*4])
				out = append(out, decoded[:n])
			}
		}
	}
	return out
}

func count(known []bool) (n int) {
	for _, k := range known {
		if k {
			n++
		}
	}
	return n
}

// TestAThiefOfFingerprintsLearnsWhatIsGranted: the first twelve bytes of a value and
// its last six.
func TestAThiefOfFingerprintsLearnsWhatIsGranted(t *testing.T) {
	t.Parallel()
	d := dice{rand.New(rand.NewPCG(rand.Uint64(), 1))}
	for _, prefix := range []string{"", "sk_live_", "github_pat_"} {
		value := append([]byte(prefix), d.of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", 32)...)
		known := learnt(t, value)
		if count(known[:12]) < 8 {
			t.Errorf("%q: of the first twelve it knows %d: the thief does not try", value, count(known[:12]))
		}
		if n := count(known[12 : len(value)-6]); n > 0 {
			t.Errorf("%q: of the middle the thief knows %d bytes", value, n)
		}
		if unknown := len(value) - count(known); unknown < 14 {
			t.Errorf("%q: %d bytes are unknown", value, unknown)
		}
	}
}

// TestAThiefOfFingerprintsHasNoKey: of each line of a key, six characters; a quarter
// of an RSA key's bits would be enough to find the rest.
func TestAThiefOfFingerprintsHasNoKey(t *testing.T) {
	t.Parallel()
	d := dice{rand.New(rand.NewPCG(rand.Uint64(), 2))}
	var lines []string
	for range 20 {
		lines = append(lines, string(d.of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/", 64)))
	}
	value := "-----BEGIN PRIVATE KEY-----\n" + strings.Join(lines, "\n") + "\n-----END PRIVATE KEY-----\n"
	known := learnt(t, []byte(value))
	body := known[28 : 28+20*65]
	if n := count(body); n > 20*7 || n < 20*5 {
		t.Errorf("of 1280 characters of a key the thief knows %d", n)
	}
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	der, _ := x509.MarshalPKCS8PrivateKey(key)
	small := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	if n := count(learnt(t, small)[28+22 : 28+64]); n > 0 {
		t.Errorf("of a small key's secret the thief knows %d characters", n)
	}
}
