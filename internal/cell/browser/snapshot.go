package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// ref is what an agent names an element by.
type ref struct {
	tab     *tab
	session *session
	node    int64
}

// thing is one node of the accessibility tree.
type thing struct {
	NodeID     string
	Ignored    bool
	Role, Name *said
	Value      *said
	Properties []struct {
		Name  string
		Value said
	}
	ChildIDs         []string
	ParentID         string
	BackendDOMNodeID int64
}

type said struct{ Value json.RawMessage }

func (s *said) text() string {
	if s == nil {
		return ""
	}
	var text string
	if json.Unmarshal(s.Value, &text) == nil {
		return text
	}
	return string(s.Value)
}

func (t *thing) property(name string) string {
	for _, p := range t.Properties {
		if p.Name == name {
			return p.Value.text()
		}
	}
	return ""
}

// maxSnapshot is how much of a snapshot is shown at once, in bytes, and maxDepth how
// deep it is indented.
const (
	maxSnapshot = 60_000
	maxDepth    = 60
)

// part is what of a page is to be read; the zero value is all of it, from its top.
type part struct {
	// of is an element, nil for the page; depth how deep below it, 0 for all.
	of    *ref
	depth int
	// offset is the line to begin at; most, in bytes, how much is read.
	offset, most int
}

// snapshot is a page as text, with a name for each thing that can be acted on.
// Fields for secrets are there, and what is in them is not. Whatever part is shown,
// all things have their names.
func (d *Driver) snapshot(ctx context.Context, t *tab, show part) (string, error) {
	if _, err := t.documents(ctx); err != nil { // so that fields for secrets are known
		return "", err
	}
	d.mu.Lock()
	clear(d.refs)
	d.mu.Unlock()
	p := &printer{driver: d, tab: t, part: show, inside: show.of == nil}
	if err := p.frame(ctx, t.session, ""); err != nil {
		return "", err
	}
	for _, id := range t.childFrames(ctx) {
		p.line(0, "- iframe "+strconv.Quote(bare(id.url))+":")
		_ = p.frame(ctx, id.session, id.frame)
	}
	switch {
	case show.of != nil && !p.found:
		return "", fmt.Errorf("the element is not there any more: take a new snapshot")
	case p.lines > p.upTo:
		fmt.Fprintf(&p.text, "… (%d lines more: read on with browser_snapshot and offset %d, or one part with target)\n", p.lines-p.upTo, p.upTo)
	}
	return p.text.String(), nil
}

type childFrame struct {
	session    *session
	frame, url string
}

type frameTree struct {
	Frame       frameInfo
	ChildFrames []*frameTree
}

type frameInfo struct{ ID, LoaderID, URL, SecurityOrigin string }

// pageFrame is a frame, and the session that shows it.
type pageFrame struct {
	frameInfo
	session *session
	// first is true for the one that the session begins with.
	first bool
}

// origin is whom a frame's document belongs to: nobody where it is in a sandbox,
// whatever its address says. It is asked in the driver's world, which no page is in.
func (f *pageFrame) origin(ctx context.Context) (origin string) {
	world, err := f.session.worldOf(ctx, f.ID, ourWorld)
	if err != nil {
		return ""
	}
	_ = f.session.run(ctx, "Runtime.evaluate", args{"expression": "self.origin", "contextId": world, "returnByValue": true}, &origin)
	return origin
}

// allFrames are those of a tab, of all processes.
func (t *tab) allFrames(ctx context.Context) (out []pageFrame) {
	for _, s := range t.allSessions() {
		var tree struct{ FrameTree *frameTree }
		if s.do(ctx, "Page.getFrameTree", nil, &tree) != nil {
			continue
		}
		var add func(*frameTree)
		add = func(f *frameTree) {
			if f == nil {
				return
			}
			out = append(out, pageFrame{f.Frame, s, f == tree.FrameTree})
			for _, c := range f.ChildFrames {
				add(c)
			}
		}
		add(tree.FrameTree)
	}
	return out
}

// childFrames are the frames within a page, of its own process and of others.
func (t *tab) childFrames(ctx context.Context) (out []childFrame) {
	for i, s := range t.allSessions() {
		var tree struct{ FrameTree frameTree }
		if s.do(ctx, "Page.getFrameTree", nil, &tree) != nil {
			continue
		}
		var add func(f *frameTree, root bool)
		add = func(f *frameTree, root bool) {
			if !root {
				out = append(out, childFrame{s, f.Frame.ID, f.Frame.URL})
			}
			for _, c := range f.ChildFrames {
				add(c, false)
			}
		}
		if i > 0 {
			out = append(out, childFrame{s, "", tree.FrameTree.Frame.URL})
		}
		add(&tree.FrameTree, true)
	}
	return out
}

// printer writes accessibility trees as agents know them.
type printer struct {
	driver *Driver
	tab    *tab
	part   part
	text   strings.Builder
	// inside is true within what is to be shown, which begins at the depth base;
	// found once it was met.
	inside, found bool
	base          int
	// lines counts what belongs to the part, upTo what of it was passed or written.
	lines, upTo int
	full        bool
	next        int
}

func (p *printer) line(depth int, text string) {
	if depth -= p.base; !p.inside || p.part.depth > 0 && depth >= p.part.depth {
		return
	}
	if p.lines++; p.full {
		return
	}
	if p.full = p.text.Len() > p.part.most; p.full {
		return
	}
	if p.upTo = p.lines; p.lines <= p.part.offset {
		return
	}
	p.text.WriteString(strings.Repeat("  ", min(depth, maxDepth)))
	p.text.WriteString(text)
	p.text.WriteByte('\n')
}

// frame writes one document.
func (p *printer) frame(ctx context.Context, s *session, id string) error {
	in := args{}
	if id != "" {
		in["frameId"] = id
	}
	var out struct{ Nodes []*thing }
	if err := s.do(ctx, "Accessibility.getFullAXTree", in, &out); err != nil {
		return err
	}
	by := make(map[string]*thing, len(out.Nodes))
	for _, n := range out.Nodes {
		by[n.NodeID] = n
	}
	depth := 0
	if id != "" || s != p.tab.session {
		depth = 1
	}
	for _, n := range out.Nodes {
		if n.ParentID == "" {
			p.thing(s, by, n, depth, "")
		}
	}
	return nil
}

// silent are roles that say nothing by themselves.
var silent = map[string]bool{"generic": true, "none": true, "RootWebArea": true, "InlineTextBox": true, "LayoutTable": true, "LayoutTableRow": true, "LayoutTableCell": true, "presentation": true, "": true, "LineBreak": true, "Iframe": true}

// roles are named as in WAI-ARIA where Chromium has names of its own.
var roles = map[string]string{"image": "img", "StaticText": "text", "Section": "region", "LabelText": "label", "DisclosureTriangle": "button", "ComboBoxSelect": "combobox", "MenuListPopup": "listbox"}

func (p *printer) thing(s *session, by map[string]*thing, n *thing, depth int, above string) {
	if of := p.part.of; of != nil && n.BackendDOMNodeID == of.node && s == of.session && !p.inside {
		p.inside, p.found, p.base = true, true, depth
		defer func() { p.inside = false }()
	}
	role, name := n.Role.text(), strings.TrimSpace(n.Name.text())
	below := depth
	switch {
	case n.Ignored || silent[role] && (name == "" || role != "generic"):
	case role == "StaticText":
		if name != "" && name != above {
			p.line(depth, "- text: "+short(name))
		}
		return
	default:
		p.line(depth, "- "+p.describe(s, n, role, name))
		if role == "link" {
			if address := n.property("url"); address != "" {
				p.line(depth+1, "- /url: "+bareLink(address))
			}
		}
		below, above = depth+1, name
	}
	if p.tab.isSecret(s, n.BackendDOMNodeID) {
		return
	}
	for _, id := range n.ChildIDs {
		if c := by[id]; c != nil {
			p.thing(s, by, c, below, above)
		}
	}
}

// describe is one line: role, name, states, ref, value.
func (p *printer) describe(s *session, n *thing, role, name string) string {
	if known := roles[role]; known != "" {
		role = known
	}
	var b strings.Builder
	b.WriteString(role)
	if name != "" {
		b.WriteString(" " + strconv.Quote(short(name)))
	}
	for _, state := range []string{"checked", "disabled", "expanded", "pressed", "selected", "required", "readonly", "focused", "invalid", "level"} {
		switch v := n.property(state); v {
		case "", "false":
		case "true":
			b.WriteString(" [" + state + "]")
		default:
			b.WriteString(" [" + state + "=" + v + "]")
		}
	}
	if n.BackendDOMNodeID != 0 {
		p.next++
		id := fmt.Sprintf("e%d", p.next)
		p.driver.mu.Lock()
		p.driver.refs[id] = ref{p.tab, s, n.BackendDOMNodeID}
		p.driver.mu.Unlock()
		b.WriteString(" [ref=" + id + "]")
	}
	switch {
	case p.tab.isSecret(s, n.BackendDOMNodeID):
		b.WriteString(" (a field for a secret: what is in it is not shown)")
	case n.Value != nil && n.Value.text() != "" && n.Value.text() != name:
		b.WriteString(": " + short(n.Value.text()))
	}
	return b.String()
}

// maxName is how long one thing's text is, in characters.
const maxName = 500

func short(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > maxName {
		return string(runes[:maxName]) + "…"
	}
	return text
}

// bareLink keeps a link's query, which agents need to tell links apart, but for what
// is telling in it, and cuts what is long.
func bareLink(address string) string {
	address = discreet(address)
	if len(address) > 300 {
		return address[:300] + "…"
	}
	return address
}
