package test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"hotcell/internal/catalog/connector"
	"hotcell/test/acme/account"
)

// scoped makes calls straight at a twin, which is at a host, each by a token that has the scopes of the
// called tool alone: what a document asks for is enough for each of its tools. Then
// each is made without them, which the twin must refuse.
func scoped(t *testing.T, slug, host string, twin func(account.Check) http.Handler, calls func() []toolCall) {
	t.Helper()
	catalog, err := connector.Load(connector.Options{Overrides: map[string]connector.Override{slug: {Base: "https://" + host}}})
	if err != nil {
		t.Fatal(err)
	}
	of, _ := catalog.Find(slug)
	who := account.Account{ID: "U1", Name: "Ada", Mail: "ada@acme.test", Team: "Acme"}
	handler := twin(func(*http.Request) (account.Account, bool) { return who, true })
	for _, one := range calls() {
		if one.fails {
			continue
		}
		args := one.args
		if args == nil {
			args = map[string]any{}
		}
		if one.fill != nil {
			one.fill(args)
		}
		tool, ok := of.Tool(strings.TrimPrefix(one.tool, of.AgentName("")))
		if !ok {
			t.Fatalf("no tool %s", one.tool)
		}
		who.Scopes = of.Auth.Scopes
		if len(tool.Scopes) > 0 {
			if _, err := direct(t, of, tool, args, handler); err == nil {
				t.Errorf("%s needs no scope of %q", one.tool, tool.Scopes)
			}
		}
		who.Scopes = of.Scopes([]string{tool.Name})
		answer, err := direct(t, of, tool, args, handler)
		if err != nil {
			t.Errorf("%s with the scopes %q: %v", one.tool, tool.Scopes, err)
		}
		if one.then != nil {
			one.then(t, `{"structuredContent":`+answer+`}`)
		}
	}
}

// direct makes one call straight at a handler.
func direct(t *testing.T, of *connector.Connector, tool *connector.Tool, args map[string]any, handler http.Handler) (string, error) {
	t.Helper()
	text, err := json.Marshal(args)
	if err != nil {
		t.Fatal(err)
	}
	checked, err := tool.Check(t.Context(), text)
	if err != nil {
		return "", err
	}
	run := tool.Begin(of, connector.Input{Args: checked, AccountID: "U1", Account: "ada@acme.test", Call: "call", Now: time.Now()})
	for {
		q, err := run.Next(t.Context())
		if err != nil {
			return "", err
		}
		if q == nil {
			break
		}
		r := httptest.NewRequestWithContext(t.Context(), q.Method, q.URL.String(), strings.NewReader(string(q.Body)))
		r.Header = q.Header
		r.Header.Set("Authorization", "Bearer of-this-test")
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if err := run.Answer(t.Context(), &connector.Answer{Status: w.Code, Header: w.Header(), Body: w.Body.Bytes()}); err != nil {
			return "", err
		}
	}
	result, err := run.Result(t.Context())
	if err != nil {
		return "", err
	}
	if result.JSON == nil {
		return "null", nil
	}
	return string(result.JSON), nil
}

// field is a part of an answer's JSON: field(answer, "messages", 0, "id").
func field(t *testing.T, answer string, path ...any) any {
	t.Helper()
	var whole struct {
		Structured any `json:"structuredContent"`
	}
	if err := json.Unmarshal([]byte(answer), &whole); err != nil {
		t.Fatal(err)
	}
	v := whole.Structured
	for _, step := range path {
		switch step := step.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[step]
		case int:
			list, _ := v.([]any)
			if step >= len(list) {
				t.Errorf("%v is not in %s", path, answer)
				return nil
			}
			v = list[step]
		}
	}
	return v
}
