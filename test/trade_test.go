package test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"hotcell/test/acme"
	"hotcell/test/acme/account"
)

// turned is the company with a server of which one connector is led to the
// hostile service; of none where it is "".
func turned(t *testing.T, slug string) *firm {
	t.Helper()
	a := openAcmeWith(t, "", func(c *acme.Company) { c.Turn(slug) })
	a.Register("http://" + a.Address() + "/connect/callback")
	return a
}

// keyed connects a service by its key, with what more the command takes, and
// begins an external job with an agent that has all its tools.
func (a *firm) keyed(t *testing.T, slug, key string, more ...string) *clerk {
	t.Helper()
	if r := a.RunWith(key+"\n", append([]string{"connections", "create", slug, "--name", slug, "--api-key-file", "-"}, more...)...); r.Code != 0 {
		t.Fatalf("%+v", r)
	}
	return a.employ(t, slug)
}

// tells makes a call that succeeds, and returns what it tells.
func (c *clerk) tells(t *testing.T, tool string, args map[string]any) map[string]any {
	t.Helper()
	r, err := c.session.CallTool(t.Context(), &mcp.CallToolParams{Name: tool, Arguments: args})
	if err != nil || r.IsError {
		t.Fatalf("%s: %v %s", tool, err, told(r))
	}
	out, _ := r.StructuredContent.(map[string]any)
	return out
}

// refuses makes a call that fails, and looks for what an agent is to read.
func (c *clerk) refuses(t *testing.T, tool string, args map[string]any, wants ...string) {
	t.Helper()
	r, err := c.session.CallTool(t.Context(), &mcp.CallToolParams{Name: tool, Arguments: args})
	if err != nil || !r.IsError {
		t.Errorf("%s: %v, and no error: %s", tool, err, told(r))
		return
	}
	text, _ := json.Marshal(r.StructuredContent)
	for _, want := range wants {
		if !strings.Contains(string(text), want) {
			t.Errorf("%s: %q is not in %s", tool, want, text)
		}
	}
}

// listed reads a list by answers of so many items, and holds it against how many
// there are: each answer but the last says that there is more, and how to go on.
func (c *clerk) listed(t *testing.T, tool, list string, args map[string]any, each, all int) (items []any) {
	t.Helper()
	args = maps.Clone(args)
	args["limit"] = each
	for rest := all; ; rest -= each {
		answer := c.tells(t, tool, args)
		part, _ := answer[list].([]any)
		items = append(items, part...)
		if len(part) != min(each, rest) || (answer["more"] == true) != (rest > each) || (answer["cursor"] != nil) != (rest > each) {
			t.Errorf("%s: %d items where %d remain, more: %v, cursor: %v", tool, len(part), rest, answer["more"], answer["cursor"])
			return items
		}
		if rest <= each {
			break
		}
		args["cursor"] = answer["cursor"]
	}
	seen := map[string]bool{}
	for _, one := range items {
		text, _ := json.Marshal(one)
		seen[string(text)] = true
	}
	if len(seen) != all {
		t.Errorf("%s: %d different items of %d", tool, len(seen), all)
	}
	return items
}

// names is a field of each item of a list.
func names(items any, field string) (out []string) {
	list, _ := items.([]any)
	for _, one := range list {
		m, _ := one.(map[string]any)
		s, _ := m[field].(string)
		out = append(out, s)
	}
	return out
}

// same holds a list against what it is to be.
func same(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %q, not %q", what, got, want)
	}
}

// gone deletes a connection, whose grant is revoked at the service; or not, where
// revoked is "".
func (a *firm) gone(t *testing.T, name, revoked string) {
	t.Helper()
	if r := a.Server.Run("connections", "delete", "--yes", "--destroy", name, name); r.Code != 0 || !strings.Contains(r.Err+r.Out, revoked) {
		t.Errorf("deleting %s: %+v", name, r)
	}
}

// status is what a request of somebody without Hotcell is answered.
func (a *firm) status(t *testing.T, method, url, authorization, body string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = http.Header{"Authorization": {authorization}, "Content-Type": {"application/json"}, "User-Agent": {"test"}, "Notion-Version": {"2022-06-28"}}
	answer, err := a.browser(t).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	return answer.StatusCode
}

// keyOf knows one key, whose owner has the scopes.
func keyOf(authorization string, scopes ...string) account.Check {
	return func(r *http.Request) (account.Account, bool) {
		return account.Account{ID: "U1", Name: "Ada", Mail: "ada@acme.test", Team: "Acme", Scopes: scopes}, r.Header.Get("Authorization") == authorization
	}
}

// shown is what a twin answers, its status first.
func shown(t *testing.T, twin http.Handler, method, path, kind, authorization, body string) string {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	r.Header = http.Header{"Authorization": {authorization}, "User-Agent": {"test"}}
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	w := httptest.NewRecorder()
	twin.ServeHTTP(w, r)
	return fmt.Sprint(w.Code, " ", w.Body)
}
