package connector

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"hotcell"
	"hotcell/internal/text/words"
)

// no says why an operation cannot be a tool.
func no(format string, args ...any) error {
	return &hotcell.FieldError{Reason: fmt.Sprintf(format, args...)}
}

// tool makes a tool of an operation.
func (o *openAPI) tool(name, path, method string, item, operation map[string]any) (*Tool, error) {
	d, err := o.document(name, path, method, item, operation)
	if err != nil {
		return nil, err
	}
	return compileTool(d, "")
}

// document describes an operation as connectors describe their tools.
func (o *openAPI) document(name, path, method string, item, operation map[string]any) (*toolDocument, error) {
	d := &toolDocument{
		foreign: true, Name: name, Title: words.Line(textOf(operation["summary"]), maxIdentity), Hint: map[string]string{"get": hintRead, "delete": "destructive"}[method],
		Idempotent: method != "post" && method != "patch",
	}
	if d.Hint == "" {
		d.Hint = "write"
	}
	d.About = words.Line(textOf(operation["summary"])+". "+textOf(operation["description"]), maxAbout)
	d.About = strings.TrimPrefix(d.About, ". ") + " (" + strings.ToUpper(method) + " " + path + ")"
	b := &operationBuilder{
		api: o, properties: map[string]any{}, inPath: map[string]string{}, query: map[string]any{}, request: requestDocument{Method: strings.ToUpper(method), Headers: map[string]string{}},
	}
	for _, p := range o.parameters(item, operation) {
		if err := b.parameter(p); err != nil {
			return nil, err
		}
	}
	if err := b.body(object1(o.resolve(operation["requestBody"]))); err != nil {
		return nil, err
	}
	if err := b.path(path); err != nil {
		return nil, err
	}
	d.Content = b.answers(object1(operation["responses"]))
	if len(b.query) > 0 {
		b.request.Query = b.query
	}
	slices.Sort(b.required)
	d.Input = map[string]any{"type": "object", "properties": b.properties, "required": slices.Compact(b.required)}
	if len(b.required) == 0 {
		delete(d.Input, "required")
	}
	d.Request = &b.request
	return d, nil
}

// parameters are a path's own and the operation's, which win.
func (o *openAPI) parameters(item, operation map[string]any) (out []map[string]any) {
	for _, list := range []any{item["parameters"], operation["parameters"]} {
		entries, _ := list.([]any)
		for _, one := range entries {
			p := object1(o.resolve(one))
			same := func(other map[string]any) bool { return other["name"] == p["name"] && other["in"] == p["in"] }
			if i := slices.IndexFunc(out, same); i >= 0 {
				out[i] = p
				continue
			}
			out = append(out, p)
		}
	}
	return out
}

// operationBuilder makes a request and a schema of an operation.
type operationBuilder struct {
	api        *openAPI
	properties map[string]any
	required   []string
	request    requestDocument
	inPath     map[string]string
	query      map[string]any
}

var notArgument = regexp.MustCompile(`[^A-Za-z0-9_]`)

// argument takes a name for an argument; names that CEL cannot have are changed.
// It returns the argument's own.
func (b *operationBuilder) argument(name string, schema any, about string, required bool) string {
	clean := notArgument.ReplaceAllString(name, "_")
	if clean == "" || clean[0] >= '0' && clean[0] <= '9' {
		clean = "_" + clean
	}
	for b.properties[clean] != nil {
		clean += "_"
	}
	s := b.api.schema(schema)
	if textOf(s["description"]) == "" {
		s["description"] = shortLine(about+" ("+name+")", 500)
	}
	b.properties[clean] = s
	if required {
		b.required = append(b.required, clean)
	}
	return clean
}

func value1(argument string) string { return "${args." + argument + "}" }

// computed is an expression on an argument that may be absent, and may have a
// name that CEL has for itself.
func computed(argument, expression string) string {
	return fmt.Sprintf("${'%s' in args ? dyn(%s) : dyn(null)}", argument, strings.ReplaceAll(expression, "@", "args['"+argument+"']"))
}

// private are headers that are the connection's matter, or the transport's.
var private = regexp.MustCompile(`(?i)^(accept|content-type|content-length|transfer-encoding|connection|host|te|trailer|upgrade|range|accept-encoding|user-agent)$|auth|token|secret|cookie|api-?key|^x-forwarded|^forwarded|method-override`)

func (b *operationBuilder) parameter(p map[string]any) error {
	name, in := textOf(p["name"]), textOf(p["in"])
	required, _ := p["required"].(bool)
	switch {
	case name == "":
		return nil
	case in != "path" && slices.Contains(b.api.hidden, strings.ToLower(name)):
		return nil // where a key goes
	case in == "header" && private.MatchString(name):
		return nil
	case in == "cookie":
		if required {
			return no("it needs the cookie %q", name)
		}
		return nil
	}
	schema := p["schema"]
	for _, one := range object1(p["content"]) {
		argument := b.argument(name, object1(one)["schema"], textOf(p["description"]), required || in == "path")
		return b.place(in, name, computed(argument, "tojson(@)"))
	}
	kind, style, explode := b.style(p)
	if spreads(in, kind, style, explode) {
		return b.spread(name, object1(b.api.resolve(schema)))
	}
	argument := b.argument(name, schema, textOf(p["description"]), required || in == "path")
	written, err := written(argument, kind, style, explode)
	if err != nil {
		return err
	}
	return b.place(in, name, written)
}

// style is what a parameter's value is, and how it is written.
func (b *operationBuilder) style(p map[string]any) (kind, style string, explode bool) {
	kind = kindOf(object1(b.api.resolve(p["schema"])))
	style = cmp.Or(textOf(p["style"]), map[string]string{"query": "form", "cookie": "form"}[textOf(p["in"])], "simple")
	explode, said := p["explode"].(bool)
	if !said {
		explode = style == "form"
	}
	return kind, style, explode
}

// spreads says whether the fields of an object are parameters of their own.
func spreads(in, kind, style string, explode bool) bool {
	return in == "query" && style == "form" && explode && kind == "object"
}

// kindOf is what a schema's value is: "array", "object", or something single.
func kindOf(s map[string]any) string {
	for _, kind := range []string{"array", "object"} {
		list, _ := s["type"].([]any)
		if s["type"] == kind || slices.Contains(list, any(kind)) {
			return kind
		}
	}
	if s["properties"] != nil {
		return "object"
	}
	return ""
}

// written is how a parameter's value is written, by its style.
func written(argument, kind, style string, explode bool) (string, error) {
	between := map[string]string{"form": ",", "simple": ",", "spaceDelimited": " ", "pipeDelimited": "|"}[style]
	switch {
	case kind == "" && (style == "form" || style == "simple"), kind == "array" && style == "form" && explode, kind == "object" && style == "deepObject":
		return value1(argument), nil
	case kind == "array" && between != "":
		return computed(argument, "@.map(v, string(v)).join('"+between+"')"), nil
	}
	return "", no("the style %s of the parameter %q is not known", style, argument)
}

// spread takes an object whose fields are parameters of their own.
func (b *operationBuilder) spread(name string, schema map[string]any) error {
	fields := object1(schema["properties"])
	if len(fields) == 0 {
		return no("the fields of the parameter %q are not described", name)
	}
	needed, _ := schema["required"].([]any)
	for _, field := range slices.Sorted(maps.Keys(fields)) {
		b.query[field] = value1(b.argument(field, fields[field], "a field of "+name, slices.Contains(needed, any(field))))
	}
	return nil
}

func (b *operationBuilder) place(in, name, expression string) error {
	switch in {
	case "path":
		b.inPath["{"+name+"}"] = expression
	case "query":
		b.query[name] = expression
	case "header":
		b.request.Headers[name] = expression
	}
	return nil
}

var parameter = regexp.MustCompile(`\{([^{}/]+)\}`)

// path makes the path's template.
func (b *operationBuilder) path(path string) error {
	if !strings.HasPrefix(path, "/") || strings.Contains(path, "${") {
		return no("its path cannot be read")
	}
	var missing string
	b.request.Path = parameter.ReplaceAllStringFunc(path, func(p string) string {
		expression, there := b.inPath[p]
		if !there {
			missing = p
		}
		return expression
	})
	if missing != "" {
		return no("the parameter %s of its path is not described", missing)
	}
	return nil
}

// answers says how an answer is read that is no JSON and no text.
func (b *operationBuilder) answers(responses map[string]any) *contentDocument {
	for _, status := range slices.Sorted(maps.Keys(responses)) {
		content := object1(object1(b.api.resolve(responses[status]))["content"])
		if !strings.HasPrefix(status, "2") || len(content) == 0 {
			continue
		}
		kinds := slices.Sorted(maps.Keys(content))
		if i := slices.IndexFunc(kinds, isJSON); i >= 0 {
			if kinds[i] != acceptJSON && content[acceptJSON] == nil {
				b.request.Headers["Accept"] = kinds[i]
			}
			return nil
		}
		return &contentDocument{Raw: true}
	}
	return nil
}

func isJSON(kind string) bool {
	bare, _, _ := strings.Cut(kind, ";")
	bare = strings.ToLower(strings.TrimSpace(bare))
	return bare == acceptJSON || strings.HasSuffix(bare, "+json") || bare == "*/*" || bare == "application/*"
}
