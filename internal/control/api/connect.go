package api

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
)

// connectPath begins the pages that a browser sees when an account is connected.
const connectPath = "/connect/"

// callbackPath is where services lead back to.
const callbackPath = connectPath + "callback"

func (s *service) callback() string { return s.base() + callbackPath }

//go:embed connect.html connect.css
var pages embed.FS

// page is what connect.html shows.
type page struct {
	Title, Text string
	// Asked is what somebody asks for; nil on pages that ask for nothing.
	Asked *vaultrpc.LookAtLinkAnswer
	// Go is the label of the button that goes on; empty for none.
	Go string
	// Good and Bad colour the page.
	Good, Bad bool
	Style     template.CSS
}

// connectPages shows them.
type connectPages struct {
	template *template.Template
	style    template.CSS
	policy   string
}

func newConnectPages() *connectPages {
	css, _ := pages.ReadFile("connect.css")
	return &connectPages{
		template: template.Must(template.ParseFS(pages, "connect.html")), style: template.CSS(css), //nolint:gosec // our own file
		policy: "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; style-src " + hashSource(string(css)),
	}
}

func (c *connectPages) show(w http.ResponseWriter, status int, p page) {
	p.Style = c.style
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", c.policy)
	w.WriteHeader(status)
	_ = c.template.Execute(w, p)
}

// connect registers the pages. Nobody is signed in on them: the link's token is
// what admits a browser, and its cookie from then on.
func (s *service) connect(mux *http.ServeMux, c *connectPages) {
	// To look at a link does nothing: programs that preview links do, too.
	mux.HandleFunc("GET "+connectPath+"{token}", func(w http.ResponseWriter, r *http.Request) { s.lookAtLink(c, w, r) })
	mux.HandleFunc("POST "+connectPath+"{token}", func(w http.ResponseWriter, r *http.Request) { s.openLink(c, w, r) })
	mux.HandleFunc("GET "+callbackPath, func(w http.ResponseWriter, r *http.Request) { s.finishLink(c, w, r, s.callback()) })
	// Servers that were found out lead back to an address of their own each.
	mux.HandleFunc("GET "+callbackPath+"/{of}", func(w http.ResponseWriter, r *http.Request) {
		s.finishLink(c, w, r, s.callback()+"/"+url.PathEscape(r.PathValue("of")))
	})
}

// secure says whether people's browsers reach the pages over TLS.
func (s *service) secure() bool { return strings.HasPrefix(s.base(), "https://") }

// cookieOf is the name and the path of the cookie of one link: several may be open at
// once. Over TLS no other host of the domain, and nobody on a plain connection, can
// set one of that name (RFC 6265bis 4.1.3.2); such a one is for all paths.
func (s *service) cookieOf(state string) (name, path string) {
	hash := sha256.Sum256([]byte(state))
	name = "hotcell_connect_" + hex.EncodeToString(hash[:6])
	if s.secure() {
		return "__Host-" + name, "/"
	}
	return name, connectPath
}

// cookie binds a browser. The service sends it back from its own site, so the
// cookie is sent with such navigations too.
func (s *service) cookie(of, value string, expires time.Time) *http.Cookie {
	name, path := s.cookieOf(of)
	return &http.Cookie{ //nolint:gosec // secure where there is TLS; on this machine's loopback there is none
		Name: name, Value: value, Path: path, Expires: expires, HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: s.secure(),
	}
}

// lookAtLink shows what is asked for before anybody goes on: whoever sends a link must
// not get an account by having it taken for something else.
func (s *service) lookAtLink(c *connectPages, w http.ResponseWriter, r *http.Request) {
	asked, err := s.Vault.LookAtLink(r.Context(), &vaultrpc.LookAtLinkRequest{Token: r.PathValue("token")})
	if err != nil {
		s.badLink(c, w, r, err)
		return
	}
	c.show(w, http.StatusOK, page{Title: "Connect your " + asked.Service + " account for " + asked.Asks + "?", Asked: asked, Go: "Continue to " + asked.At})
}

func (s *service) openLink(c *connectPages, w http.ResponseWriter, r *http.Request) {
	token := r.PathValue("token")
	request := &vaultrpc.OpenLinkRequest{Token: token, Callback: s.callback()}
	name, _ := s.cookieOf(token)
	if before, err := r.Cookie(name); err == nil {
		request.Cookie = before.Value
	}
	answer, err := s.Vault.OpenLink(r.Context(), request)
	if err != nil {
		s.badLink(c, w, r, err)
		return
	}
	state := ""
	if to, err := url.Parse(answer.URL); err == nil {
		state = to.Query().Get("state")
	}
	// By the state for the way back, and by the token for another look at the link.
	for _, of := range []string{state, token} {
		http.SetCookie(w, s.cookie(of, answer.Cookie, answer.Expires))
	}
	http.Redirect(w, r, answer.URL, http.StatusSeeOther)
}

func (s *service) finishLink(c *connectPages, w http.ResponseWriter, r *http.Request, callback string) {
	query := r.URL.Query()
	request := &vaultrpc.FinishLinkRequest{
		State: query.Get("state"), Code: query.Get("code"), Issuer: query.Get("iss"), Error: query.Get("error"), Callback: callback,
	}
	name, _ := s.cookieOf(request.State)
	if cookie, err := r.Cookie(name); err == nil {
		request.Cookie = cookie.Value
	}
	http.SetCookie(w, s.cookie(request.State, "", time.Unix(1, 0)))
	answer, err := s.Vault.FinishLink(r.Context(), request)
	if err != nil {
		s.badLink(c, w, r, err)
		return
	}
	who := answer.Link.Name
	if answer.Account != "" {
		who = fmt.Sprintf("%s (%s)", answer.Link.Name, answer.Account)
	}
	c.show(w, http.StatusOK, page{Title: "Connected", Text: who + " is connected. You can close this window.", Good: true})
}

// badLink says why a link does not lead on, as far as whoever holds it may know.
func (s *service) badLink(c *connectPages, w http.ResponseWriter, r *http.Request, err error) {
	p := page{Title: "This did not work", Bad: true, Text: "Ask for a new link, and open it in one browser."}
	status := http.StatusForbidden
	switch {
	case errors.Is(err, hotcell.ErrNotFound):
		status, p.Text = http.StatusNotFound, "There is no such link, or it is over: each is good for fifteen minutes, once. Ask for a new one."
	case errors.Is(err, hotcell.ErrUnavailable):
		status, p.Text = http.StatusServiceUnavailable, "A part of the server, or the service, does not answer. Try again in a moment."
	case errors.Is(err, hotcell.ErrDenied), errors.Is(err, hotcell.ErrConflict), errors.Is(err, hotcell.ErrInvalid):
		p.Text = strings.TrimPrefix(err.Error(), hotcell.ErrDenied.Error()+": ")
	default:
		status = http.StatusInternalServerError
		s.tell(r.Context(), "connect", err)
	}
	c.show(w, status, p)
}
