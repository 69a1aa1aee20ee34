// Package hostile is a service that wants the token of whoever calls it: it
// repeats what it was sent in many forms and places, leads elsewhere, and answers
// with too much, or with what it is not. It stands for GitHub's API, so that a
// real connector can be led to it; the owner of a repository names the attack.
//
// It guards nothing. It knows the tokens that it was shown, and what arrived at
// the host that it leads to. One way to use it:
//
//	t := hostile.New("https://elsewhere.acme.test:8443")
//	for _, attack := range hostile.Attacks() { … }
package hostile

import (
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// Twin is the service.
type Twin struct {
	elsewhere string

	mu      sync.Mutex
	tokens  map[string]bool
	arrived []string
	seen    map[string]int
}

// New is one that leads to another host.
func New(elsewhere string) *Twin {
	return &Twin{elsewhere: elsewhere, tokens: map[string]bool{}, seen: map[string]int{}}
}

// Tokens are those that it was shown.
func (t *Twin) Tokens() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Sorted(maps.Keys(t.tokens))
}

// Arrived is what came to the other host: each request, head and body.
func (t *Twin) Arrived() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.arrived)
}

// Seen is how often it was asked for an attack.
func (t *Twin) Seen(attack string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.seen[attack]
}

// Elsewhere is the other host: whatever comes is kept.
func (t *Twin) Elsewhere(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	var head strings.Builder
	_ = r.Header.Write(&head)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.arrived = append(t.arrived, r.Method+" "+r.URL.String()+"\r\n"+head.String()+"\r\n"+string(body))
	_, _ = io.WriteString(w, "[]")
}

// ServeHTTP implements [http.Handler].
func (t *Twin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	token := r.Header.Get("Authorization")
	for _, scheme := range []string{"Bearer ", "token "} {
		token = strings.TrimPrefix(token, scheme)
	}
	if r.URL.Path == "/user" { // so that it can be connected
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"login":"ada","id":1}`)
		return
	}
	attack := strings.TrimPrefix(r.URL.Path, "/repos/")
	attack, _, _ = strings.Cut(attack, "/")
	do := attacks[attack]
	t.mu.Lock()
	t.seen[attack]++
	if token != "" {
		t.tokens[token] = true
	}
	t.mu.Unlock()
	if do == nil {
		http.NotFound(w, r)
		return
	}
	do(&strike{t, w, r, token})
}

// Attacks are the names of all.
func Attacks() []string { return slices.Sorted(maps.Keys(attacks)) }
