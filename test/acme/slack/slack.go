// Package slack is a twin of the parts of Slack's Web API that tools use, as its
// documentation has them: answers are 200 with ok, true or false.
package slack

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"

	"hotcell/test/acme/account"
)

// Message is one that was posted.
type Message struct{ Channel, User, Text, TS, Thread string }

// File is one that was uploaded.
type File struct {
	ID, Name, Channel string
	Content           []byte
}

// Twin is the service.
type Twin struct {
	check account.Check
	mux   *http.ServeMux

	mu       sync.Mutex
	messages []Message
	files    map[string]*File
	limited  int
}

// channels are those of the workspace, by id.
var channels = map[string]string{"C0000001": "general", "C0000002": "ops", "C0000003": "board"}

// New is a twin; check finds out whose a token is.
func New(check account.Check) *Twin {
	t := &Twin{check: check, mux: http.NewServeMux(), files: map[string]*File{}}
	for path, fn := range map[string]func(account.Account, *http.Request) map[string]any{
		"/api/auth.test": t.test, "/api/chat.postMessage": t.post, "/api/conversations.history": t.history, "/api/conversations.replies": t.history,
		"/api/conversations.list": t.list, "/api/users.lookupByEmail": t.lookup, "/api/files.getUploadURLExternal": t.slot, "/api/files.completeUploadExternal": t.complete,
	} {
		t.mux.HandleFunc(path, t.method(fn))
	}
	t.mux.HandleFunc("POST /upload/v1/{id}", t.upload)
	return t
}

// ServeHTTP implements [http.Handler].
func (t *Twin) ServeHTTP(w http.ResponseWriter, r *http.Request) { t.mux.ServeHTTP(w, r) }

// Messages are those that were posted, in order.
func (t *Twin) Messages() []Message {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.messages)
}

// Limit has the next n calls be too many.
func (t *Twin) Limit(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.limited = n
}

func refused(code string) map[string]any { return map[string]any{"ok": false, "error": code} }

// method checks the token, and answers as Slack does.
func (t *Twin) method(fn func(account.Account, *http.Request) map[string]any) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		t.mu.Lock()
		limited := t.limited > 0
		t.limited--
		t.mu.Unlock()
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		if limited {
			w.Header().Set("Retry-After", "30")
			w.WriteHeader(http.StatusTooManyRequests)
			_ = json.NewEncoder(w).Encode(refused("ratelimited"))
			return
		}
		who, ok := t.check(r)
		if !ok {
			code := "invalid_auth"
			if r.Header.Get("Authorization") == "" {
				code = "not_authed"
			}
			_ = json.NewEncoder(w).Encode(refused(code))
			return
		}
		_ = json.NewEncoder(w).Encode(fn(who, r))
	}
}

// arguments reads JSON or a form, as Slack takes both.
func arguments(r *http.Request) func(string) string {
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		var m map[string]any
		_ = json.NewDecoder(io.LimitReader(r.Body, 1<<20)).Decode(&m)
		return func(name string) string {
			if v, there := m[name]; there && v != nil {
				return fmt.Sprint(v)
			}
			return ""
		}
	}
	return r.FormValue
}

func lacks(who account.Account, scope string) map[string]any {
	if slices.Contains(who.Scopes, scope) {
		return nil
	}
	out := refused("missing_scope")
	out["needed"], out["provided"] = scope, strings.Join(who.Scopes, ",")
	return out
}

func (t *Twin) test(who account.Account, _ *http.Request) map[string]any {
	return map[string]any{"ok": true, "url": "https://acme.slack.com/", "team": who.Team, "user": strings.ToLower(who.Name), "team_id": "T" + who.Team, "user_id": who.ID}
}

// channel finds one by its id or its name with #.
func channel(text string) string {
	if _, there := channels[text]; there {
		return text
	}
	for id, name := range channels {
		if "#"+name == text || name == text {
			return id
		}
	}
	return ""
}

func (t *Twin) post(who account.Account, r *http.Request) map[string]any {
	if out := lacks(who, "chat:write"); out != nil {
		return out
	}
	arg := arguments(r)
	id := channel(arg("channel"))
	switch {
	case id == "":
		return refused("channel_not_found")
	case arg("text") == "":
		return refused("no_text")
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	ts := fmt.Sprintf("17300000%02d.000100", len(t.messages))
	t.messages = append(t.messages, Message{id, who.ID, arg("text"), ts, arg("thread_ts")})
	return map[string]any{"ok": true, "channel": id, "ts": ts, "message": map[string]any{"text": arg("text"), "user": who.ID, "ts": ts}}
}

func (t *Twin) history(who account.Account, r *http.Request) map[string]any {
	if out := lacks(who, "channels:history"); out != nil {
		return out
	}
	id := channel(r.FormValue("channel"))
	if id == "" {
		return refused("channel_not_found")
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	list := []map[string]any{}
	for _, m := range slices.Backward(t.messages) {
		if m.Channel == id && (r.FormValue("ts") == "" || m.Thread == r.FormValue("ts") || m.TS == r.FormValue("ts")) {
			list = append(list, map[string]any{"type": "message", "user": m.User, "text": m.Text, "ts": m.TS})
		}
	}
	return map[string]any{"ok": true, "messages": list, "has_more": false, "response_metadata": map[string]any{"next_cursor": ""}}
}

func (t *Twin) list(account.Account, *http.Request) map[string]any {
	list := []map[string]any{}
	for _, id := range []string{"C0000001", "C0000002", "C0000003"} {
		list = append(list, map[string]any{"id": id, "name": channels[id], "is_member": true, "topic": map[string]any{"value": ""}})
	}
	return map[string]any{"ok": true, "channels": list, "response_metadata": map[string]any{"next_cursor": ""}}
}

func (t *Twin) lookup(_ account.Account, r *http.Request) map[string]any {
	if r.FormValue("email") != "ada@acme.test" {
		return refused("users_not_found")
	}
	return map[string]any{"ok": true, "user": map[string]any{"id": "U1", "name": "ada", "real_name": "Ada", "profile": map[string]any{"title": "Engineer"}}}
}

func (t *Twin) slot(_ account.Account, r *http.Request) map[string]any {
	arg := arguments(r)
	if arg("filename") == "" || arg("length") == "" {
		return refused("invalid_arguments")
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	id := "F" + rand.Text()[:10]
	t.files[id] = &File{ID: id, Name: arg("filename")}
	return map[string]any{"ok": true, "upload_url": "https://" + r.Host + "/upload/v1/" + id, "file_id": id}
}

// upload takes the bytes; its address is its own secret, and wants no token.
func (t *Twin) upload(w http.ResponseWriter, r *http.Request) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f := t.files[r.PathValue("id")]
	if f == nil || r.Header.Get("Authorization") != "" {
		http.Error(w, "not_allowed", http.StatusForbidden)
		return
	}
	f.Content, _ = io.ReadAll(io.LimitReader(r.Body, 16<<20))
	_, _ = fmt.Fprintf(w, "OK - %d", len(f.Content))
}

func (t *Twin) complete(_ account.Account, r *http.Request) map[string]any {
	var in struct {
		Files   []struct{ ID, Title string } `json:"files"`
		Channel string                       `json:"channel_id"`
	}
	if json.NewDecoder(r.Body).Decode(&in) != nil || len(in.Files) == 0 {
		return refused("invalid_arguments")
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, one := range in.Files {
		f := t.files[one.ID]
		if f == nil || f.Content == nil {
			return refused("file_not_found")
		}
		f.Channel = in.Channel
	}
	return map[string]any{"ok": true, "files": []any{map[string]any{"id": in.Files[0].ID}}}
}

// Reshape has a token endpoint of RFC 6749 answer as Slack's oauth.v2.access does:
// 200 with ok, and scopes with commas between.
func Reshape(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen := httptest.NewRecorder()
		next.ServeHTTP(seen, r)
		var m map[string]any
		if json.Unmarshal(seen.Body.Bytes(), &m) != nil {
			m = refused("internal_error")
		}
		w.Header().Set("Content-Type", "application/json")
		if m["access_token"] == nil {
			_ = json.NewEncoder(w).Encode(refused(fmt.Sprint(m["error"])))
			return
		}
		scope, _ := m["scope"].(string)
		m["ok"], m["scope"], m["app_id"], m["team"] = true, strings.Join(strings.Fields(scope), ","), "A1", map[string]any{"id": "TAcme", "name": "Acme"}
		_ = json.NewEncoder(w).Encode(m)
	})
}
