// Package microsoft is a twin of the parts of Microsoft Graph that tools use: who
// somebody is, and their mail, as its documentation has them.
package microsoft

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"

	"hotcell/test/acme/account"
)

// Twin is the service.
type Twin struct {
	check account.Check
	mux   *http.ServeMux

	mu       sync.Mutex
	messages []*Message
	folders  []folder
	made     int
	most     int
	refusals []Fault
}

// Fault is an error as Graph writes it.
type Fault struct {
	Status        int
	Code, Message string
	Header        map[string]string
}

func bad(code, message string) *Fault { return &Fault{Status: 400, Code: code, Message: message} }

// New is a twin; check finds out whose a token is.
func New(check account.Check) *Twin {
	t := &Twin{check: check, mux: http.NewServeMux(), folders: slices.Clone(usual)}
	t.on("GET /me", http.StatusOK, func(c *call) (any, *Fault) {
		return map[string]any{"@odata.context": c.self("/v1.0/$metadata#users/$entity"), "id": "87d349ed-44d7-43e1-9a83-5f2406dee5bd-" + c.who.ID, "displayName": c.who.Name, "mail": c.who.Mail, "userPrincipalName": c.who.Mail}, nil
	}, "User.Read", "User.ReadWrite")
	reads := []string{"Mail.Read", "Mail.ReadWrite"}
	t.on("GET /me/messages", http.StatusOK, t.list, reads...)
	t.on("GET /me/mailFolders/{folder}/messages", http.StatusOK, t.list, reads...)
	t.on("GET /me/messages/{id}", http.StatusOK, t.get, reads...)
	t.on("GET /me/messages/{id}/attachments", http.StatusOK, t.attachments, reads...)
	t.on("GET /me/messages/{id}/attachments/{attachment}", http.StatusOK, t.attachment, reads...)
	t.on("GET /me/messages/{id}/attachments/{attachment}/$value", http.StatusOK, t.value, reads...)
	t.on("GET /me/mailFolders", http.StatusOK, t.listFolders, reads...)
	t.on("GET /me/mailFolders/{folder}/childFolders", http.StatusOK, t.listFolders, reads...)
	t.on("POST /me/messages", http.StatusCreated, t.draft, "Mail.ReadWrite")
	t.on("PATCH /me/messages/{id}", http.StatusOK, t.change, "Mail.ReadWrite")
	t.on("POST /me/messages/{id}/move", http.StatusCreated, t.move, "Mail.ReadWrite")
	t.on("POST /me/messages/{id}/createReply", http.StatusCreated, t.answering(false, false), "Mail.ReadWrite")
	t.on("POST /me/messages/{id}/createReplyAll", http.StatusCreated, t.answering(true, false), "Mail.ReadWrite")
	t.on("POST /me/messages/{id}/reply", http.StatusAccepted, t.answering(false, true), "Mail.Send")
	t.on("POST /me/messages/{id}/replyAll", http.StatusAccepted, t.answering(true, true), "Mail.Send")
	t.on("POST /me/messages/{id}/forward", http.StatusAccepted, t.forward, "Mail.Send")
	t.on("POST /me/messages/{id}/send", http.StatusAccepted, t.sendDraft, "Mail.Send")
	t.on("POST /me/sendMail", http.StatusAccepted, t.send, "Mail.Send")
	return t
}

// ServeHTTP implements [http.Handler].
func (t *Twin) ServeHTTP(w http.ResponseWriter, r *http.Request) { t.mux.ServeHTTP(w, r) }

// Limit has the next n calls be too many.
func (t *Twin) Limit(n int) {
	for range n {
		t.Refuse(Fault{429, "ApplicationThrottled", "Application is over its MailboxConcurrency limit.", map[string]string{"Retry-After": "10"}})
	}
}

// Pages has pages be of n at the most, whatever a call asks for.
func (t *Twin) Pages(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.most = n
}

// Refuse has the next call for mail be answered so, before anything is done.
func (t *Twin) Refuse(f Fault) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.refusals = append(t.refusals, f)
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

// self is an address of the service itself.
func (c *call) self(path string) string { return "https://" + c.r.Host + path }

// maxBody is how much may be sent at once: 4 MB.
const maxBody = 4 << 20

// on serves a method for whoever has a token with one of the scopes. What answers
// nothing has no body.
func (t *Twin) on(pattern string, status int, fn func(*call) (any, *Fault), scopes ...string) {
	method, path, _ := strings.Cut(pattern, " ")
	t.mux.HandleFunc(method+" /v1.0"+path, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
		if err != nil || len(body) > maxBody {
			(&Fault{Status: 413, Code: "RequestEntityTooLarge", Message: "The maximum request length supported is 4MB."}).write(w)
			return
		}
		who, known := t.check(r)
		t.mu.Lock()
		defer t.mu.Unlock()
		c := &call{who, t.most, r.URL.Query(), body, r, w}
		f := t.admit(c, known, scopes)
		var answer any
		if f == nil {
			answer, f = fn(c)
		}
		switch {
		case f != nil:
			f.write(w)
		case answer == nil:
			w.WriteHeader(status)
		default:
			if raw, is := answer.(File); is {
				w.Header().Set("Content-Type", raw.Type)
				_, _ = w.Write(raw.Content)
				return
			}
			write(w, status, answer)
		}
	})
}

func (t *Twin) admit(c *call, known bool, scopes []string) *Fault {
	switch {
	case c.r.Header.Get("Authorization") == "":
		return &Fault{Status: 401, Code: "InvalidAuthenticationToken", Message: "Access token is empty."}
	case !known:
		return &Fault{Status: 401, Code: "InvalidAuthenticationToken", Message: "Lifetime validation failed, the token is expired."}
	case !slices.ContainsFunc(scopes, func(s string) bool { return slices.Contains(c.who.Scopes, s) }):
		return &Fault{Status: 403, Code: "ErrorAccessDenied", Message: "Access is denied. Check credentials and try again."}
	case len(t.refusals) > 0 && c.r.URL.Path != "/v1.0/me":
		f := t.refusals[0]
		t.refusals = t.refusals[1:]
		return &f
	case len(c.body) > 0 && !strings.HasPrefix(c.r.Header.Get("Content-Type"), "application/json"):
		return &Fault{Status: 415, Code: "UnsupportedMediaType", Message: "The content type is not supported."}
	}
	return nil
}

func (f *Fault) write(w http.ResponseWriter) {
	for name, value := range f.Header {
		w.Header().Set(name, value)
	}
	write(w, f.Status, map[string]any{"error": map[string]any{"code": f.Code, "message": f.Message, "innerError": map[string]any{
		"date": "2026-01-02T03:04:05", "request-id": "aaaaaaaa-0b0b-1c1c-2d2d-333333333333", "client-request-id": "aaaaaaaa-0b0b-1c1c-2d2d-333333333333",
	}}})
}

func write(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8")
	w.WriteHeader(status)
	_ = json.MarshalWrite(w, v)
}

// read reads a call's JSON: names count by their case, and an unknown one is refused.
func (c *call) read(into any) *Fault {
	if len(c.body) == 0 {
		return nil
	}
	if err := json.Unmarshal(c.body, into, json.RejectUnknownMembers(true)); err != nil {
		return bad("RequestBodyRead", fmt.Sprintf("The request's body cannot be read: %v", err))
	}
	return nil
}
