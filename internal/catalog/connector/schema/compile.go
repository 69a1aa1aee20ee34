package schema

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strconv"
)

// node is a schema that was written out, ready to hold values against.
type node struct {
	never bool
	kinds []string

	enum       []any
	constant   *any
	usual      any
	hasDefault bool

	minimum, maximum, above, below, multiple *number
	minLength, maxLength                     *int
	pattern                                  *pattern

	properties               map[string]*node
	names                    []string // of properties, in order
	patterned                []patterned
	additional, propertyName *node
	required                 []string
	needs                    map[string][]string
	dependent                map[string]*node
	minFields, maxFields     *int

	prefix                   []*node
	items, contains          *node
	minContains, maxContains *int
	minItems, maxItems       *int
	unique                   bool

	allOf, anyOf, oneOf    []*node
	not, when, then, other *node
}

type patterned struct {
	*pattern
	*node
}

// compile makes a node of a schema as [writer.write] leaves it.
func compile(v any) *node {
	s, ok := v.(map[string]any)
	if !ok {
		return &node{never: v == false}
	}
	n := &node{}
	switch kind := s["type"].(type) {
	case string:
		n.kinds = []string{kind}
	case []any:
		n.kinds = textsOf(kind)
	}
	if list, there := s["enum"].([]any); there {
		n.enum, _ = plain(list).([]any)
	}
	if c, there := s["const"]; there {
		c = plain(c)
		n.constant = &c
	}
	if n.usual, n.hasDefault = s["default"]; n.hasDefault {
		n.usual = plain(n.usual)
	}
	n.bounds(s)
	n.ofObject(s)
	n.ofArray(s)
	n.allOf, n.anyOf, n.oneOf = all(s["allOf"]), all(s["anyOf"]), all(s["oneOf"])
	n.not, n.when, n.then, n.other = one(s, "not"), one(s, "if"), one(s, "then"), one(s, "else")
	return n
}

func (n *node) bounds(s map[string]any) {
	n.minimum, n.maximum, n.above, n.below = bound(s["minimum"]), bound(s["maximum"]), bound(s["exclusiveMinimum"]), bound(s["exclusiveMaximum"])
	n.multiple = bound(s["multipleOf"])
	n.minLength, n.maxLength = count(s["minLength"]), count(s["maxLength"])
	if text, there := s["pattern"].(string); there {
		n.pattern, _ = expression(text) // the writer left none that cannot be read
	}
}

func (n *node) ofObject(s map[string]any) {
	n.properties = each(s["properties"])
	n.names = slices.Sorted(maps.Keys(n.properties))
	for _, text := range slices.Sorted(maps.Keys(object(s["patternProperties"]))) {
		if p, err := expression(text); err == nil {
			n.patterned = append(n.patterned, patterned{p, compile(object(s["patternProperties"])[text])})
		}
	}
	n.additional, n.propertyName = one(s, "additionalProperties"), one(s, "propertyNames")
	n.required = textsOf(s["required"])
	for name, list := range object(s["dependentRequired"]) {
		if n.needs == nil {
			n.needs = map[string][]string{}
		}
		n.needs[name] = textsOf(list)
	}
	n.dependent = each(s["dependentSchemas"])
	n.minFields, n.maxFields = count(s["minProperties"]), count(s["maxProperties"])
}

func (n *node) ofArray(s map[string]any) {
	n.prefix, n.items, n.contains = all(s["prefixItems"]), one(s, "items"), one(s, "contains")
	n.minContains, n.maxContains = count(s["minContains"]), count(s["maxContains"])
	n.minItems, n.maxItems = count(s["minItems"]), count(s["maxItems"])
	n.unique = s["uniqueItems"] == true
}

func one(s map[string]any, key string) *node {
	if v, there := s[key]; there {
		return compile(v)
	}
	return nil
}

func all(v any) (out []*node) {
	for _, v := range listOf(v) {
		out = append(out, compile(v))
	}
	return out
}

func each(v any) map[string]*node {
	of := object(v)
	if of == nil {
		return nil
	}
	out := make(map[string]*node, len(of))
	for name, v := range of {
		out[name] = compile(v)
	}
	return out
}

func textsOf(v any) (out []string) {
	for _, one := range listOf(v) {
		if text, ok := one.(string); ok {
			out = append(out, text)
		}
	}
	return out
}

func count(v any) *int {
	if n, ok := whole(v); ok {
		return &n
	}
	return nil
}

// number is one in both forms; exact is true where it is whole and fits.
type number struct {
	float float64
	whole int64
	exact bool
}

func bound(v any) *number {
	n, ok := v.(json.Number)
	if !ok {
		return nil
	}
	out, ok := numberOf(plain(n))
	if !ok {
		return nil
	}
	return &out
}

// plain makes of JSON's numbers integers where they are whole and fit, else floats.
func plain(v any) any {
	switch v := v.(type) {
	case json.Number:
		if i, err := strconv.ParseInt(v.String(), 10, 64); err == nil {
			return i
		}
		f, err := v.Float64()
		if err != nil {
			return math.Inf(1) // equal to no value
		}
		return f
	case []any:
		out := make([]any, len(v))
		for i, one := range v {
			out[i] = plain(one)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, one := range v {
			out[k] = plain(one)
		}
		return out
	}
	return v
}

// each calls fn for a node and all below it.
func (n *node) each(fn func(*node)) {
	if n == nil {
		return
	}
	fn(n)
	for _, list := range [][]*node{n.allOf, n.anyOf, n.oneOf, n.prefix, {n.additional, n.propertyName, n.items, n.contains, n.not, n.when, n.then, n.other}} {
		for _, below := range list {
			below.each(fn)
		}
	}
	for _, m := range []map[string]*node{n.properties, n.dependent} {
		for _, below := range m {
			below.each(fn)
		}
	}
	for _, p := range n.patterned {
		p.node.each(fn)
	}
}
