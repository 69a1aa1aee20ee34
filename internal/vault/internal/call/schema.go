package call

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"

	"hotcell"
)

// without takes one argument, a text, out of arguments; the rest stays as it
// came.
func without(arguments json.RawMessage, name string) (value string, rest json.RawMessage, err error) {
	wrong := hotcell.Invalid("/arguments", "arguments are one JSON object")
	d := json.NewDecoder(bytes.NewReader(arguments))
	if first, err := d.Token(); err != nil || first != json.Delim('{') {
		return "", nil, wrong
	}
	out := []byte{'{'}
	found := false
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return "", nil, wrong
		}
		text, _ := key.(string) // of an object, it is
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return "", nil, wrong
		}
		if text == name {
			if found || json.Unmarshal(raw, &value) != nil {
				return "", nil, hotcell.Invalid("/arguments/"+name, "this is one text")
			}
			found = true
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		quoted, err := json.Marshal(text)
		if err != nil {
			return "", nil, wrong
		}
		out = append(append(append(out, quoted...), ':'), raw...)
	}
	if _, err := d.Token(); err != nil {
		return "", nil, wrong
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return "", nil, wrong
	}
	return value, append(out, '}'), nil
}

// joined is the schema of a tool that more than one connection has: with the
// argument that says which.
func joined(offers []*offer) json.RawMessage {
	aliases := aliasesOf(offers)
	about := make([]string, 0, len(offers))
	for i, o := range offers {
		about = append(about, aliases[i]+" is "+o.who())
	}
	argument := argumentOf(offers)
	which := map[string]any{"type": "string", "enum": aliases, "description": "which connection to use: " + strings.Join(about, "; ")}
	base := narrow(offers[0].tool.Input, common(offers))
	if slices.ContainsFunc(offers, func(o *offer) bool { return !bytes.Equal(o.tool.Input, offers[0].tool.Input) }) {
		base = nil // two services that call different things by one name
	}
	schema := map[string]any{"type": "object"}
	if base != nil && json.Unmarshal(base, &schema) != nil {
		schema = map[string]any{"type": "object"}
	}
	properties, _ := schema["properties"].(map[string]any)
	if properties == nil {
		properties = map[string]any{}
	}
	required, _ := schema["required"].([]any)
	properties[argument] = which
	schema["properties"], schema["required"] = properties, append(required, argument)
	out, err := json.Marshal(schema)
	if err != nil {
		return offers[0].tool.Input
	}
	return out
}
