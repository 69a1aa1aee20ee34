package schema

import (
	"maps"
	"slices"
)

// Fill puts the defaults of a schema into an object where its properties are absent, and
// need not be there.
func (s *Schema) Fill(v map[string]any) { fill(v, s.root) }

func fill(v map[string]any, n *node) {
	for _, name := range n.names {
		of := n.properties[name]
		one, there := v[name]
		if !there && of.hasDefault && !slices.Contains(n.required, name) {
			one, there = copied(of.usual), true
			v[name] = one
		}
		if below, ok := one.(map[string]any); ok && there {
			fill(below, of)
		}
	}
}

// copied is a value that may be changed.
func copied(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := maps.Clone(v)
		for k, one := range out {
			out[k] = copied(one)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, one := range v {
			out[i] = copied(one)
		}
		return out
	}
	return v
}
