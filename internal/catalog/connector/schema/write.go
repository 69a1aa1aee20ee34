package schema

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"hotcell/internal/text/words"
)

// writer writes a schema out.
type writer struct {
	Options
	root    map[string]any
	anchors map[string]any
	nodes   int
	// bytes are left for texts and values.
	bytes int
	// place counts the steps into the value that lead to where the writer is, and
	// open are the references that are being followed, each from its place.
	place int
	open  []followed
	// unnamed is true once a property was left out.
	unnamed bool
	notes   []string
	err     error
}

type followed struct {
	ref   string
	place int
}

func newWriter(root map[string]any, o Options) *writer {
	w := &writer{Options: o, root: root, nodes: maxNodes, bytes: MaxText, anchors: map[string]any{}}
	w.name(root, 0)
	return w
}

// fail keeps the first error.
func (w *writer) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

// note keeps what was left out; the schema says less from then on.
func (w *writer) note(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if w.Strict {
		w.fail(fmt.Errorf("%w: %s", ErrShape, text))
	}
	if !slices.Contains(w.notes, text) && len(w.notes) < maxNotes {
		w.notes = append(w.notes, text)
	}
}

const maxNotes = 8

// The keywords that hold schemas: one, a list, or one for each name; inward are those
// whose schemas are for parts of the value, and not for the value itself.
var (
	single = []string{"additionalProperties", "propertyNames", "items", "contains", "not"}
	choice = []string{"if", "then", "else"}
	listed = []string{"prefixItems", "allOf", "anyOf", "oneOf"}
	mapped = []string{"properties", "patternProperties", "dependentSchemas"}
	inward = []string{"additionalProperties", "propertyNames", "items", "contains", "prefixItems", "properties", "patternProperties"}
)

// write writes one schema out. Less is true where it says less than it did.
func (w *writer) write(v any, level int) (out any, less bool) {
	if w.err != nil {
		return true, true
	}
	if b, ok := v.(bool); ok {
		return b, false
	}
	s, ok := v.(map[string]any)
	if !ok {
		w.note("a part of it is no schema")
		return true, true
	}
	w.nodes--
	if w.nodes < 0 || level > maxLevel {
		w.note("it is described in part only: it is too large or too deep")
		return w.shallow(s), true
	}
	written, less := w.whole(modern(s), level)
	if ref, there := reference(s); there {
		target, cut := w.follow(ref, level)
		less = less || cut
		return beside(written, target), less
	}
	return written, less
}

// beside joins what a reference leads to with what stands beside it.
func beside(s map[string]any, target any) any {
	to, ok := target.(map[string]any)
	if !ok {
		if target == false {
			return false
		}
		return s
	}
	for key := range s {
		if !slices.Contains(annotations, key) {
			all, _ := s["allOf"].([]any)
			s["allOf"] = append([]any{to}, all...)
			return s
		}
	}
	out := maps.Clone(to)
	maps.Copy(out, s)
	return out
}

// annotations are the keywords that hold nothing against a value.
var annotations = []string{"title", "description", "default", "deprecated", "readOnly", "writeOnly", "format", "contentEncoding", "contentMediaType"}

// whole writes a schema, and what is below it.
func (w *writer) whole(s map[string]any, level int) (out map[string]any, less bool) {
	out, less = w.alone(s)
	for _, key := range single {
		if one, there := s[key]; there {
			less = w.one(out, key, one, level) || less
		}
	}
	for _, key := range listed {
		if list, there := s[key].([]any); there {
			less = w.list(out, key, list, level) || less
		}
	}
	for _, key := range mapped {
		if fields, there := s[key].(map[string]any); there {
			less = w.fields(out, key, fields, level) || less
		}
	}
	less = w.choose(out, s, level) || less
	for _, key := range []string{"unevaluatedProperties", "unevaluatedItems"} {
		if v, there := s[key]; there && v != true {
			w.note("%s is not held", key)
			less = true
		}
	}
	return out, less
}

// within runs fn where a keyword's schemas are.
func (w *writer) within(key string, fn func()) {
	if slices.Contains(inward, key) {
		w.place++
		defer func() { w.place-- }()
	}
	fn()
}

func (w *writer) one(out map[string]any, key string, v any, level int) (less bool) {
	var one any
	w.within(key, func() { one, less = w.write(v, level+1) })
	if less && key == "not" {
		w.note("%q is not held", key) // it would be so of more values
		return true
	}
	out[key] = one
	if less && key == "contains" {
		delete(out, "maxContains")
	}
	return less
}

// choose writes a choice. One whose condition says less would lead elsewhere.
func (w *writer) choose(out, s map[string]any, level int) (less bool) {
	for _, key := range choice {
		one, there := s[key]
		if !there {
			continue
		}
		written, cut := w.write(one, level+1)
		if cut && key == "if" {
			w.note("%q is not held", key)
			return true
		}
		out[key], less = written, less || cut
	}
	return less
}

func (w *writer) list(out map[string]any, key string, list []any, level int) (less bool) {
	all := make([]any, 0, min(len(list), maxNodes))
	w.within(key, func() {
		for _, v := range list {
			if w.nodes < 0 {
				less = true
				break
			}
			one, cut := w.write(v, level+1)
			all, less = append(all, one), less || cut
		}
	})
	switch {
	case len(all) == 0:
		return less || len(list) > 0
	case len(all) < len(list) && key != "allOf" && key != "prefixItems":
		return true // others would have been taken too
	case less && key == "oneOf":
		key = "anyOf" // more than one may fit what says less
		if before, there := out[key]; there {
			out["allOf"] = append(listOf(out["allOf"]), map[string]any{key: before})
		}
	case len(all) < len(list) && key == "prefixItems":
		delete(out, "items")
	}
	out[key] = all
	return less
}

func listOf(v any) []any {
	list, _ := v.([]any)
	return list
}

func (w *writer) fields(out map[string]any, key string, fields map[string]any, level int) (less bool) {
	all, missing := map[string]any{}, false
	w.within(key, func() {
		for _, name := range slices.Sorted(maps.Keys(fields)) {
			w.bytes -= len(name)
			if w.bytes < 0 || words.Plain(name) != name {
				w.note("not all that it names is taken")
				missing, w.unnamed = true, true
				continue
			}
			if key == "patternProperties" {
				if _, err := expression(name); err != nil {
					w.note("a pattern is not held: %v", err)
					missing = true
					continue
				}
			}
			one, cut := w.write(fields[name], level+1)
			all[name], less = one, less || cut
		}
	})
	if missing && key != "dependentSchemas" {
		delete(out, "additionalProperties") // what it names must go on being taken
	}
	if len(all) > 0 || key == "properties" {
		out[key] = all
	}
	return less || missing
}

// shallow is a schema without what is below it.
func (w *writer) shallow(s map[string]any) map[string]any {
	out, _ := w.alone(modern(s))
	delete(out, "required")
	return out
}

// size is about how long a value is as JSON, in bytes, as far as most.
func size(v any, most int) int {
	n := 2
	switch v := v.(type) {
	case string:
		return n + len(v)
	case json.Number:
		return len(v)
	case []any:
		for _, one := range v {
			if n += size(one, most-n); n > most {
				return n
			}
		}
	case map[string]any:
		for k, one := range v {
			if n += len(k) + size(one, most-n); n > most {
				return n
			}
		}
	}
	return n
}
