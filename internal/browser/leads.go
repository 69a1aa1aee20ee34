package browser

import (
	"net/url"
	"strings"

	"hotcell/internal/cellrpc"
)

// submitters are all buttons by which a form can be sent, seen or not.
func submitters(form *node) (out []*node) {
	if form == nil || form.document == nil {
		return nil
	}
	form.document.walk(func(n *node) bool {
		if submits(n) && !n.has("disabled") && formOf(n) == form {
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
		if _, _, to := leads(field, button, at); !to {
			return false
		}
	}
	return true
}

// enters says whether Enter sends a field's form to its own site: it is the same as
// pressing the form's first button, and be it hidden (HTML, implicit submission).
func enters(field *node, at cellrpc.Origin) bool {
	all := submitters(formOf(field))
	if len(all) == 0 {
		return true
	}
	_, _, to := leads(field, all[0], at)
	return to
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
	paths := map[string]bool{pathOf(form, form.attribute("action")): true}
	for _, button := range submitters(form) {
		if button.has("formaction") {
			paths[pathOf(form, button.attribute("formaction"))] = true
		}
	}
	if len(paths) > 1 {
		return ""
	}
	return pathOf(form, form.attribute("action"))
}

func pathOf(form *node, action string) string {
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
