package connector_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"hotcell"
	"hotcell/internal/connector"
)

const pets = `{"openapi":"3.0.3","info":{"title":"Pets","version":"1"},"servers":[{"url":"https://evil.test"}],
"paths":{
 "/pets/{petId}":{"parameters":[{"$ref":"#/components/parameters/Pet"}],
  "get":{"operationId":"getPet","summary":"Gets a pet","parameters":[{"name":"fields[]","in":"query","schema":{"type":"array","items":{"type":"string"}}},{"name":"X-Api-Key","in":"header","schema":{"type":"string"}}]},
  "delete":{"summary":"Removes a pet"}},
 "/pets":{"post":{"operationId":"addPet","summary":"Adds a pet","requestBody":{"required":true,"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Pet"}}}}}},
 "/loop":{"post":{"operationId":"loop","requestBody":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Loop"}}}}}},
 "/bad/{nobody}":{"get":{"operationId":"bad"}}},
"components":{"parameters":{"Pet":{"name":"petId","in":"path","required":true,"schema":{"type":"string"}}},
 "schemas":{"Pet":{"type":"object","required":["name"],"properties":{"name":{"type":"string"},"age":{"type":"integer","exclusiveMinimum":true,"minimum":0},"in":{"type":"string"}}},
  "Loop":{"type":"object","properties":{"self":{"$ref":"#/components/schemas/Loop"}}}}}}`

func TestOperationsBecomeTools(t *testing.T) {
	t.Parallel()
	c, err := connector.FromOpenAPI([]byte(pets), "zoo", "Zoo")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, tool := range c.Tools {
		names = append(names, tool.Name+":"+tool.Hint)
	}
	if got := strings.Join(names, " "); got != "add_pet:write get_pet:read delete_pets_pet_id:destructive" {
		t.Errorf("%s", got)
	}
	settings := map[string]string{"base": "https://api.zoo.test/v1"}
	send := func(name, arguments string) *connector.Request {
		tool, _ := c.Tool(name)
		args, err := tool.Check(json.RawMessage(arguments))
		if err != nil {
			t.Fatal(err)
		}
		return next(t, tool.Begin(c, connector.Input{Args: args, Settings: settings}))
	}
	if q := send("get_pet", `{"petId":"a?b","fields__":["x","y"]}`); q.URL.String() != "https://api.zoo.test/v1/pets/a%3Fb?fields%5B%5D=x&fields%5B%5D=y" || len(q.Header) != 1 {
		t.Errorf("%s %v", q.URL, q.Header)
	}
	if q := send("add_pet", `{"name":"Tom","in":"x"}`); string(q.Body) != `{"in":"x","name":"Tom"}` || q.Method != http.MethodPost {
		t.Errorf("%s", q.Body)
	}
	tool, _ := c.Tool("add_pet")
	if _, err := tool.Check(json.RawMessage(`{"age":3}`)); !errors.Is(err, hotcell.ErrInvalid) {
		t.Errorf("%v", err)
	}
}

func TestWhatIsNoOpenAPIIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "{}", `{"swagger":"2.0"}`, `{"openapi":"3.1.0","paths":{}}`, "\x00", `{"openapi":"3.1.0","paths":{"/x":{"get":{"operationId":"a","parameters":[{"name":"q","in":"query","schema":` + strings.Repeat(`{"items":`, 500) + "1" + strings.Repeat("}", 500) + `}]}}}`} {
		if c, err := connector.FromOpenAPI([]byte(text), "x", "X"); err == nil && len(c.Tools) != 1 {
			t.Errorf("%.40s is taken: %d tools", text, len(c.Tools))
		}
	}
}

func TestToolsOfAServerAreTakenAsTheyAreNamed(t *testing.T) {
	t.Parallel()
	c := connector.FromTools("acme-search", []connector.RemoteTool{
		{Name: "web.search", Description: "Searches\u001b[2J the web", Input: json.RawMessage(`{"type":"object","properties":{"q":{"type":"string"}},"required":["q"]}`), ReadOnly: true},
		{Name: "web.search"}, {Name: "bad name"}, {Name: "list", Input: json.RawMessage(`{"type":"array"}`)}, {Name: "wipe", Destructive: true},
	})
	if len(c.Tools) != 2 || c.AgentName("web.search") != "acme_search_web_search" || strings.Contains(c.Tools[0].About, "\x1b") || c.Tools[1].Hint != "destructive" {
		t.Errorf("%+v", c.Tools)
	}
	if _, err := c.Tools[0].Check(json.RawMessage(`{}`)); err == nil {
		t.Error("a required argument may be missing")
	}
}

// FuzzOpenAPI reads anything as a document of an API.
func FuzzOpenAPI(f *testing.F) {
	f.Add([]byte(pets))
	f.Fuzz(func(_ *testing.T, text []byte) { _, _ = connector.FromOpenAPI(text, "x", "X") })
}
