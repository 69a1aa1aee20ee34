package connector

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"hotcell"
	"hotcell/internal/catalog/connector/schema"
	"hotcell/internal/text/words"
	"hotcell/internal/wire/measure"
)

// newSchema reads the schema of a tool's arguments as a document writes it: what it
// does not name at its top is not taken, and nothing of it may be left out unless it
// is a foreign one, of an OpenAPI document.
func newSchema(text json.RawMessage, foreign bool) (*schema.Schema, error) {
	s, err := schema.Read(text, schema.Options{Strict: !foreign, Closed: true})
	if err != nil {
		return nil, hotcell.Invalid("", "%s", err)
	}
	return s, nil
}

// Names are the arguments that the tool names, or the properties that it names at a
// path below them; closed is true where there are no others.
func (t *Tool) Names(path ...string) (names []string, closed bool) { return t.schema.Names(path...) }

// Check holds arguments against the tool's schema, and returns them with its
// defaults filled in. Its error is an [hotcell.ErrInvalid] with a pointer below
// /arguments, or the context's.
func (t *Tool) Check(ctx context.Context, arguments json.RawMessage) (map[string]any, error) {
	if len(bytes.TrimSpace(arguments)) == 0 {
		arguments = []byte("{}")
	}
	v, err := decode(arguments)
	if err != nil {
		return nil, hotcell.Invalid("/arguments", "the arguments are a JSON object, in which no key is there twice, nested %d deep at the most", maxDepth)
	}
	args, ok := v.(map[string]any)
	if !ok {
		return nil, hotcell.Invalid("/arguments", "the arguments are a JSON object")
	}
	t.schema.Fill(args)
	if err := t.schema.Check(ctx, args); err != nil {
		return nil, broken(err)
	}
	args, _ = numbers(args).(map[string]any)
	return args, nil
}

// Exact refuses arguments that another reader could take for others: where a rule or
// a person decides on a call, they must read what the service will read.
func (t *Tool) Exact(ctx context.Context, args map[string]any) error {
	err := t.schema.Exact(ctx, args)
	fault, ok := errors.AsType[*schema.Fault](err)
	if !ok {
		return err
	}
	pointer := pointerTo(fault)
	if fault.Keyword == schema.Alike {
		return hotcell.Invalid(pointer, "two names here are one to a reader who does not look at case or form: give one of them")
	}
	names, _ := t.Names(fields(fault.Path)...)
	return hotcell.Invalid(pointer, "where a rule or a person decides on a call, only arguments that the tool's schema names are taken, and here it names %s", strings.Join(names, ", "))
}

// fields are the names of a path, without the places in lists.
func fields(path []string) []string {
	return slices.DeleteFunc(slices.Clone(path), func(s string) bool { return strings.Trim(s, "0123456789") == "" })
}

func pointerTo(f *schema.Fault) string {
	escaped := strings.NewReplacer("~", "~0", "/", "~1")
	var at strings.Builder
	at.WriteString("/arguments")
	for _, name := range f.Path {
		at.WriteString("/" + words.Plain(escaped.Replace(name)))
	}
	return at.String()
}

// broken says which argument breaks which rule, without what was sent.
func broken(err error) error {
	fault, ok := errors.AsType[*schema.Fault](err)
	if !ok {
		if errors.Is(err, schema.ErrMuch) {
			return hotcell.Invalid("/arguments", "%s", err)
		}
		return err
	}
	pointer := pointerTo(fault)
	// What a stranger's schema says is data like any other.
	if wants := words.Plain(fault.Wants()); wants != "" {
		return hotcell.Invalid(pointer, "the tool's schema wants %s", wants)
	}
	return hotcell.Invalid(pointer, "this breaks the rule %q of the tool's schema", fault.Keyword)
}

var errJSON = errors.New("this is not JSON")

// maxDepth bounds how deep what is decoded may be nested.
const maxDepth = 100

// decode reads one JSON value whose objects have no key twice: two readers could
// take different ones. Numbers are int64 where they are whole and fit, else
// float64.
func decode(text []byte) (any, error) {
	if measure.JSON(text, bounds) != nil {
		return nil, errJSON
	}
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
