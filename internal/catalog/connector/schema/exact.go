package schema

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"hotcell/internal/text/words"
)

// Unnamed is the keyword of a property that the schema does not name, and Alike of
// one whose name another reader may take for another's.
const (
	Unnamed = "unnamed"
	Alike   = "alike"
)

// Exact holds an object against the names of the schema: whoever decides by an
// argument's name must read the one that the service will read. At any depth, where
// a schema names properties, a value has those and no others, whatever else the
// schema takes; and no two names of an object are equal once their case, their
// forms of compatibility (NFKC), their marks, and what cannot be seen of them are
// taken away. A part of which the schema names nothing is a map, whose names are
// data. It is a [*Fault], [ErrMuch], or the context's error.
func (s *Schema) Exact(ctx context.Context, v any) error {
	c := &check{ctx: ctx, left: maxSteps}
	if f := c.exact(v, expand(nil, s.root), nil); f != nil && c.over == nil {
		return f
	}
	return c.over
}

// expand adds to a list a node, and all that speak of the same value.
func expand(all []*node, n *node) []*node {
	if n == nil {
		return all
	}
	all = append(all, n)
	for _, list := range [][]*node{n.allOf, n.anyOf, n.oneOf, {n.when, n.then, n.other}} {
		for _, one := range list {
			all = expand(all, one)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(n.dependent)) {
		all = expand(all, n.dependent[name])
	}
	return all
}

func (c *check) exact(v any, of []*node, path []string) *Fault {
	if !c.spend(1 + len(of)) {
		return broken(path, Unnamed, nil)
	}
	switch v := v.(type) {
	case map[string]any:
		return c.exactly(v, of, path)
	case []any:
		for i, one := range v {
			if f := c.exact(one, items(of, i), append(path, strconv.Itoa(i))); f != nil {
				return f
			}
		}
	}
	return nil
}

func (c *check) exactly(v map[string]any, of []*node, path []string) *Fault {
	names := slices.ContainsFunc(of, func(n *node) bool { return len(n.names) > 0 })
	folded := make(map[string]bool, len(v))
	for _, name := range slices.Sorted(maps.Keys(v)) {
		below, named := c.property(of, name)
		if names && !named {
			return broken(path, Unnamed, nil)
		}
		if f := fold(name); folded[f] {
			return broken(path, Alike, nil)
		} else {
			folded[f] = true
		}
		within := path
		if named {
			within = slices.Concat(path, []string{name})
		}
		if f := c.exact(v[name], below, within); f != nil {
			return f
		}
	}
	return nil
}

// property is what schemas say of a property, and whether one of them names it.
func (c *check) property(of []*node, name string) (below []*node, named bool) {
	for _, n := range of {
		one, there := n.properties[name]
		for _, p := range n.patterned {
			if c.match(p.pattern, name) {
				below, there = expand(below, p.node), true
			}
		}
		if !there {
			one = n.additional
		}
		below, named = expand(below, one), named || there
	}
	return below, named
}

func items(of []*node, i int) (below []*node) {
	for _, n := range of {
		one := n.items
		if i < len(n.prefix) {
			one = n.prefix[i]
		}
		below = expand(expand(below, one), n.contains)
	}
	return below
}

// Names are the properties that a schema names, in order: of the value itself, or
// of what is at a path of names below it. Closed is true where there are no others.
func (s *Schema) Names(path ...string) (names []string, closed bool) {
	of := expand(nil, s.root)
	c := &check{ctx: context.Background(), left: maxSteps}
	for _, name := range path {
		of, _ = c.property(of, name)
	}
	for _, n := range of {
		names = append(names, n.names...)
		closed = closed || n.additional != nil && n.additional.never && len(n.patterned) == 0
	}
	slices.Sort(names)
	return slices.Compact(names), closed && len(of) == 1
}

// fold is a name as a careless reader takes it.
func fold(name string) string {
	plain := true
	for i := range len(name) {
		plain = plain && name[i] > ' ' && name[i] < 0x7f
	}
	if plain {
		return strings.ToLower(name)
	}
	bare := strings.Map(func(r rune) rune {
		if words.Hidden(r) || unicode.IsMark(r) || unicode.IsSpace(r) {
			return -1
		}
		return r
	}, norm.NFKD.String(name))
	// The small letter without a dot is an I where upper cases are compared.
	return norm.NFKC.String(cases.Fold().String(strings.ToUpper(bare)))
}
