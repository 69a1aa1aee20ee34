package portal

import (
	"net/http"
	"slices"
)

// InFillMode are the paths of hostile pages for a browser that has the password: the
// page may know it then, as it must, and the agent may not. A button says Show on those
// that have kept something.
func (p *Portal) InFillMode() (paths []string) {
	for name := range fillers {
		if path := "/hostile/fill-" + name; path != Slow {
			paths = append(paths, path)
		}
	}
	for _, name := range []string{"title", "console", "attribute", "turned", "storage", "copies", "history", "dialog", "download", "echo-page", "echo-json", "echo-base64", "echo-reversed", "echo-location", "echo-cookie"} {
		paths = append(paths, "/hostile/"+name)
	}
	slices.Sort(paths)
	return paths
}

// Slow is the path of a page in fill mode whose form is answered when whoever sent it
// has gone.
const Slow = "/hostile/fill-waits-for-answer"

// stay has a form send itself without the page going away.
const stay = `document.forms[0].onsubmit = e => { e.preventDefault(); fetch('/session', {method: 'POST', body: new URLSearchParams(new FormData(document.forms[0]))}) };`

// fillers are scripts of pages; show is what their button does.
var fillers = map[string]struct{ script, show string }{
	"mirrors":          {stay + `p.oninput = () => { o.textContent = p.value; document.title = p.value; a.value = p.value; t.value = p.value; a.placeholder = p.value; a.setAttribute('aria-label', p.value) }`, ""},
	"mirrors-encoded":  {stay + `p.oninput = () => { const v = p.value; o.textContent = [btoa('xx' + v), btoa(v), [...v].reverse().join(''), encodeURIComponent(v), [...v].map(c => c.charCodeAt(0).toString(16)).join(''), v.toUpperCase(), JSON.stringify(JSON.stringify(v)), [...v].map(c => '&#' + c.charCodeAt(0) + ';').join('')].join(' | ') }`, ""},
	"hides-its-form":   {stay + `document.forms[0].addEventListener('submit', () => { document.forms[0].style.display = 'none' })`, `document.forms[0].style.display = 'block'; p.type = 'text'; o.textContent = p.value`},
	"takes-its-form":   {stay + `let f; document.forms[0].addEventListener('submit', () => setTimeout(() => { f = document.forms[0]; f.remove() }, 50))`, `document.body.append(f); p.type = 'text'`},
	"second-field":     {stay + `h.type = 'password'; p.oninput = () => { h.value = p.value }`, `h.hidden = false; h.type = 'text'`},
	"copies-in-text":   {stay + `p.oninput = () => { a.value = t.value = p.value }`, `o.textContent = a.value`},
	"never-sends":      {`document.forms[0].onsubmit = e => e.preventDefault()`, `p.type = 'text'; o.textContent = p.value`},
	"keeps-its-value":  {stay + `addEventListener('beforeinput', e => e.inputType.startsWith('delete') && e.preventDefault(), true); const d = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value'); let v = ''; p.addEventListener('input', () => { v = d.get.call(p) || v; if (!d.get.call(p)) d.set.call(p, v) })`, `p.type = 'text'; o.textContent = p.value || v`},
	"remembers":        {stay + `let v; p.oninput = () => { v = p.value }`, `o.textContent = v; document.title = v; console.log(v); location.hash = v`},
	"asks-while-typed": {stay + `let n = 0; p.oninput = () => { if (n++ < 3) alert('hello') }`, `p.type = 'text'; o.textContent = p.value`},
	"shows-in-dialogs": {stay + `p.oninput = () => setTimeout(() => confirm(p.value), 20)`, `prompt(p.value, p.value)`},
	"blocks":           {stay + `p.oninput = () => { const until = Date.now() + 1500; while (Date.now() < until); }`, `p.type = 'text'; o.textContent = p.value`},
	"names-a-download": {stay + `let v; p.oninput = () => { v = p.value }`, `const l = document.createElement('a'); l.href = URL.createObjectURL(new Blob([v])); l.download = v + '.txt'; l.click()`},
	"opens-a-window":   {stay + `let v; p.oninput = () => { v = p.value }`, `open('/hostile/kept#' + encodeURIComponent(v), v)`},
	"keeps-in-storage": {stay + `p.oninput = () => { localStorage.v = sessionStorage.v = p.value; document.cookie = 'v=' + encodeURIComponent(p.value) + '; path=/' }`, `location = '/hostile/kept'`},
	"waits-for-answer": {`document.forms[0].action = '/hostile/slow'`, `p.type = 'text'; o.textContent = p.value`},
}

// fill serves them.
func (p *Portal) fill() {
	for name, f := range fillers {
		html := form("/session", `<button onclick="show()">Show</button><p id=o></p><input id=a aria-label=Note><textarea id=t></textarea><input id=h hidden><script>function show() { `+f.show+` } `+f.script+`</script>`)
		p.mux.HandleFunc("GET /hostile/fill-"+name, func(w http.ResponseWriter, _ *http.Request) { page(w, html) })
	}
	p.mux.HandleFunc("GET /hostile/kept", func(w http.ResponseWriter, _ *http.Request) {
		page(w, `<title>Kept</title><p id=o></p><script>o.textContent = [localStorage.v, sessionStorage.v, document.cookie, decodeURIComponent(document.cookie), name, decodeURIComponent(location.hash)].join(' ')</script>`)
	})
	// It answers when whoever asked has gone.
	p.mux.HandleFunc("POST /hostile/slow", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
}
