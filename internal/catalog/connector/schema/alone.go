package schema

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strings"

	"hotcell/internal/text/words"
)

// The types of JSON, as schemas name them.
const (
	kindObject  = "object"
	kindArray   = "array"
	kindString  = "string"
	kindNumber  = "number"
	kindInteger = "integer"
	kindBoolean = "boolean"
	kindNull    = "null"
)

var kinds = []string{kindObject, kindArray, kindString, kindNumber, kindInteger, kindBoolean, kindNull}

// The keywords of one value alone, by what they hold.
var (
	counts  = []string{"minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties", "minContains", "maxContains"}
	numbers = []string{"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}
	flags   = []string{"uniqueItems", "deprecated", "readOnly", "writeOnly"}
	texts   = []string{"title", "description", "format", "contentEncoding", "contentMediaType"}
)

// maxWords is how long, in characters, a description may be, and maxEnum how many
// values one may name.
const (
	maxWords = 4000
	maxEnum  = 1000
)

// modern writes draft 7's own keywords as 2020-12 has them, and those of draft 4 and
// OpenAPI that people mix in.
func modern(s map[string]any) map[string]any {
	out := maps.Clone(s)
	if list, ok := s["items"].([]any); ok {
		out["prefixItems"] = list
		delete(out, "items")
		if rest, there := s["additionalItems"]; there {
			out["items"] = rest
		}
	}
	for name, v := range object(s["dependencies"]) {
		key := "dependentSchemas"
		if _, ok := v.([]any); ok {
			key = "dependentRequired"
		}
		all := maps.Clone(object(out[key]))
		if all == nil {
			all = map[string]any{}
		}
		all[name] = v
		out[key] = all
	}
	for key, of := range map[string]string{"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"} {
		if exclusive, old := s[key].(bool); old {
			delete(out, key)
			if bound, there := s[of]; exclusive && there {
				out[key] = bound
				delete(out, of)
			}
		}
	}
	if kind, ok := s["type"].(string); ok && s["nullable"] == true {
		out["type"] = []any{kind, kindNull}
		if list, ok := s["enum"].([]any); ok && !slices.Contains(list, nil) {
			out["enum"] = append(slices.Clone(list), nil)
		}
	}
	return out
}

func object(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

// alone is what a schema says of its value itself.
func (w *writer) alone(s map[string]any) (out map[string]any, less bool) {
	out = map[string]any{}
	keep := func(key string, good bool) {
		if v, there := s[key]; there {
			if w.bytes -= size(v, MaxText); !good || w.bytes < 0 {
				w.note("%q is not held as it stands", key)
				less = true
				return
			}
			out[key] = v
		}
	}
	keep("type", typed(s["type"]))
	for _, key := range counts {
		n, ok := whole(s[key])
		keep(key, ok && n >= 0)
	}
	for _, key := range numbers {
		f, ok := floatOf(s[key])
		keep(key, ok && (key != "multipleOf" || f > 0))
	}
	for _, key := range flags {
		_, ok := s[key].(bool)
		keep(key, ok)
	}
	for _, key := range []string{"const", "default"} {
		keep(key, seen(s[key]))
	}
	list, ok := s["enum"].([]any)
	keep("enum", ok && len(list) <= maxEnum && seen(list))
	keep("required", names(s["required"]))
	if pattern, there := s["pattern"]; there {
		text, _ := pattern.(string)
		_, err := expression(text)
		keep("pattern", err == nil && seen(text))
	}
	if needs, there := s["dependentRequired"]; there {
		good := object(needs) != nil
		for _, v := range object(needs) {
			good = good && names(v)
		}
		keep("dependentRequired", good)
	}
	w.texts(s, out)
	return out, less
}

// texts are for whoever reads the schema.
func (w *writer) texts(s, out map[string]any) {
	for _, key := range texts {
		text, ok := s[key].(string)
		if !ok || text == "" {
			continue
		}
		text = words.Clip(words.Plain(strings.TrimSpace(text)), maxWords)
		if w.bytes -= len(text); w.bytes > 0 {
			out[key] = text
		}
	}
}

func typed(v any) bool {
	switch v := v.(type) {
	case string:
		return slices.Contains(kinds, v)
	case []any:
		for _, one := range v {
			if text, ok := one.(string); !ok || !slices.Contains(kinds, text) {
				return false
			}
		}
		return len(v) > 0
	}
	return false
}

func names(v any) bool {
	list, ok := v.([]any)
	for _, one := range list {
		if text, is := one.(string); !is || words.Plain(text) != text {
			return false
		}
	}
	return ok
}

// seen says whether all of a value can be seen.
func seen(v any) bool {
	switch v := v.(type) {
	case string:
		return words.Plain(v) == v
	case []any:
		return !slices.ContainsFunc(v, func(one any) bool { return !seen(one) })
	case map[string]any:
		for k, one := range v {
			if !seen(k) || !seen(one) {
				return false
			}
		}
	}
	return true
}

// whole is a number without a fraction, which may be written with one.
func whole(v any) (int, bool) {
	f, ok := floatOf(v)
	if !ok || f != math.Trunc(f) || math.Abs(f) > math.MaxInt32 {
		return 0, false
	}
	return int(f), true
}

func floatOf(v any) (float64, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	f, err := n.Float64()
	return f, err == nil
}
