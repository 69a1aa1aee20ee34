package portal

import (
	"net/http"
	"strings"
)

// Elsewhere are pages of the portal's own site that would have the password where the
// site shows what people write: without a script, most of them.
var Elsewhere = map[string]string{
	"/uploads/notes.html": form("/comments", ""),
	"/search-form":        form("/search", ""),
	"/profile":            strings.Replace(form("/profile", ""), "Acme portal", "Your profile", 1),
	"/ticket":             strings.Replace(form("/tickets", ""), "<button>", `<textarea name=text aria-label=Text></textarea><button>`, 1),
	"/button":             strings.Replace(form("/session", ""), "<button>", `<button formaction=/comments>`, 1),
	"/more":               strings.Replace(form("/session", ""), "<button>", `<input type=hidden name=action value=comment><button>`, 1),
	"/query":              form("/session?to=comments", ""),
	"/spelled":            form("/%73ession", ""),
	"/parameter":          form("/session;comments", ""),
	"/slashed":            form("/session/", ""),
	"/kind":               strings.Replace(form("/session", ""), "<form ", "<form enctype=text/plain ", 1),
	"/renamed":            strings.Replace(form("/session", ""), "name=password", "name=text", 1),
	"/framed":             `<title>Portal</title><iframe src=/uploads/notes.html style="width:600px;height:300px"></iframe>`,
	"/json":               form("", send+`<script>document.forms[0].onsubmit = e => { e.preventDefault(); send('/api/comments', {user: 'ada', password: p.value}) }</script>`),
	"/put":                form("", `<script>document.forms[0].onsubmit = e => { e.preventDefault(); fetch('/session', {method: 'PUT', body: new URLSearchParams({user: 'ada', password: p.value})}) }</script>`),
	"/overridden":         form("", `<script>document.forms[0].onsubmit = e => { e.preventDefault(); fetch('/session', {method: 'POST', headers: {'x-original-url': '/comments'}, body: new URLSearchParams({user: 'ada', password: p.value})}) }</script>`),
	"/changes":            form("/session", `<script>p.oninput = () => { document.forms[0].action = '/comments' }</script>`),
}

// elsewhere serves them; what is sent there is kept, as sites do.
func (p *Portal) elsewhere() {
	for path, html := range Elsewhere {
		p.mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) { page(w, html) })
	}
	for _, path := range []string{"/comments", "/search", "/profile", "/tickets", "/api/comments"} {
		p.mux.HandleFunc("POST "+path, func(w http.ResponseWriter, _ *http.Request) { page(w, "<p>Thank you.") })
	}
}
