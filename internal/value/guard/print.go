package guard

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
)

// Fingerprints are what is looked for, without being it: for each form of each
// value, keyed hashes of its first bytes, 12 at most, for a quick look and for
// the ends of streams; 24 bits of a keyed hash of the first 32, 128 and 1024
// bytes and of the whole, to drop what only begins alike; and one HMAC-SHA-256
// of the whole. The key goes with them: it keeps two sets from being compared,
// and is no secret to whoever holds one. Of a form that begins elsewhere in the
// value, the reversed one and each further line, the first 6 bytes are hashed and
// not 12. So a stolen set yields at most the first 12 bytes of a value, its last 6,
// and the first 6 of each line of several, which can be tried out; the rest of a random value
// of 32 characters or more is behind one HMAC over at least 14 unknown ones.
// A value of up to 12 bytes could be tried out, as any fingerprint of it could.
type Fingerprints struct {
	key    [keySize]byte
	labels []Label
	prints []imprint
}

const keySize = 32

// Len is how many forms there are.
func (f Fingerprints) Len() int { return len(f.prints) }

// The two classes of forms, by their length: how long a gram is, how far the
// looks are apart, and how many first bytes are hashed.
var classes = [2]struct{ gram, stride, prefix int }{{5, 8, 12}, {4, 3, 6}}

const (
	longClass  = 0
	shortClass = 1
	maxPrefix  = 12
	maxGrams   = 8
)

// checkpoints are the lengths at which a form that only begins alike is dropped.
var checkpoints = [...]int{32, 128, 1024}

// imprint is one form of one value.
type imprint struct {
	label  uint32
	kind   kind
	bare   bool
	class  uint8
	length uint32
	// grams are the hashes of the grams at the first offsets, as many as the class
	// has strides.
	grams [maxGrams]uint32
	// heads are the hashes of the first 1, 2, … bytes, short of the prefix.
	heads  [maxPrefix - 1]uint32
	prefix uint64
	checks [len(checkpoints)]uint32
	whole  uint32
	mac    [16]byte
}

// classOf is the class of a form. Of one that begins with further bytes of a value,
// six are hashed by themselves and not twelve: of a value's end for what is
// reversed, of each line of a key, they would be too many together.
func classOf(f form) uint8 {
	if f.further || len(f.text) < classes[longClass].prefix {
		return shortClass
	}
	return longClass
}

// hasher computes the keyed hashes.
type hasher struct {
	key     [keySize]byte
	a, b, c uint64
	base    uint64 // of the polynomial
	// powers are those of the base to each checkpoint.
	powers [len(checkpoints)]uint64
}

func newHasher(key [keySize]byte) hasher {
	h := hasher{key: key}
	sum := sha256.Sum256(append([]byte("hotcell guard v1|"), key[:]...))
	h.a, h.b, h.c = binary.LittleEndian.Uint64(sum[0:]), binary.LittleEndian.Uint64(sum[8:])|1, binary.LittleEndian.Uint64(sum[16:])
	h.base = binary.LittleEndian.Uint64(sum[24:])%(prime-1000) + 500
	for n, at := range checkpoints {
		h.powers[n] = h.power(at)
	}
	return h
}

func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// gram hashes a gram that is in the low bytes of w.
func (h *hasher) gram(w uint64) uint32 { return uint32(mix(w^h.a, h.b) >> 16) }

// head hashes the first n bytes of b, 12 at most.
func (h *hasher) head(b []byte, n int) uint64 {
	var first, second uint64
	switch { // each caller has n bytes, and n is 12 at most
	case n == maxPrefix:
		first, second = binary.LittleEndian.Uint64(b), uint64(binary.LittleEndian.Uint32(b[8:])) //nolint:gosec // see above
	case n >= 8:
		first = binary.LittleEndian.Uint64(b)
		for i, c := range b[8:min(n, maxPrefix)] { //nolint:gosec // see above
			second |= uint64(c) << (8 * i)
		}
	case n == 6:
		first = uint64(binary.LittleEndian.Uint32(b)) | uint64(binary.LittleEndian.Uint16(b[4:]))<<32 //nolint:gosec // see above
	default:
		for i, c := range b[:n] {
			first |= uint64(c) << (8 * i)
		}
	}
	return mix(mix(first^h.a, h.b)^second^uint64(n)<<56, h.c|1)
}

// prime is the modulus of the rolling hash, 2^61-1.
const prime = 1<<61 - 1

func mulMod(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	s := (lo & prime) + (lo>>61 | hi<<3)
	s = (s & prime) + s>>61
	if s >= prime {
		s -= prime
	}
	return s
}

func (h *hasher) step(sum uint64, b byte) uint64 {
	s := mulMod(sum, h.base) + uint64(b) + 1
	if s >= prime {
		s -= prime
	}
	return s
}

func (h *hasher) power(n int) uint64 {
	out, base := uint64(1), h.base
	for ; n > 0; n >>= 1 {
		if n&1 == 1 {
			out = mulMod(out, base)
		}
		base = mulMod(base, base)
	}
	return out
}

// short is what is kept of a rolling hash: 24 bits.
func (h *hasher) short(sum uint64) uint32 { return uint32(mix(sum^h.c, h.b)) & 0xffffff }

func (h *hasher) mac(b []byte) (out [16]byte) {
	m := hmac.New(sha256.New, h.key[:])
	_, _ = m.Write(b)
	copy(out[:], m.Sum(nil))
	return out
}

// Builder collects what to look for. It keeps no value.
type Builder struct {
	prints Fingerprints
	hasher hasher
	labels map[Label]uint32
	// parts says that parts of values are looked for, windows those of what was added.
	parts   bool
	windows []collected
	values  int
}

// NewBuilder begins with nothing, under a fresh key.
func NewBuilder() *Builder {
	b := &Builder{labels: map[Label]uint32{}}
	_, _ = rand.Read(b.prints.key[:]) // never fails
	b.hasher = newHasher(b.prints.key)
	return b
}

// WithParts has the patterns find parts of the values that are added from now on:
// each run of eight or more bytes of a value's secret part, in any of its forms. It is
// for where the values are known: what finds parts is not in the fingerprints.
func (b *Builder) WithParts() *Builder {
	b.parts = true
	return b
}

// AddWhole is like Add, but parts of the value are not looked for.
func (b *Builder) AddWhole(label Label, value []byte) error {
	parts := b.parts
	b.parts = false
	defer func() { b.parts = parts }()
	return b.Add(label, value)
}

// Add adds a value in all its forms under a label. It fails with
// [ErrUnguardable] where the value cannot be looked for.
func (b *Builder) Add(label Label, value []byte) error {
	if err := Guardable(value); err != nil {
		return err
	}
	at, known := b.labels[label]
	if !known {
		at = uint32(len(b.prints.labels))
		b.labels[label] = at
		b.prints.labels = append(b.prints.labels, label)
	}
	all := forms(value)
	for _, f := range all {
		b.prints.prints = append(b.prints.prints, b.hasher.imprint(at, f))
	}
	for _, f := range all {
		clear(f.text)
	}
	if b.parts {
		b.values++
		b.windows = append(b.windows, b.hasher.windowsOf(at, value, need(b.values))...)
	}
	return nil
}

func (h *hasher) imprint(label uint32, f form) imprint {
	p := imprint{label: label, kind: f.kind, bare: f.bare, class: classOf(f), length: uint32(len(f.text))}
	c := classes[p.class]
	for i := range c.stride {
		p.grams[i] = h.gram(loadGram(f.text[i:], c.gram))
	}
	for n := 1; n < c.prefix; n++ {
		p.heads[n-1] = uint32(h.head(f.text, n))
	}
	p.prefix = h.head(f.text, c.prefix)
	sum := uint64(0)
	for i, b := range f.text {
		sum = h.step(sum, b)
		for n, at := range checkpoints {
			if i+1 == at {
				p.checks[n] = h.short(sum)
			}
		}
	}
	p.whole, p.mac = h.short(sum), h.mac(f.text)
	return p
}

func loadGram(b []byte, n int) uint64 {
	var w uint64
	for i := range n {
		w |= uint64(b[i]) << (8 * i)
	}
	return w
}

// Fingerprints are what was collected so far.
func (b *Builder) Fingerprints() Fingerprints { return b.prints }

// Build compiles what was collected so far.
func (b *Builder) Build() *Patterns { return compile(b.prints, b.windows) }

// The bounds of what is read.
const (
	printVersion = 3
	isBare       = 0x80 // beside a kind
	maxLabels    = 1 << 17
	maxPrints    = 1 << 21
	maxLabel     = 1024
	maxForm      = 1 << 20
	printSize    = 4 + 1 + 1 + 4 + 4*maxGrams + 4*(maxPrefix-1) + 8 + 4*len(checkpoints) + 4 + 16
)

var errPrints = errors.New("these are no fingerprints")

// MarshalBinary implements [encoding.BinaryMarshaler].
func (f Fingerprints) MarshalBinary() ([]byte, error) {
	out := make([]byte, 0, 64+len(f.prints)*printSize)
	out = append(append(out, printVersion), f.key[:]...)
	out = binary.BigEndian.AppendUint32(out, uint32(len(f.labels)))
	for _, l := range f.labels {
		for _, text := range []string{l.ID, l.Name} {
			if len(text) > maxLabel {
				return nil, fmt.Errorf("a label has at most %d bytes", maxLabel)
			}
			out = append(binary.BigEndian.AppendUint16(out, uint16(len(text))), text...)
		}
	}
	out = binary.BigEndian.AppendUint32(out, uint32(len(f.prints)))
	for i := range f.prints {
		out = f.prints[i].append(out)
	}
	return out, nil
}

func (p *imprint) append(out []byte) []byte {
	out = binary.BigEndian.AppendUint32(out, p.label)
	k := byte(p.kind)
	if p.bare {
		k |= isBare
	}
	out = append(out, k, p.class)
	out = binary.BigEndian.AppendUint32(out, p.length)
	for _, g := range p.grams {
		out = binary.BigEndian.AppendUint32(out, g)
	}
	for _, h := range p.heads {
		out = binary.BigEndian.AppendUint32(out, h)
	}
	out = binary.BigEndian.AppendUint64(out, p.prefix)
	for _, c := range p.checks {
		out = binary.BigEndian.AppendUint32(out, c)
	}
	return append(binary.BigEndian.AppendUint32(out, p.whole), p.mac[:]...)
}

// UnmarshalBinary implements [encoding.BinaryUnmarshaler]. It takes anything,
// and fails where it is none of MarshalBinary's.
func (f *Fingerprints) UnmarshalBinary(b []byte) error {
	r := cursor{b: b}
	if r.bytes(1)[0] != printVersion {
		return errPrints
	}
	var out Fingerprints
	copy(out.key[:], r.bytes(keySize))
	labels := r.number()
	if labels > maxLabels || labels*4 > len(r.b) {
		return errPrints
	}
	for range labels {
		var l Label
		for _, text := range []*string{&l.ID, &l.Name} {
			n := int(binary.BigEndian.Uint16(r.bytes(2)))
			if n > maxLabel {
				return errPrints
			}
			*text = string(r.bytes(n))
		}
		out.labels = append(out.labels, l)
	}
	n := r.number()
	if r.short || n > maxPrints || len(r.b) != n*printSize {
		return errPrints
	}
	out.prints = make([]imprint, n)
	for i := range out.prints {
		p := &out.prints[i]
		p.read(&r)
		if int(p.label) >= labels || p.kind >= kinds || int(p.class) >= len(classes) || int(p.length) < classes[p.class].prefix || p.length > maxForm {
			return errPrints
		}
	}
	*f = out
	return nil
}

func (p *imprint) read(r *cursor) {
	p.label = uint32(r.number())
	k := r.bytes(1)[0]
	p.kind, p.bare = kind(k&^isBare), k&isBare != 0
	p.class, p.length = r.bytes(1)[0], uint32(r.number())
	for i := range p.grams {
		p.grams[i] = uint32(r.number())
	}
	for i := range p.heads {
		p.heads[i] = uint32(r.number())
	}
	p.prefix = binary.BigEndian.Uint64(r.bytes(8))
	for i := range p.checks {
		p.checks[i] = uint32(r.number())
	}
	p.whole = uint32(r.number())
	copy(p.mac[:], r.bytes(16))
}

// cursor takes bytes off the front; where there are too few, they are zero.
type cursor struct {
	b     []byte
	short bool
}

func (r *cursor) bytes(n int) []byte {
	if len(r.b) < n {
		r.short, r.b = true, nil
		return make([]byte, n)
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *cursor) number() int { return int(binary.BigEndian.Uint32(r.bytes(4))) }
