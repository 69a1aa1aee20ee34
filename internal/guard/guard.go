// Package guard finds credential values, raw or encoded, in bytes that are
// about to cross a border, and puts [hotcell:NAME] in their place.
//
// It finds the forms that [forms] lists, wherever a stream is split. It does
// not find what was enciphered, compressed or taken apart by somebody who
// wants it unseen: it is a net under the walls, not a wall. Its users see
// [Patterns] and [Writer] only, so that what is looked for can be fingerprints
// where the values themselves must not be. One way to use it:
//
//	b := guard.NewBuilder()
//	err := b.Add("billing", value)
//	w := b.Build().Writer(log)
package guard

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrUnguardable says that a value cannot be looked for without breaking
// ordinary text. The error that wraps it says why.
var ErrUnguardable = errors.New("the guard cannot look for it")

// The least that a value must have to be looked for.
const (
	minLength  = 6
	minVariety = 4
)

// common are values that ordinary text is full of.
var common = []string{
	"password", "passwd", "secret", "default", "changeme", "localhost", "postgres", "production", "development",
	"staging", "testing", "example", "username", "enabled", "disabled", "127.0.0.1", "0.0.0.0", "admin123", "database",
}

// Guardable says whether a value can be looked for. The error, which wraps
// [ErrUnguardable], says why not without telling of the value.
func Guardable(value []byte) error {
	switch {
	case len(value) < minLength:
		return fmt.Errorf("%w: it has fewer than %d bytes", ErrUnguardable, minLength)
	case variety(value) < minVariety:
		return fmt.Errorf("%w: it has fewer than %d different bytes", ErrUnguardable, minVariety)
	case slices.ContainsFunc(common, func(word string) bool { return bytes.EqualFold(value, []byte(word)) }):
		return fmt.Errorf("%w: it is a common word", ErrUnguardable)
	}
	return nil
}

func variety(value []byte) int {
	var seen [256]bool
	n := 0
	for _, b := range value {
		if !seen[b] {
			seen[b] = true
			n++
		}
	}
	return n
}

// Builder collects what to look for.
type Builder struct{ patterns []pattern }

// pattern is one form of one value.
type pattern struct {
	text []byte
	// mark replaces it.
	mark []byte
}

// NewBuilder begins with nothing.
func NewBuilder() *Builder { return &Builder{} }

// Add adds a value in all its forms under the name that is to replace it. It
// copies what it needs.
func (b *Builder) Add(name string, value []byte) error {
	if err := Guardable(value); err != nil {
		return err
	}
	mark := []byte("[hotcell:" + strings.Map(plain, name) + "]")
	for _, text := range forms(value) {
		b.patterns = append(b.patterns, pattern{text, mark})
	}
	return nil
}

// plain keeps a name from breaking the text that it is put into.
func plain(r rune) rune {
	if r < ' ' || strings.ContainsRune("\"'\\<>&]", r) {
		return '_'
	}
	return r
}

// Build compiles. The builder may go on to collect more for another.
func (b *Builder) Build() *Patterns {
	p := &Patterns{buckets: map[uint32][]pattern{}}
	for _, one := range b.patterns {
		head := one.text[:indexed]
		p.first[pair(head)/64] |= 1 << (pair(head) % 64)
		for n := 1; n < indexed; n++ {
			p.heads[n-1] = append(p.heads[n-1], string(head[:n]))
		}
		p.buckets[word(head)] = append(p.buckets[word(head)], one)
	}
	for i := range p.heads {
		slices.Sort(p.heads[i])
		p.heads[i] = slices.Compact(p.heads[i])
	}
	for _, bucket := range p.buckets {
		slices.SortStableFunc(bucket, func(a, b pattern) int { return cmp.Compare(len(b.text), len(a.text)) })
	}
	return p
}

// indexed is how many bytes of a pattern are looked up; each has at least that.
const indexed = 4

func pair(b []byte) uint { return uint(b[0])<<8 | uint(b[1]) }
func word(b []byte) uint32 {
	return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
}

// Patterns is what to look for, compiled. It does not change, and serves any
// number of streams at once.
type Patterns struct {
	first   [1 << 10]uint64 // which pairs of bytes a pattern begins with
	heads   [indexed - 1][]string
	buckets map[uint32][]pattern
}

// Redact returns b with every form of every value replaced.
func (p *Patterns) Redact(b []byte) []byte {
	var out bytes.Buffer
	w := p.Writer(&out)
	_, _ = w.Write(b) // a buffer takes all
	_ = w.Close()
	return out.Bytes()
}

// Contains says whether any form of any value is in b.
func (p *Patterns) Contains(b []byte) bool {
	w := p.Writer(discard{})
	_, _ = w.Write(b)
	_ = w.Close()
	return w.Count() > 0
}

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }
