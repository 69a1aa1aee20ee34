// Package portal is a family of sites that people sign in to, and of hostile ones,
// with what arrived at each.
//
// It guards nothing: it is what a job's browser is tried on. One way to use it:
//
//	p := portal.New(base, "ada", password, secret)
//	mux.Handle("/", p)
//	… p.Arrived("attacker") …
package portal

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // RFC 6238
	"encoding/base32"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Portal is all of the sites: by the first part of their names.
type Portal struct {
	base             func(site string) string
	User, Password   string
	secret           []byte
	mux              *http.ServeMux
	mu               sync.Mutex
	sessions         map[string]string
	tries            int
	used             map[int64]bool
	arrived          map[string][]string
	Uploads          map[string]string
	halfway, tickets map[string]bool
}

// Sites are their names, without the domain. All but the first two are nobody's
// that a login is for.
var Sites = []string{"portal", "sso", "www.portal", "attacker", "portal-login", "xn--prtal-jua"}

// New is a portal of one user, whose codes come of a secret in base32; base is the
// address of a site.
func New(base func(site string) string, user, password, secret string) (*Portal, error) {
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret)
	if err != nil {
		return nil, fmt.Errorf("reading the secret of codes: %w", err)
	}
	p := &Portal{
		base: base, User: user, Password: password, secret: key, mux: http.NewServeMux(), sessions: map[string]string{}, used: map[int64]bool{},
		arrived: map[string][]string{}, Uploads: map[string]string{}, halfway: map[string]bool{}, tickets: map[string]bool{},
	}
	p.pages()
	p.hostile()
	return p, nil
}

// ServeHTTP implements [http.Handler] for all sites.
func (p *Portal) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	site := strings.TrimSuffix(host, ".acme.test")
	if site != "portal" && site != "sso" {
		p.Record(site, r)
		// A site that is like the portal, and is not.
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Header().Set("Access-Control-Allow-Headers", "*")
		page(w, form("/session", ""))
		return
	}
	p.mux.ServeHTTP(w, r)
}

// Record writes down all of a request.
func (p *Portal) Record(at string, r *http.Request) {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n", r.Method, r.URL)
	_ = r.Header.Write(&b)
	body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	r.Body = io.NopCloser(bytes.NewReader(body))
	b.Write(body)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.arrived[at] = append(p.arrived[at], b.String())
}

// Arrived is all that came to a site since it was asked last.
func (p *Portal) Arrived(sites ...string) (all []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, site := range sites {
		all = append(all, p.arrived[site]...)
		delete(p.arrived, site)
	}
	return all
}

// Foreign are the sites that must get nothing.
func Foreign() []string { return append(slices.Clone(Sites[2:]), "port") }

// Rest forgets sessions, tries and codes that were used.
func (p *Portal) Rest() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tries = 0
	clear(p.used)
	clear(p.sessions)
}

// takes says whether the user name and the password are right.
func (p *Portal) takes(user, password string) bool { return user == p.User && password == p.Password }

// takesCode says whether a code is right, once (RFC 6238 section 5.2).
func (p *Portal) takesCode(code string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now().Unix() / 30
	for step := now - 1; step <= now; step++ {
		if code == p.code(step) && !p.used[step] {
			p.used[step] = true
			return true
		}
	}
	return false
}

func (p *Portal) code(step int64) string {
	var message [8]byte
	binary.BigEndian.PutUint64(message[:], uint64(step))
	mac := hmac.New(sha1.New, p.secret)
	mac.Write(message[:])
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 15
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[at:])&0x7fffffff%1_000_000)
}

// begin begins a session of somebody who is signed in.
func (p *Portal) begin(w http.ResponseWriter) {
	id := "sess-" + rand.Text()
	p.mu.Lock()
	p.sessions[id] = p.User
	p.mu.Unlock()
	http.SetCookie(w, &http.Cookie{Name: "sid", Value: id, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode})
}

func (p *Portal) signedIn(r *http.Request) bool {
	c, err := r.Cookie("sid")
	p.mu.Lock()
	defer p.mu.Unlock()
	return err == nil && p.sessions[c.Value] != ""
}

// fields are what a request says, as a form or as JSON.
func fields(r *http.Request) map[string]string {
	out := map[string]string{}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		_ = json.NewDecoder(r.Body).Decode(&out)
		return out
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "text/plain") {
		text, _ := io.ReadAll(r.Body)
		for line := range strings.Lines(string(text)) {
			name, value, _ := strings.Cut(strings.TrimRight(line, "\r\n"), "=")
			out[name] = value
		}
		return out
	}
	_ = r.ParseMultipartForm(1 << 20)
	for name := range r.PostForm {
		out[name] = r.PostForm.Get(name)
	}
	return out
}

func page(w http.ResponseWriter, html string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = io.WriteString(w, "<!doctype html><html lang=en><meta charset=utf-8>"+html)
}

// form is a plain form to sign in by.
func form(action, more string) string {
	return `<title>Sign in</title><h1>Acme portal</h1><form method=post action="` + action + `"><label>User name <input name=user autocomplete=username></label>
	<label>Password <input type=password name=password id=p autocomplete=current-password></label><button>Sign in</button></form>` + more
}
