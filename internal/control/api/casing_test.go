package api_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
)

// description is as much of the OpenAPI document as this test asks for.
type description struct {
	Paths map[string]map[string]struct {
		RequestBody struct {
			Content map[string]struct {
				Schema struct {
					Ref string `json:"$ref"`
				} `json:"schema"`
			} `json:"content"`
		} `json:"requestBody"`
	} `json:"paths"`
	Components struct {
		Schemas map[string]struct {
			Properties map[string]json.RawMessage `json:"properties"`
		} `json:"schemas"`
	} `json:"components"`
}

var parameter = regexp.MustCompile(`\{[^}]*\}`)

// A field of another case is one that does not exist, in every operation.
func TestFieldsHaveTheirOwnCaseOnly(t *testing.T) {
	t.Parallel()
	f := setup(t)
	var api description
	if err := json.Unmarshal([]byte(f.ask("GET", "/openapi.json", "").body), &api); err != nil {
		t.Fatal(err)
	}
	tried := 0
	for path, operations := range api.Paths {
		for method, operation := range operations {
			_, schema, named := strings.Cut(operation.RequestBody.Content["application/json"].Schema.Ref, "schemas/")
			for name := range api.Components.Schemas[schema].Properties {
				if !named || name == "$schema" {
					continue
				}
				for _, other := range []string{strings.ToUpper(name), strings.ToUpper(name[:1]) + name[1:], strings.Replace(name, "s", "ſ", 1)} {
					if other == name {
						continue
					}
					tried++
					r := f.ask(strings.ToUpper(method), parameter.ReplaceAllString(path, "x"), `{"`+other+`":null}`, "If-Match", `"1"`)
					if r.status != 422 || !strings.Contains(r.body, "does not exist") {
						t.Errorf("%s %s takes %q: %d %s", method, path, other, r.status, r.body)
					}
				}
			}
		}
	}
	if tried < 100 {
		t.Errorf("only %d fields were tried", tried)
	}
}
