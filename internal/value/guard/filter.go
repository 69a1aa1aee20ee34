package guard

import (
	"encoding/binary"
	"math/bits"
)

// filter is a Bloom filter of hashes, sixteen bits for each, of which two of one word
// are set.
type filter struct {
	bits []uint64
	mask uint32
}

// filterOf makes one for hashes, each of which is there once.
func filterOf(n int, hashes func(yield func(uint32) bool)) filter {
	words := 64
	for words*64 < 16*n {
		words *= 2
	}
	f := filter{make([]uint64, words), uint32(words - 1)}
	for hash := range hashes {
		f.bits[hash&f.mask] |= bloom(hash)
	}
	return f
}

// bloom are the two bits of a hash within its word.
func bloom(hash uint32) uint64 { return 1<<(hash>>26) | 1<<(hash>>20&63) }

// has says whether a hash may be among those.
func (f *filter) has(hash uint32) bool {
	want := bloom(hash)
	return f.bits[hash&f.mask]&want == want
}

// grams looks for those of a filter: size bytes each, every so many bytes, eight at most.
type grams struct {
	stride int
	low    uint64 // the bytes of a gram
}

func gramsOf(size, stride int) grams { return grams{stride, 1<<(8*size) - 1} }

// next is the first place from i to last, in steps, where a gram may be; else what comes
// after the last step, with false. No place is looked at that has not eight bytes behind it.
// This is where most time goes: steps that the compiler knows save a fifth of it.
func (g grams) next(f *filter, h *hasher, buf []byte, i, last int) (at int, gram uint32, found bool) {
	last = min(last, len(buf)-8)
	if i > last {
		return i, 0, false
	}
	words, mask, a, b, low, rest := f.bits, f.mask, h.a, h.b, g.low, buf[i:last+8]
	switch g.stride {
	case 3:
		for ; len(rest) >= 8; rest = rest[3:] {
			hash := hashOf(binary.LittleEndian.Uint64(rest)&low, a, b)
			if want := bloom(hash); words[hash&mask]&want == want {
				return last + 8 - len(rest), hash, true
			}
		}
	case 8:
		for ; len(rest) >= 8; rest = rest[8:] {
			hash := hashOf(binary.LittleEndian.Uint64(rest)&low, a, b)
			if want := bloom(hash); words[hash&mask]&want == want {
				return last + 8 - len(rest), hash, true
			}
		}
	default:
		for ; len(rest) >= 8; rest = rest[g.stride:] {
			hash := hashOf(binary.LittleEndian.Uint64(rest)&low, a, b)
			if want := bloom(hash); words[hash&mask]&want == want {
				return last + 8 - len(rest), hash, true
			}
		}
	}
	return last + 8 - len(rest), 0, false
}

// hashOf hashes a gram: see [hasher.gram].
func hashOf(w, a, b uint64) uint32 {
	hi, lo := bits.Mul64(w^a, b)
	return uint32((hi ^ lo) >> 16)
}
