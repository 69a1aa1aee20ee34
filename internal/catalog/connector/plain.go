package connector

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"hotcell"
	"hotcell/internal/catalog/connector/schema"
	"hotcell/internal/text/words"
)

// Plain are the parsers of what strangers write, for a process that holds no key: each
// makes of a text one that says the same and holds nothing that is hard to read. Those of
// what services are described by are named as the definitions of connectors are.
var Plain = map[string]func([]byte) ([]byte, error){"openapi": plainAsked, "mcp": plainTools, kindCharset: plainCharset}

// asked is a document to be made plain.
type asked struct {
	Document []byte `json:"document"`
	Pick     Pick   `json:"pick"`
}

// AskPlain is what the parser of OpenAPI documents reads.
func AskPlain(document []byte, pick Pick) ([]byte, error) {
	return json.Marshal(asked{document, pick})
}

func plainAsked(text []byte) ([]byte, error) {
	var in asked
	if err := json.Unmarshal(text, &in); err != nil {
		return nil, err
	}
	return PlainOpenAPI(in.Document, in.Pick)
}

// maxPlain bounds a plain description, in bytes.
const maxPlain = 8 << 20

// keyMissing is where a plain document tells what did not become a tool.
const keyMissing = "x-hotcell-missing"

// PlainOpenAPI makes of an OpenAPI document, be it JSON or YAML, one in JSON of those
// of its operations that become tools, without references. It does not believe one that
// says that it was made plain before: a stranger would be its own judge of what is picked.
func PlainOpenAPI(document []byte, pick Pick) ([]byte, error) {
	root, err := readOpenAPI(document)
	if err != nil {
		return nil, err
	}
	o, err := openOpenAPI(root, "plain", "plain", pick)
	if err != nil {
		return nil, err
	}
	o.plain = map[string]map[string]any{}
	if err := o.read(); err != nil {
		return nil, err
	}
	if len(o.plain) == 0 {
		return nil, hotcell.Invalid("/definition", "this document has no operation that could become a tool%s", firstOf(o.connector.Missing))
	}
	schemes := map[string]any{}
	for _, name := range o.hidden {
		schemes[name] = map[string]any{"type": "apiKey", "name": name}
	}
	missing := o.connector.Missing
	if missing = missing[:min(len(missing), maxMissing)]; missing == nil {
		missing = []string{} // that there is a list says that it is plain
	}
	out, err := json.Marshal(map[string]any{
		"openapi": "3.1.0", keyMissing: missing, "components": map[string]any{"securitySchemes": schemes}, "paths": o.plain,
	})
	if err == nil && len(out) > maxPlain {
		return nil, hotcell.Invalid("/definition", "this document describes too much: choose by the settings tags and operations")
	}
	return out, err
}

// plainOperation writes out what [openAPI.document] reads of an operation. What it
// writes of schemas does not count: it was counted when the tool was made.
func (o *openAPI) plainOperation(name string, item, operation map[string]any) map[string]any {
	w := &openAPI{root: o.root, nodes: maxNodes}
	b := &operationBuilder{api: w}
	out := map[string]any{"operationId": name}
	for _, key := range []string{"summary", "description"} {
		if text := textOf(operation[key]); text != "" {
			out[key] = words.Clip(text, 2*maxAbout)
		}
	}
	var parameters []any
	for _, p := range w.parameters(item, operation) {
		plain := only(p, "name", "in", "required", "description", "style", "explode")
		if p["schema"] != nil {
			plain["schema"] = b.plainParameter(p)
		}
		if content := object1(p["content"]); len(content) > 0 {
			plain["content"] = plainContent(content, func(v any) any { return w.schema(v) })
		}
		parameters = append(parameters, plain)
	}
	if len(parameters) > 0 {
		out["parameters"] = parameters
	}
	if body := object1(w.resolve(operation["requestBody"])); body != nil {
		plain := only(body, "required")
		plain["content"] = plainContent(object1(body["content"]), b.plainSchema)
		out["requestBody"] = plain
	}
	responses := map[string]any{}
	for status, response := range object1(operation["responses"]) {
		kinds := map[string]any{}
		for kind := range object1(object1(w.resolve(response))["content"]) {
			kinds[kind] = map[string]any{}
		}
		if strings.HasPrefix(status, "2") && len(kinds) > 0 {
			responses[status] = map[string]any{"content": kinds}
		}
	}
	if len(responses) > 0 {
		out["responses"] = responses
	}
	return out
}

// only are some members of an object.
func only(m map[string]any, keys ...string) map[string]any {
	out := map[string]any{}
	for _, key := range keys {
		if v, there := m[key]; there {
			out[key] = v
		}
	}
	return out
}

// plainContent writes out the schemas of the kinds of a body.
func plainContent(content map[string]any, schema func(any) any) map[string]any {
	out := map[string]any{}
	for kind, media := range content {
		plain := map[string]any{}
		if s := object1(media)["schema"]; s != nil {
			plain["schema"] = schema(s)
		}
		encoding := map[string]any{}
		for name, one := range object1(object1(media)["encoding"]) {
			encoding[name] = only(object1(one), "style", "explode")
		}
		if len(encoding) > 0 {
			plain["encoding"] = encoding
		}
		out[kind] = plain
	}
	return out
}

// plainParameter writes out the schema of a parameter.
func (b *operationBuilder) plainParameter(p map[string]any) any {
	kind, style, explode := b.style(p)
	if !spreads(textOf(p["in"]), kind, style, explode) {
		return b.api.schema(p["schema"])
	}
	s := object1(b.api.resolve(p["schema"]))
	return b.object(object1(s["properties"]), s["required"])
}

// object is the schema of an object, each of whose fields has the room of one argument.
func (b *operationBuilder) object(fields map[string]any, required any) map[string]any {
	properties := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		properties[name] = b.api.schema(fields[name])
	}
	out := map[string]any{"type": "object", "properties": properties}
	if list, _ := required.([]any); len(list) > 0 {
		out["required"] = list
	}
	return out
}

// plainSchema writes a schema out: field by field where each becomes an argument, so
// that each has the room that it has there.
func (b *operationBuilder) plainSchema(v any) any {
	fields, needed := b.fields(v, 0)
	if len(fields) == 0 {
		return b.api.schema(v)
	}
	return b.object(fields, needed)
}

// plainTools makes the schemas of an MCP server's tools plain. What was left out of
// one, and what is not taken, the tool's notes tell.
func plainTools(text []byte) ([]byte, error) {
	var tools []RemoteTool
	if err := json.Unmarshal(text, &tools); err != nil {
		return nil, err
	}
	for i := range tools {
		tools[i] = tools[i].plain()
	}
	return json.Marshal(tools)
}

func (r RemoteTool) plain() RemoteTool {
	r.Notes, r.Refused = nil, "" // they are not the server's to say
	if len(r.Input) > 0 {
		s, err := schema.Read(r.Input, schema.Options{})
		if err != nil {
			r.Input, r.Output, r.Refused = nil, nil, "its schema is not taken: "+err.Error()
			return r
		}
		r.Input, r.Notes = s.Text(), s.Notes()
	}
	if len(r.Output) > 0 {
		s, err := schema.Read(r.Output, schema.Options{})
		if r.Output = nil; err == nil {
			r.Output = s.Text()
		} else {
			r.Notes = append(r.Notes, noOutput)
		}
	}
	return r
}

// noOutput is the note of a tool whose schema of results is not taken.
const noOutput = "the schema of its results is not taken"
