package browser_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"hotcell/internal/line/cellrpc"
)

const (
	plainLogin = `<form method=post action=/session><input name=user aria-label=User><input type=password name=password><button>Sign in</button></form>`
	codeForm   = `<form method=post action=/code><label>One-time code <input name=code inputmode=numeric maxlength=6></label><button>Verify</button></form>`
)

// answer has a path that forms are sent to say something, with a status.
func (w *world) answer(path string, status int, html string) {
	w.mux.HandleFunc("POST "+path, func(rw http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		w.mu.Lock()
		w.status = status
		w.mu.Unlock()
		w.takes(r.PostForm.Get("password"), r.PostForm.Get("code"))
		rw.Header().Set("Content-Type", "text/html; charset=utf-8")
		rw.WriteHeader(status)
		_, _ = io.WriteString(rw, "<!doctype html>"+html)
	})
}

// How it ended is what the site says and does, and not that a form is gone.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	spa := `<div id=root>` + plainLogin + `</div><script>document.forms[0].onsubmit = async e => { e.preventDefault(); const r = await fetch('/session', {method: 'POST', body: new URLSearchParams(new FormData(e.target))}); %s }</script>`
	for name, c := range map[string]struct {
		login, answer string
		status        int
		want          string
	}{
		"wrong, without a form":            {plainLogin, `<p>Invalid user name or password.`, 200, "wrong_credentials"},
		"wrong, in German":                 {plainLogin, `<p>Benutzername oder Kennwort falsch`, 200, "wrong_credentials"},
		"some code":                        {`<form method=post action=/session><label>The code of your parcel <input name=code inputmode=numeric></label><button>Go</button></form>`, ``, 200, "code_needed"},
		"a wall":                           {plainLogin, `<p>Checking your browser before you go on`, 200, "captcha"},
		"too many, without a form":         {plainLogin, `<p>Too many attempts. Come back tomorrow.`, 200, "rate_limited"},
		"a choice of methods":              {plainLogin, `<h1>Choose how to verify it's you</h1><button>Text message</button><button>Authenticator app</button>`, 200, "more_steps"},
		"a script's form is gone on 401":   {fmt.Sprintf(spa, `root.innerHTML = '<p>Oops'`), `no`, 401, "wrong_credentials"},
		"a script's form is gone on 200":   {fmt.Sprintf(spa, `root.innerHTML = '<p>Oops'`), `no`, 200, "more_steps"},
		"a server that fails":              {plainLogin, `<p>Oops`, 503, "unknown_form"},
		"in, with old words of error":      {`<p>Invalid password? Ask us.` + fmt.Sprintf(spa, `root.innerHTML = '<a href=/out>Sign out</a>'`), `ok`, 200, "signed_in"},
		"in, with a field for a password":  {plainLogin, `<a href=/out>Log out</a><form><input type=password name=a autocomplete=current-password><input type=password name=b></form>`, 200, "signed_in"},
		"in, with words that look bad":     {plainLogin, `<a href=/out>Abmelden</a><p>Invalid passwords in the last week: 3. Too many requests: 5.`, 200, "signed_in"},
		"in, by a name":                    {plainLogin, `<p>Hello ada`, 200, "signed_in"},
		"a page that only asks for an app": {plainLogin, `<p>Approve the sign-in in your app, ada`, 200, "more_steps"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t, nil)
			w.answer("/session", c.status, c.answer)
			out := w.call("browser_sign_in", "url", w.page("/login", c.login))
			if !strings.Contains(out.Text, c.want) || out.Error == (c.want == "signed_in") {
				t.Error(out.Text)
			}
		})
	}
}

// A step that a script shows late is no end.
func TestLateSteps(t *testing.T) {
	t.Parallel()
	for name, html := range map[string]string{
		"after the password":  plainLogin,
		"after the user name": `<form id=f><input id=u aria-label="E-mail"><button>Next</button></form><script>f.onsubmit = e => { e.preventDefault(); setTimeout(() => { f.outerHTML = '` + plainLogin + `' }, 700) }</script>`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t, nil)
			w.page("/account", account)
			w.accept("/code", "/account")
			w.answer("/session", 200, `<p>ada</p><div id=d>One moment</div><script>setTimeout(() => d.innerHTML = '`+codeForm+`', 700)</script>`)
			if s := w.ok("browser_sign_in", "url", w.page("/login", html)); !strings.Contains(s, "Welcome, Ada") {
				t.Error(s)
			}
		})
	}
}

// Fields are what people see, and what they are named.
func TestFields(t *testing.T) {
	t.Parallel()
	for name, html := range map[string]string{
		"read-only until the focus": `<form method=post action=/session><input name=user aria-label=User readonly onfocus="this.readOnly = false"><input type=password name=password readonly onfocus="setTimeout(() => this.readOnly = false, 60)"><button>Sign in</button></form>`,
		"scrolled out of sight":     `<div style="height:200px">x</div>` + plainLogin + `<div style="height:4000px">x</div><script>scrollTo(0, 3000)</script>`,
		"decoys":                    `<form method=post action=/session><input name=user aria-label=User><input type=password style="visibility:hidden"><input type=password style="opacity:0"><input type=password name=password><button>Sign in</button></form>`,
		"the code of a customer":    `<form method=post action=/session><label for=code>Code client</label><input name=user id=code><input type=password name=password><button>Connexion</button></form>`,
		"in another tab":            `<form method=post action=/session target=_blank><input name=user aria-label=User><input type=password name=password><button>Sign in</button></form>`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t, nil)
			w.page("/account", account)
			w.accept("/session", "/account")
			if s := w.ok("browser_sign_in", "url", w.page("/login", html)); !strings.Contains(s, "signed_in") || !strings.Contains(s, "Welcome, Ada") {
				t.Error(s)
			}
		})
	}
}

// Boxes for digits are known by what they are like.
func TestBoxes(t *testing.T) {
	t.Parallel()
	for name, box := range map[string]string{
		"size":         `b.size = 1`,
		"pattern":      `b.pattern = '[0-9]'`,
		"narrow":       `b.inputMode = 'numeric'; b.style.width = '40px'`,
		"the first":    `b.inputMode = 'numeric'; b.style.width = '40px'; b.maxLength = i ? 1 : 6; b.autocomplete = i ? 'off' : 'one-time-code'`,
		"by their key": `b.maxLength = 1; b.onkeydown = e => { if (/\d/.test(e.key)) { e.preventDefault(); b.value = e.key; b.oninput() } }`,
		"transparent":  `b.maxLength = 1; b.autocomplete = 'one-time-code'; b.style.opacity = 0`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t, nil)
			w.page("/account", account)
			w.accept("/session", "/account")
			page := w.page("/login", `<form method=post action=/session id=f><input type=hidden name=code id=all><div id=d></div></form><script>
				for (let i = 0; i < 6; i++) { const b = document.createElement('input'); b.ariaLabel = 'Digit ' + (i + 1); d.append(b)
					b.oninput = () => { all.value = [...d.children].map(x => x.value).join(''); if (all.value.length == 6) f.submit() }; `+box+` }</script>`)
			if s := w.ok("browser_sign_in", "url", page); !strings.Contains(s, "signed_in") {
				t.Error(s)
			}
		})
	}
}

// A stand-in for a code is as long as the code.
func TestCodesOfEightDigits(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	w.logins[0].Digits = 8
	w.page("/account", account)
	w.mux.HandleFunc("POST /code", func(rw http.ResponseWriter, r *http.Request) {
		if _, ok := w.takes("", r.FormValue("code")); !ok || len(r.FormValue("code")) != 8 {
			t.Errorf("the code %q came", r.FormValue("code"))
		}
		http.Redirect(rw, r, "/account", http.StatusSeeOther)
	})
	if s := w.ok("browser_sign_in", "url", w.page("/login", `<form method=post action=/code><label>One-time code <input name=code></label><button>Verify</button></form>`)); !strings.Contains(s, "signed_in") {
		t.Error(s)
	}
}

// Several logins of one site are told apart.
func TestWhichLogin(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	w.logins = []cellrpc.Login{
		{Use: "att_1", Name: "upper", Username: "Ada", Password: true, Known: true}, {Use: "att_2", Name: "lower", Username: "ada", Password: true, Known: true},
		{Use: "att_3", Name: "door", Password: true, Known: true}, {Use: "att_4", Name: "bob's", Username: "Bob", Password: true, Known: true},
	}
	w.mux.HandleFunc("POST /session", func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.takes(string(body), "")
	})
	page := w.page("/login", `<input type=password id=p><button onclick="fetch('/session', {method: 'POST', body: p.value}).then(() => document.body.innerHTML = '<a href=/out>Sign out</a>')">Sign in</button><form><label>User <input></label></form><p>ada`)
	for name, want := range map[string]string{"Ada": "att_1", "ada": "att_2", "door": "att_3", "bob": "att_4", "ADA": "", "": ""} {
		w.armed = cellrpc.ArmRequest{}
		pairs := []any{"url", page}
		if name != "" {
			pairs = append(pairs, "username", name)
		}
		out := w.call("browser_sign_in", pairs...)
		if w.armed.Use != want || want == "" && !strings.Contains(out.Text, "door") {
			t.Errorf("%q: %s was used: %s", name, w.armed.Use, out.Text)
		}
	}
}

// A site that sends one on to another host is signed in to with that host's login,
// or the agent is told which that would be.
func TestAnotherHostWithinASignIn(t *testing.T) {
	t.Parallel()
	for name, has := range map[string]bool{"with a login": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t, nil)
			there := strings.Replace(w.server.URL, "127.0.0.1", "localhost", 1)
			if has {
				w.byHost = map[string][]cellrpc.Login{"localhost": {{Use: "att_2", Name: "idp", Username: "ada", Password: true, Known: true}}}
			}
			w.mux.HandleFunc("POST /mail", func(rw http.ResponseWriter, r *http.Request) {
				http.Redirect(rw, r, there+"/idp", http.StatusSeeOther)
			})
			w.mux.HandleFunc("POST /idp", func(rw http.ResponseWriter, r *http.Request) {
				if ok, _ := w.takes(r.FormValue("password"), ""); !ok || w.use() != "att_2" {
					t.Errorf("the login %s came", w.use())
				}
				http.Redirect(rw, r, w.server.URL+"/account", http.StatusSeeOther)
			})
			w.page("/account", account)
			w.page("/idp", `<p>ada</p><form method=post action=/idp><input type=password name=password autocomplete=current-password><button>Sign in</button></form>`)
			out := w.call("browser_sign_in", "url", w.page("/login", `<form method=post action=/mail><input name=user autocomplete=username aria-label=E-mail><button>Next</button></form>`))
			switch {
			case has && (out.Error || !strings.Contains(out.Text, "Welcome, Ada")):
				t.Error(out.Text)
			case !has && (!strings.Contains(out.Text, "more_steps") || !strings.Contains(out.Text, there) || w.use() != ""):
				t.Error(out.Text)
			}
		})
	}
}

// use is the attachment that was armed last.
func (w *world) use() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.armed.Use
}
