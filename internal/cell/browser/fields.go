package browser

import (
	"net/url"
	"strconv"
	"strings"

	"hotcell/internal/line/cellrpc"
)

// fields are what a page has for signing in.
type fields struct {
	username *node
	password *node
	// codes is the field for a one-time code, or the boxes for its digits.
	codes []*node
	// renewing is true where a new password is to be chosen: that is no sign-in.
	renewing bool
	captcha  bool
	// out is true where the page offers to sign out: who sees that is in.
	out bool
	// named are the values of fields that nothing is typed into: a page that has asked
	// for the user name holds it so.
	named []string
}

// originOf is the site of an address; ok is false where it is none that a login
// could be for: no web address, or HTTP off the machine's own loopback.
func originOf(address string) (o cellrpc.Origin, ok bool) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return o, false
	}
	// A host with a dot at its end is another one to the browser, and so it is here.
	o.Host, o.Port = strings.ToLower(u.Hostname()), 443
	switch u.Scheme {
	case "https":
	case "http":
		o.Plain, o.Port = true, 80
		if o.Host != "localhost" && o.Host != "127.0.0.1" && o.Host != "::1" {
			return o, false
		}
	default:
		return o, false
	}
	if port := u.Port(); port != "" {
		if o.Port, err = strconv.Atoi(port); err != nil {
			return o, false
		}
	}
	return o, true
}

// find looks for the fields of a sign-in in the documents of one site exactly:
// the page itself, and frames of the same site that are not cut off from it. Those
// are of the page's own process: what another process shows is of another site, or
// of none, whatever its address says.
func find(documents []*node, at cellrpc.Origin, look func(*node) sight) *fields {
	f := &fields{}
	if len(documents) == 0 {
		return f
	}
	if top, ok := originOf(documents[0].DocumentURL); !ok || top != at {
		return f
	}
	var inputs []*node
	sights := map[*node]sight{}
	for i, root := range documents {
		root.walk(func(n *node) bool {
			if n.NodeType == elementNode && (n.is("iframe") && captchaWords.MatchString(n.attribute("src")) || captchaWords.MatchString(n.attribute("class"))) {
				f.captcha = true
			}
			f.out = f.out || i == 0 && pressable(n) && outWords.MatchString(textOf(n))
			if i == 0 && n.is("input") && (n.has("readonly") || strings.EqualFold(n.attribute("type"), "hidden")) {
				f.named = append(f.named, n.attribute("value"))
			}
			if n.is("iframe") && n.has("sandbox") && !strings.Contains(n.attribute("sandbox"), "allow-same-origin") {
				return false // whatever its address says, it is of no site
			}
			if i == 0 && n.is("input") && usable(n, at) {
				if sights[n] = look(n); sights[n].degree != unseen {
					inputs = append(inputs, n)
				}
			}
			return !n.is("template")
		})
	}
	f.sort(inputs, sights)
	return f
}

// usable says whether an input takes text, in a document of exactly this site.
func usable(n *node, at cellrpc.Origin) bool {
	if n.document == nil || n.has("disabled") || !typed(n) {
		return false
	}
	o, ok := originOf(n.document.DocumentURL)
	return ok && o == at
}

// typed says whether an input takes text.
func typed(n *node) bool {
	switch strings.ToLower(n.attribute("type")) {
	case "", "text", "email", "tel", "number", "password", "url":
		return true
	}
	return false
}

// formOf is the form that a field is in; nil where it is in none.
func formOf(n *node) *node {
	if id := n.attribute("form"); id != "" && n.document != nil {
		var found *node
		n.document.walk(func(m *node) bool {
			if m.is("form") && m.attribute("id") == id {
				found = m
			}
			return found == nil
		})
		return found
	}
	for p := n.parent; p != nil && p.NodeType != documentNode; p = p.parent {
		if p.is("form") {
			return p
		}
	}
	return nil
}

// about is all that names a field: its attributes, and its labels.
func about(n *node) string {
	var b strings.Builder
	for _, name := range []string{"name", "id", "placeholder", "aria-label", "title", "data-testid", "formcontrolname", "ng-model"} {
		b.WriteString(n.attribute(name) + " ")
	}
	id := n.attribute("id")
	by := strings.Fields(n.attribute("aria-labelledby"))
	if n.document != nil && (id != "" || len(by) > 0) {
		n.document.walk(func(m *node) bool {
			if m.is("label") && id != "" && m.attribute("for") == id {
				b.WriteString(textOf(m) + " ")
			}
			for _, one := range by {
				if m.NodeType == elementNode && m.attribute("id") == one {
					b.WriteString(textOf(m) + " ")
				}
			}
			return m == n.document || m.NodeType != documentNode
		})
	}
	for p := n.parent; p != nil && p.NodeType != documentNode; p = p.parent {
		if p.is("label") {
			b.WriteString(textOf(p))
		}
	}
	return b.String()
}

// textOf is what an element says, in a line.
func textOf(n *node) string {
	var b strings.Builder
	n.walk(func(m *node) bool {
		if m.NodeType == textNode {
			b.WriteString(m.NodeValue + " ")
		}
		return !m.is("script", "style") && b.Len() < 500
	})
	if b.Len() == 0 {
		b.WriteString(n.attribute("value") + n.attribute("aria-label"))
	}
	return strings.Join(strings.Fields(b.String()), " ")
}
