package browser

import (
	"net/url"
	"strings"

	"hotcell/internal/cellrpc"
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

// defaultButton is what Enter in a form's field presses: the first of its buttons
// that submit, seen or not (HTML, 4.10.21.2).
func defaultButton(form *node) (first *node) {
	form.document.walk(func(n *node) bool {
		if first == nil && submits(n) && formOf(n) == form {
			first = n
		}
		return first == nil
	})
	return first
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

// sendings are all the ways in which a field's form may be sent: by the button
// that is pressed, and by the one that Enter presses.
func sendings(of, button *node, at cellrpc.Origin) (ways []sending) {
	form := formOf(of)
	if form == nil {
		return []sending{{same: true}}
	}
	for _, by := range []*node{defaultButton(form), button} {
		if by == nil || submits(by) && formOf(by) == form {
			ways = append(ways, leads(form, by, at))
		}
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
