package connector

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"hotcell"
)

// The bounds of an OpenAPI document.
const (
	maxOpenAPI    = 4 << 20
	maxOperations = 400
	maxRefs       = 20
	maxNodes      = 20_000
)

// FromOpenAPI makes a connector of an OpenAPI 3 document: each operation becomes
// a tool, whose arguments are the operation's parameters and the fields of its
// body. Where the API is, the settings say: what the document names as its
// servers is not believed. Nothing outside the document is read.
func FromOpenAPI(document []byte, slug, name string) (*Connector, error) {
	if len(document) > maxOpenAPI {
		return nil, hotcell.Invalid("/definition", "a document has at most %d MiB", maxOpenAPI>>20)
	}
	var root map[string]any
	if err := yaml.Unmarshal(document, &root); err != nil {
		return nil, hotcell.Invalid("/definition", "this is neither JSON nor YAML")
	}
	version, _ := root["openapi"].(string)
	if !strings.HasPrefix(version, "3.") {
		return nil, hotcell.Invalid("/definition", "this is no OpenAPI 3 document")
	}
	base, err := newText("${settings.base}")
	if err != nil {
		return nil, err
	}
	c := &Connector{
		Slug: slug, Name: name, Category: "other", Definition: "openapi", Base: base.whole, base: base,
		Settings: []Setting{{Name: "base", About: "the address of the API", Required: true}}, Auth: Auth{Kind: Key, Put: hotcell.Auth{Kind: "bearer"}},
	}
	o := &openAPI{root: root, connector: c, nodes: maxNodes}
	if err := o.read(); err != nil {
		return nil, err
	}
	if len(c.Tools) == 0 {
		return nil, hotcell.Invalid("/definition", "this document has no operation that could become a tool")
	}
	return c, nil
}

// openAPI is a document that is being read.
type openAPI struct {
	root      map[string]any
	connector *Connector
	// nodes is how much of it may still be looked at: references multiply.
	nodes int
}

var methods = []string{"get", "post", "put", "patch", "delete"}

func (o *openAPI) read() error {
	paths := object1(o.root["paths"])
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		item := object1(o.resolve(paths[path], 0))
		for _, method := range methods {
			operation := object1(item[method])
			if operation == nil {
				continue
			}
			if len(o.connector.Tools) == maxOperations {
				return hotcell.Invalid("/definition", "a document has at most %d operations", maxOperations)
			}
			if t := o.tool(path, method, item, operation); t != nil {
				o.connector.Tools = append(o.connector.Tools, t)
			}
			if o.nodes <= 0 {
				return hotcell.Invalid("/definition", "this document is too large, or refers to itself")
			}
		}
	}
	return nil
}

func object1(v any) map[string]any { m, _ := v.(map[string]any); return m }

// resolve follows a reference within the document.
func (o *openAPI) resolve(v any, depth int) any {
	m := object1(v)
	ref, ok := m["$ref"].(string)
	if !ok {
		return v
	}
	if depth > maxRefs || !strings.HasPrefix(ref, "#/") {
		return map[string]any{}
	}
	var found any = o.root
	for segment := range strings.SplitSeq(ref[2:], "/") {
		found = object1(found)[strings.NewReplacer("~1", "/", "~0", "~").Replace(segment)]
	}
	return o.resolve(found, depth+1)
}

// flat is a schema with its references written out.
func (o *openAPI) flat(v any, depth int) any {
	if o.nodes--; o.nodes <= 0 || depth > maxRefs {
		return map[string]any{}
	}
	switch v := o.resolve(v, 0).(type) {
	case map[string]any:
		out := map[string]any{}
		for key, one := range v {
			switch key {
			case "example", "examples", "xml", "externalDocs", "discriminator", "deprecated", "readOnly", "writeOnly", "nullable", "$schema", "$id", "$anchor", "$defs", "format":
				continue
			}
			if strings.HasPrefix(key, "x-") {
				continue
			}
			if key == "exclusiveMinimum" || key == "exclusiveMaximum" {
				if _, old := one.(bool); old { // OpenAPI 3.0's own
					continue
				}
			}
			out[key] = o.flat(one, depth+1)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, one := range v {
			out[i] = o.flat(one, depth+1)
		}
		return out
	default:
		return v
	}
}

var (
	notName   = regexp.MustCompile(`[^a-z0-9]+`)
	parameter = regexp.MustCompile(`\{([^{}/]+)\}`)
)

// tool makes a tool of an operation; nil where it cannot be one.
func (o *openAPI) tool(path, method string, item, operation map[string]any) *Tool {
	d := &toolDocument{
		Name: o.name(path, method, operation), Title: textOf(operation["summary"]), Hint: map[string]string{"get": hintRead, "delete": "destructive"}[method],
		Idempotent: method != "post" && method != "patch",
	}
	if d.Hint == "" {
		d.Hint = "write"
	}
	d.About = shortLine(strings.TrimSpace(textOf(operation["summary"])+". "+textOf(operation["description"])), maxAbout)
	d.About = strings.TrimPrefix(d.About, ". ") + " (" + strings.ToUpper(method) + " " + path + ")"
	b := &operationBuilder{api: o, properties: map[string]any{}, request: requestDocument{Method: strings.ToUpper(method)}, query: map[string]any{}}
	for _, list := range []any{item["parameters"], operation["parameters"]} {
		entries, _ := list.([]any)
		for _, one := range entries {
			b.parameter(object1(o.resolve(one, 0)))
		}
	}
	b.body(object1(o.resolve(operation["requestBody"], 0)))
	if !b.path(path) {
		return nil
	}
	if len(b.query) > 0 {
		b.request.Query = b.query
	}
	slices.Sort(b.required)
	d.Input = map[string]any{"type": "object", "properties": b.properties, "required": slices.Compact(b.required)}
	if len(b.required) == 0 {
		delete(d.Input, "required")
	}
	d.Request = &b.request
	t, err := compileTool(d, "")
	if err != nil {
		return nil
	}
	return t
}

func textOf(v any) string { s, _ := v.(string); return s }

// name is a tool's name, of its own: the operation's id, else method and path.
func (o *openAPI) name(path, method string, operation map[string]any) string {
	given := textOf(operation["operationId"])
	if given == "" {
		given = method + "_" + path
	}
	camel := regexp.MustCompile(`([a-z0-9])([A-Z])`).ReplaceAllString(given, "${1}_${2}")
	short := strings.Trim(notName.ReplaceAllString(strings.ToLower(camel), "_"), "_")
	if short == "" || short[0] >= '0' && short[0] <= '9' {
		short = "op_" + short
	}
	short = short[:min(len(short), 55)]
	out := short
	for i := 2; ; i++ {
		if _, taken := o.connector.Tool(out); !taken {
			return out
		}
		out = short + "_" + strconv.Itoa(i)
	}
}

// operationBuilder makes a request and a schema of an operation.
type operationBuilder struct {
	api        *openAPI
	properties map[string]any
	required   []string
	request    requestDocument
	query      map[string]any
}

var notArgument = regexp.MustCompile(`[^A-Za-z0-9_]`)

// argument takes a name for an argument; names that CEL cannot have are changed.
func (b *operationBuilder) argument(name string, schema any, about string, required bool) (expression string) {
	clean := notArgument.ReplaceAllString(name, "_")
	if clean == "" || clean[0] >= '0' && clean[0] <= '9' {
		clean = "_" + clean
	}
	for b.properties[clean] != nil {
		clean += "_"
	}
	s := object1(b.api.flat(schema, 0))
	if s == nil {
		s = map[string]any{}
	}
	if textOf(s["description"]) == "" {
		s["description"] = shortLine(about+" ("+name+")", 500)
	}
	b.properties[clean] = s
	if required {
		b.required = append(b.required, clean)
	}
	return "${args." + clean + "}"
}

func (b *operationBuilder) parameter(p map[string]any) {
	name, in := textOf(p["name"]), textOf(p["in"])
	if name == "" {
		return
	}
	required, _ := p["required"].(bool)
	switch in {
	case "path":
		b.request.Headers = withPath(b.request.Headers, name, b.argument(name, p["schema"], textOf(p["description"]), true))
	case "query":
		b.query[name] = b.argument(name, p["schema"], textOf(p["description"]), required)
	}
	// Headers and cookies are the connection's matter, and not an agent's.
}

// withPath keeps a path parameter's expression until the path is made.
func withPath(m map[string]string, name, expression string) map[string]string {
	if m == nil {
		m = map[string]string{}
	}
	m["{"+name+"}"] = expression
	return m
}

// path makes the path's template; it is false where a parameter is not declared.
func (b *operationBuilder) path(path string) bool {
	declared, ok := b.request.Headers, true
	b.request.Headers = nil
	if !strings.HasPrefix(path, "/") || strings.Contains(path, "${") {
		return false
	}
	b.request.Path = parameter.ReplaceAllStringFunc(path, func(p string) string {
		expression, there := declared[p]
		ok = ok && there
		return expression
	})
	return ok
}

// body makes a JSON body of arguments: its fields where it is an object, else
// one argument.
func (b *operationBuilder) body(d map[string]any) {
	schema := object1(object1(object1(d["content"])["application/json"])["schema"])
	if schema == nil {
		return
	}
	required, _ := d["required"].(bool)
	whole := object1(b.api.resolve(schema, 0))
	fields := object1(whole["properties"])
	if len(fields) == 0 {
		b.request.JSON = b.argument("body", whole, "the body", required)
		return
	}
	needed, _ := whole["required"].([]any)
	tree := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		about := fmt.Sprintf("the field %s of the body", name)
		tree[name] = b.argument(name, fields[name], about, required && slices.Contains(needed, any(name)))
	}
	b.request.JSON = tree
}
