package connector_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"hotcell"
	"hotcell/internal/catalog/connector"
)

// same fails where a document and what is made plain of it are not the same tools.
func same(t *testing.T, document string, pick connector.Pick) {
	t.Helper()
	want, missing, err := connector.Described([]byte(document), pick)
	if err != nil {
		t.Fatalf("%v: %s", err, document)
	}
	plain, err := connector.PlainOpenAPI([]byte(document), pick)
	if len(want) == 0 {
		if !errors.Is(err, hotcell.ErrInvalid) {
			t.Errorf("a document without a tool: %v", err)
		}
		return
	}
	if err != nil {
		t.Fatalf("%v: %s", err, document)
	}
	if bytes.Contains(plain, []byte(`"$ref"`)) || !json.Valid(plain) {
		t.Errorf("it is not plain: %s", plain)
	}
	got, told, err := connector.Described(plain, pick)
	if err != nil {
		t.Fatalf("%v: %s", err, plain)
	}
	for i := range want {
		if i >= len(got) || got[i] != want[i] {
			t.Fatalf("of %s\nbecame %s\nwhich makes %q, not %q\nwant       %q, not %q", document, plain, got, told, want[i], missing)
		}
	}
	if len(got) != len(want) || !slices.Equal(told, missing) {
		t.Errorf("%d tools, want %d; told %q, want %q", len(got), len(want), told, missing)
	}
	twice, err := connector.PlainOpenAPI(plain, connector.Pick{})
	if err != nil {
		t.Fatalf("made plain twice: %v", err)
	}
	if again, _, err := connector.Described(twice, connector.Pick{}); err != nil || !slices.Equal(again, want) {
		t.Errorf("made plain twice it is %s, %v", twice, err)
	}
}

func TestAPlainDocumentMakesTheSameTools(t *testing.T) {
	t.Parallel()
	for _, document := range []string{pets, wide} {
		same(t, document, connector.Pick{})
	}
	same(t, wide, connector.PickOf(map[string]string{"tags": "items"}))
	r := rand.New(rand.NewPCG(1, 11))
	for range 300 {
		same(t, anAPI(r), connector.Pick{})
	}
}

// anAPI is a random document of OpenAPI.
func anAPI(r *rand.Rand) string {
	names := []string{"a", "b", "id", "in", "X-Key", "Api-Key", "x y", "name[]"}
	pickOf := func(list ...string) string { return list[r.IntN(len(list))] }
	var schema func(level int) map[string]any
	schema = func(level int) map[string]any {
		s := map[string]any{}
		if r.IntN(4) == 0 {
			s["$ref"] = "#/components/schemas/" + pickOf("A", "B", "C", "None")
			if r.IntN(3) > 0 {
				return s
			}
		}
		if r.IntN(5) > 0 {
			s["type"] = pickOf("string", "integer", "object", "array", "boolean", "number")
		}
		for key, v := range map[string]any{
			"description": "d", "nullable": true, "readOnly": true, "default": "x", "format": pickOf("binary", "date"), "pattern": pickOf("^a+$", "(?!x)"),
			"minimum": 1, "exclusiveMinimum": true, "enum": []any{"x", 1}, "additionalProperties": r.IntN(2) == 0, "contentMediaType": "image/png",
		} {
			if r.IntN(9) == 0 {
				s[key] = v
			}
		}
		if s["format"] != nil || s["contentMediaType"] != nil {
			delete(s, "default") // a file's is told of in other words
		}
		if level > 5 {
			return s
		}
		if r.IntN(2) == 0 {
			p := map[string]any{}
			for range r.IntN(4) {
				p[names[r.IntN(len(names))]] = schema(level + 1)
			}
			s["properties"], s["required"] = p, []any{names[r.IntN(len(names))], "b"}
		}
		if r.IntN(4) == 0 {
			s["items"] = schema(level + 1)
		}
		if r.IntN(6) == 0 {
			s[pickOf("allOf", "anyOf", "oneOf")] = []any{schema(level + 1), schema(level + 1)}
		}
		return s
	}
	content := func() map[string]any {
		out := map[string]any{}
		for range r.IntN(3) {
			media := map[string]any{}
			if r.IntN(5) > 0 {
				media["schema"] = schema(0)
			}
			if r.IntN(4) == 0 {
				media["encoding"] = map[string]any{"a": map[string]any{"style": pickOf("deepObject", "form"), "explode": r.IntN(2) == 0, "contentType": "x"}}
			}
			out[pickOf("application/json", "application/x-www-form-urlencoded", "multipart/form-data", "text/plain", "application/vnd.x+json", "image/png", "*/*", "multipart/mixed")] = media
		}
		return out
	}
	aParameter := func() map[string]any {
		p := map[string]any{"name": names[r.IntN(len(names))], "in": pickOf("query", "query", "header", "cookie", "path"), "description": "of it"}
		if r.IntN(3) == 0 {
			p["style"] = pickOf("form", "simple", "deepObject", "pipeDelimited", "matrix")
		}
		if r.IntN(3) == 0 {
			p["explode"] = r.IntN(2) == 0
		}
		if r.IntN(3) == 0 {
			p["required"] = true
		}
		if r.IntN(8) == 0 {
			p["content"] = map[string]any{"application/json": map[string]any{"schema": schema(1)}}
		} else {
			p["schema"] = schema(1)
		}
		return p
	}
	parameters := func() (out []any) {
		for range r.IntN(4) {
			if r.IntN(4) == 0 {
				out = append(out, map[string]any{"$ref": "#/components/parameters/P"})
				continue
			}
			out = append(out, aParameter())
		}
		return out
	}
	paths := map[string]any{}
	for i := range 1 + r.IntN(4) {
		item := map[string]any{}
		if r.IntN(2) == 0 {
			item["parameters"] = parameters()
		}
		for _, method := range []string{"get", "post", "put", "delete"} {
			if r.IntN(2) == 0 {
				continue
			}
			operation := map[string]any{"summary": "s" + method, "description": strings.Repeat("long ", r.IntN(3)), "tags": []any{"t"}}
			if r.IntN(2) == 0 {
				operation["operationId"] = pickOf("getIt", "get_it", "9lives", "")
			}
			if r.IntN(2) == 0 {
				operation["parameters"] = parameters()
			}
			if r.IntN(2) == 0 {
				operation["requestBody"] = map[string]any{"required": r.IntN(2) == 0, "content": content()}
			}
			if r.IntN(4) == 0 {
				operation["requestBody"] = map[string]any{"$ref": "#/components/requestBodies/R"}
			}
			operation["responses"] = map[string]any{pickOf("200", "default", "404"): map[string]any{"content": content()}, "201": map[string]any{"description": "x"}}
			item[method] = operation
		}
		paths[fmt.Sprintf("/p%d%s", i, pickOf("", "/{id}", "/{a}/{b}"))] = item
	}
	text, _ := json.Marshal(map[string]any{"openapi": "3.0.3", "paths": paths, "components": map[string]any{
		"schemas":         map[string]any{"A": schema(2), "B": schema(2), "C": schema(3)},
		"parameters":      map[string]any{"P": aParameter()},
		"requestBodies":   map[string]any{"R": map[string]any{"content": content()}},
		"securitySchemes": map[string]any{"k": map[string]any{"type": "apiKey", "in": "header", "name": "X-Key"}},
	}})
	return string(text)
}

func TestSchemasOfToolsAreMadePlain(t *testing.T) {
	t.Parallel()
	out, err := connector.Plain["mcp"]([]byte(`[
		{"name":"good","input":{"type":"object","properties":{"a":{"$ref":"#/$defs/A"}},"$defs":{"A":{"type":"string"}}},"output":{"type":"object","$ref":"#"}},
		{"name":"loop","input":{"type":"object","$ref":"#"},"notes":["trust me"],"refused":"by its own word"},
		{"name":"none","refused":"by its own word"}]`))
	if err != nil || bytes.Contains(out, []byte("$ref")) || bytes.Contains(out, []byte("trust me")) || bytes.Contains(out, []byte("own word")) {
		t.Fatalf("%s, %v", out, err)
	}
	var tools []connector.RemoteTool
	if err := json.Unmarshal(out, &tools); err != nil {
		t.Fatal(err)
	}
	c := connector.FromTools("x", tools)
	var names []string
	for _, one := range c.Tools {
		names = append(names, one.Name)
	}
	if strings.Join(names, " ") != "good none" || len(c.Missing) != 2 || !strings.Contains(c.Missing[0], "results") || !strings.Contains(c.Missing[1], "loop") {
		t.Errorf("%q %q", names, c.Missing)
	}
}

// A document that says of itself that it was made plain is read as any other: it does
// not undo what a person picked.
func TestAStrangersDocumentIsNotPlainByItsOwnWord(t *testing.T) {
	t.Parallel()
	const own = `{"openapi":"3.1.0","x-hotcell-missing":["trust me"],"paths":{
		"/read":{"get":{"operationId":"read","tags":["safe"]}},"/all":{"delete":{"operationId":"delete_all","tags":["other"]}}}}`
	for _, pick := range []connector.Pick{{Tags: []string{"safe"}}, {Operations: []string{"read"}}} {
		plain, err := connector.PlainOpenAPI([]byte(own), pick)
		if err != nil || bytes.Contains(plain, []byte("delete_all")) || bytes.Contains(plain, []byte("trust me")) {
			t.Errorf("%+v: %s, %v", pick, plain, err)
		}
	}
	if plain, err := connector.PlainOpenAPI([]byte(own), connector.Pick{Operations: []string{"none"}}); !errors.Is(err, hotcell.ErrInvalid) {
		t.Errorf("what is not there was picked: %s, %v", plain, err)
	}
}

// What a reader that was taken over says that it made plain is read by no more than JSON
// takes.
func TestNothingButJSONIsTakenForPlain(t *testing.T) {
	t.Parallel()
	const good = `{"openapi":"3.1.0","x-hotcell-missing":[],"paths":{"/a":{"get":{"operationId":"get_a"%s}}}}`
	for name, c := range map[string]struct {
		text string
		ok   bool
	}{
		"plain":    {fmt.Sprintf(good, ""), true},
		"YAML":     {"openapi: 3.1.0\nx-hotcell-missing: []\npaths: {/a: {get: {operationId: get_a}}}\n", false},
		"deep":     {fmt.Sprintf(good, `,"x":`+strings.Repeat("[", 9000)+strings.Repeat("]", 9000)), false},
		"brackets": {fmt.Sprintf(good, `,"x":[`+strings.Repeat("{},", 1<<20)+"{}]"), false},
		"too much": {fmt.Sprintf(good, `,"x":"`+strings.Repeat("x", 8<<20)+`"`), false},
		"a list":   {"[]", false},
		"nothing":  {"", false},
	} {
		made, err := connector.FromOpenAPI([]byte(c.text), "x", "X", connector.Pick{})
		if (err == nil) != c.ok || c.ok && len(made.Tools) != 1 {
			t.Errorf("%s: %v", name, err)
		}
	}
}
