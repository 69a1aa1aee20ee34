package schema

import (
	"context"
	"errors"
	"math"
	"slices"
	"unicode/utf8"
)

// maxSteps is how much may be done to hold one value against one schema.
const maxSteps = 2_000_000

// ErrMuch is a value for which that is too little.
var ErrMuch = errors.New("this is too much to be held against the tool's schema")

// Fault is a rule that a value breaks. It holds nothing of the value: the path has
// the names that the schema has too, and no others.
type Fault struct {
	Path    []string
	Keyword string
	node    *node
}

func (f *Fault) Error() string { return "it breaks the rule " + f.Keyword }

// Check holds a value against the schema: JSON as Go has it, with whole numbers as
// int64. It is a [*Fault], [ErrMuch], or the context's error.
func (s *Schema) Check(ctx context.Context, v any) error {
	c := &check{ctx: ctx, left: maxSteps}
	if f := c.value(v, s.root, nil); f != nil && c.over == nil {
		return f
	}
	return c.over
}

// check is one value that is being held against a schema.
type check struct {
	ctx  context.Context //nolint:containedctx // of one call, which ends before its context does
	left int
	// over is why it goes on no more.
	over error
}

// often is after how many steps the context is looked at.
const often = 1 << 10

// spend takes steps from the budget; false where it is over.
func (c *check) spend(n int) bool {
	if c.over != nil {
		return false
	}
	if c.left/often != (c.left-n)/often && c.ctx.Err() != nil {
		c.over = context.Cause(c.ctx)
		return false
	}
	if c.left -= n; c.left < 0 {
		c.over = ErrMuch
		return false
	}
	return true
}

// broken is a fault; where the budget is over, one that nobody is told.
func broken(path []string, keyword string, n *node) *Fault {
	return &Fault{slices.Clone(path), keyword, n}
}

// value holds a value against a node. The path is the value's.
func (c *check) value(v any, n *node, path []string) *Fault {
	if n == nil {
		return nil
	}
	if n.never || !c.spend(1) {
		return broken(path, "not", n)
	}
	if len(n.kinds) > 0 && !c.kind(v, n.kinds) {
		return broken(path, "type", n)
	}
	if n.enum != nil && !c.among(v, n.enum) {
		return broken(path, "enum", n)
	}
	if n.constant != nil && !c.equal(v, *n.constant) {
		return broken(path, "const", n)
	}
	var f *Fault
	switch v := v.(type) {
	case string:
		f = c.text(v, n, path)
	case []any:
		f = c.array(v, n, path)
	case map[string]any:
		f = c.object(v, n, path)
	default:
		f = ofNumber(v, n, path)
	}
	if f != nil {
		return f
	}
	return c.chosen(v, n, path)
}

func (c *check) kind(v any, kinds []string) bool {
	is := ""
	switch v := v.(type) {
	case nil:
		is = kindNull
	case bool:
		is = kindBoolean
	case string:
		is = kindString
	case []any:
		is = kindArray
	case map[string]any:
		is = kindObject
	case int64:
		is = kindInteger
	case float64:
		is = kindNumber
		if v == math.Trunc(v) {
			is = kindInteger
		}
	}
	return slices.Contains(kinds, is) || is == kindInteger && slices.Contains(kinds, kindNumber)
}

func (c *check) text(v string, n *node, path []string) *Fault {
	if n.minLength != nil || n.maxLength != nil {
		length := utf8.RuneCountInString(v)
		switch {
		case n.minLength != nil && length < *n.minLength:
			return broken(path, "minLength", n)
		case n.maxLength != nil && length > *n.maxLength:
			return broken(path, "maxLength", n)
		}
	}
	if n.pattern != nil && !c.match(n.pattern, v) {
		return broken(path, "pattern", n)
	}
	return nil
}

// work is how many of an expression's steps count as one.
const work = 64

func (c *check) match(p *pattern, text string) bool {
	return c.spend(1+len(text)*p.size/work) && p.re.MatchString(text)
}

func ofNumber(v any, n *node, path []string) *Fault {
	x, ok := numberOf(v)
	if !ok {
		return nil
	}
	for _, rule := range []struct {
		bound   *number
		keyword string
		broken  func(int) bool
	}{
		{n.minimum, "minimum", func(c int) bool { return c < 0 }}, {n.maximum, "maximum", func(c int) bool { return c > 0 }},
		{n.above, "exclusiveMinimum", func(c int) bool { return c <= 0 }}, {n.below, "exclusiveMaximum", func(c int) bool { return c >= 0 }},
	} {
		if rule.bound != nil && rule.broken(x.compare(*rule.bound)) {
			return broken(path, rule.keyword, n)
		}
	}
	if n.multiple != nil && !x.multiple(*n.multiple) {
		return broken(path, "multipleOf", n)
	}
	return nil
}

// chosen holds a value against the schemas that are joined.
func (c *check) chosen(v any, n *node, path []string) *Fault {
	for _, one := range n.allOf {
		if f := c.value(v, one, path); f != nil {
			return f
		}
	}
	if len(n.anyOf) > 0 && !slices.ContainsFunc(n.anyOf, func(one *node) bool { return c.value(v, one, path) == nil }) {
		return broken(path, "anyOf", n)
	}
	if len(n.oneOf) > 0 {
		fits := 0
		for _, one := range n.oneOf {
			if c.value(v, one, path) == nil {
				fits++
			}
		}
		if fits != 1 {
			return broken(path, "oneOf", n)
		}
	}
	if n.not != nil && c.value(v, n.not, path) == nil {
		return broken(path, "not", n)
	}
	if n.when == nil {
		return nil
	}
	if c.value(v, n.when, path) == nil {
		return c.value(v, n.then, path)
	}
	return c.value(v, n.other, path)
}
