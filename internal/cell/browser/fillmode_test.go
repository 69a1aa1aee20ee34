package browser_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"hotcell/internal/cell/browser"
	"hotcell/internal/line/cellrpc"
)

const plainForm = `<form method=post action=/session><input name=user aria-label=User><input type=password name=password id=p><button>Sign in</button></form>`

func TestNothingIsFilledInWhereScriptsOfTheAgentRun(t *testing.T) {
	t.Parallel()
	w := open(t, func(c *browser.Config) { c.Evaluate = true })
	w.logins[0].Fill = true
	w.accept("/session", "/account")
	w.page("/account", account)
	w.ok("browser_navigate", "url", w.page("/login", plainForm))
	w.ok("browser_evaluate", "function", `() => document.addEventListener('input', e => { if (e.target.type == 'password') self.got = [...e.target.value].map(c => c.charCodeAt(0)).join() }, true)`)
	if out := w.call("browser_sign_in"); !out.Error || !strings.Contains(out.Text, "--evaluate") {
		t.Errorf("%s", out.Text)
	}
	if got := w.ok("browser_evaluate", "function", "() => self.got || 'nothing'"); !strings.Contains(got, "nothing") {
		t.Errorf("a script has %s", got)
	}
}

// typedLength is a button by which a test is told how much is in fields.
const typedLength = `<button type=button onclick="document.title = 'lengths ' + [...document.querySelectorAll('input')].map(i => i.name + i.value.length).join(' ') + (self.more ? more() : '')">Measure</button>`

// TestAPageHasNothingLeftOfAFilling: whatever a page does, no field has a value
// once the agent's tools are open again.
func TestAPageHasNothingLeftOfAFilling(t *testing.T) {
	t.Parallel()
	form := `<form method=post action=/session id=f><input name=user aria-label=User><input type=password name=password id=p><button>Sign in</button></form><script>const send = () => { fetch('/sent', {method: 'post', body: 'x'}); return false }</script>` + typedLength
	for name, html := range map[string]string{
		"the form is hidden":              form + `<script>f.onsubmit = () => { f.style.display = 'none'; return false }</script>`,
		"a dialog while it is typed":      form + `<script>p.oninput = () => alert('hello'); f.onsubmit = send</script>`,
		"a dialog when it is sent":        form + `<script>f.onsubmit = () => { confirm('really?'); return false }</script>`,
		"keys are refused":                form + `<script>f.onsubmit = send; onkeydown = onbeforeinput = e => { if (e.key == 'Delete' || (e.inputType || '').startsWith('delete')) e.preventDefault() }</script>`,
		"a copy in another field":         form + `<input name=copy id=q type=hidden><script>p.oninput = () => { q.value = 'x' + p.value }; f.onsubmit = send</script>`,
		"a copy in a closed shadow":       form + `<div id=d></div><script>const r = d.attachShadow({mode: 'closed'}); r.innerHTML = '<input>'; p.oninput = () => { r.firstChild.value = p.value }; f.onsubmit = send; self.more = () => ' shadow' + r.firstChild.value.length</script>`,
		"the value is put back":           form + `<script>let kept = ''; p.oninput = () => { if (p.value) kept = p.value; setTimeout(() => { p.value = kept }); p.value = kept }; f.onsubmit = send</script>`,
		"the page computes in place":      form + `<script>f.onsubmit = () => { p.value = p.value.split('').map(c => c.charCodeAt(0)).join('-'); p.type = 'text'; return false }</script>`,
		"a frame has a copy":              form + `<iframe srcdoc="<input id=i>" id=fr></iframe><script>p.oninput = () => { fr.contentDocument.getElementById('i').value = p.value }; f.onsubmit = send; self.more = () => ' frame' + fr.contentDocument.getElementById('i').value.length</script>`,
		"nothing answers when it is sent": form + `<script>f.onsubmit = () => { fetch('/never', {method: 'post', body: 'x'}); return false }</script>`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t, nil)
			w.logins[0].Fill = true
			w.page("/other", "<p>other")
			w.mux.HandleFunc("POST /sent", func(http.ResponseWriter, *http.Request) {})
			w.mux.HandleFunc("POST /never", func(_ http.ResponseWriter, r *http.Request) { w.hang(r) })
			page := w.page("/login", html)
			w.call("browser_sign_in", "url", page)
			s := w.ok("browser_tabs", "action", "select", "index", 0)
			if !strings.Contains(s, "Measure") { // the page was left
				return
			}
			s = w.ok("browser_click", "ref", w.ref(s, `"Measure"`))
			_, title, _ := strings.Cut(s, "Title: lengths user3 ")
			title, _, _ = strings.Cut(title, "\n")
			if strings.Trim(title, "paswordcyhfme0 ") != "" || !strings.Contains(title, "password0") {
				t.Errorf("%s", s)
			}
		})
	}
}

func TestACallThatIsGivenUpLeavesNothing(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	w.logins[0].Fill = true
	arrived := make(chan struct{})
	w.mux.HandleFunc("POST /never", func(_ http.ResponseWriter, r *http.Request) { close(arrived); w.hang(r) })
	w.ok("browser_navigate", "url", w.page("/login", plainForm+typedLength+`<script>document.forms[0].onsubmit = () => { fetch('/never', {method: 'post', body: 'x'}); return false }</script>`))
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-arrived; cancel() }()
	if out := w.driver.Call(ctx, cellrpc.Call{Tool: "browser_sign_in"}); !out.Error {
		t.Errorf("%s", out.Text)
	}
	s := w.ok("browser_snapshot")
	if s = w.ok("browser_click", "ref", w.ref(s, `"Measure"`)); !strings.Contains(s, "password0") {
		t.Errorf("%s", s)
	}
}

func TestAPageIsNotKeptToGoBackTo(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	w.logins[0].Fill = true
	w.accept("/session", "/account")
	w.page("/account", account)
	w.ok("browser_sign_in", "url", w.page("/login", plainForm+typedLength))
	s := w.ok("browser_navigate_back")
	if s = w.ok("browser_click", "ref", w.ref(s, `"Measure"`)); !strings.Contains(s, "password0") {
		t.Errorf("%s", s)
	}
}

// TestACodeIsWithheld: also one that is too plain for fingerprints.
func TestACodeIsWithheld(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"314159", "112211"} {
		w := open(t, nil)
		w.code, w.logins[0].Fill = code, true
		w.page("/code", `<form method=post action=/done><label>One-time code <input name=code maxlength=6></label><button>Verify</button></form>`)
		w.accept("/session", "/code")
		w.mux.HandleFunc("POST /done", func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Content-Type", "text/html")
			_, _ = fmt.Fprintf(rw, "<h1>Welcome</h1><p>you sent %s, not 9%s9</p>", r.FormValue("code"), code)
		})
		s := w.ok("browser_sign_in", "url", w.page("/login", plainForm))
		if strings.Contains(strings.ReplaceAll(s, "9"+code+"9", ""), code) || !strings.Contains(s, "you sent") {
			t.Errorf("%s", s)
		}
		if code == "314159" && len(w.sessions) == 0 {
			t.Error("the gateway was told of no code")
		}
	}
}

// TestADownloadHasNothingOfALogin: neither in its name nor in what it holds.
func TestADownloadHasNothingOfALogin(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	w.logins[0].Fill = true
	w.mux.HandleFunc("GET /file", func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Disposition", `attachment; filename="`+truePassword+`.txt"`)
		_, _ = fmt.Fprintf(rw, "it is %s", truePassword)
	})
	w.accept("/session", "/account")
	w.page("/account", "<h1>Welcome</h1><a href=/file>File</a>")
	s := w.ok("browser_sign_in", "url", w.page("/login", plainForm))
	s = w.ok("browser_click", "ref", w.ref(s, `"File"`))
	if len(w.kept) != 1 || strings.Contains(s+fmt.Sprint(w.kept), truePassword) {
		t.Errorf("%s, %v", s, w.kept)
	}
}

// TestNothingIsUndone: undoing is of the page as a whole, whatever field has the
// keyboard.
func TestNothingIsUndone(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	w.logins[0].Fill = true
	w.mux.HandleFunc("POST /sent", func(http.ResponseWriter, *http.Request) {})
	w.call("browser_sign_in", "url", w.page("/login", plainForm+typedLength+`<script>document.forms[0].onsubmit = () => { fetch('/sent', {method: 'post', body: 'x'}); return false }</script>`))
	s := w.ok("browser_snapshot")
	w.ok("browser_type", "ref", w.ref(s, `"User"`), "text", "eve")
	for _, key := range []string{"Control+z", "Control+z", "Control+z", "Control+Shift+z", "Control+y", "Shift+Control+Z", "Control+z", "Alt+Backspace", "Shift+Alt+Backspace", "Meta+z"} {
		w.call("browser_press_key", "key", key)
		s = w.ok("browser_click", "ref", w.ref(w.ok("browser_snapshot"), `"User"`))
		if s = w.ok("browser_click", "ref", w.ref(s, `"Measure"`)); !strings.Contains(s, "password0") {
			t.Fatalf("after %s: %s", key, s)
		}
		w.ok("browser_click", "ref", w.ref(s, `"User"`))
	}
}
