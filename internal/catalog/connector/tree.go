package connector

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"

	"hotcell"
)

// tree is a tree of YAML whose texts may hold expressions.
type tree struct {
	leaf   *text
	fixed  any
	list   []*tree
	keys   []string
	fields map[string]*tree
}

func newTree(v any, path string) (*tree, error) {
	switch v := v.(type) {
	case string:
		leaf, err := newText(v)
		return &tree{leaf: leaf}, at(path, err)
	case []any:
		out := &tree{list: []*tree{}}
		for i, one := range v {
			t, err := newTree(one, fmt.Sprintf("%s/%d", path, i))
			if err != nil {
				return nil, err
			}
			out.list = append(out.list, t)
		}
		return out, nil
	case map[string]any:
		out := &tree{fields: map[string]*tree{}}
		for name, one := range v {
			t, err := newTree(one, path+"/"+name)
			if err != nil {
				return nil, err
			}
			out.fields[name] = t
			out.keys = append(out.keys, name)
		}
		slices.Sort(out.keys)
		return out, nil
	case map[any]any:
		return nil, hotcell.Invalid(path, "the keys of a map are texts")
	}
	return &tree{fixed: v}, nil
}

// eval is the tree with its expressions' values. A key whose value is null or
// absent is left out.
func (t *tree) eval(ctx context.Context, vars map[string]any) (any, error) {
	switch {
	case t.leaf != nil:
		v, err := t.leaf.value(ctx, vars)
		return readable(v), err
	case t.list != nil:
		out := []any{}
		for _, one := range t.list {
			v, err := one.eval(ctx, vars)
			if err != nil {
				return nil, err
			}
			out = append(out, v)
		}
		return out, nil
	case t.fields != nil:
		out := map[string]any{}
		for _, name := range t.keys {
			v, err := t.fields[name].eval(ctx, vars)
			if err != nil {
				return nil, err
			}
			if v != nil {
				out[name] = v
			}
		}
		return out, nil
	}
	return t.fixed, nil
}

// readable writes bytes as base64, as JSON has them.
func readable(v any) any {
	if b, ok := v.([]byte); ok {
		return base64.StdEncoding.EncodeToString(b)
	}
	return v
}
