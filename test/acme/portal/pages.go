package portal

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Honest are the pages to sign in on, by what they are: all lead to /account.
var Honest = map[string]string{
	"form": "/login", "form with a code": "/login-code", "single page": "/spa", "two pages": "/two", "six boxes": "/boxes", "another host": "/sso", "frame": "/frame",
	"shadow root": "/shadow", "multipart": "/multipart", "plain text": "/text", "service worker": "/worker", "german": "/de", "japanese": "/ja", "overlay": "/overlay", "no form": "/divs",
	"six fields": "/boxes-fields", "a tracker": "/tracked", "a cookie of a path": "/login-path", "a cookie of the domain": "/login-domain", "a token": "/spa-token", "a limit": "/limit",
}

// Broken are the pages where a sign-in ends otherwise, and how.
var Broken = map[string]string{
	"/hash": "needs_fill", "/captcha": "captcha", "/register": "unknown_form", "/change": "unknown_form", "/nothing": "unknown_form",
}

const send = `<script>async function send(path, body) {
	const r = await fetch(path, {method: 'POST', headers: {'content-type': 'application/json'}, body: JSON.stringify(body)})
	if (r.ok) location = '/account'; else document.querySelector('#root').innerHTML += '<p role=alert>Wrong user name or password</p>' }</script>`

// tracked does as React does: it remembers what a field's setter was given, and takes
// no event for news that brings nothing else.
const tracked = `<div id=root></div><script>const state = {}; for (const f of document.forms[0].querySelectorAll('input')) {
	const own = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value'); let known = ''
	Object.defineProperty(f, 'value', {configurable: true, get() { return own.get.call(f) }, set(v) { known = String(v); own.set.call(f, v) }})
	f.addEventListener('input', () => { const now = own.get.call(f); if (now !== known) { known = now; state[f.name] = now } }) }
	document.forms[0].onsubmit = e => { e.preventDefault(); send('/session', state) }</script>`

func (p *Portal) pages() {
	for path, html := range map[string]string{
		"/login": form("/session", ""), "/login-code": form("/first", ""),
		"/spa": `<title>Portal</title><div id=root></div>` + send + `<script>setTimeout(() => {
			const state = {}; root.innerHTML = '<h1>Portal</h1><input id=u placeholder="Email or user name"><input id=p type=password placeholder=Password><button id=b disabled>Log in</button>'
			for (const f of [u, p]) f.addEventListener('input', () => { state[f.id] = f.value; b.disabled = !(state.u && state.p) })
			b.onclick = () => send('/session', {user: state.u, password: state.p}) }, 200)</script>`,
		"/two":   `<title>Portal</title><form method=post action=/two><input name=user autocomplete=username aria-label="Email or phone"><button>Next</button></form>`,
		"/boxes": form("/first-boxes", ""), "/boxes-fields": form("/first-fields", ""),
		"/frame":     `<title>Portal</title><h1>Portal</h1><iframe src=/login style="width:600px;height:300px"></iframe>`,
		"/shadow":    `<title>Portal</title><div id=root></div><x-login></x-login>` + send + `<script>customElements.define('x-login', class extends HTMLElement { connectedCallback() { const s = this.attachShadow({mode: 'closed'}); s.innerHTML = '<form><label>User <input id=u></label><label>Password <input id=p type=password></label><button>Sign in</button></form>'; s.querySelector('form').onsubmit = e => { e.preventDefault(); send('/session', {user: s.querySelector('#u').value, password: s.querySelector('#p').value}) } } })</script>`,
		"/multipart": strings.Replace(form("/session", ""), "<form ", "<form enctype=multipart/form-data ", 1),
		"/text":      strings.Replace(form("/session", ""), "<form ", "<form enctype=text/plain ", 1),
		"/worker":    form("/session", `<script>navigator.serviceWorker.register('/worker.js')</script>`),
		"/de":        `<title>Anmeldung</title><form method=post action=/session><label for=a>Benutzerkennung</label><input id=a name=user><label for=b>Kennwort</label><input id=b name=password type=password><input type=checkbox name=keep id=k><label for=k>Angemeldet bleiben</label><button>Anmelden</button></form>`,
		"/ja":        `<title>ログイン</title><form method=post action=/session><label for=a>ログインID</label><input id=a name=user><label for=b>パスワード</label><input id=b name=password type=password><button>ログイン</button></form>`,
		"/overlay":   form("/session", `<div style="position:fixed;inset:0;background:#fffd" id=o>We value your privacy <button onclick="o.remove()">Accept all</button></div>`),
		"/divs":      `<title>Portal</title><div id=root><input id=u aria-label=Username><input id=p type=password aria-label=Password><div class="btn primary" id=b>Log in</div></div>` + send + `<script>b.onclick = () => send('/session', {user: u.value, password: p.value})</script>`,
		"/hash":      form("/hashed", `<script>document.forms[0].onsubmit = e => { e.preventDefault(); const f = document.forms[0]; crypto.subtle.digest('SHA-256', new TextEncoder().encode(f.password.value)).then(h => { f.password.value = [...new Uint8Array(h)].map(b => b.toString(16).padStart(2, '0')).join(''); f.submit() }) }</script>`),
		"/captcha":   form("/robot", ""),
		"/limit":     form("/limited", ""),
		"/register":  `<title>Register</title><form method=post action=/session><input name=user autocomplete=username><input type=password autocomplete=new-password name=password><input type=password name=again><button>Create account</button></form>`,
		"/change":    `<title>Change password</title><form method=post action=/session><input type=password autocomplete=current-password name=password><input type=password autocomplete=new-password name=n><button>Change</button></form>`,
		"/tracked":   form("", send+tracked),
		"/{$}":       `<title>Portal</title><p>Welcome. <a href=/login>Sign in</a>`,
		"/nothing":   `<title>News</title><p>Nothing to sign in to here.`,
	} {
		p.mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) { page(w, html) })
	}
	p.mux.HandleFunc("GET /worker.js", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		_, _ = io.WriteString(w, `self.addEventListener('install', () => skipWaiting()); self.addEventListener('activate', e => e.waitUntil(clients.claim())); self.addEventListener('fetch', e => e.respondWith(fetch(e.request)))`)
	})
	p.mux.HandleFunc("POST /session", func(w http.ResponseWriter, r *http.Request) {
		in := fields(r)
		p.answer(w, r, p.takes(in["user"], in["password"]), "/account")
	})
	p.mux.HandleFunc("POST /hashed", func(w http.ResponseWriter, r *http.Request) {
		in, want := fields(r), sha256.Sum256([]byte(p.Password))
		p.answer(w, r, in["user"] == p.User && in["password"] == hex.EncodeToString(want[:]), "/account")
	})
	p.mux.HandleFunc("POST /two", func(w http.ResponseWriter, r *http.Request) {
		page(w, fmt.Sprintf(`<title>Portal</title><form method=post action=/session><p>%q<input type=hidden name=user value=%q><input type=password name=password aria-label=Password><button>Sign in</button></form>`, fields(r)["user"], fields(r)["user"]))
	})
	p.codes()
	p.sso()
	p.account()
	p.mux.HandleFunc("POST /robot", func(w http.ResponseWriter, _ *http.Request) {
		page(w, `<title>Portal</title><p>Show that you are not a robot</p><div class=g-recaptcha>□ I'm not a robot</div>`+form("/robot", ""))
	})
	p.mux.HandleFunc("POST /limited", p.limited)
}

// tries is how many wrong passwords in a row a site takes.
const tries = 3

// limited takes no more than some tries.
func (p *Portal) limited(w http.ResponseWriter, r *http.Request) {
	in := fields(r)
	right := p.takes(in["user"], in["password"])
	p.mu.Lock()
	over := p.tries >= tries
	p.tries++
	if right && !over {
		p.tries = 0
	}
	p.mu.Unlock()
	if over {
		w.Header().Set("Retry-After", "60")
		w.WriteHeader(http.StatusTooManyRequests)
		page(w, `<title>Portal</title><p>Too many attempts. Try again later.</p>`)
		return
	}
	p.answer(w, r, right, "/account")
}

// answer lets somebody in, or says that it does not.
func (p *Portal) answer(w http.ResponseWriter, r *http.Request, right bool, next string) {
	if !right {
		w.WriteHeader(http.StatusUnauthorized)
		page(w, `<p role=alert>Wrong user name or password</p>`+form("/session", ""))
		return
	}
	p.begin(w, "portal")
	http.Redirect(w, r, next, http.StatusSeeOther)
}

// codes are the pages with a second step.
func (p *Portal) codes() {
	begin := func(next string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			in := fields(r)
			if !p.takes(in["user"], in["password"]) {
				p.answer(w, r, false, "")
				return
			}
			id := rand.Text()
			p.mu.Lock()
			p.halfway[id] = true
			p.mu.Unlock()
			http.SetCookie(w, &http.Cookie{Name: "half", Value: id, Path: "/", Secure: true, HttpOnly: true}) //nolint:gosec // as sites do
			http.Redirect(w, r, next, http.StatusSeeOther)
		}
	}
	p.mux.HandleFunc("POST /first", begin("/code"))
	p.mux.HandleFunc("POST /first-boxes", begin("/code-boxes"))
	p.mux.HandleFunc("POST /first-fields", begin("/code-fields"))
	p.mux.HandleFunc("GET /code-fields", func(w http.ResponseWriter, _ *http.Request) {
		var boxes strings.Builder
		for i := 1; i <= 6; i++ {
			fmt.Fprintf(&boxes, "<input name=d%d aria-label='Digit %d' inputmode=numeric maxlength=1 size=1>", i, i)
		}
		page(w, `<title>Code</title><form method=post action=/code><p>Enter the 6-digit code</p>`+boxes.String()+`<button>Verify</button></form>`)
	})
	p.mux.HandleFunc("GET /code", func(w http.ResponseWriter, _ *http.Request) {
		page(w, `<title>Code</title><form method=post action=/code><label>Authentication code <input name=code inputmode=numeric autocomplete=one-time-code maxlength=6></label><button>Verify</button></form>`)
	})
	p.mux.HandleFunc("GET /code-boxes", func(w http.ResponseWriter, _ *http.Request) {
		page(w, `<title>Code</title><form method=post action=/code id=f><p>Enter the 6-digit code</p><input type=hidden name=code id=all><div id=d></div></form><script>
			for (let i = 0; i < 6; i++) { const b = document.createElement('input'); b.maxLength = 1; b.inputMode = 'numeric'; b.setAttribute('aria-label', 'Digit ' + (i + 1)); d.append(b)
			b.oninput = () => { if (b.nextElementSibling) b.nextElementSibling.focus(); all.value = [...d.children].map(x => x.value).join(''); if (all.value.length == 6) f.submit() } }</script>`)
	})
	p.mux.HandleFunc("POST /code", func(w http.ResponseWriter, r *http.Request) {
		c, err := r.Cookie("half")
		p.mu.Lock()
		half := err == nil && p.halfway[c.Value]
		p.mu.Unlock()
		in := fields(r)
		code := in["code"] + in["d1"] + in["d2"] + in["d3"] + in["d4"] + in["d5"] + in["d6"]
		if !half || !p.takesCode(code) {
			w.WriteHeader(http.StatusUnauthorized)
			page(w, `<p role=alert>The code is not valid</p><form method=post action=/code><label>Authentication code <input name=code autocomplete=one-time-code maxlength=6></label><button>Verify</button></form>`)
			return
		}
		p.answer(w, r, true, "/account")
	})
}

// sso leads to another site, which signs people in and sends them back.
func (p *Portal) sso() {
	p.mux.HandleFunc("GET /sso", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, p.base("sso")+"/authorize", http.StatusFound)
	})
	p.mux.HandleFunc("GET /authorize", func(w http.ResponseWriter, _ *http.Request) { page(w, form("/authorize", "")) })
	p.mux.HandleFunc("POST /authorize", func(w http.ResponseWriter, r *http.Request) {
		in := fields(r)
		if !p.takes(in["user"], in["password"]) {
			p.answer(w, r, false, "")
			return
		}
		ticket := rand.Text()
		p.mu.Lock()
		p.tickets[ticket] = true
		p.mu.Unlock()
		http.SetCookie(w, &http.Cookie{Name: "idp", Value: p.issue("idp"), Path: "/", Secure: true, HttpOnly: true}) //nolint:gosec // as sites do
		http.Redirect(w, r, p.base("portal")+"/back?ticket="+ticket, http.StatusSeeOther)
	})
	p.mux.HandleFunc("GET /back", func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		good := p.tickets[r.URL.Query().Get("ticket")]
		delete(p.tickets, r.URL.Query().Get("ticket"))
		p.mu.Unlock()
		p.answer(w, r, good, "/account")
	})
}

// Invoice is the file that people come for.
const Invoice = "%PDF-1.4\ninvoice INV-2026-11 over 1,299.00 EUR\n%%EOF\n"

// account is what one sees when signed in.
func (p *Portal) account() {
	guarded := func(fn http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if !p.signedIn(r, "portal") {
				http.Redirect(w, r, "/login", http.StatusSeeOther)
				return
			}
			fn(w, r)
		}
	}
	p.mux.HandleFunc("GET /account", guarded(func(w http.ResponseWriter, _ *http.Request) {
		page(w, `<title>Account</title><h1>Welcome, Ada</h1><p>Signed in.</p><a href=/invoice.pdf>Invoice INV-2026-11</a>`)
	}))
	p.mux.HandleFunc("GET /invoice.pdf", guarded(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/pdf")
		w.Header().Set("Content-Disposition", `attachment; filename="invoice-2026-11.pdf"`)
		_, _ = io.WriteString(w, Invoice)
	}))
}
