package connector_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"hotcell"
	"hotcell/internal/catalog/connector"
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
	c, err := connector.FromDocument([]byte(pets), "zoo", "Zoo", connector.Pick{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, tool := range c.Tools {
		names = append(names, tool.Name+":"+tool.Hint)
	}
	if got := strings.Join(names, " "); got != "loop:write add_pet:write get_pet:read delete_pets_pet_id:destructive" {
		t.Errorf("%s", got)
	}
	settings := map[string]string{"base": "https://api.zoo.test/v1"}
	send := func(name, arguments string) *connector.Request {
		tool, _ := c.Tool(name)
		args, err := tool.Check(t.Context(), json.RawMessage(arguments))
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
	if _, err := tool.Check(t.Context(), json.RawMessage(`{"age":3}`)); !errors.Is(err, hotcell.ErrInvalid) {
		t.Errorf("%v", err)
	}
}

// wide is a document of all that operations may have.
const wide = `
openapi: 3.1.0
info: {title: Wide, version: "1"}
components:
  securitySchemes: {key: {type: apiKey, in: header, name: X-Key}, other: {type: apiKey, in: query, name: sig}}
  schemas:
    Node:
      type: object
      properties:
        format: {type: string, format: date-time}
        example: {type: integer, example: 3}
        xml: {type: string, nullable: true, enum: [a, b]}
        id: {type: string, readOnly: true}
        state: {type: string, default: new}
        odd: {type: string, pattern: "^(?!x)a$"}
        child: {$ref: "#/components/schemas/Node"}
        children: {type: array, items: {$ref: "#/components/schemas/Node"}}
      required: [format, id]
    Part: {type: object, properties: {price: {type: string}, quantity: {type: integer}}}
paths:
  /items/{id}:
    parameters:
    - {name: id, in: path, required: true, schema: {type: string}}
    - {name: page, in: query, schema: {type: string}}
    get:
      operationId: getItem
      tags: [items]
      parameters:
      - {name: page, in: query, schema: {type: integer, maximum: 9}}
      - {name: X-Trace, in: header, schema: {type: string}}
      - {name: X-Key, in: header, schema: {type: string}}
      - {name: sig, in: query, schema: {type: string}}
      - {name: Authorization, in: header, schema: {type: string}}
      - {name: many, in: query, explode: false, schema: {type: array, items: {type: integer}}}
      - {name: piped, in: query, style: pipeDelimited, schema: {type: array, items: {type: string}}}
      - {name: filter, in: query, style: deepObject, schema: {type: object, properties: {a: {type: object, properties: {b: {type: string}}}}}}
      - {name: spread, in: query, schema: {type: object, properties: {left: {type: string}, right: {type: string}}}}
      - {name: in, in: query, content: {application/json: {schema: {type: object}}}}
  /nodes: {post: {operationId: addNode, tags: [nodes], requestBody: {required: true, content: {application/json: {schema: {$ref: "#/components/schemas/Node"}}}}}}
  /vendor: {patch: {operationId: vendor, requestBody: {content: {application/merge-patch+json: {schema: {allOf: [{$ref: "#/components/schemas/Part"}, {type: object, properties: {extra: {type: string}}}]}}}}, responses: {"200": {description: ok, content: {application/vnd.x+json: {}}}}}}
  /form: {post: {operationId: form, requestBody: {content: {application/x-www-form-urlencoded: {encoding: {expand: {style: deepObject}, lines: {style: deepObject}, metadata: {style: deepObject}}, schema: {type: object, properties: {expand: {type: array, items: {type: string}}, lines: {type: array, items: {$ref: "#/components/schemas/Part"}}, metadata: {type: object}, plain: {type: string}}}}}}}}
  /upload: {post: {operationId: upload, requestBody: {required: true, content: {multipart/form-data: {schema: {type: object, required: [file], properties: {file: {type: string, format: binary}, title: {type: string}}}}}}}}
  /raw: {put: {operationId: raw, requestBody: {required: true, content: {image/png: {}}}, responses: {"200": {description: ok, content: {application/pdf: {}}}}}}
  /cookie: {get: {operationId: cookie, parameters: [{name: session, in: cookie, required: true, schema: {type: string}}]}}
  /matrix/{m}: {get: {operationId: matrix, parameters: [{name: m, in: path, required: true, style: matrix, schema: {type: string}}]}}
  /none/{m}: {get: {operationId: none}}
  /mixed: {post: {operationId: mixed, requestBody: {required: true, content: {multipart/mixed: {}}}}}
`

func TestWhatOperationsMayHave(t *testing.T) {
	t.Parallel()
	c, err := connector.FromDocument([]byte(wide), "wide", "Wide", connector.Pick{})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range []struct{ tool, args, url, body, header, value string }{
		{"get_item", `{"id":"1","page":2,"X_Trace":"t","many":[1,2],"piped":["a","b c"],"filter":{"a":{"b":"x"}},"left":"l","in":{"k":[1]}}`, "/items/1?filter%5Ba%5D%5Bb%5D=x&in=%7B%22k%22%3A%5B1%5D%7D&left=l&many=1%2C2&page=2&piped=a%7Cb%20c", "", "X-Trace", "t"},
		{"get_item", `{"id":"1"}`, "/items/1", "", "X-Trace", ""},
		{"add_node", `{"format":"2026-01-01T00:00:00Z","example":3,"xml":null,"child":{"format":"x","child":{"any":1}},"children":[{"format":"y"}],"odd":"z"}`, "/nodes", `{"child":{"child":{"any":1},"format":"x"},"children":[{"format":"y"}],"example":3,"format":"2026-01-01T00:00:00Z","odd":"z"}`, "Content-Type", "application/json"},
		{"vendor", `{"price":"p","extra":"e"}`, "/vendor", `{"extra":"e","price":"p"}`, "Content-Type", "application/merge-patch+json"},
		{"vendor", `{"price":"p"}`, "/vendor", `{"price":"p"}`, "Accept", "application/vnd.x+json"},
		{"form", `{"expand":["a","b"],"lines":[{"price":"p","quantity":2}],"metadata":{"k":"v"}}`, "/form", "expand%5B%5D=a&expand%5B%5D=b&lines%5B0%5D%5Bprice%5D=p&lines%5B0%5D%5Bquantity%5D=2&metadata%5Bk%5D=v", "Content-Type", "application/x-www-form-urlencoded"},
		{"raw", `{"body":"iVBORw=="}`, "/raw", "\x89PNG", "Content-Type", "image/png"},
		{"raw", `{"body":"iVBORw=="}`, "/raw", "\x89PNG", "Accept", "*/*"},
	} {
		tool, ok := c.Tool(w.tool)
		if !ok {
			t.Fatalf("no tool %s: %q", w.tool, c.Missing)
		}
		args, err := tool.Check(t.Context(), json.RawMessage(w.args))
		if err != nil {
			t.Errorf("%s %s: %v\n%s", w.tool, w.args, err, tool.Input)
			continue
		}
		q := next(t, tool.Begin(c, connector.Input{Args: args, Settings: map[string]string{"base": "https://api.wide.test"}}))
		if q.URL.RequestURI() != w.url || string(q.Body) != w.body || q.Header.Get(w.header) != w.value {
			t.Errorf("%s %s: %s %s %v", w.tool, w.args, q.URL.RequestURI(), q.Body, q.Header)
		}
	}
	upload, _ := c.Tool("upload")
	q := next(t, upload.Begin(c, connector.Input{Args: map[string]any{"file": "aGk=", "file_name": "a.txt"}, Settings: map[string]string{"base": "https://api.wide.test"}}))
	if body := string(q.Body); !strings.Contains(body, `name="file"; filename="a.txt"`) || !strings.Contains(body, "hi\r\n") || strings.Contains(body, "title") {
		t.Errorf("%s", body)
	}
	item, _ := c.Tool("get_item")
	for _, bad := range []string{`{"id":"1","page":10}`, `{"id":"1","page":"x"}`, `{"id":"1","page_":1}`, `{"id":"1","X_Key":"k"}`, `{"id":"1","sig":"k"}`, `{"id":"1","Authorization":"k"}`} {
		if _, err := item.Check(t.Context(), json.RawMessage(bad)); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
	node, _ := c.Tool("add_node")
	for _, bad := range []string{`{"example":3}`, `{"format":"x","id":"mine"}`, `{"format":"x","xml":"c"}`, `{"format":"x","child":{"example":"no"}}`, `{"format":5}`} {
		if _, err := node.Check(t.Context(), json.RawMessage(bad)); err == nil {
			t.Errorf("%s is taken: %s", bad, node.Input)
		}
	}
	want := []string{`GET /cookie: it needs the cookie "session"`, `GET /matrix/{m}: the style matrix of the parameter "m" is not known`, `POST /mixed: its body is multipart/mixed`, `GET /none/{m}: the parameter {m} of its path is not described`}
	if strings.Join(c.Missing, "\n") != strings.Join(want, "\n") {
		t.Errorf("%q", c.Missing)
	}
}

func TestOperationsArePicked(t *testing.T) {
	t.Parallel()
	for _, w := range []struct {
		settings map[string]string
		tools    string
	}{
		{map[string]string{"tags": "items, nodes"}, "get_item add_node"}, {map[string]string{"operations": "form,raw"}, "form raw"},
		{map[string]string{"tags": "items", "operations": "add_node"}, "get_item add_node"}, {map[string]string{"tags": "none"}, ""}, {map[string]string{"operations": "getitem"}, ""},
	} {
		c, err := connector.FromDocument([]byte(wide), "wide", "Wide", connector.PickOf(w.settings))
		if w.tools == "" {
			if !errors.Is(err, hotcell.ErrInvalid) {
				t.Errorf("%v: %v", w.settings, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, tool := range c.Tools {
			names = append(names, tool.Name)
		}
		if strings.Join(names, " ") != w.tools || len(c.Missing) != 1 || !strings.Contains(c.Missing[0], "do not choose") {
			t.Errorf("%v: %q, %q", w.settings, names, c.Missing)
		}
	}
}

// TestALargeDocumentIsNotRefusedWhole has more operations than there is place for,
// with schemas that refer to each other without end.
func TestALargeDocumentIsNotRefusedWhole(t *testing.T) {
	t.Parallel()
	paths, schemas := map[string]any{}, map[string]any{}
	for i := range 1000 {
		fields := map[string]any{"name": map[string]any{"type": "string"}, "n": map[string]any{"type": "integer"}}
		for j := range 8 {
			fields[fmt.Sprint("f", j)] = map[string]any{"$ref": fmt.Sprintf("#/components/schemas/S%d", (i*7+j)%1000)}
		}
		schemas[fmt.Sprint("S", i)] = map[string]any{"type": "object", "properties": fields}
		body := map[string]any{"content": map[string]any{"application/json": map[string]any{"schema": map[string]any{"$ref": fmt.Sprint("#/components/schemas/S", i)}}}}
		paths[fmt.Sprint("/p", i)] = map[string]any{"post": map[string]any{"operationId": fmt.Sprint("p", i), "requestBody": body}}
	}
	text, err := json.Marshal(map[string]any{"openapi": "3.0.0", "paths": paths, "components": map[string]any{"schemas": schemas}})
	if err != nil {
		t.Fatal(err)
	}
	c, err := connector.FromDocument(text, "large", "Large", connector.Pick{})
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Tools) != 400 || len(c.Missing) != 1 || !strings.HasPrefix(c.Missing[0], "600 more operations") {
		t.Errorf("%d tools, %q", len(c.Tools), c.Missing)
	}
	for _, tool := range c.Tools {
		if _, err := tool.Check(t.Context(), json.RawMessage(`{"name":5}`)); err == nil {
			t.Fatalf("%s takes anything as a name", tool.Name)
		}
	}
}

func TestWhatIsNoOpenAPIIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "{}", `{"swagger":"2.0"}`, `{"openapi":"3.1.0","paths":{}}`, "\x00", `{"openapi":"3.1.0","paths":{"/x":{"get":{"operationId":"a","parameters":[{"name":"q","in":"query","schema":` + strings.Repeat(`{"items":`, 500) + "1" + strings.Repeat("}", 500) + `}]}}}`} {
		if c, err := connector.FromDocument([]byte(text), "x", "X", connector.Pick{}); err == nil && len(c.Tools) != 1 {
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
	if _, err := c.Tools[0].Check(t.Context(), json.RawMessage(`{}`)); err == nil {
		t.Error("a required argument may be missing")
	}
}

// FuzzOpenAPI reads anything as a document of an API.
func FuzzOpenAPI(f *testing.F) {
	f.Add([]byte(pets))
	f.Fuzz(func(_ *testing.T, text []byte) { _, _ = connector.FromDocument(text, "x", "X", connector.Pick{}) })
}
