// Package wayin decides whether a request is the one by which a login signs in, and
// puts the login's values into it: into the field that was learned, whole, once.
//
// It guards that a page of a login's own site cannot have the password sent to where
// that site stores what people write, by another path, method, kind, field, or by
// anything else in the request by which a site decides what to do with it. It is pure:
// who agreed to a way, and where it was learned, others see to. One way to use it:
//
//	step, ok := wayin.Learn(request, words)              // what the page would have sent
//	found, ok := wayin.Match(login.Way.Steps, request, words)
//	body := wayin.Put(request.Body, found, values)
package wayin

import (
	"bytes"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"hotcell"
	"hotcell/internal/line/cellrpc"
	"hotcell/internal/value/sensitive"
	"hotcell/internal/wire/standin"
)

// Request is one as it came.
type Request struct {
	Method string
	// URL is where to; its escaped path is compared as it was sent.
	URL    *url.URL
	Header http.Header
	Body   []byte
	// Username is the login's: a field that has it may have another one another time.
	Username string
}

// Words are what stands in for a login's values; empty for none.
type Words struct{ Password, Code []byte }

// Any says whether there is one.
func (w Words) Any() bool { return len(w.Password)+len(w.Code) > 0 }

// Found is where values go in a body, by the field of the login.
type Found map[string][]place

// place is where a value, or a digit of one, goes: body[from:to], escaped as the
// kind has it.
type place struct {
	from, to int
	kind     string
}

// overrides are headers by which servers take another method or path than the
// request's own; pages' scripts can write them.
var overrides = []string{
	"X-Http-Method-Override", "X-Http-Method", "X-Method-Override", "X-Original-Url", "X-Rewrite-Url", "X-Original-Uri", "X-Forwarded-Uri",
	"X-Forwarded-Path", "X-Forwarded-Prefix", "X-Forwarded-Host", "X-Host", "X-Override-Url",
}

// Learn reads a request in which words are fields of the body to the step that it is;
// ok is false where none of them is a whole field by itself.
func Learn(r Request, words Words) (step hotcell.WayStep, ok bool) {
	b, ok := read(r)
	if !ok {
		return step, false
	}
	step = hotcell.WayStep{Method: r.Method, Path: pathOf(r.URL), Query: b.query, Kind: b.kind}
	if words.in([]byte(r.URL.String())) || slices.ContainsFunc(b.fields, func(f field) bool { return words.in([]byte(f.name)) }) {
		return step, false
	}
	taken := map[int]bool{}
	if at := b.whole(words.Password); at >= 0 {
		step.Password, taken[at] = b.fields[at].name, true
	}
	for _, at := range b.code(words.Code) {
		step.Code, taken[at] = append(step.Code, b.fields[at].name), true
	}
	if len(taken) == 0 || !b.alone(taken) {
		return step, false
	}
	for i, f := range b.fields {
		if !taken[i] {
			step.Others = append(step.Others, told(f, r.Username, words))
		}
	}
	slices.Sort(step.Others)
	step.Others = slices.Compact(step.Others)
	return step, step.Check() == nil
}

// Form is the step of a form in fill mode, as it declares itself.
func Form(r *cellrpc.FillRequest) hotcell.WayStep {
	return hotcell.WayStep{Fill: true, Page: r.Form, Method: r.Method, Path: r.Action, Password: r.PasswordField, Code: r.CodeFields}
}

// Match says which values go where, if a request is one of the steps in which at least
// one of the words is in its field.
func Match(steps []hotcell.WayStep, r Request, words Words) (Found, bool) {
	b, ok := read(r)
	if !ok {
		return nil, false
	}
	var best Found
	for i := range steps {
		if found := b.match(&steps[i], r, words); len(found) > len(best) {
			best = found
		}
	}
	return best, len(best) > 0
}

// match holds a body against one step.
func (b *body) match(s *hotcell.WayStep, r Request, words Words) Found {
	if s.Fill || s.Method != r.Method || s.Path != pathOf(r.URL) || s.Kind != b.kind || !slices.Equal(s.Query, b.query) {
		return nil
	}
	found, taken := Found{}, map[int]bool{}
	if s.Password != "" && len(words.Password) > 0 {
		if at := b.named(s.Password); at >= 0 && bytes.Equal(b.fields[at].value, words.Password) {
			found[hotcell.FieldPassword], taken[at] = []place{b.fields[at].place}, true
		}
	}
	if codes := b.coded(s.Code, words.Code); len(codes) > 0 {
		for _, at := range codes {
			found[hotcell.FieldOTP], taken[at] = append(found[hotcell.FieldOTP], b.fields[at].place), true
		}
	}
	if len(found) == 0 || !b.alone(taken) || !b.shaped(s, taken, r.Username, words) {
		return nil
	}
	return found
}

// coded are the fields of a step that hold a code, or a digit of it each.
func (b *body) coded(names []string, word []byte) (at []int) {
	if len(word) == 0 || len(names) == 0 || len(names) > 1 && len(names) != len(word) {
		return nil
	}
	for i, name := range names {
		want := word
		if len(names) > 1 {
			want = word[i : i+1]
		}
		one := b.named(name)
		if one < 0 || !bytes.Equal(b.fields[one].value, want) {
			return nil
		}
		at = append(at, one)
	}
	return at
}

// shaped says whether a body's other fields are those of a step: none is there that
// was not, and all are by which the site tells what is meant.
func (b *body) shaped(s *hotcell.WayStep, taken map[int]bool, username string, words Words) bool {
	there := map[string]bool{}
	for i, f := range b.fields {
		if taken[i] || f.name == s.Password || slices.Contains(s.Code, f.name) {
			continue // also one that is empty this time
		}
		as := told(f, username, words)
		if !slices.Contains(s.Others, as) {
			if as = nameOf(f); !slices.Contains(s.Others, as) {
				return false
			}
		}
		there[as] = true
	}
	for _, one := range s.Others {
		if strings.Contains(one, fixedMark) && !there[one] {
			return false
		}
	}
	return true
}

// Put puts values where they were found to go. A value that does not fit, as a code of
// another length than there are fields, goes nowhere.
func Put(text []byte, found Found, values map[string][]byte) []byte {
	type put struct {
		place
		value []byte
	}
	var all []put
	for field, places := range found {
		value := values[field]
		switch {
		case value == nil || len(places) > 1 && len(places) != len(value):
		case len(places) == 1:
			all = append(all, put{places[0], value})
		default:
			for i, one := range places {
				all = append(all, put{one, value[i : i+1]})
			}
		}
	}
	slices.SortFunc(all, func(a, b put) int { return a.from - b.from })
	var out []byte
	last := 0
	for _, p := range all {
		escaped := standin.Escaping(p.kind)(p.value)
		next := append(append(make([]byte, 0, len(text)+2048), out...), text[last:p.from]...)
		next = append(next, escaped...)
		sensitive.Wipe(out)
		if len(escaped) > 0 && &escaped[0] != &p.value[0] {
			sensitive.Wipe(escaped)
		}
		out, last = next, p.to
	}
	next := append(append(make([]byte, 0, len(out)+len(text)-last), out...), text[last:]...)
	sensitive.Wipe(out)
	return next
}

func pathOf(u *url.URL) string {
	if path := u.EscapedPath(); path != "" {
		return path
	}
	return "/"
}
