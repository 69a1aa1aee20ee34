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

// grams looks for those of a filter: size bytes each, every so many bytes.
type grams struct {
	stride int
	low    uint64 // the bytes of a gram
}

func gramsOf(size, stride int) grams { return grams{stride, 1<<(8*size) - 1} }

// next is the first place from i to last, in steps, where a gram may be; else what comes
// after the last step, with false. No place is looked at that has not eight bytes behind it.
func (g grams) next(f *filter, h *hasher, buf []byte, i, last int) (at int, gram uint32, found bool) {
	words, mask, a, b, low, stride := f.bits, f.mask, h.a, h.b, g.low, g.stride
	for last = min(last, len(buf)-8); i <= last; i += stride {
		hi, lo := bits.Mul64(binary.LittleEndian.Uint64(buf[i:])&low^a, b)
		hash := uint32((hi ^ lo) >> 16)
		if want := bloom(hash); words[hash&mask]&want == want {
			return i, hash, true
		}
	}
	return i, 0, false
}
