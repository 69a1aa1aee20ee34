package portal

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
)

// After are pages that people go on to once they are signed in: by the page that they
// signed in on, where they go, and what they see there. All of them show, or send on,
// what the site gave the browser to be known by.
var After = []struct{ Name, Path, Site, Next, Says string }{
	{"a cookie of a path", "/login-path", "portal", "/app", "Welcome, Ada"},
	{"a cookie of the domain", "/login-domain", "billing", "/who", "Welcome, Ada"},
	{"a token in the storage", "/spa-token", "portal", "/me", "Welcome, Ada"},
	{"an API on another host", "/spa-token", "portal", "/dashboard", "INV-2026-11"},
	{"a cookie of who signs people in", "/sso", "sso", "/profile", "Welcome, Ada"},
}

// siblings are the company's other sites, and the pages that lead to them.
func (p *Portal) siblings() {
	p.cookies()
	p.billing()
	p.archive("", func(*http.Request) bool { return true })
	p.archive(Host("archive"), func(r *http.Request) bool { return p.signedIn(r, "archive") })
	p.mux.HandleFunc("GET "+Host("archive")+"/login", func(w http.ResponseWriter, _ *http.Request) { page(w, form("/session", "")) })
	p.mux.HandleFunc("POST "+Host("archive")+"/session", func(w http.ResponseWriter, r *http.Request) {
		in := fields(r)
		if in["user"] != p.User || in["password"] != p.ArchivePassword {
			p.answer(w, r, false, "")
			return
		}
		p.begin(w, "archive")
		http.Redirect(w, r, "/archive", http.StatusSeeOther)
	})
}

// cookies are the pages whose sign-in sets others than one for all of the site.
func (p *Portal) cookies() {
	set := func(action string, cookie http.Cookie) {
		p.mux.HandleFunc("POST "+action, func(w http.ResponseWriter, r *http.Request) {
			in := fields(r)
			right := p.takes(in["user"], in["password"])
			if right {
				one := cookie //nolint:gosec // as sites do
				one.Value, one.Secure = p.issue(cookie.Name), true
				http.SetCookie(w, &one)
			}
			p.answer(w, r, right, "/account")
		})
	}
	set("/session-path", http.Cookie{Name: "app", Path: "/app"})                      //nolint:gosec // as sites do
	set("/session-domain", http.Cookie{Name: "acme", Path: "/", Domain: "acme.test"}) //nolint:gosec // as sites do
	for path, html := range map[string]string{
		"/login-path": form("/session-path", ""), "/login-domain": form("/session-domain", ""),
		"/app": `<title>App</title><h1>Welcome, Ada</h1><p id=o></p><script>o.textContent = document.cookie + ' ' + btoa(document.cookie); document.title = document.cookie; console.log(document.cookie)</script>`,
	} {
		p.mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) { page(w, html) })
	}
	p.mux.HandleFunc("GET "+Host("sso")+"/profile", func(w http.ResponseWriter, r *http.Request) { p.known(w, r, "idp") })
}

// known says to whom a cookie is known.
func (p *Portal) known(w http.ResponseWriter, r *http.Request, name string) {
	c, err := r.Cookie(name)
	if err != nil || !slices.Contains(p.Issued(), c.Value) {
		page(w, "<p>Nobody is signed in.")
		return
	}
	page(w, `<title>Profile</title><h1>Welcome, Ada</h1><p>your session is `+c.Value)
}

// billing is an API on a host of its own, and a page that calls it.
func (p *Portal) billing() {
	at := Host("billing")
	p.mux.HandleFunc("GET "+at+"/who", func(w http.ResponseWriter, r *http.Request) { p.known(w, r, "acme") })
	p.mux.HandleFunc(at+"/api/invoices", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", p.base("portal"))
		w.Header().Set("Access-Control-Allow-Headers", "authorization")
		token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		switch {
		case r.Method == http.MethodOptions:
		case token == "" || !slices.Contains(p.Issued(), token):
			w.WriteHeader(http.StatusUnauthorized)
		default:
			_, _ = io.WriteString(w, `["INV-2026-11"]`)
		}
	})
	p.mux.HandleFunc("POST /session-token", func(w http.ResponseWriter, r *http.Request) {
		in := fields(r)
		if !p.takes(in["user"], in["password"]) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		p.begin(w, "portal")
		_ = json.NewEncoder(w).Encode(map[string]string{"token": p.issue("tok")})
	})
	for path, html := range map[string]string{
		"/spa-token": form("", `<script>document.forms[0].onsubmit = async e => { e.preventDefault(); const f = document.forms[0]
			const r = await fetch('/session-token', {method: 'POST', headers: {'content-type': 'application/json'}, body: JSON.stringify({user: f.user.value, password: f.password.value})})
			localStorage.token = (await r.json()).token; location = '/account' }</script>`),
		"/me": `<h1>Welcome, Ada</h1><p id=o></p><script>o.textContent = localStorage.token</script>`,
		"/dashboard": fmt.Sprintf(`<title>Dashboard</title><h1>Welcome, Ada</h1><ul id=o></ul><script>
			fetch(%q, {headers: {authorization: 'Bearer ' + localStorage.token}}).then(r => r.json()).then(l => { o.innerHTML = l.map(x => '<li>' + x).join() }).catch(e => { o.textContent = 'no invoices: ' + e })</script>`, p.base("billing")+"/api/invoices"),
	} {
		p.mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) { page(w, html) })
	}
}

// archive keeps files, at a host, of who may.
func (p *Portal) archive(host string, may func(*http.Request) bool) {
	p.mux.HandleFunc("GET "+host+"/archive", func(w http.ResponseWriter, r *http.Request) {
		if !may(r) {
			http.Redirect(w, r, "/login", http.StatusSeeOther)
			return
		}
		page(w, `<title>Archive</title><h1>Archive</h1><form method=post enctype=multipart/form-data action=/archive><input type=file name=file aria-label=Document><button>Upload</button></form>`)
	})
	p.mux.HandleFunc("POST "+host+"/archive", func(w http.ResponseWriter, r *http.Request) {
		f, h, err := r.FormFile("file")
		if err != nil || !may(r) {
			http.Error(w, "a file is needed, of who is signed in", http.StatusBadRequest)
			return
		}
		text, _ := io.ReadAll(f)
		p.mu.Lock()
		p.uploads[h.Filename] = string(text)
		p.mu.Unlock()
		page(w, "<title>Archive</title><p>Filed "+h.Filename)
	})
}
