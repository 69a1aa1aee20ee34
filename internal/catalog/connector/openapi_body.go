package connector

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// body makes a body of arguments: of JSON before all other kinds.
func (b *operationBuilder) body(d map[string]any) error {
	content := object1(d["content"])
	if len(content) == 0 {
		return nil
	}
	required, _ := d["required"].(bool)
	kinds := slices.Sorted(maps.Keys(content))
	for _, known := range []struct {
		fits func(string) bool
		make func(kind string, media map[string]any, required bool) error
	}{
		{func(kind string) bool { return kind == acceptJSON }, b.json}, {isJSON, b.json},
		{func(kind string) bool { return kind == "application/x-www-form-urlencoded" }, b.form},
		{func(kind string) bool { return kind == "multipart/form-data" }, b.multipart},
		{func(kind string) bool { return strings.HasPrefix(kind, "text/") || strings.HasSuffix(kind, "xml") }, b.text},
		{func(kind string) bool { return !strings.HasPrefix(kind, "multipart/") && !strings.Contains(kind, "*") }, b.bytes},
	} {
		if i := slices.IndexFunc(kinds, known.fits); i >= 0 {
			return known.make(kinds[i], object1(content[kinds[i]]), required)
		}
	}
	if required {
		return no("its body is %s", strings.Join(kinds, ", "))
	}
	return nil
}

// fields are those of an object, of all of its parts; none where it is not just
// that.
func (b *operationBuilder) fields(schema any, depth int) (fields map[string]any, needed []any) {
	s := object1(b.api.resolve(schema))
	if s == nil || depth > maxRefs || s["oneOf"] != nil || s["anyOf"] != nil {
		return nil, nil
	}
	fields = map[string]any{}
	maps.Copy(fields, object1(s["properties"]))
	needed, _ = s["required"].([]any)
	parts, _ := s["allOf"].([]any)
	for _, one := range parts {
		more, also := b.fields(one, depth+1)
		if more == nil {
			return nil, nil
		}
		maps.Copy(fields, more)
		needed = slices.Concat(needed, also)
	}
	for name, field := range fields {
		if object1(b.api.resolve(field))["readOnly"] == true {
			delete(fields, name)
		}
	}
	if extra := s["additionalProperties"]; extra == true || object1(extra) != nil {
		return nil, nil
	}
	return fields, needed
}

// each makes an argument of each field of a body.
func (b *operationBuilder) each(schema any, required bool, add func(name, argument string, field map[string]any) error) (bool, error) {
	fields, needed := b.fields(schema, 0)
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		argument := b.argument(name, fields[name], fmt.Sprintf("the field %s of the body", name), required && slices.Contains(needed, any(name)))
		if err := add(name, argument, object1(b.api.resolve(fields[name]))); err != nil {
			return false, err
		}
	}
	return len(fields) > 0, nil
}

// json is a JSON body: its fields where it is an object, else one argument.
func (b *operationBuilder) json(kind string, media map[string]any, required bool) error {
	if kind != acceptJSON && !strings.Contains(kind, "*") {
		b.request.Headers["Content-Type"] = kind
	}
	tree := map[string]any{}
	some, err := b.each(media["schema"], required, func(name, argument string, _ map[string]any) error {
		tree[name] = value1(argument)
		return nil
	})
	if b.request.JSON = tree; !some {
		b.request.JSON = value1(b.argument("body", media["schema"], "the body", required))
	}
	return err
}

func (b *operationBuilder) form(_ string, media map[string]any, required bool) error {
	encoding := object1(media["encoding"])
	b.request.Form = map[string]any{}
	some, err := b.each(media["schema"], required, func(name, argument string, field map[string]any) error {
		as, key := object1(encoding[name]), name
		expression := value1(argument)
		if kindOf(field) == "array" {
			switch compound := kindOf(object1(b.api.resolve(field["items"]))) != ""; {
			case textOf(as["style"]) == "deepObject" && !compound:
				key += "[]"
			case as["explode"] == false && !compound:
				expression = computed(argument, "@.map(v, string(v)).join(',')")
			}
		}
		b.request.Form[key] = expression
		return nil
	})
	if err == nil && !some && required {
		return no("the fields of its form are not described")
	}
	return err
}

func (b *operationBuilder) multipart(_ string, media map[string]any, required bool) error {
	some, err := b.each(media["schema"], required, func(name, argument string, field map[string]any) error {
		if !isFile(field) {
			if kindOf(field) == "array" && isFile(object1(b.api.resolve(field["items"]))) {
				return no("it takes several files as %q", name)
			}
			b.request.Multipart = append(b.request.Multipart, partDocument{Name: name, Value: value1(argument)})
			return nil
		}
		b.properties[argument] = map[string]any{"type": "string", "description": shortLine(strings.TrimSpace(textOf(field["description"])+" The file "+name+", in base64"), 500)}
		called := b.argument(argument+"_name", map[string]any{"type": "string", "maxLength": 300}, "what the file is called", false)
		b.request.Multipart = append(b.request.Multipart, partDocument{
			Name: name, Base64: value1(argument), Filename: fmt.Sprintf("${'%s' in args ? args['%s'] : 'file'}", called, called), Type: "application/octet-stream",
		})
		return nil
	})
	if err == nil && !some && required {
		return no("the parts of its form are not described")
	}
	return err
}

func isFile(s map[string]any) bool {
	return textOf(s["format"]) == "binary" || textOf(s["contentMediaType"]) != "" && textOf(s["contentEncoding"]) == ""
}

func (b *operationBuilder) text(kind string, _ map[string]any, required bool) error {
	argument := b.argument("body", map[string]any{"type": "string"}, "the body, as "+kind, required)
	b.request.Body = &bodyDocument{Type: kind, Text: value1(argument)}
	return nil
}

func (b *operationBuilder) bytes(kind string, _ map[string]any, required bool) error {
	argument := b.argument("body", map[string]any{"type": "string"}, "the body, "+kind+" in base64", required)
	b.request.Body = &bodyDocument{Type: kind, Base64: value1(argument)}
	return nil
}
