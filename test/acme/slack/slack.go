// Package slack is a twin of the parts of Slack's Web API that tools use, as its
// documentation has them: answers are 200 with ok, true or false.
package slack

import (
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"

	"hotcell/test/acme/account"
	"hotcell/test/acme/twin"
)

// Message is one that was posted.
type Message struct{ Channel, User, Text, TS, Thread string }

// File is one that was uploaded.
type File struct {
	ID, Name, Channel, Thread, Comment string
	Length                             int
	Content                            []byte
}

// Twin is the service.
type Twin struct {
	twin.Desk
	check  account.Check
	revoke func(*http.Request) bool
	mux    *http.ServeMux

	mu       sync.Mutex
	messages []Message
	files    map[string]*File
}

// answer is what a method says.
type answer = map[string]any

// method is one of the API: which scope it wants, how it may be called.
type method struct {
	scope string
	// verbs are the HTTP methods; a JSON body is for those that take one.
	verbs string
	json  bool
	do    func(account.Account, func(string) string) answer
}

// New is a twin; check finds out whose a token is, and revoke ends it.
func New(check account.Check, revoke func(*http.Request) bool) *Twin {
	t := &Twin{check: check, revoke: revoke, mux: http.NewServeMux(), files: map[string]*File{}}
	for name, m := range map[string]method{
		"auth.test":                    {verbs: "POST GET", do: t.test},
		"chat.postMessage":             {scope: "chat:write", verbs: "POST", json: true, do: t.post},
		"conversations.history":        {verbs: "GET POST", do: t.history},
		"conversations.replies":        {verbs: "GET POST", do: t.replies},
		"conversations.list":           {verbs: "GET POST", do: t.list},
		"users.lookupByEmail":          {scope: "users:read.email", verbs: "GET POST", do: t.byMail},
		"users.info":                   {scope: "users:read", verbs: "GET POST", do: t.byID},
		"files.getUploadURLExternal":   {scope: "files:write", verbs: "GET POST", do: t.slot},
		"files.completeUploadExternal": {scope: "files:write", verbs: "POST", json: true, do: t.complete},
	} {
		t.mux.HandleFunc("/api/"+name, t.serve(m))
	}
	t.mux.HandleFunc("/api/auth.revoke", t.end)
	t.mux.HandleFunc("POST /upload/v1/{id}", t.upload)
	return t
}

// ServeHTTP implements [http.Handler].
func (t *Twin) ServeHTTP(w http.ResponseWriter, r *http.Request) { t.mux.ServeHTTP(w, r) }

func refused(code string) answer { return answer{"ok": false, "error": code} }

// serve checks the request, and answers as Slack does.
func (t *Twin) serve(m method) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if t.Over() {
			w.Header().Set("Retry-After", "30")
			twin.JSON(w, http.StatusTooManyRequests, refused("ratelimited"))
			return
		}
		who, ok := t.check(r)
		switch {
		case !ok && r.Header.Get("Authorization") == "":
			twin.JSON(w, http.StatusOK, refused("not_authed"))
		case !ok:
			twin.JSON(w, http.StatusOK, refused("invalid_auth"))
		case !slices.Contains(strings.Fields(m.verbs), r.Method):
			twin.JSON(w, http.StatusOK, refused("invalid_post_type"))
		case m.scope != "" && lacks(who, m.scope) != nil:
			twin.JSON(w, http.StatusOK, lacks(who, m.scope))
		default:
			twin.JSON(w, http.StatusOK, t.call(m, who, r))
		}
	}
}

// call reads the arguments, in the form that the method takes.
func (t *Twin) call(m method, who account.Account, r *http.Request) answer {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if r.Method == http.MethodPost && kind == "application/json" {
		if !m.json {
			return refused("invalid_arguments") // no such method reads JSON
		}
		var in map[string]any
		if json.NewDecoder(io.LimitReader(r.Body, 1<<20)).Decode(&in) != nil {
			return refused("invalid_json")
		}
		return m.do(who, func(name string) string { return written(in[name]) })
	}
	return m.do(who, r.FormValue)
}

// written is a JSON argument as a form would have it.
func written(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	}
	text, _ := json.Marshal(v)
	return string(text)
}

func lacks(who account.Account, scope string) answer {
	if slices.Contains(who.Scopes, scope) {
		return nil
	}
	out := refused("missing_scope")
	out["needed"], out["provided"] = scope, strings.Join(who.Scopes, ",")
	return out
}

func (t *Twin) test(who account.Account, _ func(string) string) answer {
	return answer{"ok": true, "url": "https://acme.slack.com/", "team": who.Team, "user": strings.ToLower(who.Name), "team_id": "T" + who.Team, "user_id": who.ID}
}

// end is auth.revoke: of an access token, which it is called with or names.
func (t *Twin) end(w http.ResponseWriter, r *http.Request) {
	if token := r.FormValue("token"); token != "" && r.Header.Get("Authorization") == "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if _, ok := t.check(r); !ok {
		twin.JSON(w, http.StatusOK, refused("invalid_auth"))
		return
	}
	twin.JSON(w, http.StatusOK, answer{"ok": true, "revoked": t.revoke(r)})
}

// window is the part of a list that the cursor and the limit ask for.
func window[T any](t *Twin, list []T, arg func(string) string, usual, most int) (part []T, next string, problem answer) {
	limit, from := usual, 0
	if text := arg("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > most {
			return nil, "", refused("invalid_limit")
		}
		limit = n
	}
	if text := arg("cursor"); text != "" {
		n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(text, "bmV4dDo"), "="))
		if err != nil || n < 0 || n > len(list) || !strings.HasPrefix(text, "bmV4dDo") {
			return nil, "", refused("invalid_cursor")
		}
		from = n
	}
	end, more := t.Page(len(list), from, limit)
	if more {
		next = fmt.Sprintf("bmV4dDo%d=", end)
	}
	return list[from:end], next, nil
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
		if m["access_token"] == nil {
			twin.JSON(w, http.StatusOK, refused(fmt.Sprint(m["error"])))
			return
		}
		scope, _ := m["scope"].(string)
		m["ok"], m["scope"], m["app_id"], m["team"] = true, strings.Join(strings.Fields(scope), ","), "A1", map[string]any{"id": "TAcme", "name": "Acme"}
		twin.JSON(w, http.StatusOK, m)
	})
}
