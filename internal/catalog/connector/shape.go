package connector

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"hotcell"
)

// documentSchema is for editors, and for whoever writes a document.
//
//go:embed document.schema.json
var documentSchema []byte

// Schema is the JSON Schema of connectors' documents.
func Schema() []byte { return slices.Clone(documentSchema) }

var shapeOfDocuments = sync.OnceValue(func() map[string]any {
	v, err := lenient(documentSchema)
	if err != nil {
		return map[string]any{"not": true} // fits nothing, as the test of the documents would show
	}
	return object1(v)
})

// shape holds a document against the schema, with as much of JSON Schema as that
// uses: libraries end at the first fault, and whoever writes wants all of them.
type shape struct{ root map[string]any }

// misfits are all faults of a document's shape.
func misfits(v any) error {
	s := shape{shapeOfDocuments()}
	return s.check("", s.root, plainYAML(v))
}

func (s shape) check(path string, schema map[string]any, v any) error {
	if ref := textOf(schema["$ref"]); ref != "" {
		return s.check(path, object1(object1(s.root["$defs"])[strings.TrimPrefix(ref, "#/$defs/")]), v)
	}
	if _, never := schema["not"]; never {
		return hotcell.Invalid(path, "this is not taken")
	}
	if kinds := schema["type"]; kinds != nil && !typed(kinds, v) {
		return hotcell.Invalid(path, "this is to be %s", listOf(kinds, ", or "))
	}
	if list, _ := schema["enum"].([]any); list != nil && !slices.Contains(list, v) {
		return hotcell.Invalid(path, "this is one of %s", listOf(list, ", "))
	}
	if want, there := schema["const"]; there && !reflect.DeepEqual(want, v) {
		return hotcell.Invalid(path, "this is to be %v", want)
	}
	errs := []error{s.choose(path, schema, v)}
	switch v := v.(type) {
	case string:
		errs = append(errs, checkText(path, schema, v))
	case []any:
		if least, _ := schema["minItems"].(int64); int64(len(v)) < least {
			errs = append(errs, hotcell.Invalid(path, "there is at least one"))
		}
		for i, one := range v {
			if items := object1(schema["items"]); items != nil {
				errs = append(errs, s.check(path+"/"+strconv.Itoa(i), items, one))
			}
		}
	case map[string]any:
		errs = append(errs, s.fields(path, schema, v))
	}
	return errors.Join(errs...)
}

func (s shape) fields(path string, schema, v map[string]any) (err error) {
	needed, _ := schema["required"].([]any)
	for _, one := range needed {
		if _, there := v[textOf(one)]; !there {
			err = errors.Join(err, hotcell.Invalid(path, "there is no %v", one))
		}
	}
	known := object1(schema["properties"])
	for _, name := range slices.Sorted(maps.Keys(v)) {
		if one := object1(known[name]); one != nil {
			err = errors.Join(err, s.check(path+"/"+name, one, v[name]))
			continue
		}
		switch rest := schema["additionalProperties"].(type) {
		case bool:
			err = errors.Join(err, hotcell.Invalid(path+"/"+name, "there is no such key here: it is one of %s", strings.Join(slices.Sorted(maps.Keys(known)), ", ")))
		case map[string]any:
			err = errors.Join(err, s.check(path+"/"+name, rest, v[name]))
		}
	}
	return err
}

// choose holds a value against alternatives. Where one of them is for values of
// this kind, its faults are told.
func (s shape) choose(path string, schema map[string]any, v any) error {
	for _, key := range []string{"anyOf", "oneOf"} {
		list, _ := schema[key].([]any)
		fits, near := 0, error(nil)
		for _, one := range list {
			alternative := object1(one)
			if name := textOf(alternative["$ref"]); name != "" {
				alternative = object1(object1(s.root["$defs"])[strings.TrimPrefix(name, "#/$defs/")])
			}
			err := s.check(path, alternative, v)
			if err == nil {
				fits++
			} else if alternative["type"] != nil && typed(alternative["type"], v) {
				near = err
			}
		}
		switch {
		case list == nil || fits == 1 || fits > 1 && key == "anyOf":
		case near != nil:
			return near
		default:
			return hotcell.Invalid(path, "there is %s", alternatives(list, key))
		}
	}
	return nil
}

func alternatives(list []any, key string) string {
	var names []string
	for _, one := range list {
		alternative := object1(one)
		switch needed, _ := alternative["required"].([]any); {
		case needed != nil:
			names = append(names, listOf(needed, " and "))
		default:
			names = append(names, listOf(alternative["type"], ", or "))
		}
	}
	if key == "oneOf" {
		return "one, and not more, of " + strings.Join(names, ", ")
	}
	return "one of " + strings.Join(names, "; ")
}

func checkText(path string, schema map[string]any, s string) error {
	if least, _ := schema["minLength"].(int64); int64(utf8.RuneCountInString(s)) < least {
		return hotcell.Invalid(path, "this is empty")
	}
	pattern := textOf(schema["pattern"])
	if pattern == "" {
		return nil
	}
	if re, err := regexp.Compile(pattern); err != nil || !re.MatchString(s) {
		about := textOf(schema["description"])
		if about == "" {
			about = "what matches " + pattern
		}
		return hotcell.Invalid(path, "this is not %s", about)
	}
	return nil
}

func typed(kinds, v any) bool {
	list, many := kinds.([]any)
	if !many {
		list = []any{kinds}
	}
	is := ""
	switch v.(type) {
	case string:
		is = "string"
	case bool:
		is = "boolean"
	case int64, float64:
		is = "number"
	case []any:
		is = "array"
	case map[string]any:
		is = "object"
	}
	return slices.Contains(list, any(is))
}

func listOf(v any, between string) string {
	list, many := v.([]any)
	if !many {
		list = []any{v}
	}
	names := make([]string, len(list))
	for i, one := range list {
		names[i] = fmt.Sprint(one)
	}
	return strings.Join(names, between)
}

// plainYAML is what YAML gave, as JSON has it.
func plainYAML(v any) any {
	text, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	out, err := lenient(text)
	if err != nil {
		return nil
	}
	return out
}
