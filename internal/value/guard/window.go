package guard

import (
	"cmp"
	"encoding/binary"
	"math/bits"
	"slices"
)

// windows find parts of values: keyed hashes of all stretches that make a part, each
// as short as can be. They hold no values, but whoever has them finds the values by
// trying, eight bytes at a time: they stay where the values are.
type windows struct {
	// all are in order of their first eight bytes' hashes.
	all []window
	// slots say where in all those with a hash begin, plus one; 0 is free.
	slots []uint32
	mask  uint64
	// grams are a Bloom filter of five bytes at the first four offsets of each
	// window, tails one of what it begins with, up to seven bytes.
	grams, tails filter
}

// window is one stretch: a hash of its first eight bytes, how long it is, and a hash
// of the rest.
type window struct {
	first, rest uint64
	length      uint32
	label       uint32
}

const (
	windowHead = 8
	windowGram = 5
	// windowStride is how far apart the looks are: of the first eight bytes, five at
	// one of four offsets are at such a place.
	windowStride = windowHead - windowGram + 1
)

// windowGrams are the looks for windows.
var windowGrams = gramsOf(windowGram, windowStride)

// chance is how many thousandths of a bit a part of the first value has at least, so that a
// gigabyte of ordinary text holds none of it: two to the tenth more than its bytes.
const chance = 40_000

// need is how much a part tells at least, beside so many values.
func need(values int) int { return chance + 1000*bits.Len(uint(values)>>1) }

// eight hashes eight bytes.
func (h *hasher) eight(b []byte) uint64 {
	return mix(mix(binary.LittleEndian.Uint64(b)^h.b, h.a|1)^h.c, h.b)
}

// further hashes what follows the first eight bytes.
func (h *hasher) further(b []byte) uint64 {
	sum := h.c
	for len(b) >= 8 {
		sum = mix(sum^binary.LittleEndian.Uint64(b)^h.a, h.b)
		b = b[8:]
	}
	return mix(sum^loadGram(b, len(b))^uint64(len(b))<<59, h.a|1)
}

// tail hashes the first n bytes of what may become a window, seven at most.
func (h *hasher) tail(b []byte, n int) uint32 {
	return h.gram(loadGram(b, n) | uint64(n)<<56)
}

// collected is a window, with the hashes that filters are made of.
type collected struct {
	window
	grams [windowStride]uint32
	tails [windowHead - 1]uint32
}

// windowsOf collects the windows of a value.
func (h *hasher) windowsOf(label uint32, value []byte, need int) (out []collected) {
	for _, s := range spellings(value) {
		s.parts(need, func(from, to int) {
			b := s.text[from:to]
			one := collected{window: window{first: h.eight(b), rest: h.further(b[windowHead:]), length: uint32(len(b)), label: label}}
			for i := range one.grams {
				one.grams[i] = h.gram(loadGram(b[i:], windowGram))
			}
			for i := range one.tails {
				one.tails[i] = h.tail(b, i+1)
			}
			out = append(out, one)
		})
		s.wipe()
	}
	return out
}

// compileWindows makes the tables; it is nil without any window.
func compileWindows(from []collected) *windows {
	if len(from) == 0 {
		return nil
	}
	w := &windows{all: make([]window, len(from))}
	for i := range from {
		w.all[i] = from[i].window
	}
	slices.SortFunc(w.all, func(a, b window) int {
		return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(a.length, b.length), cmp.Compare(a.rest, b.rest), cmp.Compare(a.label, b.label))
	})
	w.all = slices.Compact(w.all)
	size := 64
	for size < 2*len(w.all) {
		size *= 2
	}
	w.slots, w.mask = make([]uint32, size), uint64(size-1)
	for i := range w.all {
		if i > 0 && w.all[i].first == w.all[i-1].first {
			continue
		}
		at := w.all[i].first & w.mask
		for w.slots[at] != 0 {
			at = (at + 1) & w.mask
		}
		w.slots[at] = uint32(i + 1)
	}
	w.grams = filterOfAll(from, func(c *collected) []uint32 { return c.grams[:] })
	w.tails = filterOfAll(from, func(c *collected) []uint32 { return c.tails[:] })
	return w
}

// filterOfAll makes a filter of some hashes of all windows.
func filterOfAll(from []collected, hashes func(*collected) []uint32) filter {
	var all []uint32
	for i := range from {
		all = append(all, hashes(&from[i])...)
	}
	slices.Sort(all)
	all = slices.Compact(all)
	return filterOf(len(all), slices.Values(all))
}

// beginning is the first window whose first eight bytes have that hash, -1 for none.
func (w *windows) beginning(first uint64) int {
	for at := first & w.mask; w.slots[at] != 0; at = (at + 1) & w.mask {
		if i := int(w.slots[at] - 1); w.all[i].first == first {
			return i
		}
	}
	return -1
}

// mayBegin says whether a window may begin with those bytes, seven at most.
func (w *windows) mayBegin(h *hasher, b []byte) bool {
	return w.tails.has(h.tail(b, len(b)))
}
