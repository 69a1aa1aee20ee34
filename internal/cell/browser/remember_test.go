package browser_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"hotcell/internal/line/cellrpc"
	"hotcell/internal/value/guard"
)

// elsewhere is the same server by another name: another site.
func (w *world) elsewhere(path string) string {
	return strings.Replace(w.server.URL, "127.0.0.1", "localhost", 1) + path
}

// told says whether the gateway knows a value, and for which host.
func (w *world) told(value string) (host string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.sessions {
		var prints guard.Fingerprints
		must(w.t, prints.UnmarshalBinary(s.Prints))
		if guard.Compile(prints).Contains([]byte(value)) {
			host = s.Origin.Host
		}
	}
	return host
}

// TestWhatEachSiteOnTheWayGives: by whatever path, in whatever place, whatever it
// is made of.
func TestWhatEachSiteOnTheWayGives(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	given := map[string]string{
		"deep": "path-cookie-55aa66bb77cc", "sid": "90817263549081726354", "theirs": "idp-cookie-11aa22bb33cc", "letters": "QwertzUiopAsdfGhjklYxcv",
		"base": "eyJ.indexed.db77token88value99", "frame": "frame-token-000111222333444",
	}
	w.mux.HandleFunc("POST /session", func(rw http.ResponseWriter, r *http.Request) {
		w.takes(r.FormValue("password"), "")
		http.SetCookie(rw, &http.Cookie{Name: "x", Value: given["deep"], Path: "/app/deep"})
		http.SetCookie(rw, &http.Cookie{Name: "sid", Value: given["sid"], Path: "/", HttpOnly: true})
		http.SetCookie(rw, &http.Cookie{Name: "session_token", Value: given["letters"], Path: "/"})
		http.Redirect(rw, r, w.elsewhere("/callback"), http.StatusSeeOther)
	})
	w.mux.HandleFunc("GET /callback", func(rw http.ResponseWriter, r *http.Request) {
		http.SetCookie(rw, &http.Cookie{Name: "theirs", Value: given["theirs"], Path: "/callback", HttpOnly: true})
		http.Redirect(rw, r, w.server.URL+"/app", http.StatusSeeOther)
	})
	all := ""
	for _, value := range given {
		all += value + "<br>"
	}
	w.page("/frame", fmt.Sprintf("<script>localStorage.t = %q</script>", given["frame"]))
	w.page("/app", fmt.Sprintf(`<h1>Welcome, Ada</h1><p>%s</p><iframe src="/frame"></iframe><script>
		const r = indexedDB.open('auth'); r.onupgradeneeded = () => r.result.createObjectStore('s', {autoIncrement: true}); r.onsuccess = () => { r.result.transaction('s', 'readwrite').objectStore('s').add({user: {token: %q}}).onsuccess = () => document.title = 'stored' }</script>`, all, given["base"]))
	s := w.ok("browser_sign_in", "url", w.page("/login", plainForm)) + w.ok("browser_wait_for", "time", 0.3) + w.ok("browser_snapshot")
	_, s, _ = strings.Cut(s, "Title: stored")
	for name, value := range given {
		if strings.Contains(s, value) {
			t.Errorf("%s is shown", name)
		}
		host := "127.0.0.1"
		if name == "theirs" {
			host = "localhost"
		}
		if got := w.told(value); got != host {
			t.Errorf("%s is known outside for %q", name, got)
		}
	}
	if !strings.Contains(s, "Welcome") {
		t.Error(s)
	}
}

// TestWhatAFailedSignInGave: a site may have given something before it failed.
func TestWhatAFailedSignInGave(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	const given = "half-signed-in-0123456789"
	w.mux.HandleFunc("POST /session", func(rw http.ResponseWriter, r *http.Request) {
		w.takes(r.FormValue("password"), "")
		http.SetCookie(rw, &http.Cookie{Name: "pre", Value: given, Path: "/mfa"})
		rw.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprint(rw, `<form method=post action=/code><label>Security token <input name=tok maxlength=3></label></form>`+given)
	})
	w.logins[0].OTP = false
	out := w.call("browser_sign_in", "url", w.page("/login", plainForm))
	if !out.Error || !strings.Contains(out.Text, "code_needed") {
		t.Fatal(out.Text)
	}
	if s := w.ok("browser_snapshot"); strings.Contains(s, given) || w.told(given) == "" {
		t.Error(s)
	}
}

// TestWhatNobodySignedInToIsNoSecret: sites that only set cookies are shown as
// they are.
func TestWhatNobodySignedInToIsNoSecret(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	w.page("/", `<p>hello<script>document.cookie = 'visitor=v1s1t0r-0123456789abcdef'; document.body.append(document.cookie)</script>`)
	if s := w.ok("browser_navigate", "url", w.server.URL+"/"); !strings.Contains(s, "v1s1t0r-0123456789abcdef") || len(w.sessions) > 0 {
		t.Error(s)
	}
}

func TestWhatTheGatewayRefusedIsSaid(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	w.mux.HandleFunc("GET /api", func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set(cellrpc.HeaderRefused, "the request's head holds a value of session of x (raw), which may not go to y:443")
		rw.WriteHeader(http.StatusForbidden)
	})
	w.ok("browser_navigate", "url", w.page("/", `<script>fetch('/api')</script>`))
	if s := w.ok("browser_network_requests"); !slices.ContainsFunc(strings.Split(s, "\n"), func(l string) bool {
		return strings.Contains(l, "/api") && strings.Contains(l, "403") && strings.Contains(l, "may not go to y:443")
	}) {
		t.Error(s)
	}
}
