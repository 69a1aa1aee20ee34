package test

import (
	"fmt"
	"strings"
	"testing"

	"hotcell/test/acme/linear"
)

func TestLinearAsItsDocumentationHasIt(t *testing.T) {
	t.Parallel()
	a := turned(t, "")
	c := a.hire(t, "linear")
	first := a.Linear.Issue("the first one")
	has := func(field, want string) func(*testing.T, string) {
		return func(t *testing.T, _ string) {
			if got := fmt.Sprint(a.Linear.Shown(first)[field]); !strings.Contains(got, want) {
				t.Errorf("%s: %s", field, got)
			}
		}
	}
	c.does(t, "linear", []toolCall{
		{tool: "linear_search", args: map[string]any{"query": "first"}, wants: []string{`"identifier":"ENG-1"`, `"assignee":null`, `"state":"Backlog"`}},
		{tool: "linear_teams", wants: []string{"team-eng", "state-started"}},
		{tool: "linear_users", wants: []string{`"id":"U2"`, "bob@acme.test"}},
		{tool: "linear_labels", wants: []string{"label-bug", `"team":null`}},
		{tool: "linear_create", args: map[string]any{"team": "team-eng", "title": "new \"one\"", "description": "d\nd", "priority": 1, "assignee": "U2", "labels": []string{"label-bug"}, "state": "state-started"}, wants: []string{"ENG-2"}, then: func(t *testing.T, _ string) {
			got := a.Linear.Shown("ENG-2")
			if text := fmt.Sprint(got); got["title"] != `new "one"` || !strings.Contains(text, "Bob") || !strings.Contains(text, "Bug") || !strings.Contains(text, "In Progress") {
				t.Error(text)
			}
		}},
		{tool: "linear_update", args: map[string]any{"id": first, "state": "state-done", "assignee": "U1", "labels": []string{"label-feature"}}, wants: []string{`"Done"`}, then: has("labels", "Feature")},
		{tool: "linear_comment", args: map[string]any{"id": first, "body": "done"}, then: has("comments", "done")},
		{tool: "linear_issue", args: map[string]any{"id": first}, wants: []string{`"body":"done"`, `"Ada"`, "label-feature"}},
		{tool: "linear_issues", args: map[string]any{"assignee": "U2", "label": "label-bug", "team": "team-eng"}, wants: []string{"ENG-2"}, then: func(t *testing.T, answer string) {
			if strings.Contains(answer, "ENG-1") {
				t.Error("an issue of somebody else is there")
			}
		}},
	})
	has("title", "the first one")(t, "")
	for i := range 7 {
		a.Linear.Issue(fmt.Sprint("many ", i))
		c.tells(t, "linear_comment", map[string]any{"id": first, "body": fmt.Sprint("comment ", i)})
	}
	a.Linear.Short(2)
	same(t, "issues", names(c.listed(t, "linear_search", "issues", map[string]any{"query": "many"}, 3, 7), "title"), "many 6", "many 5", "many 4", "many 3", "many 2", "many 1", "many 0")
	c.listed(t, "linear_issues", "issues", map[string]any{}, 4, 9)
	a.Linear.Short(0)

	// Linear does not know the token, with the status 400: it is renewed, and the call
	// is made again, once.
	a.Identity.Forget()
	c.tells(t, "linear_comment", map[string]any{"id": first, "body": "after the token died"})
	if n := a.Identity.Counts().Refreshes; n != 1 || strings.Count(fmt.Sprint(a.Linear.Shown(first)["comments"]), "after the token died") != 1 {
		t.Errorf("%d refreshes, %v", n, a.Linear.Shown(first)["comments"])
	}
	a.Linear.Limit(1)
	c.refuses(t, "linear_search", map[string]any{"query": "x"}, `"retryable":true`, "Rate limit exceeded", `"retry_after":`) // 89 or 90
	c.refuses(t, "linear_issue", map[string]any{"id": "ENG-99"}, "Could not find referenced Issue", `"retryable":false`)
	c.refuses(t, "linear_update", map[string]any{"id": first, "state": "nowhere"}, "WorkflowState")
	a.Linear.Fail(true)
	c.refuses(t, "linear_create", map[string]any{"team": "team-eng", "title": "x"}, "was not created")
	c.refuses(t, "linear_update", map[string]any{"id": first, "title": "x"}, "was not changed")
	c.refuses(t, "linear_comment", map[string]any{"id": first, "body": "x"}, "was not made")
	a.Linear.Fail(false)
	a.Withhold("write")
	c.refuses(t, "linear_update", map[string]any{"id": first, "title": "x"}, "Invalid scope", `"retryable":false`)
	a.Withhold("")
	a.gone(t, "linear", "revoked at the service")
	a.Canaries(a.ClientSecret("linear"))
}

func TestLinearTakesAKeyOfItsOwn(t *testing.T) {
	t.Parallel()
	a := turned(t, "")
	c := a.keyed(t, "linear", a.ServiceKey("linear"))
	if out := c.tells(t, "linear_teams", map[string]any{}); len(names(out["teams"], "id")) != 1 {
		t.Errorf("%v", out)
	}
	a.Canaries(a.ServiceKey("linear"))
}

func TestLinearRefusesWhatLinearDoes(t *testing.T) {
	t.Parallel()
	twin, err := linear.New(keyOf("Bearer key", "read", "write"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ body, want string }{
		{`{"query":"query { viewer { id } "}`, "GRAPHQL_VALIDATION_FAILED"},
		{`{"query":"query { viewer { id nonsense } }"}`, "GRAPHQL_VALIDATION_FAILED"},
		{`{"query":"query { viewer }"}`, "GRAPHQL_VALIDATION_FAILED"},
		{`{"query":"query { issue(number: 1) { id } }"}`, "GRAPHQL_VALIDATION_FAILED"},
		{`{"query":"query($id: String!) { issue(id: $id) { id } }"}`, "400 "},
		{`{"query":"query($id: String!) { viewer { id } }","variables":{"id":"x"}}`, "GRAPHQL_VALIDATION_FAILED"},
		{`{"query":"mutation($input: IssueCreateInput!) { issueCreate(input: $input) { success } }","variables":{"input":{"title":"x"}}}`, "400 "},
		{`{"query":"query { teams(first: 251) { nodes { id } } }"}`, "INPUT_ERROR"},
		{`{}`, "400 "}, {`[]`, "400 "},
		{`{"query":"query { viewer { id } }"}`, `200 {"data":{"viewer":{"id":"U1"}}}`},
	} {
		if got := shown(t, twin, "POST", "/graphql", "application/json", "Bearer key", c.body); !strings.Contains(got, c.want) {
			t.Errorf("%s: %s", c.body, got)
		}
	}
	if got := shown(t, twin, "POST", "/graphql", "application/json", "Bearer other", `{"query":"query { viewer { id } }"}`); !strings.Contains(got, "AUTHENTICATION_ERROR") {
		t.Error(got)
	}
	if got := shown(t, twin, "POST", "/graphql", "text/plain", "Bearer key", `{"query":"query { viewer { id } }"}`); !strings.HasPrefix(got, "400 ") {
		t.Error(got)
	}
}
