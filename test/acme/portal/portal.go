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

	"golang.org/x/net/websocket"
)

// Portal is all of the sites: by the first part of their names.
type Portal struct {
	base           func(site string) string
	User, Password string
	// ArchivePassword is the one that the archive takes of the same user.
	ArchivePassword  string
	secret           []byte
	mux              *http.ServeMux
	mu               sync.Mutex
	sessions         map[string]string
	issued           []string
	tries            int
	used             map[int64]bool
	arrived          map[string][]Seen
	uploads          map[string]string
	halfway, tickets map[string]bool
}

// Own are the sites that sign people in: a login may be for them.
var Own = []string{"portal", "sso", "billing", "archive"}

// Sites are all sites' names. Those that are not among Own are nobody's that a login
// is for: they are near to the portal's, or look like it.
var Sites = append(slices.Clone(Own), "www.portal", "acme.test", "attacker", "portal-login", "xn--prtal-jua", "xn--prtal-jye", "portal.acme.test.evil")

// hosts are the names of sites that are not in the company's domain as they are.
var hosts = map[string]string{"acme.test": "acme.test", "attacker": "attacker.evil.test", "portal.acme.test.evil": "portal.acme.test.evil.test", "port": "portal.acme.test", "plain": "portal.acme.test"}

// Host is the name of a site's host.
func Host(site string) string {
	if host := hosts[site]; host != "" {
		return host
	}
	return site + ".acme.test"
}

// New is a portal of one user, whose codes come of a secret in base32; base is the
// address of a site.
func New(base func(site string) string, user, password, secret string) (*Portal, error) {
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret)
	if err != nil {
		return nil, fmt.Errorf("reading the secret of codes: %w", err)
	}
	p := &Portal{
		base: base, User: user, Password: password, ArchivePassword: "pa&" + rand.Text() + "=#", secret: key, mux: http.NewServeMux(), sessions: map[string]string{}, used: map[int64]bool{},
		arrived: map[string][]Seen{}, uploads: map[string]string{}, halfway: map[string]bool{}, tickets: map[string]bool{},
	}
	p.pages()
	p.siblings()
	p.hostile()
	p.fill()
	p.shown()
	p.elsewhere()
	return p, nil
}

// ServeHTTP implements [http.Handler] for all sites.
func (p *Portal) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	for _, site := range Own {
		if Host(site) == host {
			p.Serve(site, w, r)
			return
		}
	}
	at := slices.IndexFunc(Sites, func(site string) bool { return Host(site) == host })
	if at < 0 {
		http.NotFound(w, r)
		return
	}
	p.Serve(Sites[at], w, r)
}

// Serve serves one site.
func (p *Portal) Serve(site string, w http.ResponseWriter, r *http.Request) {
	p.record(site, r)
	if r.Header.Get("Upgrade") == "websocket" {
		p.listen(site, w, r)
		return
	}
	if slices.Contains(Own, site) {
		p.mux.ServeHTTP(w, r)
		return
	}
	// A site that is like the portal, and is not.
	w.Header().Set("Access-Control-Allow-Origin", "*")
	w.Header().Set("Access-Control-Allow-Headers", "*")
	w.Header().Set("Access-Control-Allow-Methods", "*")
	if r.URL.Path == "/window" {
		page(w, p.window())
		return
	}
	page(w, form("/session", ""))
}

// Handle adds a page to the sites that sign people in.
func (p *Portal) Handle(pattern string, fn http.HandlerFunc) { p.mux.HandleFunc(pattern, fn) }

// Seen is a request as it came to a site, or what came over a WebSocket.
type Seen struct{ Site, Method, URL, Head, Body string }

// String is all of it.
func (s Seen) String() string {
	return s.Site + ": " + s.Method + " " + s.URL + "\r\n" + s.Head + "\r\n" + s.Body
}

func (p *Portal) record(at string, r *http.Request) {
	var head strings.Builder
	_ = r.Header.Write(&head)
	body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	r.Body = io.NopCloser(bytes.NewReader(body))
	p.came(Seen{at, r.Method, r.URL.String(), head.String(), string(body)})
}

func (p *Portal) came(s Seen) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.arrived[s.Site] = append(p.arrived[s.Site], s)
}

// listen takes what comes over a WebSocket.
func (p *Portal) listen(site string, w http.ResponseWriter, r *http.Request) {
	server := websocket.Server{Handler: func(c *websocket.Conn) {
		var text string
		for websocket.Message.Receive(c, &text) == nil {
			p.came(Seen{Site: site, Method: "SOCKET", URL: r.URL.String(), Body: text})
			_ = websocket.Message.Send(c, "you sent "+text)
		}
	}}
	server.ServeHTTP(w, r)
}

// Arrived is all that came to sites since it was asked last.
func (p *Portal) Arrived(sites ...string) (all []Seen) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, site := range sites {
		all = append(all, p.arrived[site]...)
		delete(p.arrived, site)
	}
	return all
}

// Foreign are the sites that must get nothing: the others, and whoever listens at
// another port of the portal's host, with TLS and without.
func Foreign() []string { return append(slices.Clone(Sites[len(Own):]), "port", "plain") }

// Issued are all session cookies and tokens that were ever given out.
func (p *Portal) Issued() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.issued)
}

// Upload is what was filed under a name.
func (p *Portal) Upload(name string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.uploads[name]
}

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

// issue is something new to be known by.
func (p *Portal) issue(kind string) string {
	text := kind + "-" + rand.Text()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.issued = append(p.issued, text)
	return text
}

// begin begins a session of somebody who is signed in at a site.
func (p *Portal) begin(w http.ResponseWriter, site string) {
	id := p.issue("sess")
	p.mu.Lock()
	p.sessions[id] = site
	p.mu.Unlock()
	http.SetCookie(w, &http.Cookie{Name: "sid", Value: id, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode})
}

func (p *Portal) signedIn(r *http.Request, site string) bool {
	c, err := r.Cookie("sid")
	p.mu.Lock()
	defer p.mu.Unlock()
	return err == nil && p.sessions[c.Value] == site
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
