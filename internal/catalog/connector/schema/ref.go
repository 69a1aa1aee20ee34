package schema

import (
	"net/url"
	"strconv"
	"strings"
)

// reference is what a schema refers to.
func reference(s map[string]any) (ref string, there bool) {
	for _, key := range []string{"$ref", "$dynamicRef", "$recursiveRef"} {
		if v, has := s[key]; has {
			ref, _ = v.(string)
			if key == "$dynamicRef" {
				ref = dynamic + ref
			}
			return ref, true
		}
	}
	return "", false
}

// dynamic marks a reference whose end depends on who refers.
const dynamic = "dynamic "

// follow writes out what a reference leads to. One that leads back to where it is
// followed from, without a step into the value, never ends: no such schema is taken.
func (w *writer) follow(ref string, level int) (out any, less bool) {
	fragment := strings.TrimPrefix(ref, dynamic)
	for _, o := range w.open {
		if o.ref == fragment && o.place == w.place {
			w.fail(ErrCycle)
			return true, true
		}
	}
	target, there := w.at(fragment)
	if !there {
		w.note("a reference leads nowhere")
		return true, true
	}
	recursive := false
	for _, o := range w.open {
		recursive = recursive || o.ref == fragment
	}
	if recursive || len(w.open) >= maxRefs {
		if s := object(target); s != nil {
			w.note("it is described in part only: it goes on within itself")
			return w.shallow(s), true
		}
		return target, true
	}
	w.open = append(w.open, followed{fragment, w.place})
	defer func() { w.open = w.open[:len(w.open)-1] }()
	out, less = w.write(target, level)
	if strings.HasPrefix(ref, dynamic) {
		w.note("what $dynamicRef leads to is not held")
		return true, true
	}
	return out, less
}

// at is what a reference within the document leads to: a JSON pointer (RFC 6901) or
// an anchor. Nothing outside of it is looked for.
func (w *writer) at(ref string) (any, bool) {
	if id, _ := w.root["$id"].(string); id != "" {
		if rest, ok := strings.CutPrefix(ref, strings.TrimSuffix(id, "#")); ok && (rest == "" || rest[0] == '#') {
			ref = "#" + strings.TrimPrefix(rest, "#")
		}
	}
	fragment, ok := strings.CutPrefix(ref, "#")
	if !ok {
		return nil, false
	}
	if fragment == "" {
		return w.root, true
	}
	if text, err := url.PathUnescape(fragment); err == nil {
		fragment = text
	}
	if !strings.HasPrefix(fragment, "/") {
		v, there := w.anchors[fragment]
		return v, there
	}
	var v any = w.root
	for segment := range strings.SplitSeq(fragment[1:], "/") {
		segment = strings.NewReplacer("~1", "/", "~0", "~").Replace(segment)
		switch of := v.(type) {
		case map[string]any:
			if v, ok = of[segment]; !ok {
				return nil, false
			}
		case []any:
			i, err := strconv.Atoi(segment)
			if err != nil || i < 0 || i >= len(of) {
				return nil, false
			}
			v = of[i]
		default:
			return nil, false
		}
	}
	return v, true
}

// name remembers the anchors of a document.
func (w *writer) name(v any, level int) {
	if level > maxNamed {
		return
	}
	switch v := v.(type) {
	case map[string]any:
		for _, key := range []string{"$anchor", "$dynamicAnchor"} {
			if text, ok := v[key].(string); ok {
				w.anchors[text] = v
			}
		}
		for _, one := range v {
			w.name(one, level+1)
		}
	case []any:
		for _, one := range v {
			w.name(one, level+1)
		}
	}
}

// maxNamed is how deep anchors are looked for.
const maxNamed = 100
