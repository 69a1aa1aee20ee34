package guard

import (
	"bytes"
	"cmp"
	"slices"
	"sync"
)

// Patterns is what to look for, compiled. It does not change, and serves any
// number of streams at once. A nil one finds nothing.
type Patterns struct {
	hasher hasher
	labels []Label
	marks  [][]byte
	index  [len(classes)]index
	// windows find parts of values; nil where the values are not known.
	windows *windows
	// heads are the hashes of first bytes, by how many; first the first bytes
	// themselves, and high their upper halves.
	heads [maxPrefix]map[uint32]struct{}
	first [256]bool
	high  [16]bool
	// least is the length of the shortest form.
	least int
	// idle are writers for looking at small things.
	idle sync.Pool
}

// index finds the forms of one class.
type index struct {
	gram, stride, prefix int
	// bits is a Bloom filter of the grams, two bits of one word each.
	bits []uint64
	mask uint32
	// postings are in order of their grams' upper 16 bits; starts says where each
	// of those begins.
	postings []posting
	starts   []uint32
	groups   []group
	byPrefix map[uint64]int32
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

// Compile makes patterns of fingerprints.
func Compile(f Fingerprints) *Patterns { return compile(f, nil) }

func compile(f Fingerprints, parts []collected) *Patterns {
	p := &Patterns{hasher: newHasher(f.key), labels: f.labels, windows: compileWindows(parts)}
	for n := range p.heads {
		p.heads[n] = map[uint32]struct{}{}
	}
	p.least = maxPrefix
	for i := range f.prints {
		p.least = min(p.least, int(f.prints[i].length))
	}
	powers := map[uint32]uint64{}
	for c := range p.index {
		p.compile(c, f.prints, powers)
	}
	for c := range 256 {
		if _, begins := p.heads[1][uint32(p.hasher.head([]byte{byte(c)}, 1))]; begins {
			p.first[c], p.high[c>>4] = true, true
		}
		if p.windows != nil && p.windows.mayBegin(&p.hasher, []byte{byte(c)}) {
			p.high[c>>4] = true
		}
	}
	if p.windows != nil {
		p.least = min(p.least, windowHead)
	}
	p.name()
	return p
}

// name gives each label its mark. One that holds a value itself, since that is
// "hotcell:n1" or what the credential is called, says less.
func (p *Patterns) name() {
	for _, l := range p.labels {
		p.marks = append(p.marks, mark(l.Name))
	}
	if !p.Contains(bytes.Join(p.marks, []byte{0})) {
		return
	}
	for i, l := range p.labels {
		for _, m := range [][]byte{p.marks[i], mark(l.ID), []byte("[hotcell]"), []byte("[redacted]"), []byte("[***]")} {
			if p.marks[i] = m; !p.Contains(m) {
				break
			}
		}
	}
}

func (p *Patterns) compile(class int, prints []imprint, powers map[uint32]uint64) {
	c := classes[class]
	ix := &p.index[class]
	ix.gram, ix.stride, ix.prefix, ix.byPrefix = c.gram, c.stride, c.prefix, map[uint64]int32{}
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
		at, known := ix.byPrefix[one.prefix]
		if !known {
			at = int32(len(ix.groups))
			ix.byPrefix[one.prefix] = at
			ix.groups = append(ix.groups, group{prefix: one.prefix})
			for offset := range c.stride {
				ix.postings = append(ix.postings, posting{one.grams[offset], uint8(offset)})
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
	slices.SortFunc(ix.postings, func(a, b posting) int { return cmp.Or(cmp.Compare(a.gram, b.gram), cmp.Compare(a.offset, b.offset)) })
	ix.postings = slices.Compact(ix.postings)
	ix.sort()
	ix.filter()
}

// sort finds where the grams with each upper half begin.
func (ix *index) sort() {
	ix.starts = make([]uint32, 1<<16+1)
	for _, one := range ix.postings {
		ix.starts[one.gram>>16+1]++
	}
	for i := 1; i < len(ix.starts); i++ {
		ix.starts[i] += ix.starts[i-1]
	}
}

// filter makes the Bloom filter: sixteen bits a gram, two of them set.
func (ix *index) filter() {
	words := 64
	for words*64 < 16*len(ix.postings) {
		words *= 2
	}
	ix.bits, ix.mask = make([]uint64, words), uint32(words-1)
	for _, one := range ix.postings {
		ix.bits[one.gram&ix.mask] |= bloom(one.gram)
	}
}

// bloom are the two bits of a gram within its word.
func bloom(gram uint32) uint64 { return 1<<(gram>>26) | 1<<(gram>>20&63) }

// Redact returns b with every form of every value replaced.
func (p *Patterns) Redact(b []byte) []byte {
	var out bytes.Buffer
	w := p.Writer(&out, nil)
	_, _ = w.Write(b) // a buffer takes all
	_ = w.Close()
	return out.Bytes()
}

// Find returns the matches in b, each label and form once.
func (p *Patterns) Find(b []byte) []Match {
	if p == nil {
		return nil
	}
	var found []Match
	w, _ := p.idle.Get().(*Writer)
	if w == nil {
		w = p.Writer(discard{}, nil)
	}
	w.policy = func(m Match) Verdict {
		if !slices.Contains(found, m) {
			found = append(found, m)
		}
		return Pass
	}
	_, _ = w.Write(b)
	_ = w.Close()
	w.reset()
	p.idle.Put(w)
	return found
}

// Contains says whether any form of any value is in b.
func (p *Patterns) Contains(b []byte) bool { return len(p.Find(b)) > 0 }

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }
