package guard

import (
	"cmp"
	"math/bits"
	"slices"
)

// index finds the forms of one class: by a gram at one of the first offsets whether any
// may be near, and by the first bytes which.
type index struct {
	prefix int
	looks  grams
	filter filter // of the grams
	// postings are in order of their grams' upper 16 bits; starts says where each
	// of those begins. There are none where so few offsets are that all are tried.
	postings []posting
	starts   []uint32
	groups   []group
	// slots are the groups by their prefixes: the upper half of one beside its group's
	// number and one; 0 is free. prefixes are a filter of them, which is far smaller.
	slots    []uint64
	prefixes filter
}

// posting says that a form has a gram at an offset; which form, its first bytes
// tell.
type posting struct {
	gram   uint32
	offset uint8
}

// group is the forms that begin with the same bytes.
type group struct {
	prefix uint64
	// entries are in order of their lengths, and of their sums.
	entries []entry
	// checks say, of a group of many, which have a sum at a checkpoint: from the first
	// one on, up to a length.
	checks *[len(checkpoints)]map[uint32]alike
}

type alike struct{ first, limit int }

// many is how many entries a group has that is not gone through one by one.
const many = 8

// order puts the entries in order.
func (g *group) order() {
	slices.SortStableFunc(g.entries, func(a, b entry) int { return cmp.Or(cmp.Compare(a.length, b.length), cmp.Compare(a.whole, b.whole)) })
	if len(g.entries) <= many {
		return
	}
	g.checks = new([len(checkpoints)]map[uint32]alike)
	for n, at := range checkpoints {
		g.checks[n] = map[uint32]alike{}
		for i := range g.entries {
			e := &g.entries[i]
			if e.length <= at {
				continue
			}
			first, known := g.checks[n][e.checks[n]]
			if !known {
				first.first = i
			}
			first.limit = e.length
			g.checks[n][e.checks[n]] = first
		}
	}
}

type entry struct {
	length int
	power  uint64 // of the polynomial's base, to the length
	whole  uint32
	checks [len(checkpoints)]uint32
	mac    [16]byte
	label  uint32
	kind   kind
	bare   bool
}

// compile puts the forms of a class into its index.
func (ix *index) compile(class int, p *Patterns, prints []imprint, powers map[uint32]uint64) {
	c := classes[class]
	ix.looks, ix.prefix = gramsOf(c.gram, c.stride), c.prefix
	byPrefix, postings := map[uint64]int{}, []posting{}
	for i := range prints {
		one := &prints[i]
		if int(one.class) != class {
			continue
		}
		if _, known := powers[one.length]; !known {
			powers[one.length] = p.hasher.power(int(one.length))
		}
		for n := 1; n < c.prefix; n++ {
			p.heads[n][one.heads[n-1]] = struct{}{}
		}
		at, known := byPrefix[one.prefix]
		if !known {
			at = len(ix.groups)
			byPrefix[one.prefix] = at
			ix.groups = append(ix.groups, group{prefix: one.prefix})
			for offset := range c.stride {
				postings = append(postings, posting{one.grams[offset], uint8(offset)})
			}
		}
		g := &ix.groups[at]
		g.entries = append(g.entries, entry{
			length: int(one.length), power: powers[one.length], whole: one.whole, checks: one.checks, mac: one.mac, label: one.label, kind: one.kind, bare: one.bare,
		})
	}
	for i := range ix.groups {
		ix.groups[i].order()
	}
	slices.SortFunc(postings, func(a, b posting) int { return cmp.Or(cmp.Compare(a.gram, b.gram), cmp.Compare(a.offset, b.offset)) })
	postings = slices.Compact(postings)
	ix.filter = filterOf(len(postings), func(yield func(uint32) bool) {
		for i := 0; i < len(postings) && yield(postings[i].gram); i++ {
		}
	})
	ix.table()
	if class == longClass {
		ix.sort(postings)
	}
}

// sort finds where the grams with each upper half begin.
func (ix *index) sort(postings []posting) {
	ix.postings, ix.starts = postings, make([]uint32, 1<<16+1)
	for _, one := range postings {
		ix.starts[one.gram>>16+1]++
	}
	for i := 1; i < len(ix.starts); i++ {
		ix.starts[i] += ix.starts[i-1]
	}
}

// table makes the slots: at most half of them are taken.
func (ix *index) table() {
	ix.slots = make([]uint64, 1<<bits.Len(uint(2*len(ix.groups))))
	mask := uint64(len(ix.slots) - 1)
	ix.prefixes = filterOf(len(ix.groups), func(yield func(uint32) bool) {
		for i := 0; i < len(ix.groups) && yield(uint32(ix.groups[i].prefix)); i++ {
		}
	})
	for i := range ix.groups {
		prefix := ix.groups[i].prefix
		at := prefix & mask
		for ix.slots[at] != 0 {
			at = (at + 1) & mask
		}
		ix.slots[at] = prefix>>32<<32 | uint64(i+1)
	}
}

// group is that of a prefix; nil where there is none.
func (ix *index) group(prefix uint64) *group {
	if !ix.prefixes.has(uint32(prefix)) {
		return nil
	}
	mask := uint64(len(ix.slots) - 1)
	for at := prefix & mask; ix.slots[at] != 0; at = (at + 1) & mask {
		if slot := ix.slots[at]; slot>>32 == prefix>>32 {
			if g := &ix.groups[uint32(slot)-1]; g.prefix == prefix {
				return g
			}
		}
	}
	return nil
}
