package connector

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"hotcell"
	"hotcell/internal/wire/measure"
)

// The bounds of an OpenAPI document: JSON is read much faster than YAML.
const (
	maxOpenAPI    = 16 << 20
	maxYAML       = 4 << 20
	maxOperations = 400
	maxRefs       = 20
)

// documentBounds are what a document in JSON may be, where schemas lie deep, and
// plainBounds what is left of it when it was made plain.
var (
	documentBounds = measure.Limits{Depth: 1000, Weight: 512 << 20}
	plainBounds    = measure.Limits{Depth: 500, Weight: 256 << 20}
)

// Pick is which operations of an OpenAPI document become tools: those with one of
// the tags, and those named, by their ids or as their tools are called. Empty, it
// is all.
type Pick struct{ Tags, Operations []string }

// PickOf is what the settings of a connection pick.
func PickOf(settings map[string]string) Pick {
	split := func(s string) []string {
		return slices.DeleteFunc(strings.FieldsFunc(s, func(r rune) bool { return r == ',' }), func(s string) bool { return strings.TrimSpace(s) == "" })
	}
	return Pick{Tags: split(settings["tags"]), Operations: split(settings["operations"])}
}

// FromOpenAPI makes a connector of an OpenAPI 3 document that [PlainOpenAPI] made plain: each operation becomes
// a tool, whose arguments are the operation's parameters and the fields of its
// body. Where the API is, the settings say: what the document names as its
// servers is not believed. Nothing outside the document is read. What cannot be
// made a tool is told in Missing.
func FromOpenAPI(document []byte, slug, name string, pick Pick) (*Connector, error) {
	root, err := readPlain(document)
	if err != nil {
		return nil, err
	}
	return fromOpenAPI(root, slug, name, pick)
}

func fromOpenAPI(root map[string]any, slug, name string, pick Pick) (*Connector, error) {
	o, err := openOpenAPI(root, slug, name, pick)
	if err != nil {
		return nil, err
	}
	o.madePlain()
	if err := o.read(); err != nil {
		return nil, err
	}
	if c := o.connector; len(c.Tools) > 0 {
		return c, nil
	}
	return nil, hotcell.Invalid("/definition", "this document has no operation that could become a tool%s", firstOf(o.connector.Missing))
}

func openOpenAPI(root map[string]any, slug, name string, pick Pick) (*openAPI, error) {
	base, err := newText("${settings.base}")
	if err != nil {
		return nil, err
	}
	c := &Connector{
		Slug: slug, Name: name, Category: "other", Definition: "openapi", Base: base.whole, base: base,
		Settings: []Setting{{Name: "base", About: "the address of the API", Required: true}}, Auth: Auth{Kind: Key, Put: hotcell.Auth{Kind: "bearer"}},
	}
	o := &openAPI{root: root, connector: c, pick: pick, wanted: map[string]bool{}, names: map[string]bool{}, nodes: maxNodes}
	o.secrets()
	return o, nil
}

// madePlain takes over what [PlainOpenAPI] has decided, where the document is its own:
// what its tools are called, which there are, and what did not become one.
func (o *openAPI) madePlain() {
	told, plain := o.root[keyMissing].([]any)
	if !plain {
		return
	}
	o.named, o.pick = true, Pick{}
	for _, one := range told[:min(len(told), maxMissing)] {
		o.miss("%s", textOf(one))
	}
}

func firstOf(missing []string) string {
	if len(missing) == 0 {
		return ""
	}
	return ": " + missing[0]
}

// readPlain reads what [PlainOpenAPI] wrote, or what its process says that it did: JSON
// within bounds, by no other reader than answers have.
func readPlain(document []byte) (map[string]any, error) {
	wrong := hotcell.Invalid("/definition", "this is no OpenAPI 3 document that was made plain")
	if len(document) > maxPlain {
		return nil, wrong
	}
	v, err := lenientIn(document, plainBounds)
	root, _ := v.(map[string]any)
	if err != nil || !strings.HasPrefix(textOf(root["openapi"]), "3.") {
		return nil, wrong
	}
	return root, nil
}

// readOpenAPI reads a document as a stranger wrote it: for a process that holds no key.
func readOpenAPI(document []byte) (root map[string]any, err error) {
	isJSON := json.Valid(document)
	switch {
	case len(document) > maxOpenAPI:
		return nil, hotcell.Invalid("/definition", "a document has at most %d MiB", maxOpenAPI>>20)
	case isJSON:
		v, err := lenientIn(document, documentBounds)
		root, _ = v.(map[string]any)
		if err != nil || root == nil {
			return nil, hotcell.Invalid("/definition", "this is no OpenAPI 3 document")
		}
	case len(document) > maxYAML:
		return nil, hotcell.Invalid("/definition", "a document in YAML has at most %d MiB: give it as JSON, which may have %d", maxYAML>>20, maxOpenAPI>>20)
	default:
		if err := yaml.Unmarshal(document, &root); err != nil {
			return nil, hotcell.Invalid("/definition", "this is neither JSON nor YAML")
		}
	}
	if !strings.HasPrefix(textOf(root["openapi"]), "3.") {
		return nil, hotcell.Invalid("/definition", "this is no OpenAPI 3 document")
	}
	return root, nil
}

// openAPI is a document that is being read.
type openAPI struct {
	root      map[string]any
	connector *Connector
	pick      Pick
	// wanted are the names of the pick that were found, names those of the tools.
	wanted, names map[string]bool
	// hidden are the headers and parameters that keys go into.
	hidden []string
	// nodes is how much of its schemas may still be written out: references multiply.
	nodes int
	// plain are the operations that became tools, by path and method, as [PlainOpenAPI]
	// writes them; nil where nobody wants them.
	plain map[string]map[string]any
	// named is true where the ids of operations are the names of tools.
	named bool
	// over counts the operations that there was no place for, unpicked those that
	// nobody asked for.
	over, unpicked int
}

var methods = []string{"get", "post", "put", "patch", "delete"}

func (o *openAPI) read() error {
	paths := object1(o.root["paths"])
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		item := object1(o.resolve(paths[path]))
		for _, method := range methods {
			if operation := object1(item[method]); operation != nil {
				o.operation(path, method, item, operation)
			}
		}
	}
	for _, name := range slices.Concat(o.pick.Tags, o.pick.Operations) {
		if name = strings.TrimSpace(name); !o.wanted[name] {
			return hotcell.Invalid("/settings", "the document has no operation, and no tag, that is called %.100q", name)
		}
	}
	if o.over > 0 {
		o.miss("%d more operations: there is place for %d; choose by the settings tags and operations", o.over, maxOperations)
	}
	if o.unpicked > 0 {
		o.miss("%d operations that the settings tags and operations do not choose", o.unpicked)
	}
	return nil
}

// miss tells what did not become a tool.
func (o *openAPI) miss(format string, args ...any) {
	o.connector.Missing = append(o.connector.Missing, shortLine(fmt.Sprintf(format, args...), maxIdentity))
}

func (o *openAPI) operation(path, method string, item, operation map[string]any) {
	name := o.name(path, method, operation)
	switch {
	case !o.picked(name, operation):
		o.unpicked++
		return
	case len(o.connector.Tools) == maxOperations:
		o.over++
		return
	}
	o.names[name] = true
	t, err := o.tool(name, path, method, item, operation)
	if err != nil {
		o.miss("%s %s: %s", strings.ToUpper(method), path, reason(err))
		return
	}
	o.connector.Tools = append(o.connector.Tools, t)
	if o.plain != nil {
		if o.plain[path] == nil {
			o.plain[path] = map[string]any{}
		}
		o.plain[path][method] = o.plainOperation(name, item, operation)
	}
}

// picked says whether an operation is asked for.
func (o *openAPI) picked(name string, operation map[string]any) bool {
	if len(o.pick.Tags)+len(o.pick.Operations) == 0 {
		return true
	}
	tags, _ := operation["tags"].([]any)
	found := false
	for _, tag := range o.pick.Tags {
		tag = strings.TrimSpace(tag)
		if slices.Contains(tags, any(tag)) {
			o.wanted[tag], found = true, true
		}
	}
	for _, one := range o.pick.Operations {
		if one = strings.TrimSpace(one); one == name || one == textOf(operation["operationId"]) {
			o.wanted[one], found = true, true
		}
	}
	return found
}

// secrets finds where keys go: they are the connection's matter, and no agent's.
func (o *openAPI) secrets() {
	for _, one := range object1(object1(o.root["components"])["securitySchemes"]) {
		if s := object1(o.resolve(one)); textOf(s["type"]) == "apiKey" {
			o.hidden = append(o.hidden, strings.ToLower(textOf(s["name"])))
		}
	}
}

func object1(v any) map[string]any { m, _ := v.(map[string]any); return m }

func textOf(v any) string { s, _ := v.(string); return s }

// resolve follows references within the document. What stands beside one counts too
// (OpenAPI 3.1, section 4.8.24), and wins.
func (o *openAPI) resolve(v any) any {
	var beside map[string]any
	for range maxRefs {
		m := object1(v)
		ref, ok := m["$ref"].(string)
		if !ok {
			if len(beside) == 0 {
				return v
			}
			out := maps.Clone(m)
			if out == nil {
				out = map[string]any{}
			}
			maps.Copy(out, beside)
			return out
		}
		if len(m) > 1 {
			more := maps.Clone(m)
			delete(more, "$ref")
			maps.Copy(more, beside)
			beside = more
		}
		v = o.at(ref)
	}
	return map[string]any{}
}

// at is what a reference names; nothing for one that leads out of the document.
func (o *openAPI) at(ref string) any {
	if !strings.HasPrefix(ref, "#/") {
		return map[string]any{}
	}
	var found any = o.root
	for segment := range strings.SplitSeq(ref[2:], "/") {
		found = object1(found)[strings.NewReplacer("~1", "/", "~0", "~").Replace(segment)]
	}
	return found
}

var (
	notName = regexp.MustCompile(`[^a-z0-9]+`)
	// plainName is what names of tools look like.
	plainName = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,63}$`)
	camel     = regexp.MustCompile(`([a-z0-9])([A-Z])`)
)

// name is a tool's name, of its own: the operation's id, else method and path.
func (o *openAPI) name(path, method string, operation map[string]any) string {
	given := textOf(operation["operationId"])
	if o.named && plainName.MatchString(given) && !o.names[given] {
		return given
	}
	if given == "" {
		given = method + "_" + path
	}
	short := strings.Trim(notName.ReplaceAllString(strings.ToLower(camel.ReplaceAllString(given, "${1}_${2}")), "_"), "_")
	if short == "" || short[0] >= '0' && short[0] <= '9' {
		short = "op_" + short
	}
	short = short[:min(len(short), 55)]
	out := short
	for i := 2; o.names[out]; i++ {
		out = short + "_" + strconv.Itoa(i)
	}
	return out
}

// reason is an error as people may read it.
func reason(err error) string {
	if field, ok := asField(err); ok {
		return field.Reason
	}
	return firstLine(err)
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}
