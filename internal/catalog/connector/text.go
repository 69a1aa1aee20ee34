package connector

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"

	"hotcell"
	"hotcell/internal/policy/rule"
)

// text is a text of a document, with expressions in it.
type text struct {
	// whole is the text as it is written.
	whole string
	parts []part
}

// part is a literal, or an expression, which is then as it is written.
type part struct {
	literal string
	// escape is how its value is written where that is not as in the rest.
	escape func(string) (string, error)
	// path is the expression where it is names with dots alone: args.x, which needs
	// no evaluation and may be absent.
	path    []string
	program *rule.Program
}

func (p *part) expression() bool { return p.program != nil || p.path != nil }

// errAbsent is an expression about what is not there.
var errAbsent = errors.New("there is no such value")

// newText compiles a text.
func newText(whole string) (*text, error) {
	t := &text{whole: whole}
	for rest := whole; rest != ""; {
		at := strings.Index(rest, "${")
		if at < 0 {
			t.parts = append(t.parts, part{literal: rest})
			break
		}
		if at > 0 {
			t.parts = append(t.parts, part{literal: rest[:at]})
		}
		end := closing(rest[at+2:])
		if end < 0 {
			return nil, hotcell.Invalid("", "an expression begins with ${ and has no end")
		}
		p, err := newPart(strings.TrimSpace(rest[at+2 : at+2+end]))
		if err != nil {
			return nil, err
		}
		t.parts = append(t.parts, p)
		rest = rest[at+2+end+1:]
	}
	return t, nil
}

func newPart(expression string) (part, error) {
	if path := names(expression); path != nil {
		return part{literal: expression, path: path}, nil
	}
	program, err := environment().Compile(expression)
	return part{literal: expression, program: program}, err
}

// names reads names with dots between; nil where it is something else. A name
// that CEL has for itself alone is something else.
func names(expression string) []string {
	path := strings.Split(expression, ".")
	for _, name := range path {
		if !identifier(name) {
			return nil
		}
	}
	switch path[0] {
	case "args", "settings", "account", "steps", "answer", "status", "headers", "items", "more", "cursor", "call":
		return path
	}
	return nil
}

func identifier(s string) bool {
	for i, c := range []byte(s) {
		letter := c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

// closing finds the brace that ends an expression; -1 where there is none.
// Braces within texts of the expression do not count.
func closing(s string) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '{':
			depth++
		case '}':
			if depth == 0 {
				return i
			}
			depth--
		case '\'', '"':
			quote := s[i]
			for i++; i < len(s) && s[i] != quote; i++ {
				if s[i] == '\\' {
					i++
				}
			}
		}
	}
	return -1
}

// constant says whether there is no expression in it.
func (t *text) constant() bool {
	for i := range t.parts {
		if t.parts[i].expression() {
			return false
		}
	}
	return true
}

// value is what the text is: of one expression and nothing else, what that is,
// nil where it is about what is not there; else a string.
func (t *text) value(ctx context.Context, vars map[string]any) (any, error) {
	if len(t.parts) == 1 && t.parts[0].expression() {
		v, err := t.parts[0].eval(ctx, vars)
		if errors.Is(err, errAbsent) {
			return nil, nil //nolint:nilnil // an absent value is null
		}
		return v, err
	}
	return t.string(ctx, vars, same)
}

// string is the text with each expression's value in it, as escape writes it.
func (t *text) string(ctx context.Context, vars map[string]any, escape func(string) (string, error)) (string, error) {
	var out strings.Builder
	for i := range t.parts {
		p := &t.parts[i]
		if !p.expression() {
			out.WriteString(p.literal)
			continue
		}
		v, err := p.eval(ctx, vars)
		if err != nil {
			return "", err
		}
		write := escape
		if p.escape != nil {
			write = p.escape
		}
		s, err := join(v, write)
		if err != nil {
			return "", err
		}
		out.WriteString(s)
	}
	return out.String(), nil
}

// join writes a value as escape does; of a list, each, with slashes between: the
// segments of a path.
func join(v any, escape func(string) (string, error)) (string, error) {
	list, many := v.([]any)
	if !many {
		s, err := plain(v)
		if err != nil {
			return "", err
		}
		return escape(s)
	}
	parts := make([]string, len(list))
	for i, one := range list {
		s, err := plain(one)
		if err == nil {
			s, err = escape(s)
		}
		if err != nil {
			return "", err
		}
		parts[i] = s
	}
	return strings.Join(parts, "/"), nil
}

// fill puts settings into a text of the document's own addresses.
func (t *text) fill(of func(string) (string, bool)) (string, error) {
	var out strings.Builder
	for _, p := range t.parts {
		switch {
		case !p.expression():
			out.WriteString(p.literal)
		case len(p.path) == 2 && p.path[0] == "settings":
			v, ok := of(p.path[1])
			if !ok {
				return "", hotcell.Invalid("/settings/"+p.path[1], "this is asked for")
			}
			out.WriteString(v)
		default:
			return "", hotcell.Invalid("/base", "an address speaks of settings alone")
		}
	}
	return out.String(), nil
}

func (p *part) eval(ctx context.Context, vars map[string]any) (any, error) {
	if p.program != nil && readers.MatchString(p.literal) {
		return p.program.EvalWithin(ctx, readingTime, vars)
	}
	if p.program != nil {
		return p.program.Eval(ctx, vars)
	}
	var at any = vars
	for _, name := range p.path {
		m, ok := at.(map[string]any)
		if !ok {
			return nil, errAbsent
		}
		if at, ok = m[name]; !ok {
			return nil, errAbsent
		}
	}
	return at, nil
}

// plain writes a value as text.
func plain(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case []byte:
		return string(v), nil
	case bool:
		return strconv.FormatBool(v), nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case uint64:
		return strconv.FormatUint(v, 10), nil
	case int:
		return strconv.Itoa(v), nil
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return strconv.FormatInt(int64(v), 10), nil
		}
		return strconv.FormatFloat(v, 'g', -1, 64), nil
	case nil:
		return "", errAbsent
	}
	out, err := json.Marshal(v)
	return string(out), err
}
