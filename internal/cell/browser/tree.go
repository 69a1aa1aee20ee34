package browser

import (
	"context"
	"maps"
	"strconv"
	"strings"
)

// node is one element of a page, as DevTools has it: through shadow roots, open
// and closed, and through frames of the same process.
type node struct {
	NodeName        string
	NodeType        int
	NodeValue       string
	BackendNodeID   int64
	Attributes      []string
	Children        []*node
	ShadowRoots     []*node
	ShadowRootType  string
	ContentDocument *node
	FrameID         string
	DocumentURL     string
	BaseURL         string
	parent          *node
	document        *node
	session         *session
}

// The kinds of nodes (DOM, interface Node).
const (
	elementNode  = 1
	textNode     = 3
	documentNode = 9
)

// ownShadow is the kind of the shadow roots that the browser itself makes: of a
// field, what is typed into it.
const ownShadow = "user-agent"

// attribute is an attribute's value; empty where there is none.
func (n *node) attribute(name string) string {
	for i := 0; i+1 < len(n.Attributes); i += 2 {
		if n.Attributes[i] == name {
			return n.Attributes[i+1]
		}
	}
	return ""
}

func (n *node) has(name string) bool {
	for i := 0; i+1 < len(n.Attributes); i += 2 {
		if n.Attributes[i] == name {
			return true
		}
	}
	return false
}

// acts says whether an attribute of an element is a script.
func (n *node) acts() bool {
	for i := 0; i+1 < len(n.Attributes); i += 2 {
		if strings.HasPrefix(n.Attributes[i], "on") {
			return true
		}
	}
	return false
}

func (n *node) is(names ...string) bool {
	for _, name := range names {
		if strings.EqualFold(n.NodeName, name) {
			return true
		}
	}
	return false
}

// key names a node among all of a tab.
func (n *node) key() string { return keyOf(n.session, n.BackendNodeID) }

func keyOf(s *session, id int64) string { return string(s.id) + "/" + strconv.FormatInt(id, 10) }

// frame is the frame of a node's document; empty for a session's main one.
func (n *node) frame() string {
	if n.document == nil || n.document.parent == nil {
		return ""
	}
	return n.document.parent.FrameID
}

// walk calls fn for a node and all below it, parents first, until it is false.
func (n *node) walk(fn func(*node) bool) {
	if n == nil || !fn(n) {
		return
	}
	for _, list := range [][]*node{n.Children, n.ShadowRoots} {
		for _, c := range list {
			c.walk(fn)
		}
	}
	n.ContentDocument.walk(fn)
}

// document reads the whole page of a session.
func (s *session) document(ctx context.Context) (*node, error) {
	var out struct{ Root *node }
	if err := s.do(ctx, "DOM.getDocument", args{"depth": -1, "pierce": true}, &out); err != nil {
		return nil, err
	}
	link(out.Root, nil, nil, s)
	return out.Root, nil
}

// link gives nodes their parents, and their documents.
func link(n, parent, document *node, s *session) {
	if n == nil {
		return
	}
	if n.NodeType == documentNode {
		document = n
	}
	n.parent, n.document, n.session = parent, document, s
	for _, list := range [][]*node{n.Children, n.ShadowRoots} {
		for _, c := range list {
			link(c, n, document, s)
		}
	}
	link(n.ContentDocument, n, document, s)
}

// documents are all of a tab: the page's, and those of other processes' frames.
func (t *tab) documents(ctx context.Context) ([]*node, error) {
	var out []*node
	for i, s := range t.allSessions() {
		root, loader, err := s.loaded(ctx)
		if err != nil {
			if i == 0 {
				return nil, err
			}
			continue // a frame that has just gone
		}
		out = append(out, root)
		t.learnSecrets(s, root, loader)
	}
	return out, nil
}

// loaded is a session's page, and what it was loaded by: the same before and after.
func (s *session) loaded(ctx context.Context) (root *node, loader string, err error) {
	for range 5 {
		var before, after struct{ FrameTree frameTree }
		if err = s.do(ctx, "Page.getFrameTree", nil, &before); err != nil {
			return nil, "", err
		}
		if root, err = s.document(ctx); err != nil {
			return nil, "", err
		}
		if err = s.do(ctx, "Page.getFrameTree", nil, &after); err != nil {
			return nil, "", err
		}
		if loader = after.FrameTree.Frame.LoaderID; loader == before.FrameTree.Frame.LoaderID {
			break
		}
	}
	return root, loader, nil
}

// learnSecrets remembers which fields are for secrets, also when they are turned
// into others later, and forgets those of a page that is gone: another may have
// elements of the same number.
func (t *tab) learnSecrets(s *session, root *node, loader string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.loaders[s.id] != loader {
		t.loaders[s.id] = loader
		maps.DeleteFunc(t.secret, func(key string, _ bool) bool { return strings.HasPrefix(key, string(s.id)+"/") })
	}
	root.walk(func(n *node) bool {
		if secretField(n) {
			t.secret[n.key()] = true
		}
		return true
	})
}

// secretField says whether an element is for a secret to be typed in.
func secretField(n *node) bool {
	if !n.is("input", "textarea") {
		return false
	}
	if strings.EqualFold(n.attribute("type"), "password") {
		return true
	}
	for token := range strings.FieldsSeq(strings.ToLower(n.attribute("autocomplete"))) {
		switch token {
		case "current-password", "new-password", "one-time-code", "cc-number", "cc-csc":
			return true
		}
	}
	return false
}

// isSecret says whether a node is, or was, a field for a secret.
func (t *tab) isSecret(s *session, id int64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.secret[keyOf(s, id)]
}

// hasSecret says whether a page has, or had, a field for a secret.
func (t *tab) hasSecret() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.secret) > 0
}

// keepSecret has a field be one for a secret, whatever it says.
func (t *tab) keepSecret(s *session, id int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.secret[keyOf(s, id)] = true
}
