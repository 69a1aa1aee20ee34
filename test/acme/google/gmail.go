// Package google is a twin of the parts of Google's APIs that tools use: mail and
// spreadsheets, as Google's documentation has them.
package google

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/mail"
	"slices"
	"strings"
	"sync"

	"hotcell/test/acme/account"
)

// Mail is a message in somebody's mailbox.
type Mail struct {
	ID, Thread, From, To, Cc, Subject, MessageID, InReplyTo, References, Text string
	Labels                                                                    []string
	owner                                                                     string
}

// Twin is the services.
type Twin struct {
	check account.Check
	mux   *http.ServeMux

	mu      sync.Mutex
	mails   []*Mail
	sheets  map[string]map[string][][]any
	limited int
}

// Scopes of Google's.
const (
	scopeRead   = "https://www.googleapis.com/auth/gmail.readonly"
	scopeSend   = "https://www.googleapis.com/auth/gmail.send"
	scopeModify = "https://www.googleapis.com/auth/gmail.modify"
	scopeSheets = "https://www.googleapis.com/auth/spreadsheets"
)

// New is a twin; check finds out whose a token is.
func New(check account.Check) *Twin {
	t := &Twin{check: check, mux: http.NewServeMux(), sheets: map[string]map[string][][]any{}}
	t.mux.HandleFunc("GET /gmail/v1/users/me/profile", t.as(func(who account.Account, _ *http.Request) (any, *fault) {
		return map[string]any{"emailAddress": who.Mail, "messagesTotal": 1}, nil
	}))
	t.mux.HandleFunc("GET /gmail/v1/users/me/messages", t.as(t.search, scopeRead, scopeModify))
	t.mux.HandleFunc("GET /gmail/v1/users/me/messages/{id}", t.as(t.read, scopeRead, scopeModify))
	t.mux.HandleFunc("POST /gmail/v1/users/me/messages/send", t.as(t.send, scopeSend, scopeModify))
	t.mux.HandleFunc("POST /gmail/v1/users/me/messages/{id}/modify", t.as(t.modify, scopeModify))
	t.mux.HandleFunc("GET /v1/userinfo", t.as(func(who account.Account, _ *http.Request) (any, *fault) {
		return map[string]any{"sub": who.ID, "email": who.Mail, "name": who.Name}, nil
	}))
	t.spreadsheets()
	return t
}

// ServeHTTP implements [http.Handler].
func (t *Twin) ServeHTTP(w http.ResponseWriter, r *http.Request) { t.mux.ServeHTTP(w, r) }

// Deliver puts a message into somebody's mailbox.
func (t *Twin) Deliver(to string, m Mail) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.deliver(to, m)
}

func (t *Twin) deliver(to string, m Mail) string {
	m.ID = fmt.Sprintf("18c%06x", len(t.mails)+1)
	if m.Thread == "" {
		m.Thread = m.ID
	}
	m.owner = to
	t.mails = append(t.mails, &m)
	return m.ID
}

// Sent are the messages that somebody sent.
func (t *Twin) Sent(from string) (out []Mail) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, m := range t.mails {
		if m.owner == from && slices.Contains(m.Labels, "SENT") {
			out = append(out, *m)
		}
	}
	return out
}

// Limit has the next n calls be too many.
func (t *Twin) Limit(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.limited = n
}

// fault is an error as Google writes it.
type fault struct {
	code            int
	status, message string
}

func (f *fault) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(f.code)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{"code": f.code, "message": f.message, "status": f.status, "errors": []any{map[string]any{"message": f.message, "domain": "global"}}}})
}

// as serves fn for whoever has a token with one of the scopes.
func (t *Twin) as(fn func(account.Account, *http.Request) (any, *fault), scopes ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		t.mu.Lock()
		limited := t.limited > 0
		t.limited--
		t.mu.Unlock()
		who, ok := t.check(r)
		switch {
		case limited:
			w.Header().Set("Retry-After", "20")
			(&fault{429, "RESOURCE_EXHAUSTED", "Quota exceeded for quota metric 'Queries'."}).write(w)
			return
		case !ok:
			w.Header().Set("WWW-Authenticate", `Bearer realm="https://accounts.google.com/", error="invalid_token"`)
			(&fault{401, "UNAUTHENTICATED", "Request had invalid authentication credentials."}).write(w)
			return
		case len(scopes) > 0 && !slices.ContainsFunc(scopes, func(s string) bool { return slices.Contains(who.Scopes, s) }):
			(&fault{403, "PERMISSION_DENIED", "Request had insufficient authentication scopes."}).write(w)
			return
		}
		answer, f := fn(who, r)
		if f != nil {
			f.write(w)
			return
		}
		w.Header().Set("Content-Type", "application/json; charset=UTF-8")
		_ = json.NewEncoder(w).Encode(answer)
	}
}

func (t *Twin) search(who account.Account, r *http.Request) (any, *fault) {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := []map[string]any{}
	for _, m := range slices.Backward(t.mails) {
		if m.owner == who.Mail && m.matches(r.FormValue("q")) {
			list = append(list, map[string]any{"id": m.ID, "threadId": m.Thread})
		}
	}
	if len(list) == 0 {
		return map[string]any{"resultSizeEstimate": 0}, nil
	}
	return map[string]any{"messages": list, "resultSizeEstimate": len(list)}, nil
}

// matches knows a few of the words of Gmail's searches.
func (m *Mail) matches(q string) bool {
	for word := range strings.FieldsSeq(strings.ToLower(q)) {
		field, value, _ := strings.Cut(word, ":")
		var ok bool
		switch field {
		case "from":
			ok = strings.Contains(strings.ToLower(m.From), value)
		case "to":
			ok = strings.Contains(strings.ToLower(m.To), value)
		case "subject":
			ok = strings.Contains(strings.ToLower(m.Subject), value)
		case "is":
			ok = slices.Contains(m.Labels, strings.ToUpper(value))
		case "in":
			ok = slices.Contains(m.Labels, strings.ToUpper(value))
		default:
			ok = strings.Contains(strings.ToLower(m.Subject+" "+m.Text), word)
		}
		if !ok {
			return false
		}
	}
	return true
}

func (t *Twin) find(who account.Account, id string) (*Mail, *fault) {
	for _, m := range t.mails {
		if m.ID == id && m.owner == who.Mail {
			return m, nil
		}
	}
	return nil, &fault{404, "NOT_FOUND", "Requested entity was not found."}
}

func (t *Twin) read(who account.Account, r *http.Request) (any, *fault) {
	t.mu.Lock()
	defer t.mu.Unlock()
	m, f := t.find(who, r.PathValue("id"))
	if f != nil {
		return nil, f
	}
	headers := []any{}
	for _, h := range [][2]string{{"From", m.From}, {"To", m.To}, {"Cc", m.Cc}, {"Subject", m.Subject}, {"Message-ID", m.MessageID}, {"References", m.References}} {
		if h[1] != "" {
			headers = append(headers, map[string]any{"name": h[0], "value": h[1]})
		}
	}
	body := map[string]any{"size": len(m.Text), "data": base64.URLEncoding.EncodeToString([]byte(m.Text))}
	return map[string]any{"id": m.ID, "threadId": m.Thread, "labelIds": m.Labels, "payload": map[string]any{"mimeType": "text/plain", "filename": "", "headers": headers, "body": body}}, nil
}

func (t *Twin) send(who account.Account, r *http.Request) (any, *fault) {
	bad := &fault{400, "INVALID_ARGUMENT", "Invalid value for ByteString"}
	var in struct{ Raw, ThreadID string }
	if json.NewDecoder(io.LimitReader(r.Body, 40<<20)).Decode(&in) != nil {
		return nil, bad
	}
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(in.Raw, "="))
	if err != nil {
		return nil, bad
	}
	message, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return nil, bad
	}
	to, err := message.Header.AddressList("To")
	if err != nil || len(to) == 0 {
		return nil, &fault{400, "INVALID_ARGUMENT", "Recipient address required"}
	}
	text, _ := io.ReadAll(message.Body)
	h := message.Header
	sent := Mail{
		From: who.Mail, To: h.Get("To"), Cc: h.Get("Cc"), Subject: h.Get("Subject"), InReplyTo: h.Get("In-Reply-To"), References: h.Get("References"),
		Text: string(text), Thread: in.ThreadID, Labels: []string{"SENT"},
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	id := t.deliver(who.Mail, sent)
	for _, a := range to {
		arrived := sent
		arrived.Labels, arrived.Thread = []string{"INBOX", "UNREAD"}, ""
		t.deliver(a.Address, arrived)
	}
	m, _ := t.find(who, id)
	return map[string]any{"id": m.ID, "threadId": m.Thread, "labelIds": m.Labels}, nil
}

func (t *Twin) modify(who account.Account, r *http.Request) (any, *fault) {
	var in struct{ AddLabelIDs, RemoveLabelIDs []string }
	if json.NewDecoder(r.Body).Decode(&in) != nil {
		return nil, &fault{400, "INVALID_ARGUMENT", "Invalid JSON payload received."}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	m, f := t.find(who, r.PathValue("id"))
	if f != nil {
		return nil, f
	}
	m.Labels = slices.DeleteFunc(m.Labels, func(l string) bool { return slices.Contains(in.RemoveLabelIDs, l) })
	for _, l := range in.AddLabelIDs {
		if !slices.Contains(m.Labels, l) {
			m.Labels = append(m.Labels, l)
		}
	}
	return map[string]any{"id": m.ID, "threadId": m.Thread, "labelIds": m.Labels}, nil
}
