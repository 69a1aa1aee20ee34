package browser

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"hotcell/internal/cellrpc"
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
func find(documents []*node, at cellrpc.Origin, seen func(*node) bool) *fields {
	f := &fields{}
	if len(documents) == 0 {
		return f
	}
	if top, ok := originOf(documents[0].DocumentURL); !ok || top != at {
		return f
	}
	var inputs []*node
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
			if i == 0 && n.is("input") && usable(n, at) && seen(n) {
				inputs = append(inputs, n)
			}
			return !n.is("template")
		})
	}
	f.sort(inputs)
	return f
}

// usable says whether an input takes text, in a document of exactly this site.
func usable(n *node, at cellrpc.Origin) bool {
	if n.document == nil || n.has("disabled") || n.has("readonly") || !typed(n) {
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

// sort finds out which input is for what.
func (f *fields) sort(inputs []*node) {
	var passwords []*node
	current := false
	for _, n := range inputs {
		auto := strings.ToLower(n.attribute("autocomplete"))
		switch {
		case isCode(n):
			f.codes = append(f.codes, n)
		case strings.EqualFold(n.attribute("type"), "password"):
			passwords = append(passwords, n)
			current = current || strings.Contains(auto, "current-password")
			f.renewing = f.renewing || strings.Contains(auto, "new-password")
		}
	}
	if boxes := boxesOf(inputs); len(boxes) >= 4 {
		f.codes = boxes
	} else if len(f.codes) > 1 {
		f.codes = f.codes[:1]
	}
	for i, n := range passwords {
		if i == 0 {
			f.password = n
		} else if formOf(n) == formOf(passwords[0]) {
			f.renewing = true // a second one is to say it again, or to say a new one
		}
	}
	best := 0
	for _, n := range inputs {
		if score := f.userScore(n, inputs); score > best {
			f.username, best = n, score
		}
	}
}

// isCode says whether a field is for a one-time code.
func isCode(n *node) bool {
	if strings.Contains(strings.ToLower(n.attribute("autocomplete")), "one-time-code") {
		return true
	}
	kind := strings.ToLower(n.attribute("type"))
	if kind == "email" || kind == "url" {
		return false
	}
	text := about(n)
	if !codeWords.MatchString(text) || notWords.MatchString(text) {
		return false
	}
	if kind == "password" && passWords.MatchString(text) {
		return false
	}
	most, limited := length(n)
	return !limited || most >= 1 && most <= 12
}

// length is how many characters a field takes.
func length(n *node) (most int, limited bool) {
	most, err := strconv.Atoi(n.attribute("maxlength"))
	return most, err == nil && most > 0
}

// boxesOf are fields for one character each, side by side.
func boxesOf(inputs []*node) (boxes []*node) {
	for _, n := range inputs {
		if most, limited := length(n); limited && most == 1 {
			boxes = append(boxes, n)
		}
	}
	return boxes
}

// userScore is how much a field is like one for a user name.
func (f *fields) userScore(n *node, inputs []*node) int {
	kind := strings.ToLower(n.attribute("type"))
	if kind == "password" || isCode(n) {
		return 0
	}
	text := about(n)
	if slices.Contains(f.codes, n) || notWords.MatchString(text) {
		return 0
	}
	score := 0
	for token := range strings.FieldsSeq(strings.ToLower(n.attribute("autocomplete"))) {
		if token == "username" || token == "webauthn" {
			score += 100
		}
		if token == "email" {
			score += 60
		}
	}
	if userWords.MatchString(text) {
		score += 30
	}
	if kind == "email" {
		score += 20
	}
	if f.password != nil && formOf(n) == formOf(f.password) && before(n, f.password, inputs) {
		score += 15
	}
	return score
}

func before(a, b *node, list []*node) bool {
	for _, n := range list {
		switch n {
		case a:
			return true
		case b:
			return false
		}
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
