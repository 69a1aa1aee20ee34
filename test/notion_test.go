package test

import (
	"fmt"
	"strings"
	"testing"

	"hotcell/test/acme/notion"
)

func TestNotionAsItsDocumentationHasIt(t *testing.T) {
	t.Parallel()
	a := turned(t, "")
	c := a.hire(t, "notion")
	page := a.Notion.Page("Plans", "one", "two")
	a.Notion.Below(page, "below two")
	bills := a.Notion.Database("Bills")
	row := a.Notion.Row(bills, "Bill 1", 480.5)
	secret := a.Notion.Page("Plans of others")
	a.Notion.Hide(secret)
	var made, block string
	id := func(answer string) string {
		_, rest, _ := strings.Cut(answer, `"structuredContent"`)
		_, rest, _ = strings.Cut(rest, `"id":"`)
		return rest[:36]
	}
	c.does(t, "notion", []toolCall{
		{tool: "notion_search", args: map[string]any{"query": "plans", "kind": "page"}, wants: []string{page}, then: func(t *testing.T, answer string) {
			if strings.Contains(answer, secret) {
				t.Error("a page that is not shared is found")
			}
		}},
		{tool: "notion_page", args: map[string]any{"id": page}, wants: []string{"Plans", "two", `"children":true`}, then: func(_ *testing.T, answer string) {
			_, rest, _ := strings.Cut(answer, `"structuredContent"`)
			at := strings.Index(rest, `"children":true`)
			_, rest, _ = strings.Cut(rest[at:], `"id":"`)
			block = rest[:36]
		}},
		{tool: "notion_blocks", fill: func(m map[string]any) { m["id"] = block }, wants: []string{"below two"}},
		{tool: "notion_create", args: map[string]any{"parent": page, "title": "A \"title\"", "paragraphs": []string{"p1", "p2 ${x}"}}, then: func(t *testing.T, answer string) {
			made = id(answer)
			same(t, "a new page", a.Notion.Texts(made), "p1", "p2 ${x}")
		}},
		{tool: "notion_append", args: map[string]any{"paragraphs": []string{"p3"}}, fill: func(m map[string]any) { m["id"] = made }, then: func(t *testing.T, _ string) {
			same(t, "an appended page", a.Notion.Texts(made), "p1", "p2 ${x}", "p3")
		}},
		{tool: "notion_database", args: map[string]any{"id": bills}, wants: []string{"Bills", `"Amount"`}},
		{tool: "notion_query", args: map[string]any{"id": bills, "filter": map[string]any{"property": "Paid", "checkbox": map[string]any{"equals": false}}}, wants: []string{"Bill 1", "480.5"}},
		{tool: "notion_update", args: map[string]any{"id": row, "properties": map[string]any{"Paid": map[string]any{"checkbox": true}}}, then: func(t *testing.T, _ string) {
			if p := fmt.Sprint(a.Notion.Properties(row)); !strings.Contains(p, "checkbox:true") || !strings.Contains(p, "480.5") {
				t.Error(p)
			}
		}},
		{tool: "notion_create_row", args: map[string]any{"database": bills, "properties": map[string]any{"Name": map[string]any{"title": []any{map[string]any{"text": map[string]any{"content": "Bill 2"}}}}, "Amount": map[string]any{"number": 12}}, "paragraphs": []string{"paid late"}}, then: func(t *testing.T, answer string) {
			if p := fmt.Sprint(a.Notion.Properties(id(answer))); !strings.Contains(p, "Bill 2") {
				t.Error(p)
			}
			same(t, "a row", a.Notion.Texts(id(answer)), "paid late")
		}},
	})
	for i := range 5 {
		a.Notion.Row(bills, fmt.Sprint("Many ", i), float64(i))
	}
	long := a.Notion.Page("Long", strings.Fields("a b c d e f g")...)
	a.Notion.Short(2)
	c.listed(t, "notion_query", "rows", map[string]any{"id": bills}, 3, 7)
	c.listed(t, "notion_page", "blocks", map[string]any{"id": long}, 3, 7)
	c.listed(t, "notion_blocks", "blocks", map[string]any{"id": long}, 3, 7)
	c.listed(t, "notion_search", "results", map[string]any{"kind": "page", "query": "many"}, 2, 5)

	a.Notion.Limit(1)
	c.refuses(t, "notion_query", map[string]any{"id": bills}, `"status":429`, `"retryable":true`, `"retry_after":7`)
	c.refuses(t, "notion_page", map[string]any{"id": secret}, `"status":404`, "shared with your integration")
	c.refuses(t, "notion_update", map[string]any{"id": row, "properties": map[string]any{"Nonsense": map[string]any{"number": 1}}}, `"status":400`, "not a property that exists")
	c.refuses(t, "notion_query", map[string]any{"id": bills, "filter": map[string]any{"property": "Nonsense", "checkbox": map[string]any{"equals": true}}}, "Could not find property")
	a.Notion.Reads()
	c.refuses(t, "notion_append", map[string]any{"id": page, "paragraphs": []string{"x"}}, `"status":403`, "Insufficient permissions", `"retryable":false`)
	a.gone(t, "notion", "revoked at the service")
	if a.Identity.Counts().Revocations != 1 {
		t.Errorf("%+v", a.Identity.Counts())
	}
	a.Canaries(a.ClientSecret("notion"))
}

func TestNotionRefusesWhatNotionDoes(t *testing.T) {
	t.Parallel()
	a := turned(t, "")
	key := "Bearer " + a.ServiceKey("notion")
	if got := shown(t, notion.New(keyOf("Bearer key")), "GET", "/v1/users/me", "", "Bearer key", ""); !strings.Contains(got, "missing_version") {
		t.Error(got)
	}
	page := a.Notion.Page("Plans")
	many := `{"children":[` + strings.TrimSuffix(strings.Repeat(`{"object":"block","type":"paragraph","paragraph":{"rich_text":[]}},`, 101), ",") + `]}`
	for _, c := range []struct {
		method, path, body string
		want               int
	}{
		{"POST", "/v1/search", `{"page_size":101}`, 400}, {"POST", "/v1/search", `{"words":"x"}`, 400}, {"POST", "/v1/search", `{"filter":{"value":"row","property":"object"}}`, 400},
		{"POST", "/v1/search", `[]`, 400}, {"POST", "/v1/search", `{"start_cursor":"x"}`, 400}, {"PATCH", "/v1/blocks/" + page + "/children", many, 400},
		{"PATCH", "/v1/blocks/" + page + "/children", `{"children":[{"object":"block","type":"paragraph"}]}`, 400}, {"POST", "/v1/pages", `{"parent":{"page_id":"` + page + `"}}`, 400},
		{"GET", "/v2/nothing", ``, 400}, {"GET", "/v1/pages/" + page, ``, 200},
	} {
		if got := a.status(t, c.method, a.Base("notion")+c.path, key, c.body); got != c.want {
			t.Errorf("%s %s %.60s: %d", c.method, c.path, c.body, got)
		}
	}
	if got := a.status(t, "GET", a.Base("notion")+"/v1/pages/"+page, "Bearer other", ""); got != 401 {
		t.Errorf("another token: %d", got)
	}
}
