package connector

import (
	"encoding/json"
	"maps"
	"slices"
)

// FromDocument is [FromOpenAPI] of a document as a stranger wrote it.
func FromDocument(document []byte, slug, name string, pick Pick) (*Connector, error) {
	root, err := readOpenAPI(document)
	if err != nil {
		return nil, err
	}
	return fromOpenAPI(root, slug, name, pick)
}

// Described are the tools that an OpenAPI document makes, as connectors describe
// theirs, and what did not become one.
func Described(document []byte, pick Pick) (tools, missing []string, err error) {
	root, err := readOpenAPI(document)
	if err != nil {
		return nil, nil, err
	}
	o, err := openOpenAPI(root, "x", "X", pick)
	if err != nil {
		return nil, nil, err
	}
	o.madePlain()
	if err := o.read(); err != nil {
		return nil, nil, err
	}
	again, err := openOpenAPI(root, "x", "X", pick)
	if err != nil {
		return nil, nil, err
	}
	again.madePlain()
	paths := object1(again.root["paths"])
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		item := object1(again.resolve(paths[path]))
		for _, method := range methods {
			operation := object1(item[method])
			if operation == nil || len(tools) == len(o.connector.Tools) {
				continue
			}
			name := again.name(path, method, operation)
			if !again.picked(name, operation) {
				continue
			}
			again.names[name] = true
			if name != o.connector.Tools[len(tools)].Name {
				continue // it became none
			}
			d, err := again.document(name, path, method, item, operation)
			if err != nil {
				continue
			}
			text, err := json.Marshal(d)
			if err != nil {
				return nil, nil, err
			}
			tools = append(tools, string(text))
		}
	}
	return tools, o.connector.Missing, nil
}
