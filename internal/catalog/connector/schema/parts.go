package schema

import (
	"maps"
	"slices"
	"strconv"
)

func (c *check) array(v []any, n *node, path []string) *Fault {
	switch {
	case n.minItems != nil && len(v) < *n.minItems:
		return broken(path, "minItems", n)
	case n.maxItems != nil && len(v) > *n.maxItems:
		return broken(path, "maxItems", n)
	case n.unique && c.repeated(v):
		return broken(path, "uniqueItems", n)
	}
	for i, one := range v {
		of := n.items
		if i < len(n.prefix) {
			of = n.prefix[i]
		}
		if of == nil {
			continue
		}
		if f := c.value(one, of, append(path, strconv.Itoa(i))); f != nil {
			return f
		}
	}
	return c.containing(v, n, path)
}

func (c *check) containing(v []any, n *node, path []string) *Fault {
	if n.contains == nil {
		return nil
	}
	found, least := 0, 1
	if n.minContains != nil {
		least = *n.minContains
	}
	for _, one := range v {
		if c.value(one, n.contains, path) == nil {
			found++
		}
	}
	if found < least || n.maxContains != nil && found > *n.maxContains {
		return broken(path, "contains", n)
	}
	return nil
}

func (c *check) object(v map[string]any, n *node, path []string) *Fault {
	switch {
	case n.minFields != nil && len(v) < *n.minFields:
		return broken(path, "minProperties", n)
	case n.maxFields != nil && len(v) > *n.maxFields:
		return broken(path, "maxProperties", n)
	}
	for _, name := range n.required {
		if _, there := v[name]; !there {
			return broken(path, "required", n)
		}
	}
	for _, name := range n.names {
		if one, there := v[name]; there {
			if f := c.value(one, n.properties[name], append(path, name)); f != nil {
				return f
			}
		}
	}
	if len(n.patterned) > 0 || n.additional != nil || n.propertyName != nil {
		if f := c.unnamed(v, n, path); f != nil {
			return f
		}
	}
	return c.depending(v, n, path)
}

// unnamed holds what the schema says of properties that it does not name. Their own
// names are no part of a fault.
func (c *check) unnamed(v map[string]any, n *node, path []string) *Fault {
	for _, name := range slices.Sorted(maps.Keys(v)) {
		one := v[name]
		_, named := n.properties[name]
		if n.propertyName != nil && c.value(name, n.propertyName, path) != nil {
			return broken(path, "propertyNames", n)
		}
		for _, p := range n.patterned {
			if !c.match(p.pattern, name) {
				continue
			}
			named = true
			if f := c.value(one, p.node, path); f != nil {
				return f
			}
		}
		if named || n.additional == nil {
			continue
		}
		if n.additional.never {
			return broken(path, "additionalProperties", n)
		}
		if f := c.value(one, n.additional, path); f != nil {
			return f
		}
	}
	return nil
}

func (c *check) depending(v map[string]any, n *node, path []string) *Fault {
	for name, needed := range n.needs {
		if _, there := v[name]; !there {
			continue
		}
		for _, other := range needed {
			if _, there := v[other]; !there {
				return broken(path, "dependentRequired", n)
			}
		}
	}
	for name, of := range n.dependent {
		if _, there := v[name]; there {
			if f := c.value(v, of, path); f != nil {
				return f
			}
		}
	}
	return nil
}
