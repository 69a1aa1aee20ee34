package browser

import (
	"net/url"
	"strings"

	"hotcell/internal/line/cellrpc"
)

// button is what submits a field: its form's own, else what says so near it.
func (f *fields) button(of *node, seen func(*node) bool) *node {
	var first, said *node
	form := formOf(of)
	passed := false
	of.document.walk(func(n *node) bool {
		if n == of {
			passed = true
		}
		if !pressable(n) { // one that is disabled is so until there is something to send
			return true
		}
		inside := formOf(n) == form && form != nil
		if goWords.MatchString(textOf(n)) && (inside || form == nil && passed) && said == nil && seen(n) {
			said = n
		}
		if inside && submits(n) && first == nil && seen(n) {
			first = n
		}
		return true
	})
	if said != nil {
		return said
	}
	return first
}

func pressable(n *node) bool {
	switch {
	case n.is("button"):
		return true
	case n.is("input"):
		switch strings.ToLower(n.attribute("type")) {
		case "submit", "button", "image":
			return true
		}
		return false
	case strings.EqualFold(n.attribute("role"), "button"), n.is("a"), n.has("onclick"):
		return true
	}
	class := strings.ToLower(n.attribute("class"))
	return n.is("div", "span") && (strings.Contains(class, "btn") || strings.Contains(class, "button") || strings.Contains(class, "submit"))
}

func submits(n *node) bool {
	kind := strings.ToLower(n.attribute("type"))
	return n.is("button") && (kind == "" || kind == "submit") || n.is("input") && (kind == "submit" || kind == "image")
}

// submitters are all buttons by which a form can be sent: seen or not, and also
// those that are disabled, which they are until there is something to send.
func submitters(form *node) (out []*node) {
	if form == nil || form.document == nil {
		return nil
	}
	form.document.walk(func(n *node) bool {
		if submits(n) && formOf(n) == form {
			out = append(out, n)
		}
		return true
	})
	return out
}

// only says whether a field's form can be sent to its own site alone, whichever
// button sends it.
func only(field *node, at cellrpc.Origin) bool {
	for _, button := range submitters(formOf(field)) {
		if !leads(formOf(field), button, at).same {
			return false
		}
	}
	return true
}

// enters says whether Enter sends a field's form to its own site: it is the same as
// pressing the form's first button, and be it hidden (HTML, implicit submission).
func enters(field *node, at cellrpc.Origin) bool {
	all := submitters(formOf(field))
	return len(all) == 0 || leads(formOf(field), all[0], at).same
}

// sending is where a form sends to, and how.
type sending struct {
	// method is "get", "post" or "dialog"; empty where no form sends.
	method string
	// path is where to; empty where a script sends.
	path string
	// same is false where that is another site than the page's own.
	same bool
	// said is true where the page itself names the method.
	said bool
}

// sendings are the ways in which a field's form is sent: by the button that is
// pressed, and by the one that Enter presses, where that leads to the same site.
func sendings(of, button *node, at cellrpc.Origin) (ways []sending) {
	form := formOf(of)
	if form == nil {
		return []sending{{same: true}}
	}
	if button != nil && submits(button) && formOf(button) == form {
		ways = append(ways, leads(form, button, at))
	}
	if all := submitters(form); len(ways) == 0 || enters(of, at) {
		var first *node
		if len(all) > 0 {
			first = all[0]
		}
		ways = append(ways, leads(form, first, at))
	}
	return ways
}

// leads says where a form sends to when a button submits it; nil for none.
func leads(form, button *node, at cellrpc.Origin) sending {
	action, method := form.attribute("action"), form.attribute("method")
	said := form.has("method")
	if button != nil && button.has("formaction") {
		action = button.attribute("formaction")
	}
	if button != nil && button.has("formmethod") {
		method, said = button.attribute("formmethod"), true
	}
	way := sending{method: strings.ToLower(strings.TrimSpace(method)), said: said, same: true}
	if way.method != "post" && way.method != "dialog" {
		way.method = "get" // also of a word that is none
	}
	action = strings.TrimSpace(action)
	if strings.HasPrefix(strings.ToLower(action), "javascript:") {
		return sending{same: true}
	}
	base := form.document.BaseURL
	if action == "" {
		base = form.document.DocumentURL
	}
	from, err := url.Parse(base)
	if err != nil {
		return sending{method: way.method}
	}
	target, err := from.Parse(action)
	if err != nil {
		return sending{method: way.method}
	}
	o, ok := originOf(target.String())
	way.path, way.same = target.EscapedPath(), ok && o == at
	return way
}

// path is the one to which the form of a page is sent, where it says so: not where a
// script sends it, or buttons differ.
func (s *signing) path(f *fields) (path string) {
	field := f.password
	if field == nil && len(f.codes) > 0 {
		field = f.codes[0]
	}
	form := formOf(field)
	if form == nil || strings.TrimSpace(form.attribute("action")) == "" {
		return ""
	}
	paths := map[string]bool{actionOf(form, form.attribute("action")): true}
	for _, button := range submitters(form) {
		if button.has("formaction") {
			paths[actionOf(form, button.attribute("formaction"))] = true
		}
	}
	if len(paths) > 1 {
		return ""
	}
	return actionOf(form, form.attribute("action"))
}

// actionOf is the path that an action of a form leads to.
func actionOf(form *node, action string) string {
	base, err := url.Parse(form.document.BaseURL)
	if err != nil {
		return ""
	}
	target, err := base.Parse(strings.TrimSpace(action))
	if err != nil || target.Scheme != "https" && target.Scheme != "http" {
		return ""
	}
	if target.Path == "" {
		return "/"
	}
	return target.EscapedPath()
}
