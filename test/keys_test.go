package test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestServicesTakeKeysOfTheirOwn connects without OAuth those that can be.
func TestServicesTakeKeysOfTheirOwn(t *testing.T) {
	t.Parallel()
	a := turned(t, "")
	a.Notion.Page("Plans")
	a.GitHub.Issue("ada", "a bug")
	for slug, call := range map[string]struct {
		tool string
		args map[string]any
		want string
	}{
		"slack":   {"slack_post", map[string]any{"channel": "#ops", "text": "by key"}, "C0000002"},
		"hubspot": {"hubspot_search_contacts", map[string]any{}, "contacts"},
		"github":  {"github_issues", repo(nil), "a bug"},
		"notion":  {"notion_search", map[string]any{"query": "plans"}, "Plans"},
	} {
		c := a.keyed(t, slug, a.ServiceKey(slug))
		c.makes(t, []toolCall{{tool: call.tool, args: call.args, wants: []string{call.want}}})
		// What is no key of the service goes nowhere.
		if r := a.RunWith("nonsense-0123456789\n", "connections", "create", slug, "--name", "other", "--api-key-file", "-"); r.Code == 0 {
			t.Errorf("%s takes any key: %+v", slug, r)
		}
		a.Canaries(a.ServiceKey(slug))
	}
}

// TestAnyServiceWithAKey has the connector http speak to GitHub's twin.
func TestAnyServiceWithAKey(t *testing.T) {
	t.Parallel()
	a := turned(t, "")
	key := a.ServiceKey("github")
	if r := a.RunWith(key+"\n", "connections", "create", "http", "--name", "http", "--host", strings.TrimPrefix(a.Base("github"), "https://"), "--auth", "bearer", "--api-key-file", "-"); r.Code != 0 {
		t.Fatalf("%+v", r)
	}
	c := a.employ(t, "http")
	at := func(path ...string) []string { return append([]string{"repos", "acme", "app"}, path...) }
	a.GitHub.Issue("ada", "one")
	a.GitHub.Pull("bob", "faster", "speed", "main")
	a.GitHub.Put("kept.txt", []byte("x\n"))
	a.GitHub.Branch("old")
	c.does(t, "http", []toolCall{
		{tool: "http_get", args: map[string]any{"path": at("issues"), "query": map[string]any{"state": "all", "per_page": 1}}, wants: []string{"faster"}, then: func(t *testing.T, answer string) {
			if strings.Contains(answer, `"one"`) {
				t.Error("per_page was not sent")
			}
		}},
		{tool: "http_post", args: map[string]any{"path": at("issues"), "json": map[string]any{"title": "by http", "labels": []string{"a", "b"}}}, wants: []string{"by http"}, then: func(t *testing.T, _ string) {
			title, _, labels, _ := a.GitHub.Shown(3)
			same(t, title, labels, "a", "b")
		}},
		{tool: "http_patch", args: map[string]any{"path": at("issues", "3"), "json": map[string]any{"state": "closed"}}, then: func(t *testing.T, _ string) {
			if _, state, _, _ := a.GitHub.Shown(3); state != "closed" {
				t.Error(state)
			}
		}},
		{tool: "http_put", args: map[string]any{"path": at("pulls", "2", "merge"), "json": map[string]any{}}, wants: []string{`"merged":true`}},
		{tool: "http_delete", args: map[string]any{"path": at("git", "refs", "heads", "old")}, then: func(t *testing.T, _ string) {
			if a.GitHub.File("old", "kept.txt") != nil || a.GitHub.File("main", "kept.txt") == nil {
				t.Error("another branch was deleted")
			}
		}},
		{tool: "http_delete", args: map[string]any{"path": []string{"user"}}, fails: true, wants: []string{"404"}},
	})
	c.refuses(t, "http_get", map[string]any{"path": at("issues", "..", "..", "..", "user")}, `"code":"invalid"`)
	c.refuses(t, "http_get", map[string]any{"path": at("issues/../../../user")}, `"code":"invalid"`)
	c.refuses(t, "http_get", map[string]any{"path": at("issues", "99")}, `"status":404`, "Not Found")
	a.GitHub.Slow(1)
	c.refuses(t, "http_get", map[string]any{"path": at("issues")}, `"status":403`, `"retryable":true`, `"retry_after":60`)
	a.Canaries(key)
}

// described is a part of Stripe's API, as an OpenAPI document has it.
const described = `{"openapi":"3.0.3","info":{"title":"Money","version":"1"},"paths":{
 "/v1/customers":{
  "get":{"operationId":"ListCustomers","summary":"Lists customers","parameters":[{"name":"email","in":"query","schema":{"type":"string"}},{"name":"limit","in":"query","schema":{"type":"integer"}}]},
  "post":{"operationId":"CreateCustomer","summary":"Creates a customer","requestBody":{"required":true,"content":{"application/x-www-form-urlencoded":{"schema":{"type":"object","required":["email"],"properties":{"email":{"type":"string"},"metadata":{"type":"object","additionalProperties":{"type":"string"}}}}}}}}},
 "/v1/customers/{customer}":{"get":{"operationId":"GetCustomer","summary":"Gets a customer","parameters":[{"name":"customer","in":"path","required":true,"schema":{"type":"string"}}]}}}}`

func TestOperationsOfADescribedService(t *testing.T) {
	t.Parallel()
	a := turned(t, "")
	file := filepath.Join(t.TempDir(), "money.json")
	if err := os.WriteFile(file, []byte(described), 0o600); err != nil {
		t.Fatal(err)
	}
	key := a.ServiceKey("stripe")
	if r := a.RunWith(key+"\n", "connections", "create", "openapi", "--name", "money", "--definition", file, "--set", "base="+a.Base("stripe"), "--auth", "bearer", "--api-key-file", "-"); r.Code != 0 {
		t.Fatalf("%+v", r)
	}
	c := a.engage(t, "money", []string{"list_customers", "create_customer", "get_customer"}, nil)
	ada := a.Stripe.Add("customers", map[string]any{"email": "ada@acme.test", "name": "Ada"})
	c.makes(t, []toolCall{
		{tool: "money_list_customers", args: map[string]any{"email": "ada@acme.test", "limit": 5}, wants: []string{ada}},
		{tool: "money_get_customer", args: map[string]any{"customer": ada}, wants: []string{`"Ada"`}},
		{tool: "money_create_customer", args: map[string]any{"email": "bob@acme.test", "metadata": map[string]any{"k": "a&b"}}, then: func(t *testing.T, _ string) {
			if got := a.Stripe.All("customers")[0]; got["email"] != "bob@acme.test" {
				t.Errorf("%v", got)
			}
		}},
	})
	c.refuses(t, "money_list_customers", map[string]any{"limit": 500}, `"status":400`, "limit is from 1 to 100")
	c.refuses(t, "money_get_customer", map[string]any{"customer": "../account"}, `"code":"invalid"`)
	a.Stripe.Limit(1)
	c.refuses(t, "money_list_customers", map[string]any{}, `"status":429`, `"retryable":true`)
	a.Canaries(key)
}
