package connector

import (
	"context"
	"encoding/json"
	"maps"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"hotcell"
)

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
	// here is what this page was asked for by, nil for the first one, and skip how
	// many of its items an earlier call gave already.
	here any
	skip int
	// next is what the next page is asked for by; nil at the end.
	next any
}

// resumes says whether a tool can go on where an earlier call ended. Where whole
// URLs lead on it cannot: an agent could name another.
func (p *pages) resumes() bool { return p.query != "" || p.json != "" || p.form != "" }

// firstPage is the request for the first page, or for the one that a cursor names.
func (r *Run) firstPage(ctx context.Context, out *Request) (*Request, error) {
	p := r.tool.pages
	r.paging = &paging{first: out, limit: usualItems, seen: map[string]bool{}}
	if p.limit != nil {
		v, err := p.limit.value(ctx, r.vars)
		if err != nil {
			return nil, r.unmade(err)
		}
		if n, ok := v.(int64); ok && n > 0 {
			r.paging.limit = int(min(n, maxItems))
		}
	}
	args, _ := r.vars["args"].(map[string]any)
	cursor, _ := args[cursorName].(string)
	if cursor == "" || !p.resumes() {
		return out, nil
	}
	var err error
	if r.paging.here, r.paging.skip, err = readCursor(cursor); err != nil {
		return nil, err
	}
	if r.paging.here == nil {
		return out, nil
	}
	name, err := plain(r.paging.here)
	r.paging.seen[name] = err == nil
	return r.page(ctx, r.paging.here)
}

// cursorName is the argument that goes on with a list, and what a result calls
// its value.
const cursorName = "cursor"

// resuming is a tool's input with the argument that goes on with a list.
func resuming(input map[string]any) map[string]any {
	properties, _ := input["properties"].(map[string]any)
	if _, there := properties[cursorName]; there {
		return input
	}
	input, properties = maps.Clone(input), maps.Clone(properties)
	if properties == nil {
		properties = map[string]any{}
	}
	properties[cursorName] = map[string]any{"type": "string", "maxLength": maxCursor, "description": "To go on with a list that was cut: the cursor of its last answer"}
	input["properties"] = properties
	return input
}

// maxCursor bounds a cursor, in characters.
const maxCursor = 8000

// A cursor is how many items of a page were given, and what the page is asked for
// by: "20.TEXT", "20#NUMBER", or "20" of the first page.
func writeCursor(here any, skip int) string {
	n := strconv.Itoa(skip)
	switch here := here.(type) {
	case string:
		return n + "." + here
	case int64:
		return n + "#" + strconv.FormatInt(here, 10)
	}
	return n
}

func readCursor(cursor string) (here any, skip int, err error) {
	wrong := hotcell.Invalid("/arguments/"+cursorName, "a cursor is what an earlier answer gave as its cursor")
	at := strings.IndexAny(cursor, ".#")
	count := cursor
	if at >= 0 {
		count = cursor[:at]
		here = cursor[at+1:]
		if cursor[at] == '#' {
			if here, err = strconv.ParseInt(cursor[at+1:], 10, 64); err != nil {
				return nil, 0, wrong
			}
		}
	}
	if skip, err = strconv.Atoi(count); err != nil || skip < 0 {
		return nil, 0, wrong
	}
	return here, skip, nil
}

// turn takes the items of a page, and finds out what comes after.
func (r *Run) turn(ctx context.Context, a *Answer) error {
	p, t := r.tool.pages, r.paging
	v, err := p.items.value(ctx, r.vars)
	if err != nil {
		return &Failure{Status: a.Status, Message: "the service's list is not as it is described: " + a.said()}
	}
	next, err := r.following(ctx, a)
	if err != nil {
		return err
	}
	list, _ := v.([]any)
	list = list[min(t.skip, len(list)):]
	fits := min(len(list), t.limit-len(t.items))
	t.items = append(t.items, list[:fits]...)
	before := t.skip
	t.skip, t.next = 0, nil
	r.vars["items"], r.vars["more"], r.vars["cursor"] = t.items, false, ""
	switch name, _ := plain(next); {
	case fits < len(list): // the rest of this page
		r.more(writeCursor(t.here, before+fits))
	case next == nil || t.seen[name]: // a page that was there before would be read for ever
	case len(t.items) >= t.limit || len(t.seen) >= maxPages:
		r.more(writeCursor(next, 0))
	default:
		t.seen[name] = true
		t.next = next
	}
	return nil
}

// more says that there is more than is given, and how to go on.
func (r *Run) more(cursor string) {
	r.vars["more"] = true
	if r.tool.pages.resumes() {
		r.vars["cursor"] = cursor
	}
}

// listed is a list's result, which says so where there is more.
func (r *Run) listed(v any) any {
	m, ok := v.(map[string]any)
	switch {
	case r.tool.result == nil:
		m = map[string]any{"items": r.vars["items"]}
	case !ok:
		m = map[string]any{"items": v}
	default:
		m = maps.Clone(m)
	}
	if r.vars["more"] != true {
		return m
	}
	for name, value := range map[string]any{"more": true, cursorName: r.vars["cursor"]} {
		if _, there := m[name]; !there && value != "" {
			m[name] = value
		}
	}
	return m
}

// following is what comes after a page: a text, a number, or nil.
func (r *Run) following(ctx context.Context, a *Answer) (any, error) {
	p := r.tool.pages
	var next any
	if p.link {
		next = nextLink(a.Header.Values("Link"))
	} else if v, err := p.next.value(ctx, r.vars); err == nil {
		next = v
	}
	switch v := next.(type) {
	case int64:
		if p.url {
			return nil, nil //nolint:nilnil // no address, so there is no more
		}
		return v, nil
	case string:
		if v == "" || !p.url && !p.link || p.query == "" {
			break
		}
		u, err := url.Parse(v)
		if err != nil {
			return nil, &Failure{Status: a.Status, Message: "the service leads on to what is no address"}
		}
		if next = u.Query().Get(p.query); next == "" { // else the list would be cut unseen
			return nil, &Failure{Status: a.Status, Message: "the service leads on in another way than is described"}
		}
	case nil, bool:
		return nil, nil //nolint:nilnil // there is no more
	default:
		s, err := plain(next)
		if err != nil {
			return nil, nil //nolint:nilnil,nilerr // there is no more
		}
		next = s
	}
	if next == "" {
		return nil, nil //nolint:nilnil // there is no more
	}
	return next, nil
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

// page is the request for a page that is not the first.
func (r *Run) page(ctx context.Context, next any) (*Request, error) {
	p, t := r.tool.pages, r.paging
	t.here, t.next = next, nil
	out := *t.first
	out.Header = t.first.Header.Clone()
	name, err := plain(next)
	if err != nil {
		return nil, err
	}
	if !p.resumes() {
		root, err := r.connector.root(r.settings)
		if err != nil {
			return nil, err
		}
		out.URL, err = r.connector.permitted(root, name)
		return &out, err
	}
	u := *t.first.URL
	out.URL = &u
	switch {
	case p.query != "":
		q := u.Query()
		q.Set(p.query, name)
		u.RawQuery = encode(q)
	case p.form != "":
		q, err := url.ParseQuery(string(t.first.Body))
		if err != nil {
			return nil, hotcell.Invalid("/pages/into/form", "this request has no form")
		}
		q.Set(p.form, name)
		out.Body = []byte(q.Encode())
	case p.json != "":
		if err := out.setInJSON(strings.Split(p.json, "."), next); err != nil {
			return nil, err
		}
	}
	return &out, ctx.Err()
}

// setInJSON puts a value into the request's body, which is an object.
func (r *Request) setInJSON(path []string, v any) error {
	var whole any = map[string]any{}
	if len(r.Body) > 0 {
		var err error
		if whole, err = decode(r.Body); err != nil {
			return hotcell.Invalid("/pages/into/json", "this request's body is no object")
		}
	}
	body, ok := whole.(map[string]any)
	if !ok {
		return hotcell.Invalid("/pages/into/json", "this request's body is no object")
	}
	place(body, path, v)
	var err error
	r.Body, err = json.Marshal(body)
	r.Header.Set("Content-Type", "application/json")
	return err
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
