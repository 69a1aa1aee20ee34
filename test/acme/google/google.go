// Package google is a twin of the parts of Google's APIs that tools use: mail,
// spreadsheets, files, calendars and who somebody is, as Google's documentation has
// them. Each API is at its own host, asks each method for a scope, and says no in
// its own form.
package google

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"

	"hotcell/test/acme/account"
)

// Twin is the services.
type Twin struct {
	check account.Check
	mux   *http.ServeMux

	mu        sync.Mutex
	mails     []*Mail
	labels    map[string]string
	drafts    int
	books     map[string]*book
	files     []*File
	uploads   map[string]*upload
	calendars []*calendar
	events    []*event
	invited   []string
	most      int
	refusals  []Fault
	broken    []Fault
}

// scope is the beginning of the names of Google's scopes.
const scope = "https://www.googleapis.com/auth/"

// New is a twin; check finds out whose a token is.
func New(check account.Check) *Twin {
	t := &Twin{check: check, mux: http.NewServeMux(), labels: map[string]string{}, books: map[string]*book{}, uploads: map[string]*upload{}}
	who := api{t, "openid.acme.test", "", true, false}
	who.on("GET /v1/userinfo", func(c *call) (any, *Fault) {
		answer := map[string]any{"sub": c.who.ID}
		if c.has("email") || c.has(scope+"userinfo.email") {
			answer["email"], answer["email_verified"] = c.who.Mail, true
		}
		return answer, nil
	}, "openid")
	t.gmail(api{t, "gmail.acme.test", "/gmail/v1/users/me", true, true})
	t.spreadsheets(api{t, "sheets.acme.test", "/v4/spreadsheets", true, false})
	t.drive(api{t, "googleapis.acme.test", "", false, true})
	t.calendar(api{t, "googleapis.acme.test", "/calendar/v3", false, true})
	return t
}

// ServeHTTP implements [http.Handler].
func (t *Twin) ServeHTTP(w http.ResponseWriter, r *http.Request) { t.mux.ServeHTTP(w, r) }

// Limit has the next n calls be too many.
func (t *Twin) Limit(n int) {
	for range n {
		t.Refuse(Fault{Code: 429, Status: "RESOURCE_EXHAUSTED", Reason: "rateLimitExceeded", Message: "Quota exceeded for quota metric 'Queries'.", Header: map[string]string{"Retry-After": "20"}})
	}
}

// Refuse has the next call be answered so, before anything is done. Who somebody is
// can be asked for all the same.
func (t *Twin) Refuse(f Fault) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.refusals = append(t.refusals, f)
}

// Pages has pages be of n at the most, whatever a call asks for: services give fewer
// than that as they like.
func (t *Twin) Pages(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.most = n
}

// RefuseContent has the next content of an upload that has begun be answered so.
func (t *Twin) RefuseContent(f Fault) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.broken = append(t.broken, f)
}

// Fault is an error as Google writes it. The older APIs have a reason, the newer
// ones a status.
type Fault struct {
	Code                    int
	Status, Reason, Message string
	Header                  map[string]string
}

func invalid(message string) *Fault {
	return &Fault{Code: 400, Status: "INVALID_ARGUMENT", Reason: "invalidArgument", Message: message}
}

func missing() *Fault {
	return &Fault{Code: 404, Status: "NOT_FOUND", Reason: "notFound", Message: "Requested entity was not found."}
}

// api is one of Google's, at its host and path.
type api struct {
	twin       *Twin
	host, root string
	// status and reasons are what its errors have.
	status, reasons bool
}

func (a api) write(w http.ResponseWriter, f *Fault) {
	for name, value := range f.Header {
		w.Header().Set(name, value)
	}
	out := map[string]any{"code": f.Code, "message": f.Message}
	if a.status {
		out["status"] = f.Status
	}
	if a.reasons {
		domain := "global"
		if strings.Contains(f.Reason, "imitExceeded") {
			domain = "usageLimits"
		}
		out["errors"] = []any{map[string]any{"message": f.Message, "domain": domain, "reason": f.Reason}}
	}
	write(w, f.Code, map[string]any{"error": out})
}

func write(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(status)
	_ = json.MarshalWrite(w, v)
}

// call is one call of a method; the twin is locked meanwhile.
type call struct {
	who   account.Account
	most  int // of a page; 0 for no bound
	query url.Values
	body  []byte
	r     *http.Request
	w     http.ResponseWriter
}

func (c *call) has(scope string) bool { return slices.Contains(c.who.Scopes, scope) }

// blob is an answer that is no JSON.
type blob struct {
	kind    string
	content []byte
}

// maxBody is how much may be sent at once.
const maxBody = 35 << 20

// on serves a method for whoever has a token with one of the scopes.
func (a api) on(pattern string, fn func(*call) (any, *Fault), scopes ...string) {
	method, path, _ := strings.Cut(pattern, " ")
	a.twin.mux.HandleFunc(method+" "+a.host+a.root+path, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
		if err != nil || len(body) > maxBody {
			a.write(w, &Fault{Code: 413, Status: "INVALID_ARGUMENT", Reason: "uploadTooLarge", Message: "Request is too large."})
			return
		}
		who, known := a.twin.check(r)
		a.twin.mu.Lock()
		defer a.twin.mu.Unlock()
		c := &call{who, a.twin.most, r.URL.Query(), body, r, w}
		if f := a.admit(c, known, scopes); f != nil {
			a.write(w, f)
			return
		}
		answer, f := fn(c)
		if f == nil && c.query.Get("fields") != "" {
			answer, f = masked(answer, c.query.Get("fields"))
		}
		switch answer := answer.(type) {
		case nil:
			if f != nil {
				a.write(w, f)
				return
			}
			w.WriteHeader(http.StatusNoContent)
		case *blob:
			w.Header().Set("Content-Type", answer.kind)
			_, _ = w.Write(answer.content) //nolint:gosec // it is what was stored
		default:
			write(w, http.StatusOK, answer)
		}
	})
}

// admit says no to whom a method is not for, or not now.
func (a api) admit(c *call, known bool, scopes []string) *Fault {
	switch {
	case c.r.Header.Get("Authorization") == "":
		return &Fault{Code: 401, Status: "UNAUTHENTICATED", Reason: "required", Message: "Login Required."}
	case !known:
		return &Fault{Code: 401, Status: "UNAUTHENTICATED", Reason: "authError", Message: "Request had invalid authentication credentials.", Header: map[string]string{"WWW-Authenticate": `Bearer realm="https://accounts.google.com/", error="invalid_token"`}}
	case !slices.ContainsFunc(scopes, c.has):
		return &Fault{Code: 403, Status: "PERMISSION_DENIED", Reason: "insufficientPermissions", Message: "Request had insufficient authentication scopes.", Header: map[string]string{"WWW-Authenticate": `Bearer realm="https://accounts.google.com/", error="insufficient_scope", scope="` + strings.Join(scopes, " ") + `"`}}
	case len(a.twin.refusals) > 0 && a.host != "openid.acme.test":
		f := a.twin.refusals[0]
		a.twin.refusals = a.twin.refusals[1:]
		return &f
	case len(c.body) > 0 && !strings.HasPrefix(c.r.URL.Path, "/upload/") && !strings.HasPrefix(c.r.Header.Get("Content-Type"), "application/json"):
		return invalid("Invalid content type.")
	}
	return nil
}

// read reads the JSON of a call of the newer APIs: names count by their case, and one
// that is unknown is refused. The older APIs pass over those.
func (c *call) read(into any) *Fault {
	if len(c.body) == 0 {
		return nil
	}
	if err := json.Unmarshal(c.body, into, json.RejectUnknownMembers(true)); err != nil {
		return &Fault{Code: 400, Status: "INVALID_ARGUMENT", Reason: "parseError", Message: "Invalid JSON payload received."}
	}
	return nil
}

// number reads how many of a list are wanted, within bounds.
func (c *call) number(name string, usual, most int) (int, *Fault) {
	text := c.query.Get(name)
	if text == "" {
		return usual, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, invalid(fmt.Sprintf("Invalid value '%s'. Values must be within the range: [1, %d]", text, most))
	}
	return min(n, most), nil
}

// page is the part of a list that a call asks for, and the token of the next one. A
// token holds for the query that it came of alone.
func page[T any](c *call, list []T, size int) (part []T, next string, f *Fault) {
	rest := url.Values{}
	for name, values := range c.query {
		if name != "pageToken" {
			rest[name] = values
		}
	}
	sum := sha256.Sum256([]byte(c.r.URL.Path + "?" + rest.Encode()))
	mark, from := base64.RawURLEncoding.EncodeToString(sum[:9]), 0
	if token := c.query.Get("pageToken"); token != "" {
		at, ok := strings.CutPrefix(token, mark+".")
		n, err := strconv.Atoi(at)
		if !ok || err != nil || n > len(list) {
			return nil, "", &Fault{Code: 400, Status: "INVALID_ARGUMENT", Reason: "invalid", Message: "Invalid pageToken"}
		}
		from = n
	}
	if c.most > 0 {
		size = min(size, c.most)
	}
	to := min(from+size, len(list))
	if to < len(list) {
		next = mark + "." + strconv.Itoa(to)
	}
	return list[from:to], next, nil
}
