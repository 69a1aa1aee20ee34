package connector

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"hotcell"
)

// Input is what a call is made with.
type Input struct {
	// Args are as [Tool.Check] returned them.
	Args               map[string]any
	Settings           map[string]string
	AccountID, Account string
	Now                time.Time
}

// Answer is what came of a request, without its credential.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Run is one call under way: its requests, one after the other, and its result.
// It belongs to one goroutine.
type Run struct {
	connector *Connector
	tool      *Tool
	account   *account
	settings  map[string]string
	vars      map[string]any

	at      int
	waiting string // the step whose answer is awaited; "" for none
	paging  *paging
	ended   bool
	last    *Answer
	id      string
	name    string
}

type step struct {
	name    string
	when    *text
	request *request
}

// account is how to find out who is connected.
type account struct {
	request  *request
	id, name *text
}

// Begin begins a call.
func (t *Tool) Begin(c *Connector, in Input) *Run {
	return &Run{connector: c, tool: t, settings: in.Settings, vars: vars(in)}
}

// Identify begins to ask who is connected; nil where the document does not say how.
func (c *Connector) Identify(settings map[string]string, now time.Time) *Run {
	if c.account == nil {
		return nil
	}
	return &Run{
		connector: c, account: c.account, settings: settings, vars: vars(Input{Settings: settings, Now: now}),
		tool: &Tool{steps: []step{{name: "account", request: c.account.request}}},
	}
}

func vars(in Input) map[string]any {
	settings := map[string]any{}
	for name, value := range in.Settings {
		settings[name] = value
	}
	args := in.Args
	if args == nil {
		args = map[string]any{}
	}
	return map[string]any{
		"args": args, "settings": settings, "steps": map[string]any{}, "clock": clock(in.Now), "items": []any{},
		"account": map[string]any{"id": in.AccountID, "name": in.Account},
	}
}

// Next is the next request; nil where the call is over. Each is answered before
// the next one is asked for.
func (r *Run) Next(ctx context.Context) (*Request, error) {
	if r.ended {
		return nil, nil //nolint:nilnil // it is over
	}
	if r.paging != nil && r.paging.next != nil {
		return r.page(ctx)
	}
	for r.at < len(r.tool.steps) {
		s := &r.tool.steps[r.at]
		r.at++
		if s.when != nil {
			v, err := s.when.value(ctx, r.vars)
			if err != nil {
				return nil, err
			}
			if v != true {
				continue
			}
		}
		out, err := s.request.build(ctx, r.connector, r.settings, r.vars)
		if err != nil {
			return nil, err
		}
		r.waiting = s.name
		if r.tool.pages != nil && r.at == len(r.tool.steps) {
			if r.paging, err = r.tool.pages.begin(ctx, r.vars, out); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	r.ended = true
	return nil, nil //nolint:nilnil // it is over
}

// Answer takes the answer to the last request: a [*Failure] where the service
// says no.
func (r *Run) Answer(ctx context.Context, a *Answer) error {
	r.last = a
	body := bodyOf(a)
	r.vars["answer"], r.vars["status"], r.vars["headers"] = body, int64(a.Status), headersOf(a.Header)
	if err := r.connector.failure(ctx, a, body, r.vars); err != nil {
		return err
	}
	if steps, ok := r.vars["steps"].(map[string]any); ok && r.waiting != "" {
		steps[r.waiting] = body
	}
	r.waiting = ""
	if r.account != nil {
		return r.identified(ctx)
	}
	if r.paging != nil {
		return r.turn(ctx, a)
	}
	return nil
}

// Identity is who is connected, at the end of what [Connector.Identify] began.
func (r *Run) Identity() (id, name string) { return r.id, r.name }

// maxIdentity bounds what a service says of an account, in bytes.
const maxIdentity = 200

func (r *Run) identified(ctx context.Context) error {
	for _, p := range []struct {
		from *text
		to   *string
	}{{r.account.id, &r.id}, {r.account.name, &r.name}} {
		s, err := p.from.string(ctx, r.vars, func(s string) (string, error) { return s, nil })
		if err != nil || s == "" {
			return &Failure{Status: r.last.Status, Message: "the service did not say which account is connected"}
		}
		*p.to = shortLine(s, maxIdentity)
	}
	return nil
}

// shortLine is a text in one line, cut.
func shortLine(s string, most int) string {
	s = strings.ToValidUTF8(oneLine(s), "?")
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

// bodyOf reads an answer's body: what is no JSON is a map with its text.
func bodyOf(a *Answer) any {
	if len(a.Body) == 0 {
		return map[string]any{}
	}
	if a.Body[0] == '{' || a.Body[0] == '[' || strings.Contains(a.Header.Get("Content-Type"), "json") {
		if v, err := lenient(a.Body); err == nil {
			return v
		}
	}
	return map[string]any{"text": strings.ToValidUTF8(string(a.Body), "\ufffd")}
}

func headersOf(h http.Header) map[string]any {
	out := map[string]any{}
	for name, values := range h {
		out[strings.ToLower(name)] = strings.Join(values, ", ")
	}
	return out
}

// pages is how a list is read to its end.
type pages struct {
	items, next       *text
	query, json, form string
	url, link         bool
	limit             *text
}

// The bounds of a list.
const (
	usualItems = 100
	maxItems   = 1000
	maxPages   = 50
)

// paging is one list under way.
type paging struct {
	first *Request
	limit int
	items []any
	seen  map[string]bool
	// next is what the next page is asked for by; nil at the end.
	next *string
}

func (p *pages) begin(ctx context.Context, vars map[string]any, first *Request) (*paging, error) {
	out := &paging{first: first, limit: usualItems, seen: map[string]bool{}}
	if p.limit == nil {
		return out, nil
	}
	v, err := p.limit.value(ctx, vars)
	if n, ok := v.(int64); err == nil && ok && n > 0 {
		out.limit = int(min(n, maxItems))
	}
	return out, err
}

// turn takes the items of a page, and finds out what comes after.
func (r *Run) turn(ctx context.Context, a *Answer) error {
	p, t := r.tool.pages, r.paging
	v, err := p.items.value(ctx, r.vars)
	if err != nil {
		return &Failure{Status: a.Status, Message: "the service's list is not as it is described"}
	}
	list, _ := v.([]any)
	t.items = append(t.items, list...)
	t.next = nil
	if len(t.items) >= t.limit {
		t.items = t.items[:t.limit]
	}
	next := ""
	if p.link {
		next = nextLink(a.Header.Values("Link"))
	} else if v, err := p.next.value(ctx, r.vars); err == nil && v != nil && v != false {
		next, _ = plain(v)
	}
	r.vars["items"], r.vars["more"] = t.items, next != ""
	// A page that was there before would be read for ever.
	if next != "" && len(t.items) < t.limit && !t.seen[next] && len(t.seen) < maxPages {
		t.seen[next] = true
		t.next = &next
	}
	return nil
}

var linkNext = regexp.MustCompile(`<([^>]*)>[^,]*;\s*rel="?next"?`)

// nextLink is the link to the next page (RFC 8288).
func nextLink(values []string) string {
	for _, v := range values {
		if m := linkNext.FindStringSubmatch(v); m != nil {
			return m[1]
		}
	}
	return ""
}

// page is the request for the next page.
func (r *Run) page(ctx context.Context) (*Request, error) {
	p, t := r.tool.pages, r.paging
	next := *t.next
	t.next = nil
	out := *t.first
	out.Header = t.first.Header.Clone()
	if p.link || p.url {
		root, err := r.connector.root(r.settings)
		if err != nil {
			return nil, err
		}
		if out.URL, err = r.connector.permitted(root, next); err != nil {
			return nil, err
		}
		return &out, nil
	}
	u := *t.first.URL
	out.URL = &u
	switch {
	case p.query != "":
		q := u.Query()
		q.Set(p.query, next)
		u.RawQuery = q.Encode()
	case p.form != "":
		q, err := url.ParseQuery(string(t.first.Body))
		if err != nil {
			return nil, hotcell.Invalid("/pages/into/form", "this request has no form")
		}
		q.Set(p.form, next)
		out.Body = []byte(q.Encode())
	case p.json != "":
		body := map[string]any{}
		if len(t.first.Body) > 0 && json.Unmarshal(t.first.Body, &body) != nil {
			return nil, hotcell.Invalid("/pages/into/json", "this request's body is no object")
		}
		body = maps.Clone(body)
		place(body, strings.Split(p.json, "."), next)
		var err error
		if out.Body, err = json.Marshal(body); err != nil {
			return nil, err
		}
		out.Header.Set("Content-Type", "application/json")
	}
	return &out, ctx.Err()
}

// place puts a value into nested maps.
func place(m map[string]any, path []string, v any) {
	for len(path) > 1 {
		inner, ok := m[path[0]].(map[string]any)
		if !ok {
			inner = map[string]any{}
			m[path[0]] = inner
		}
		m, path = inner, path[1:]
	}
	m[path[0]] = v
}
