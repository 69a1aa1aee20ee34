package connector

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// encode writes a query: a space is %20, which every reader takes for one.
func encode(values url.Values) string {
	return strings.ReplaceAll(values.Encode(), "+", "%20")
}

// put adds a value to a query or a form: of a list, each by the same name; of a
// map, and of a list that holds more than single values, each by its key in
// brackets. Null, "" and what is absent add nothing.
func put(to url.Values, name string, v any) error {
	switch v := v.(type) {
	case map[string]any:
		return nest(to, name, v)
	case []any:
		if slices.ContainsFunc(v, compound) {
			return nest(to, name, v)
		}
		for _, one := range v {
			if err := put(to, name, one); err != nil {
				return err
			}
		}
		return nil
	}
	if v == nil || v == "" {
		return nil
	}
	s, err := plain(v)
	to.Add(name, s)
	return err
}

func compound(v any) bool {
	switch v.(type) {
	case map[string]any, []any:
		return true
	}
	return false
}

// nest adds what is within a map or a list, where "" is a value: it empties a
// field.
func nest(to url.Values, name string, v any) error {
	switch v := v.(type) {
	case nil:
		return nil
	case map[string]any:
		for key, one := range v {
			if key == "" || strings.ContainsAny(key, "[]") || strings.ContainsFunc(key, steering) {
				return errValue
			}
			if err := nest(to, name+"["+key+"]", one); err != nil {
				return err
			}
		}
		return nil
	case []any:
		counted := slices.ContainsFunc(v, compound)
		for i, one := range v {
			below := name + "[]"
			if counted {
				below = fmt.Sprintf("%s[%d]", name, i)
			}
			if err := nest(to, below, one); err != nil {
				return err
			}
		}
		return nil
	}
	s, err := plain(v)
	to.Add(name, s)
	return err
}
