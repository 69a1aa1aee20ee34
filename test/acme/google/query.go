package google

import (
	"regexp"
	"slices"
	"strings"
)

// token is a piece of a query in Drive's language.
var token = regexp.MustCompile(`^\s*(\(|\)|!=|<=|>=|=|<|>|'(?:[^'\\]|\\.)*'|[A-Za-z]+)`)

// query is one being read: each of its methods takes what it knows, and says
// whether a file is so.
type query struct{ tokens []string }

type predicate func(*File) bool

// readQuery reads a query in Drive's language: terms with and, or, not and brackets.
func readQuery(text string) (predicate, bool) {
	if strings.TrimSpace(text) == "" {
		return func(*File) bool { return true }, true
	}
	q := &query{}
	for strings.TrimSpace(text) != "" {
		m := token.FindStringSubmatch(text)
		if m == nil {
			return nil, false
		}
		q.tokens = append(q.tokens, m[1])
		text = text[len(m[0]):]
	}
	p, ok := q.either()
	return p, ok && len(q.tokens) == 0
}

func (q *query) next() (s string) {
	if len(q.tokens) > 0 {
		s, q.tokens = q.tokens[0], q.tokens[1:]
	}
	return s
}

func (q *query) is(word string) bool {
	if len(q.tokens) > 0 && strings.EqualFold(q.tokens[0], word) {
		q.tokens = q.tokens[1:]
		return true
	}
	return false
}

func (q *query) either() (predicate, bool) {
	p, ok := q.both()
	for ok && q.is("or") {
		one, other := p, predicate(nil)
		if other, ok = q.both(); ok {
			p = func(f *File) bool { return one(f) || other(f) }
		}
	}
	return p, ok
}

func (q *query) both() (predicate, bool) {
	p, ok := q.term()
	for ok && q.is("and") {
		one, other := p, predicate(nil)
		if other, ok = q.term(); ok {
			p = func(f *File) bool { return one(f) && other(f) }
		}
	}
	return p, ok
}

func (q *query) term() (predicate, bool) {
	switch {
	case q.is("not"):
		p, ok := q.term()
		return func(f *File) bool { return !p(f) }, ok
	case q.is("("):
		p, ok := q.either()
		return p, ok && q.is(")")
	}
	field := q.next()
	if id, is := quoted(field); is {
		ok := q.is("in") && q.is("parents")
		return func(f *File) bool { return slices.Contains(f.Parents, id) }, ok
	}
	operator, value := q.next(), q.next()
	if field == "trashed" && operator == "=" {
		return func(f *File) bool { return f.Trashed == (value == "true") }, value == "true" || value == "false"
	}
	text, is := quoted(value)
	if !is {
		return nil, false
	}
	return compared(field, operator, text)
}

func compared(field, operator, text string) (predicate, bool) {
	lower := strings.ToLower(text)
	switch field + " " + operator {
	case "name =":
		return func(f *File) bool { return f.Name == text }, true
	case "name !=":
		return func(f *File) bool { return f.Name != text }, true
	case "name contains":
		return func(f *File) bool { return strings.Contains(strings.ToLower(f.Name), lower) }, true
	case "fullText contains":
		return func(f *File) bool { return strings.Contains(strings.ToLower(f.Name+" "+string(f.Content)), lower) }, true
	case "mimeType =":
		return func(f *File) bool { return f.Type == text }, true
	case "mimeType !=":
		return func(f *File) bool { return f.Type != text }, true
	case "mimeType contains":
		return func(f *File) bool { return strings.HasPrefix(f.Type, text) }, true
	}
	return nil, false
}

// quoted is a text of a query without its quotes.
func quoted(s string) (string, bool) {
	if len(s) < 2 || s[0] != '\'' {
		return "", false
	}
	return strings.NewReplacer(`\'`, `'`, `\\`, `\`).Replace(s[1 : len(s)-1]), true
}
