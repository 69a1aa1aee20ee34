package guard

import (
	"bytes"
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
	// idle are the lanes of streams that are over, for others: they are many to make anew
	// for each small thing.
	idle sync.Pool
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
		p.index[c].compile(c, p, f.prints, powers)
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
	w := p.Writer(discard{}, func(m Match) Verdict {
		if !slices.Contains(found, m) {
			found = append(found, m)
		}
		return Pass
	})
	_, _ = w.Write(b)
	_ = w.Close()
	return found
}

// Contains says whether any form of any value is in b.
func (p *Patterns) Contains(b []byte) bool { return len(p.Find(b)) > 0 }

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }
