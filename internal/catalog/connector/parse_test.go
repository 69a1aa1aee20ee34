package connector_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"hotcell"
	"hotcell/internal/catalog/connector"
)

func decode64(t *testing.T, s string) string {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestEveryDocumentThatComesWithItIsWell(t *testing.T) {
	t.Parallel()
	catalog, err := connector.Load(connector.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(catalog.All()) < 3 {
		t.Errorf("%d connectors", len(catalog.All()))
	}
	for _, c := range catalog.All() {
		for _, tool := range c.Tools {
			if !json.Valid(tool.Input) {
				t.Errorf("%s: no schema", c.AgentName(tool.Name))
			}
		}
	}
}

func TestFaultsOfADocumentAreToldWithTheirLine(t *testing.T) {
	t.Parallel()
	if p := connector.Lint([]byte(chat)); len(p) > 0 {
		t.Fatalf("%v", p)
	}
	for replace, want := range map[[2]string]string{
		{"name: Chat", "nam: Chat"}:                                                 "nam",
		{"slug: chat", "slug: Chat!"}:                                               "slug",
		{"path: /post", "path: post"}:                                               "begins with /",
		{"${answer.error}", "${answer.}"}:                                           "CEL",
		{"${args.id}/read", "${args.id/read"}:                                       "has no end",
		{"method: POST\n    path: /post", "method: EVIL\n    path: /post"}:          "method",
		{"kind: oauth2", "kind: magic"}:                                             "authorised",
		{"base: https://chat", "base: http://chat"}:                                 "https",
		{"token: https://chat", "token: http://chat"}:                               "https",
		{"also: [https://files", "also: [http://files"}:                             "origin",
		{"hint: write", "hint: maybe"}:                                              "to read, to write",
		{"- name: post", "- name: read"}:                                            "already",
		{"type: object\n    required: [text]", "type: array\n    required: [text]"}: "object",
	} {
		text := strings.Replace(chat, replace[0], replace[1], 1)
		if text == chat {
			t.Fatalf("%q is not in it", replace[0])
		}
		p := connector.Lint([]byte(text))
		if len(p) == 0 || !strings.Contains(p[0].Path+p[0].Detail, want) || p[0].Line == 0 {
			t.Errorf("%q: %v", replace[1], p)
		}
		if _, err := connector.Parse([]byte(text)); !errors.Is(err, hotcell.ErrInvalid) {
			t.Errorf("%q: %v", replace[1], err)
		}
	}
}

func TestTheOperatorsWordCounts(t *testing.T) {
	t.Parallel()
	own := connector.Document{Name: "chat.yaml", Text: []byte(chat)}
	c, err := connector.Load(connector.Options{Own: []connector.Document{own}, Overrides: map[string]connector.Override{"chat": {Base: "http://127.0.0.1:8080/x", Token: "https://accounts.acme.test/token"}}})
	if err != nil {
		t.Fatal(err)
	}
	found, _ := c.Find("chat")
	host, port, err := found.Origin(nil)
	if !found.Own || host != "127.0.0.1" || port != 8080 || err != nil || found.Auth.Token != "https://accounts.acme.test/token" {
		t.Errorf("%+v %s %d %v", found, host, port, err)
	}
	for _, o := range []connector.Options{
		{Own: []connector.Document{own, own}}, {Own: []connector.Document{{Name: "x", Text: []byte("slug: x")}}},
		{Overrides: map[string]connector.Override{"nobody": {}}}, {Overrides: map[string]connector.Override{"http": {Base: "http://api.acme.test"}}},
	} {
		if _, err := connector.Load(o); err == nil {
			t.Errorf("%+v is taken", o)
		}
	}
}

func TestSettingsAreWhatTheyMayBe(t *testing.T) {
	t.Parallel()
	catalog, err := connector.Load(connector.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c, _ := catalog.Find("http")
	for value, ok := range map[string]bool{
		"https://api.acme.test/v1": true, "https://api.acme.test:8443": true, "http://api.acme.test": false, "https://u:p@api.acme.test": false, "https://a.test/?x": false,
		"https://a.test/#f": false, "": false, "https://": false, "javascript:x": false,
	} {
		if err := c.CheckSettings(map[string]string{"base": value}); (err == nil) != ok {
			t.Errorf("%q: %v", value, err)
		}
	}
	if c.CheckSettings(nil) == nil || c.CheckSettings(map[string]string{"base": "https://a.test", "other": "x"}) == nil {
		t.Error("a setting is missing, or too many")
	}
}

func TestTokenAnswers(t *testing.T) {
	t.Parallel()
	c := parse(t)
	out, err := c.Auth.ReadToken(t.Context(), []byte(`{"access_token":"secret-a","refresh_token":"secret-r","expires_in":3600,"scope":"read write"}`))
	if err != nil || out.Access != "secret-a" || out.Refresh != "secret-r" || out.Expires != time.Hour || out.Scope != "read write" {
		t.Errorf("%v", err)
	}
	if printed := strings.Join([]string{out.String(), strings.TrimSpace(out.GoString())}, " "); strings.Contains(printed, "secret") {
		t.Error("it prints its tokens")
	}
	for body, code := range map[string]string{`{"error":"invalid_grant","error_description":"secret"}`: "invalid_grant", `{"error":"<script>"}`: "error", `error=bad_verification_code&error_description=secret`: "bad_verification_code", `error=%3Cscript%3E`: "error"} {
		if out, err := c.Auth.ReadToken(t.Context(), []byte(body)); err != nil || out.Error != code {
			t.Errorf("%s: %v %q", body, err, out.Error)
		}
	}
	for _, body := range []string{`{}`, `<html>`, ``, `[]`, `{"access_token":5}`, `{"access_token":""}`, `access_token=`, `access_token=a&access_token=b`, `token=a`, `access_token=%zz`, `access_token=a;b=c`, `a access_token=b`} {
		if _, err := c.Auth.ReadToken(t.Context(), []byte(body)); err == nil {
			t.Errorf("%s is taken", body)
		}
	}
	// As some answer, whatever they are asked for.
	out, err = c.Auth.ReadToken(t.Context(), []byte("access_token=gho_16C7%2Be42&scope=repo%2Cgist&token_type=bearer&expires_in=28800\n"))
	if err != nil || out.Access != "gho_16C7+e42" || out.Expires != 8*time.Hour || out.Scope != "repo,gist" {
		t.Errorf("a form: %v", err)
	}
	for body, want := range map[string]time.Duration{`-5`: 0, `"3600"`: time.Hour, `1e300`: 0, `0`: 0} {
		if out, err := c.Auth.ReadToken(t.Context(), []byte(`{"access_token":"a","expires_in":`+body+`}`)); err != nil || out.Expires != want {
			t.Errorf("%s: %v, %v", body, out.Expires, err)
		}
	}
}

// FuzzParse reads anything as a document: what is not taken has a fault that is
// told, and the first of them is the error.
func FuzzParse(f *testing.F) {
	f.Add([]byte(chat))
	f.Add([]byte(shop))
	f.Add([]byte("slug: [a"))
	f.Add([]byte("slug: &a [*a]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if _, err := connector.Parse(text); err != nil && len(connector.Lint(text)) == 0 {
			t.Fatalf("%v is no fault", err)
		}
	})
}
