package guard

import (
	"bytes"
	"encoding/base32"
	"encoding/base64"
	"slices"
)

// spelling is one way to write a value of which parts are looked for: what each of
// its bytes tells.
type spelling struct {
	kind kind
	text []byte
	// weights are thousandths of a bit; unknown is how many bits of the secret part
	// a byte stands for.
	weights []int
	unknown []uint8
	// least is how many of those a part has.
	least int
}

// A part has eight bytes of the secret part; where these are encoded, the ten or
// twelve characters that eight bytes decide alone, wherever they begin.
const (
	leastBits    = 64
	leastEncoded = 60
	// wholeSpelling is up to how many bytes a value is looked for in all spellings,
	// in part; longer ones only as they are and in base64.
	wholeSpelling = 8 << 10
)

// spellings are the ways to write a value of which parts are looked for.
func spellings(value []byte) []spelling {
	var out []spelling
	for _, read := range readingsOf(value) {
		secret := secretPart(read)
		plain, kept := squeezed(read, secret)
		out = append(out, plainly(kindRaw, plain, kept))
		out = append(out, sixes(read, secret, base64.RawStdEncoding)...)
		if len(value) > wholeSpelling {
			clear(read)
			continue
		}
		for _, other := range [][]byte{bytes.ToLower(plain), bytes.ToUpper(plain)} {
			if !bytes.Equal(plain, other) && len(other) == len(plain) {
				out = append(out, plainly(kindCase, other, kept))
			}
		}
		slices.Reverse(plain)
		slices.Reverse(kept)
		out = append(out, plainly(kindReversed, plain, kept), widely(read, secret))
		out = append(out, sixes(read, secret, base64.RawURLEncoding)...)
		out = append(out, fives(read, secret)...)
		clear(read)
	}
	return out
}

// readingsOf are a value, and what it reads like on lanes where that differs.
func readingsOf(value []byte) [][]byte {
	out := [][]byte{bytes.Clone(value)}
	for range 2 {
		last := out[len(out)-1]
		next := read(last, unescape)
		if bytes.Equal(next, last) {
			break
		}
		out = append(out, next)
	}
	return out
}

// squeezed is a text as it reads without what breaks it, and what of that is secret.
func squeezed(text []byte, secret []bool) ([]byte, []bool) {
	parent := &lane{}
	parent.buf = text
	l := &lane{parent: parent}
	squeeze(l, true)
	kept := make([]bool, len(l.buf))
	for i := range kept {
		kept[i] = secret[l.startOf(int64(i))]
	}
	return l.buf, kept
}

func plainly(k kind, text []byte, secret []bool) spelling {
	s := spelling{kind: k, text: bytes.Clone(text), weights: weigh(text, secret), unknown: make([]uint8, len(text)), least: leastBits}
	s.count()
	return s
}

// count says of how many unknown bits each byte is, where one is one.
func (s *spelling) count() {
	for i, w := range s.weights {
		if w > 0 {
			s.unknown[i] = 8
		}
	}
}

func widely(text []byte, secret []bool) spelling {
	narrow := weigh(text, secret)
	s := spelling{kind: kindUTF16, text: wide(text), least: leastBits}
	s.weights, s.unknown = make([]int, len(s.text)), make([]uint8, len(s.text))
	for i, w := range narrow {
		s.weights[2*i] = w
	}
	s.count()
	return s
}

func sixes(text []byte, secret []bool, alphabet *base64.Encoding) (out []spelling) {
	weights := weigh(text, secret)
	for offset := range 3 {
		encoded := []byte(alphabet.EncodeToString(append(make([]byte, offset), text...)))
		out = append(out, encodedly(kindBase64, encoded, weights, offset, 6))
	}
	return out
}

func fives(text []byte, secret []bool) (out []spelling) {
	weights := weigh(text, secret)
	for offset := range 5 {
		encoded := []byte(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(append(make([]byte, offset), text...)))
		out = append(out, encodedly(kindBase32, encoded, weights, offset, 5))
	}
	return out
}

// encodedly weighs characters of so many bits each by the bytes that they are of;
// those that the value does not decide alone are left out.
func encodedly(k kind, text []byte, weights []int, offset, bits int) spelling {
	shared, whole := (offset*8+bits-1)/bits, (offset+len(weights))*8/bits
	if whole <= shared {
		return spelling{least: leastEncoded}
	}
	s := spelling{kind: k, text: text[shared:whole], least: leastEncoded}
	s.weights, s.unknown = make([]int, len(s.text)), make([]uint8, len(s.text))
	for i := range s.text {
		for bit := (shared + i) * bits; bit < (shared+i+1)*bits; bit++ {
			if w := weights[bit/8-offset]; w > 0 {
				s.weights[i] += w
				s.unknown[i]++
			}
		}
		s.weights[i] /= 8
	}
	return s
}

// farthest is how many bytes that tell nothing may be within a part.
const farthest = 32

// parts calls found with the stretches of a spelling that make a part, each as short
// as can be: the shortest from each byte on, and the shortest up to each byte. A
// run of the spelling that holds any is covered by those that it holds.
func (s *spelling) parts(need int, found func(from, to int)) {
	need = need * s.least / leastBits
	for from := 0; from < len(s.text); {
		for from < len(s.text) && s.weights[from] == 0 {
			from++
		}
		to, last := from, from
		for to < len(s.text) && to-last <= farthest {
			if s.weights[to] > 0 {
				last = to
			}
			to++
		}
		if from < len(s.text) {
			s.within(from, last+1, need, found)
		}
		from = max(to, from+1)
	}
}

// within finds the parts of a segment that begins and ends with a byte that tells.
func (s *spelling) within(from, to, need int, found func(from, to int)) {
	bits, weight, end := 0, 0, from
	for i := from; i < to; i++ {
		for end < to && (bits < s.least || weight < need) {
			bits, weight = bits+int(s.unknown[end]), weight+s.weights[end]
			end++
		}
		if bits < s.least || weight < need {
			break
		}
		if s.weights[i] > 0 {
			found(i, end)
		}
		bits, weight = bits-int(s.unknown[i]), weight-s.weights[i]
	}
	bits, weight, end = 0, 0, from
	for i := from; i < to; i++ {
		bits, weight = bits+int(s.unknown[i]), weight+s.weights[i]
		for bits-int(s.unknown[end]) >= s.least && weight-s.weights[end] >= need {
			bits, weight = bits-int(s.unknown[end]), weight-s.weights[end]
			end++
		}
		if s.weights[i] > 0 && bits >= s.least && weight >= need {
			found(end, i+1)
		}
	}
}

// wipe clears the text.
func (s *spelling) wipe() { clear(s.text) }
