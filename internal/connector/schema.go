package connector

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"

	"hotcell"
)

// schema holds a tool's arguments against its JSON Schema.
type schema struct {
	resolved *jsonschema.Resolved
	whole    *jsonschema.Schema
}

// newSchema reads a schema (JSON Schema 2020-12). What it does not name at its
// top is not taken.
func newSchema(text json.RawMessage) (*schema, json.RawMessage, error) {
	return readSchema(text, false)
}

// readSchema reads a schema; where it is open, what it does not name is taken.
func readSchema(text json.RawMessage, open bool) (*schema, json.RawMessage, error) {
	var s jsonschema.Schema
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, nil, hotcell.Invalid("", "this is no JSON Schema")
	}
	if s.Type == "" && len(s.Types) == 0 {
		s.Type = "object"
	}
	if s.Type != "object" {
		return nil, nil, hotcell.Invalid("", "the arguments of a tool are an object")
	}
	if s.AdditionalProperties == nil && !open {
		s.AdditionalProperties = &jsonschema.Schema{Not: &jsonschema.Schema{}}
	}
	resolved, err := s.Resolve(&jsonschema.ResolveOptions{ValidateDefaults: true})
	if err != nil {
		return nil, nil, hotcell.Invalid("", "this JSON Schema does not resolve: %s", firstLine(err))
	}
	out, err := json.Marshal(&s)
	return &schema{resolved, &s}, out, err
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// Check holds arguments against the tool's schema, and returns them with its
// defaults filled in. Its error is an [hotcell.ErrInvalid] with a pointer below
// /arguments.
func (t *Tool) Check(arguments json.RawMessage) (map[string]any, error) {
	if len(bytes.TrimSpace(arguments)) == 0 {
		arguments = []byte("{}")
	}
	v, err := decode(arguments)
	if err != nil {
		return nil, hotcell.Invalid("/arguments", "the arguments are a JSON object, in which no key is there twice")
	}
	args, ok := v.(map[string]any)
	if !ok {
		return nil, hotcell.Invalid("/arguments", "the arguments are a JSON object")
	}
	if err := t.schema.resolved.ApplyDefaults(&args); err != nil {
		return nil, broken(err)
	}
	if err := t.schema.resolved.Validate(args); err != nil {
		return nil, broken(err)
	}
	args, _ = numbers(args).(map[string]any)
	return args, nil
}

// placed is where in a schema the last "validating" of an error is.
var placed = regexp.MustCompile(`validating (/[^:\s]*)`)

// broken says which argument breaks which rule, without what was sent.
func broken(err error) error {
	text := err.Error()
	var at strings.Builder
	at.WriteString("/arguments")
	if all := placed.FindAllStringSubmatch(text, -1); len(all) > 0 {
		segments := strings.Split(strings.TrimPrefix(all[len(all)-1][1], "/"), "/")
		for i := 0; i < len(segments); i++ {
			if segments[i] == "properties" && i+1 < len(segments) {
				at.WriteString("/" + segments[i+1])
				i++
			}
		}
	}
	pointer := at.String()
	rules := []string{"required", "additionalProperties", "unevaluatedProperties", "pattern", "enum", "const", "type", "minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minItems", "maxItems", "uniqueItems", "format", "oneOf", "anyOf", "not", "multipleOf", "minProperties", "maxProperties"}
	for _, name := range rules {
		if !strings.Contains(text, name+":") {
			continue
		}
		switch name {
		case "required":
			return hotcell.Invalid(pointer, "arguments are missing: see the tool's schema for what is required")
		case "additionalProperties", "unevaluatedProperties":
			return hotcell.Invalid(pointer, "there are arguments that the tool does not take: see its schema")
		case "not":
			return hotcell.Invalid(pointer, "there are arguments that the tool does not take: see its schema")
		}
		return hotcell.Invalid(pointer, "this breaks the rule %q of the tool's schema", name)
	}
	return hotcell.Invalid(pointer, "this does not fit the tool's schema")
}

var errJSON = errors.New("this is not JSON")

// maxDepth bounds how deep what is decoded may be nested.
const maxDepth = 100

// decode reads one JSON value whose objects have no key twice: two readers could
// take different ones. Numbers are int64 where they are whole and fit, else
// float64.
func decode(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	v, err := value(d, 0)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errJSON
	}
	return v, nil
}

func value(d *json.Decoder, depth int) (any, error) {
	token, err := d.Token()
	if err != nil || depth > maxDepth {
		return nil, errJSON
	}
	switch token := token.(type) {
	case json.Delim:
		switch token {
		case '{':
			return object(d, depth)
		case '[':
			return array(d, depth)
		}
		return nil, errJSON
	case json.Number:
		return number(token)
	}
	return token, nil
}

func object(d *json.Decoder, depth int) (any, error) {
	out := map[string]any{}
	for d.More() {
		key, err := d.Token()
		name, ok := key.(string)
		if _, twice := out[name]; err != nil || !ok || twice {
			return nil, errJSON
		}
		if out[name], err = value(d, depth+1); err != nil {
			return nil, err
		}
	}
	_, err := d.Token()
	return out, err
}

func array(d *json.Decoder, depth int) (any, error) {
	out := []any{}
	for d.More() {
		v, err := value(d, depth+1)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	_, err := d.Token()
	return out, err
}

// number reads a number. A whole one that is too large would become another one:
// it is an error.
func number(n json.Number) (any, error) {
	i, err := strconv.ParseInt(n.String(), 10, 64)
	if err == nil {
		return i, nil
	}
	if !strings.ContainsAny(n.String(), ".eE") {
		return nil, fmt.Errorf("%w: a number that is too large", errJSON)
	}
	f, err := n.Float64()
	if err != nil {
		return nil, fmt.Errorf("%w: a number that is too large", errJSON)
	}
	return f, nil
}

// numbers makes whole floats, as defaults have them, integers.
func numbers(v any) any {
	switch v := v.(type) {
	case float64:
		if v == float64(int64(v)) && v > -1<<53 && v < 1<<53 {
			return int64(v)
		}
	case map[string]any:
		for k, one := range v {
			v[k] = numbers(one)
		}
	case []any:
		for i, one := range v {
			v[i] = numbers(one)
		}
	}
	return v
}
