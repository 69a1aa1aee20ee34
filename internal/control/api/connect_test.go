package api_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"hotcell/internal/control/api"
	"hotcell/internal/control/api/apitest"
)

// visit is a browser's look at the public listener. Headers are pairs.
func visit(f *face, method, target string, cookies []*http.Cookie, headers ...string) *http.Response {
	f.t.Helper()
	r := httptest.NewRequestWithContext(f.t.Context(), method, target, nil)
	for _, c := range cookies {
		r.AddCookie(c)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	api.Public(f.world.Config()).ServeHTTP(w, r)
	return w.Result()
}

func link(t *testing.T, f *face) (url, id string) {
	t.Helper()
	if r := f.ask("PUT", "/v1/clients/chat", `{"id":"client-1","secret":"client-secret-0123"}`); r.status != http.StatusNoContent {
		t.Fatalf("%d %s", r.status, r.body)
	}
	r := f.ask("POST", "/v1/links", `{"connector":"chat","name":"work"}`)
	var made struct{ ID, URL string }
	if err := json.Unmarshal([]byte(r.body), &made); err != nil || !strings.HasPrefix(made.URL, apitest.Base+"/connect/token-of-") {
		t.Fatalf("%d %s", r.status, r.body)
	}
	return made.URL, made.ID
}

func TestABrowserGoesOnWithALinkAndComesBack(t *testing.T) {
	t.Parallel()
	f := setup(t)
	url, id := link(t, f)
	// From a message in another site's page: the page is shown, and does nothing.
	navigate := []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}
	if r := visit(f, "GET", url, nil, navigate...); r.StatusCode != http.StatusOK || !strings.Contains(r.Header.Get("Content-Security-Policy"), "default-src 'none'") || len(r.Cookies()) > 0 {
		t.Errorf("%d %v", r.StatusCode, r.Header)
	}
	if r := f.ask("GET", "/v1/links/"+id, ""); !strings.Contains(r.body, `"state":"waiting"`) || strings.Contains(r.body, "token-of") {
		t.Errorf("%s", r.body)
	}
	if r := visit(f, "POST", url, nil, "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"); r.StatusCode != http.StatusForbidden {
		t.Errorf("another site goes on with the link: %d", r.StatusCode)
	}
	r := visit(f, "POST", url, nil, "Sec-Fetch-Site", "same-origin")
	to, err := r.Location()
	if err != nil || r.StatusCode != http.StatusSeeOther || to.Host != "accounts.acme.test" || len(r.Cookies()) != 2 {
		t.Fatalf("%d %v %v", r.StatusCode, r.Header, err)
	}
	for _, c := range r.Cookies() {
		if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/connect/" {
			t.Errorf("%+v", c)
		}
	}
	back := apitest.Base + "/connect/callback?code=c&state=" + id
	if other := visit(f, "GET", back, nil, navigate...); other.StatusCode != http.StatusForbidden {
		t.Errorf("without the cookie: %d", other.StatusCode)
	}
	if script := visit(f, "GET", back, r.Cookies(), "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "cors", "Sec-Fetch-Dest", "empty"); script.StatusCode != http.StatusForbidden {
		t.Errorf("a script of another site: %d", script.StatusCode)
	}
	if done := visit(f, "GET", back, r.Cookies(), navigate...); done.StatusCode != http.StatusOK {
		t.Errorf("%d", done.StatusCode)
	}
	if r := f.ask("GET", "/v1/links/"+id, ""); !strings.Contains(r.body, `"state":"done"`) {
		t.Errorf("%s", r.body)
	}
}

func TestWhoIsAskedSeesByWhomAndForWhat(t *testing.T) {
	t.Parallel()
	f := setup(t)
	link(t, f)
	var made struct{ URL string }
	r := f.ask("POST", "/v1/links", `{"connector":"chat","name":"<b>bank</b>","shared":true}`)
	if err := json.Unmarshal([]byte(r.body), &made); err != nil {
		t.Fatal(err, r.body)
	}
	shown := func(url string) (int, string) {
		t.Helper()
		r := visit(f, "GET", url, nil)
		text, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		return r.StatusCode, string(text)
	}
	status, text := shown(made.URL)
	for _, want := range []string{"Connect your Chat account for " + f.world.Asks() + "?", "accounts.acme.test", "&lt;b&gt;bank&lt;/b&gt;", "every assignment in the workspace", "Post", "Purge", "write", "Continue"} {
		if status != http.StatusOK || !strings.Contains(text, want) {
			t.Errorf("%d, without %q: %s", status, want, text)
		}
	}
	if strings.Contains(text, "<b>bank") || strings.Contains(text, "token-of") {
		t.Errorf("%s", text)
	}
	if status, text := shown(apitest.Base + "/connect/token-of-nothing"); status != http.StatusNotFound || strings.Contains(text, "Continue") {
		t.Errorf("for no link: %d %s", status, text)
	}
}

func TestALinkThatIsRepeatedIsNotKeptInClear(t *testing.T) {
	t.Parallel()
	f := setup(t)
	link(t, f)
	one := f.ask("POST", "/v1/links", `{"connector":"chat","name":"again"}`, "Idempotency-Key", "k1")
	two := f.ask("POST", "/v1/links", `{"connector":"chat","name":"again"}`, "Idempotency-Key", "k1")
	if one.status != http.StatusCreated || one.body != two.body || two.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("%d %s\n%d %s", one.status, one.body, two.status, two.body)
	}
	if strings.Contains(f.world.Remembered(), "token-of") || strings.Contains(f.world.Logged.String(), "token-of") {
		t.Error("the link lies in the database or the log")
	}
}

func TestAClientsSecretIsNotShown(t *testing.T) {
	t.Parallel()
	f := setup(t)
	link(t, f)
	r := f.ask("GET", "/v1/clients", "")
	if !strings.Contains(r.body, `"client-1"`) || !strings.Contains(r.body, apitest.Base+"/connect/callback") || strings.Contains(r.body+f.world.Logged.String(), "client-secret") || f.world.ClientSecret("chat") != "client-secret-0123" {
		t.Errorf("%s", r.body)
	}
	for _, body := range []string{`{"id":"x","secret":"client-secret-0123","sealed_secret":"AAAA"}`, `{"id":"x","sealed_secret":"AAAA"}`} {
		if r := f.ask("PUT", "/v1/clients/chat", body); r.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d %s", body, r.status, r.body)
		}
	}
}

// Over TLS the cookie is one that no neighbour of the domain can set.
func TestTheCookieOfALinkIsTheHostsOwnOverTLS(t *testing.T) {
	t.Parallel()
	f := setup(t)
	url, id := link(t, f)
	const base = "https://hotcell.acme.test"
	config := f.world.Config()
	config.Base = func() string { return base }
	browse := func(method, target string, cookies []*http.Cookie, site string) *http.Response {
		r := httptest.NewRequestWithContext(t.Context(), method, target, nil)
		r.Header.Set("Sec-Fetch-Site", site)
		r.Header.Set("Sec-Fetch-Mode", "navigate")
		r.Header.Set("Sec-Fetch-Dest", "document")
		for _, c := range cookies {
			r.AddCookie(c)
		}
		w := httptest.NewRecorder()
		api.Public(config).ServeHTTP(w, r)
		return w.Result()
	}
	opened := browse("POST", base+strings.TrimPrefix(url, apitest.Base), nil, "same-origin")
	if opened.StatusCode != http.StatusSeeOther || len(opened.Cookies()) != 2 {
		t.Fatalf("%d %v", opened.StatusCode, opened.Header)
	}
	var plain []*http.Cookie
	for _, c := range opened.Cookies() {
		if !strings.HasPrefix(c.Name, "__Host-") || c.Path != "/" || c.Domain != "" || !c.Secure || !c.HttpOnly {
			t.Errorf("%+v", c)
		}
		plain = append(plain, &http.Cookie{Name: strings.TrimPrefix(c.Name, "__Host-"), Value: c.Value})
	}
	back := base + "/connect/callback?code=c&state=" + id
	if r := browse("GET", back, plain, "cross-site"); r.StatusCode != http.StatusForbidden {
		t.Errorf("a cookie that a neighbour can set: %d", r.StatusCode)
	}
	done := browse("GET", back, opened.Cookies(), "cross-site")
	if done.StatusCode != http.StatusOK || len(done.Cookies()) != 1 || !strings.HasPrefix(done.Cookies()[0].Name, "__Host-") || done.Cookies()[0].Path != "/" {
		t.Errorf("%d %v", done.StatusCode, done.Header)
	}
}
