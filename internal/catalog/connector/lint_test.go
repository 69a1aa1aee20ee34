package connector_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/jsonschema-go/jsonschema"

	"hotcell"
	"hotcell/internal/catalog/connector"
)

const faulty = `slug: Faulty!
name: Faulty
category: stuff
base: https://faulty.acme.test
settings:
- {name: host, about: the host}
auth:
  kind: service_account
  token: https://faulty.acme.test/token
  subject: nobody
  put: {kind: magic}
account:
  request: {method: GET, path: "/me/${settings.tenant}"}
  id: ${answer.id}
  name: ${answer.}
tools:
- name: one
  about: Says nothing that an agent could use.
  hint: maybe
  input: {type: object, properties: {here: {type: string, description: here}}}
  request:
    method: FETCH
    path: /one/${args.there}
    query:
      q: "${has(args.also) ? args['more'] : args.here}"
    colour: red
- name: two
  about: Takes steps that are not there.
  hint: read
  steps:
  - name: first
    request: {method: GET, path: "/${steps.second.id}"}
  - name: second
    request: {method: GET, path: "/${steps.first.id}", json: {a: "${settings.port}"}}
  result: "${steps.third}"
`

func TestAllFaultsAreTold(t *testing.T) {
	t.Parallel()
	told := func(text string) string {
		var out strings.Builder
		for _, p := range connector.Lint([]byte(text)) {
			fmt.Fprintf(&out, "%d %s\n", p.Line, p.Path)
		}
		return out.String()
	}
	// An unknown key, or a value of another kind, keeps a document from being read.
	want := "1 /slug\n3 /category\n11 /auth/put/kind\n19 /tools/0/hint\n22 /tools/0/request/method\n26 /tools/0/request/colour\n"
	if got := told(faulty); got != want {
		t.Errorf("%s", got)
	}
	// Then all that its expressions get wrong is told with the rest.
	mended := strings.Replace(faulty, "    colour: red\n", "", 1)
	want = "1 /slug\n3 /category\n11 /auth/put/kind\n15 /account/name\n19 /tools/0/hint\n22 /tools/0/request/method\n"
	if got := told(mended); got != want {
		t.Errorf("%s", got)
	}
	mended = strings.NewReplacer("Faulty!", "faulty", "stuff", "other", "magic", "bearer", "${answer.}", "${answer.name}", "maybe", "write", "FETCH", "GET").Replace(mended)
	want = "10 /auth/subject\n13 /account/request/path\n23 /tools/0/request/path\n25 /tools/0/request/query/q\n25 /tools/0/request/query/q\n31 /tools/1/steps/0/request/path\n33 /tools/1/steps/1/request/json/a\n34 /tools/1/result\n"
	if got := told(mended); got != want {
		t.Errorf("%s", got)
	}
	_, err := connector.Parse([]byte(mended))
	if field, ok := errors.AsType[*hotcell.FieldError](err); !ok || !errors.Is(err, hotcell.ErrInvalid) || field.Pointer != "/account/request/path" && field.Pointer != "/auth/subject" {
		t.Errorf("%v", err)
	}
}

// outline is the schema of documents, as a library understands it.
func outline(t *testing.T) *jsonschema.Resolved {
	t.Helper()
	var s jsonschema.Schema
	if err := json.Unmarshal(connector.Schema(), &s); err != nil {
		t.Fatal(err)
	}
	out, err := s.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// fits says whether a document fits the schema.
func fits(t *testing.T, s *jsonschema.Resolved, text string) error {
	t.Helper()
	var whole any
	if err := yaml.Unmarshal([]byte(text), &whole); err != nil {
		t.Fatal(err)
	}
	plain, err := json.Marshal(whole)
	if err != nil {
		t.Fatal(err)
	}
	unmarshal(t, string(plain), &whole)
	return s.Validate(whole)
}

func TestEveryDocumentFitsTheSchema(t *testing.T) {
	t.Parallel()
	s := outline(t)
	files, err := filepath.Glob("documents/*.yaml")
	if err != nil || len(files) < 14 {
		t.Fatalf("%d documents, %v", len(files), err)
	}
	documents := map[string]string{"chat": chat, "shop": shop, "lists": lists, "places": places, "post": post}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		documents[f] = string(text)
	}
	for name, text := range documents {
		if err := fits(t, s, text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSchemaAndCodeAgree breaks a document in many ways, each of which neither
// takes.
func TestSchemaAndCodeAgree(t *testing.T) {
	t.Parallel()
	s := outline(t)
	for _, c := range [][2]string{
		{"slug: shop", "slug: S"}, {"slug: shop", "slug: 5"}, {"slug: shop\n", ""}, {"name: Shop\n", ""}, {"category: payments", "category: money"}, {"category: payments\n", ""},
		{"base: https://shop", "base: http://shop"}, {"base: https://shop.acme.test\n", ""}, {"auth: {kind: key}", "auth: {kind: magic}"}, {"auth: {kind: key}", "auth: {}"}, {"auth: {kind: key}", "auth: []"},
		{"auth: {kind: key}", "auth: {kind: key, put: {kind: magic}}"}, {"auth: {kind: key}", "auth: {kind: key, client: magic}"}, {"auth: {kind: key}", "auth: {kind: key, refresh: magic}"},
		{"auth: {kind: key}", "auth: {kind: oauth2, authorize: 'http://a.test/', token: 'https://a.test/'}"}, {"auth: {kind: key}", "auth: {kind: key, expires: soon}"}, {"auth: {kind: key}", "auth: {kind: key, extra: 1}"},
		{"auth: {kind: key}", "auth: {kind: key}\nextra: 1"}, {"auth: {kind: key}", "auth: {kind: key}\naccount: {id: x, name: y}"}, {"auth: {kind: key}", "auth: {kind: key}\naccount: {request: {method: GET, path: /me}, name: y}"},
		{"auth: {kind: key}", "auth: {kind: key}\naccount: {client: magic, request: {method: GET, path: /me}, id: x, name: y}"}, {"auth: {kind: key}", "auth: {kind: key, account: {request: {method: GET, path: /me}, name: y}}"},
		{"auth: {kind: key}", "auth: {kind: key}\nalso: ['https://a.test/x']"}, {"auth: {kind: key}", "auth: {kind: key}\nsettings: [{about: x}]"}, {"auth: {kind: key}", "auth: {kind: key}\nsettings: [{name: 'a b'}]"},
		{"- name: pay", "- name: Pay"}, {"about: Pays something with everything it takes.", "about: ''"}, {"hint: write", "hint: maybe"}, {"method: POST\n    path: /pay", "method: EVIL\n    path: /pay"},
		{"path: /pay", "path: pay"}, {"path: /pay", "path: /pay\n    url: 'https://shop.acme.test/x'"}, {"    path: /pay\n", ""}, {"path: /pay", "path: 5"}, {"path: /text}", "path: /text}\n  steps: []\n  extra: 1"},
		{"content: {raw: true, ", "content: {raw: true, text: x, "}, {"content: {raw: true, ", "content: {"}, {"request: {method: POST, path: /make, json: {}}", "steps: [{name: 'a b', request: {method: GET, path: /x}}]"},
		{"request: {method: POST, path: /make, json: {}}", "steps: []"}, {"request: {method: POST, path: /make, json: {}}", "request: {method: POST, path: /make, body: {type: text/plain}}"},
		{"request: {method: POST, path: /make, json: {}}", "request: {method: POST, path: /make, query: [1]}"}, {"request: {method: GET, path: /text}", "request: {method: GET, path: /text}\n  pages: {items: '${answer}'}"},
		{"input: {type: object, properties: {filter", "input: {type: array, properties: {filter"}, {"message: \"${answer.errors[0].message}\"", "said: x"}, {"path: /find, query", "path: /find, colour: red, query"},
	} {
		text := strings.Replace(shop, c[0], c[1], 1)
		if text == shop {
			t.Fatalf("%q is not in it", c[0])
		}
		if fits(t, s, text) == nil {
			t.Errorf("the schema takes %q", c[1])
		}
		if _, err := connector.Parse([]byte(text)); !errors.Is(err, hotcell.ErrInvalid) {
			t.Errorf("the code takes %q: %v", c[1], err)
		}
		if p := connector.Lint([]byte(text)); len(p) == 0 || p[0].Line == 0 {
			t.Errorf("%q: %v", c[1], p)
		}
	}
}
