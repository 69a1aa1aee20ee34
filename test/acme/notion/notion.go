// Package notion is a twin of the parts of Notion's API (2022-06-28) that tools
// use, as its documentation has them: search, pages, blocks and databases.
package notion

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"hotcell/test/acme/account"
	"hotcell/test/acme/twin"
)

// object is a JSON object.
type object = map[string]any

// Twin is the service, with one workspace.
type Twin struct {
	twin.Desk
	check account.Check
	mux   *http.ServeMux

	mu     sync.Mutex
	things []object // pages and databases, the newest last
	blocks map[string][]object
	hidden map[string]bool
	reads  bool
}

// version is the one that the twin speaks.
const version = "2022-06-28"

// New is a twin; check finds out whose a token is.
func New(check account.Check) *Twin {
	t := &Twin{check: check, mux: http.NewServeMux(), blocks: map[string][]object{}, hidden: map[string]bool{}}
	for pattern, fn := range map[string]func(*http.Request, object) (int, object){
		"GET /v1/users/me":               t.me,
		"POST /v1/search":                t.search,
		"GET /v1/pages/{id}":             t.page,
		"POST /v1/pages":                 t.create,
		"PATCH /v1/pages/{id}":           t.change,
		"GET /v1/blocks/{id}/children":   t.children,
		"PATCH /v1/blocks/{id}/children": t.append,
		"GET /v1/databases/{id}":         t.database,
		"POST /v1/databases/{id}/query":  t.query,
	} {
		t.mux.HandleFunc(pattern, t.serve(fn))
	}
	t.mux.HandleFunc("/", t.serve(func(*http.Request, object) (int, object) {
		return wrong(400, "invalid_request_url", "Invalid request URL.")
	}))
	return t
}

// ServeHTTP implements [http.Handler].
func (t *Twin) ServeHTTP(w http.ResponseWriter, r *http.Request) { t.mux.ServeHTTP(w, r) }

// Reads has the integration be one that may read alone.
func (t *Twin) Reads() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.reads = true
}

func wrong(status int, code, format string, args ...any) (int, object) {
	return status, object{"object": "error", "status": status, "code": code, "message": fmt.Sprintf(format, args...), "request_id": "3c90c3cc-0d44-4b50-8888-8dd25736052a"}
}

func missing(id string) (int, object) {
	return wrong(http.StatusNotFound, "object_not_found", "Could not find object with ID: %s. Make sure the relevant pages and databases are shared with your integration.", id)
}

func invalid(format string, args ...any) (int, object) {
	return wrong(http.StatusBadRequest, "validation_error", format, args...)
}

// serve checks a request, and answers as Notion does.
func (t *Twin) serve(fn func(*http.Request, object) (int, object)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		t.mu.Lock()
		defer t.mu.Unlock()
		status, body := t.admit(w, r)
		if status == 0 {
			in := object{}
			var err error
			if r.Method != http.MethodGet {
				in, err = twin.Object(r)
			}
			if status, body = wrong(http.StatusBadRequest, "invalid_json", "Error parsing JSON body."); err == nil {
				status, body = fn(r, in)
			}
		}
		twin.JSON(w, status, body)
	}
}

func (t *Twin) admit(w http.ResponseWriter, r *http.Request) (int, object) {
	_, ok := t.check(r)
	writes := r.Method == http.MethodPatch || r.URL.Path == "/v1/pages" && r.Method == http.MethodPost
	switch {
	case !ok:
		return wrong(http.StatusUnauthorized, "unauthorized", "API token is invalid.")
	case r.Header.Get("Notion-Version") == "":
		return wrong(http.StatusBadRequest, "missing_version", "Notion-Version header failed validation: Notion-Version header should be defined, instead was undefined.")
	case r.Header.Get("Notion-Version") != version:
		return invalid("Notion-Version header failed validation: this twin speaks %s", version)
	case t.Over():
		w.Header().Set("Retry-After", "7")
		return wrong(http.StatusTooManyRequests, "rate_limited", "You have been rate limited. Please try again in a few minutes.")
	case t.reads && writes:
		return wrong(http.StatusForbidden, "restricted_resource", "Insufficient permissions for this endpoint.")
	}
	return 0, nil
}

func (t *Twin) me(r *http.Request, _ object) (int, object) {
	who, _ := t.check(r)
	return http.StatusOK, object{"object": "user", "id": "b0" + strings.ToLower(who.ID) + "00-0000-4000-8000-000000000001", "type": "bot", "name": "Hotcell", "bot": object{
		"owner": object{"type": "user", "user": object{"object": "user", "id": who.ID, "name": who.Name, "type": "person", "person": object{"email": who.Mail}}}, "workspace_name": who.Team,
	}}
}

// id makes a UUID.
func id() string {
	text := strings.ToLower(strings.NewReplacer("G", "a", "H", "b", "I", "c", "J", "d", "K", "e", "L", "f", "M", "0", "N", "1", "O", "2", "P", "3", "Q", "4", "R", "5", "S", "6", "T", "7", "U", "8", "V", "9", "W", "a", "X", "b", "Y", "c", "Z", "d").Replace(rand.Text() + rand.Text()))
	return text[:8] + "-" + text[8:12] + "-4" + text[13:16] + "-8" + text[17:20] + "-" + text[20:32]
}

// same compares ids, which may have no hyphens.
func same(a, b string) bool { return strings.ReplaceAll(a, "-", "") == strings.ReplaceAll(b, "-", "") }

func (t *Twin) find(kind, id string) object {
	i := slices.IndexFunc(t.things, func(o object) bool {
		return o["object"] == kind && same(fmt.Sprint(o["id"]), id) && !t.hidden[fmt.Sprint(o["id"])]
	})
	if i < 0 {
		return nil
	}
	return t.things[i]
}

// Page adds a page with paragraphs, and returns its id.
func (t *Twin) Page(title string, paragraphs ...string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.add(object{"object": "page", "parent": object{"type": "workspace", "workspace": true}, "properties": object{"title": titled(title)}})
	for _, text := range paragraphs {
		t.put(p, object{"type": "paragraph", "paragraph": object{"rich_text": []any{object{"type": "text", "text": object{"content": text}}}}})
	}
	return p
}

// Below adds a paragraph below the last block of a page.
func (t *Twin) Below(page, text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	last := t.blocks[page][len(t.blocks[page])-1]
	last["has_children"] = true
	t.put(fmt.Sprint(last["id"]), object{"type": "paragraph", "paragraph": object{"rich_text": []any{object{"type": "text", "text": object{"content": text}}}}})
}

// Database adds a database with a title, a number and a checkbox in each row.
func (t *Twin) Database(title string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.add(object{
		"object": "database", "title": []any{object{"plain_text": title}}, "parent": object{"type": "workspace", "workspace": true},
		"properties": object{"Name": object{"id": "title", "name": "Name", "type": "title", "title": object{}}, "Amount": object{"id": "a", "name": "Amount", "type": "number", "number": object{"format": "euro"}}, "Paid": object{"id": "p", "name": "Paid", "type": "checkbox", "checkbox": object{}}},
	})
}

// Row adds a row to a database.
func (t *Twin) Row(database, name string, amount float64) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.add(object{"object": "page", "parent": object{"type": "database_id", "database_id": database}, "properties": object{"Name": titled(name), "Amount": object{"type": "number", "number": amount}, "Paid": object{"type": "checkbox", "checkbox": false}}})
}

// Hide has a page or database not be shared with the integration.
func (t *Twin) Hide(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.hidden[id] = true
}

func titled(text string) object {
	return object{"id": "title", "type": "title", "title": []any{object{"type": "text", "plain_text": text, "text": object{"content": text}}}}
}

func (t *Twin) add(o object) string {
	one := id()
	o["id"], o["url"], o["last_edited_time"], o["archived"] = one, "https://www.notion.so/"+strings.ReplaceAll(one, "-", ""), "2026-11-01T08:00:00.000Z", false
	t.things = append(t.things, o)
	return one
}

func (t *Twin) put(parent string, b object) object {
	b["object"], b["id"] = "block", id()
	if b["has_children"] == nil {
		b["has_children"] = false
	}
	t.blocks[parent] = append(t.blocks[parent], b)
	return b
}

// window is a page of a list, as Notion has them.
func (t *Twin) window(all []object, size, cursor string) (int, object) {
	limit, from := 100, 0
	if size != "" {
		n, err := strconv.Atoi(size)
		if err != nil || n < 1 || n > 100 {
			return invalid("body failed validation: body.page_size should be ≤ `100`, instead was `%s`.", size)
		}
		limit = n
	}
	if cursor != "" {
		from = slices.IndexFunc(all, func(o object) bool { return o["id"] == cursor })
		if from < 0 {
			return invalid("The start_cursor provided is invalid: %s", cursor)
		}
	}
	end, more := t.Desk.Page(len(all), from, limit)
	out := object{"object": "list", "results": append([]object{}, all[from:end]...), "has_more": more, "next_cursor": nil}
	if more {
		out["next_cursor"] = all[end]["id"]
	}
	return http.StatusOK, out
}

// asked is a member of a body as text: a number without a fraction, or a text.
func asked(in object, name string) string {
	if v := in[name]; v != nil {
		return fmt.Sprint(v)
	}
	return ""
}
