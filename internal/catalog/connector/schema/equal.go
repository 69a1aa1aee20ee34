package schema

import (
	"cmp"
	"encoding/json"
	"math"
)

// among says whether a value is in a list.
func (c *check) among(v any, list []any) bool {
	for _, one := range list {
		if c.equal(v, one) {
			return true
		}
	}
	return false
}

// equal says whether two values are one, as JSON Schema has it: 1 is 1.0.
func (c *check) equal(a, b any) bool {
	if !c.spend(1) {
		return false
	}
	switch a := a.(type) {
	case string:
		other, ok := b.(string)
		return ok && a == other
	case []any:
		other, ok := b.([]any)
		if !ok || len(a) != len(other) {
			return false
		}
		for i := range a {
			if !c.equal(a[i], other[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		other, ok := b.(map[string]any)
		if !ok || len(a) != len(other) {
			return false
		}
		for name, one := range a {
			theirs, there := other[name]
			if !there || !c.equal(one, theirs) {
				return false
			}
		}
		return true
	case int64, float64:
		x, _ := numberOf(a)
		y, ok := numberOf(b)
		return ok && x.compare(y) == 0
	}
	return a == b // null, true and false
}

// repeated says whether a list has a value twice.
func (c *check) repeated(v []any) bool {
	seen := make(map[string]bool, len(v))
	for _, one := range v {
		text, err := json.Marshal(canonical(one))
		if err != nil || !c.spend(1+len(text)/work) {
			return true
		}
		if seen[string(text)] {
			return true
		}
		seen[string(text)] = true
	}
	return false
}

// canonical writes equal numbers alike; maps are written in order anyway.
func canonical(v any) any {
	switch v := v.(type) {
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return int64(v)
		}
	case []any:
		out := make([]any, len(v))
		for i, one := range v {
			out[i] = canonical(one)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, one := range v {
			out[k] = canonical(one)
		}
		return out
	}
	return v
}

func numberOf(v any) (number, bool) {
	switch v := v.(type) {
	case int64:
		return number{float64(v), v, true}, true
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return number{v, int64(v), true}, true
		}
		return number{v, 0, false}, true
	}
	return number{}, false
}

func (n number) compare(other number) int {
	if n.exact && other.exact {
		return cmp.Compare(n.whole, other.whole)
	}
	return cmp.Compare(n.float, other.float)
}

func (n number) multiple(of number) bool {
	if n.exact && of.exact && of.whole != 0 {
		return n.whole%of.whole == 0
	}
	q := n.float / of.float
	return !math.IsInf(q, 0) && !math.IsNaN(q) && q == math.Trunc(q)
}
