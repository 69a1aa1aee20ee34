package connector

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// How much is written out of the schemas of a document, and of one argument's.
const (
	maxNodes  = 60_000
	maxSchema = 300
	maxLevel  = 12
)

// writer writes a schema out, with its references followed: an agent sees
// nothing else of the document. Where that would not end, or is too much, it is
// the type alone.
type writer struct {
	*openAPI
	left int
	// open are the references that are being followed.
	open []string
}

// schema writes out the schema of one argument.
func (o *openAPI) schema(v any) map[string]any {
	w := &writer{openAPI: o, left: min(maxSchema, o.nodes)}
	before := w.left
	out := object1(w.write(v, 0))
	if o.nodes -= before - w.left; out == nil {
		out = map[string]any{}
	}
	return out
}

// What the keywords of a schema hold: copied are those that are no schemas.
var (
	copied = []string{
		"type", "enum", "const", "required", "title", "description", "format", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength",
		"minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties", "contentEncoding", "contentMediaType",
	}
	single = []string{"items", "additionalProperties", "not", "contains", "propertyNames", "if", "then", "else"}
	listed = []string{"allOf", "anyOf", "oneOf", "prefixItems"}
	mapped = []string{"properties", "patternProperties"}
)

func (w *writer) write(v any, level int) any {
	w.left--
	if ref, ok := object1(v)["$ref"].(string); ok {
		if slices.Contains(w.open, ref) || len(w.open) > maxRefs {
			return w.shallow(w.resolve(v))
		}
		w.open = append(w.open, ref)
		defer func() { w.open = w.open[:len(w.open)-1] }()
		beside := maps.Clone(object1(v))
		delete(beside, "$ref")
		target := object1(w.at(ref))
		if len(beside) == 0 {
			return w.write(target, level)
		}
		out := map[string]any{}
		maps.Copy(out, target)
		maps.Copy(out, beside) // as in [openAPI.resolve]
		return w.write(out, level)
	}
	s := object1(v)
	if s == nil {
		if b, ok := v.(bool); ok {
			return b
		}
		return map[string]any{}
	}
	if level > maxLevel || w.left <= 0 {
		return w.shallow(s)
	}
	return w.whole(s, level)
}

func (w *writer) whole(s map[string]any, level int) map[string]any {
	out := w.alone(s)
	for _, key := range single {
		if one, there := s[key]; there {
			out[key] = w.write(one, level+1)
		}
	}
	for _, key := range listed {
		list, _ := s[key].([]any)
		var all []any
		for _, one := range list {
			all = append(all, w.write(one, level+1))
		}
		if len(all) > 0 {
			out[key] = all
		}
	}
	for _, key := range mapped {
		fields := object1(s[key])
		if fields == nil {
			continue
		}
		all := map[string]any{}
		for _, name := range slices.Sorted(maps.Keys(fields)) {
			if object1(w.resolve(fields[name]))["readOnly"] == true {
				out["required"] = without(out["required"], name)
				continue
			}
			if _, err := regexp.Compile(name); key == "patternProperties" && err != nil {
				continue
			}
			all[name] = w.write(fields[name], level+1)
		}
		out[key] = all
	}
	if list, _ := out["required"].([]any); len(list) == 0 {
		delete(out, "required")
	}
	return out
}

func without(required any, name string) any {
	list, _ := required.([]any)
	return slices.DeleteFunc(slices.Clone(list), func(one any) bool { return one == name })
}

// shallow is a schema without what is below it.
func (w *writer) shallow(v any) map[string]any {
	s := object1(v)
	out := w.alone(s)
	delete(out, "required")
	if out["type"] == nil {
		switch {
		case s["properties"] != nil:
			out["type"] = "object"
		case s["items"] != nil:
			out["type"] = "array"
		}
	}
	return out
}

// alone is what a schema says of its value itself, as JSON Schema 2020-12 has it.
func (w *writer) alone(s map[string]any) map[string]any {
	out := map[string]any{}
	for _, key := range copied {
		if v, there := s[key]; there {
			out[key] = v
		}
	}
	if pattern := textOf(s["pattern"]); pattern != "" {
		if _, err := regexp.Compile(pattern); err == nil { // not every one of JavaScript's does
			out["pattern"] = pattern
		}
	}
	for of, key := range map[string]string{"minimum": "exclusiveMinimum", "maximum": "exclusiveMaximum"} {
		exclusive, old := out[key].(bool) // OpenAPI 3.0's own
		if !old {
			continue
		}
		delete(out, key)
		if bound, there := out[of]; exclusive && there {
			out[key] = bound
			delete(out, of)
		}
	}
	if kind := textOf(out["type"]); kind != "" && s["nullable"] == true {
		out["type"] = []any{kind, "null"}
		if list, ok := out["enum"].([]any); ok && !slices.Contains(list, nil) {
			out["enum"] = append(slices.Clone(list), nil)
		}
	}
	// A default would be sent although nobody said it, and change what is there.
	if v, there := s["default"]; there && v != nil {
		if text, err := json.Marshal(v); err == nil {
			out["description"] = strings.TrimSpace(textOf(out["description"]) + " (without it: " + string(text) + ")")
		}
	}
	return out
}
