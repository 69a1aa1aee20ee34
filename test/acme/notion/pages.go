package notion

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"hotcell/test/acme/twin"
)

func name(o object) string {
	list, _ := o["title"].([]any)
	if p, is := o["properties"].(object); is && o["object"] == "page" {
		for _, v := range p {
			if one, is := v.(object); is && one["type"] == "title" {
				list, _ = one["title"].([]any)
			}
		}
	}
	if len(list) == 0 {
		return ""
	}
	first, _ := list[0].(object)
	return fmt.Sprint(first["plain_text"])
}

func (t *Twin) search(_ *http.Request, in object) (int, object) {
	if key, ok := twin.Known(in, "query", "filter", "sort", "page_size", "start_cursor"); !ok {
		return invalid("body failed validation: body.%s should be not present", key)
	}
	kind := ""
	if f, given := in["filter"].(object); given {
		kind, _ = f["value"].(string)
		if f["property"] != "object" || kind != "page" && kind != "database" {
			return invalid("body failed validation: body.filter.value should be `page` or `database`")
		}
	} else if in["filter"] != nil {
		return invalid("body failed validation: body.filter should be an object")
	}
	var all []object
	for _, o := range slices.Backward(t.things) {
		if !t.hidden[fmt.Sprint(o["id"])] && (kind == "" || o["object"] == kind) && strings.Contains(strings.ToLower(name(o)), strings.ToLower(asked(in, "query"))) {
			all = append(all, o)
		}
	}
	return t.window(all, asked(in, "page_size"), asked(in, "start_cursor"))
}

func (t *Twin) page(r *http.Request, _ object) (int, object) {
	if p := t.find("page", r.PathValue("id")); p != nil {
		return http.StatusOK, p
	}
	return missing(r.PathValue("id"))
}

func (t *Twin) database(r *http.Request, _ object) (int, object) {
	if d := t.find("database", r.PathValue("id")); d != nil {
		return http.StatusOK, d
	}
	return missing(r.PathValue("id"))
}

// readable is rich text with the plain text that Notion adds.
func readable(v any) (out []any, problem string) {
	list, is := v.([]any)
	if !is {
		return nil, "should be an array"
	}
	for _, one := range list {
		o, _ := one.(object)
		text, _ := o["text"].(object)
		content, is := text["content"].(string)
		if !is || len([]rune(content)) > 2000 {
			return nil, "text.content.length should be ≤ `2000`"
		}
		out = append(out, object{"type": "text", "plain_text": content, "text": object{"content": content}})
	}
	return out, ""
}

// valid reads properties, against those of a database where the page is in one.
func valid(in, schema object) (object, string) {
	out := object{}
	for key, v := range in {
		one, _ := v.(object)
		kind, known := "title", key == "title"
		if schema != nil {
			of, is := schema[key].(object)
			kind, _ = of["type"].(string)
			known = is
		}
		if !known {
			return nil, key + " is not a property that exists."
		}
		if list, is := v.([]any); is && kind == "title" {
			one = object{"title": list}
		}
		value := one[kind]
		switch kind {
		case "title", "rich_text":
			list, problem := readable(value)
			if problem != "" {
				return nil, "body failed validation: body.properties." + key + "." + problem
			}
			out[key] = object{"type": kind, kind: list}
			continue
		case "number":
			if _, is := value.(float64); !is && value != nil {
				return nil, key + " is expected to be number."
			}
		case "checkbox":
			if _, is := value.(bool); !is {
				return nil, key + " is expected to be checkbox."
			}
		}
		out[key] = object{"type": kind, kind: value}
	}
	return out, ""
}

// schema is that of a parent; nil where it is a page.
func (t *Twin) schema(parent object) (of object, found bool) {
	if key, _ := parent["page_id"].(string); key != "" {
		return nil, t.find("page", key) != nil
	}
	key, _ := parent["database_id"].(string)
	d := t.find("database", key)
	of, _ = d["properties"].(object)
	return of, d != nil
}

func (t *Twin) create(_ *http.Request, in object) (int, object) {
	parent, _ := in["parent"].(object)
	schema, found := t.schema(parent)
	properties, is := in["properties"].(object)
	switch {
	case !is:
		return invalid("body failed validation: body.properties should be defined, instead was undefined.")
	case !found:
		return missing(asked(parent, "page_id") + asked(parent, "database_id"))
	}
	made, problem := valid(properties, schema)
	if problem != "" {
		return invalid("%s", problem)
	}
	children, _ := in["children"].([]any)
	if problem := check(children); problem != "" {
		return invalid("%s", problem)
	}
	key := t.add(object{"object": "page", "parent": parent, "properties": made})
	for _, b := range children {
		one, _ := b.(object)
		t.put(key, one)
	}
	return http.StatusOK, t.find("page", key)
}

func (t *Twin) change(r *http.Request, in object) (int, object) {
	p := t.find("page", r.PathValue("id"))
	if p == nil {
		return missing(r.PathValue("id"))
	}
	if key, ok := twin.Known(in, "properties", "archived", "in_trash", "icon", "cover"); !ok {
		return invalid("body failed validation: body.%s should be not present", key)
	}
	parent, _ := p["parent"].(object)
	schema, _ := t.schema(parent)
	given, _ := in["properties"].(object)
	made, problem := valid(given, schema)
	if problem != "" {
		return invalid("%s", problem)
	}
	properties, _ := p["properties"].(object)
	maps.Copy(properties, made)
	if gone, is := in["archived"].(bool); is {
		p["archived"] = gone
	}
	return http.StatusOK, p
}

// check holds new blocks against what Notion takes.
func check(children []any) string {
	if len(children) > 100 {
		return fmt.Sprintf("body failed validation: body.children.length should be ≤ `100`, instead was `%d`.", len(children))
	}
	for i, one := range children {
		b, _ := one.(object)
		kind, _ := b["type"].(string)
		inner, is := b[kind].(object)
		if !is || b["object"] != "block" {
			return fmt.Sprintf("body failed validation: body.children[%d].%s should be defined, instead was undefined.", i, kind)
		}
		if _, problem := readable(inner["rich_text"]); problem != "" {
			return fmt.Sprintf("body failed validation: body.children[%d].%s.rich_text.%s", i, kind, problem)
		}
	}
	return ""
}

// holder says whether blocks can be below something, which the integration sees.
func (t *Twin) holder(key string) (string, bool) {
	if p := t.find("page", key); p != nil {
		return fmt.Sprint(p["id"]), true
	}
	for _, list := range t.blocks {
		for _, b := range list {
			if same(fmt.Sprint(b["id"]), key) {
				return fmt.Sprint(b["id"]), true
			}
		}
	}
	return "", false
}

func (t *Twin) children(r *http.Request, _ object) (int, object) {
	key, found := t.holder(r.PathValue("id"))
	if !found {
		return missing(r.PathValue("id"))
	}
	return t.window(t.blocks[key], r.URL.Query().Get("page_size"), r.URL.Query().Get("start_cursor"))
}

func (t *Twin) append(r *http.Request, in object) (int, object) {
	key, found := t.holder(r.PathValue("id"))
	if !found {
		return missing(r.PathValue("id"))
	}
	children, is := in["children"].([]any)
	if !is {
		return invalid("body failed validation: body.children should be defined, instead was undefined.")
	}
	if problem := check(children); problem != "" {
		return invalid("%s", problem)
	}
	out := []object{}
	for _, b := range children {
		one, _ := b.(object)
		out = append(out, t.put(key, one))
	}
	return http.StatusOK, object{"object": "list", "results": out, "has_more": false, "next_cursor": nil}
}

// query knows filters by equality of a checkbox, and sorting not at all.
func (t *Twin) query(r *http.Request, in object) (int, object) {
	d := t.find("database", r.PathValue("id"))
	if d == nil {
		return missing(r.PathValue("id"))
	}
	if key, ok := twin.Known(in, "filter", "sorts", "page_size", "start_cursor"); !ok {
		return invalid("body failed validation: body.%s should be not present", key)
	}
	schema, _ := d["properties"].(object)
	filter, _ := in["filter"].(object)
	property, _ := filter["property"].(string)
	if filter != nil && schema[property] == nil {
		return invalid("Could not find property with name or id: %s", property)
	}
	var all []object
	for _, o := range t.things {
		parent, _ := o["parent"].(object)
		if key, _ := parent["database_id"].(string); key == "" || !same(key, fmt.Sprint(d["id"])) {
			continue
		}
		properties, _ := o["properties"].(object)
		of, _ := properties[property].(object)
		if by, is := filter["checkbox"].(object); is && of["checkbox"] != by["equals"] {
			continue
		}
		all = append(all, o)
	}
	return t.window(all, asked(in, "page_size"), asked(in, "start_cursor"))
}

// Texts are the paragraphs of a page as they are now.
func (t *Twin) Texts(page string) (out []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, b := range t.blocks[page] {
		p, _ := b["paragraph"].(object)
		list, _ := readable(p["rich_text"])
		for _, one := range list {
			o, _ := one.(object)
			out = append(out, fmt.Sprint(o["plain_text"]))
		}
	}
	return out
}

// Properties are those of a page as they are now.
func (t *Twin) Properties(page string) map[string]any {
	t.mu.Lock()
	defer t.mu.Unlock()
	p, _ := t.find("page", page)["properties"].(object)
	return p
}
