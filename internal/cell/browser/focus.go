package browser

import (
	"context"
	"errors"
	"math"
	"time"
)

// focus is an element that has the keyboard, or is pointed at, in the frame that it
// is in itself.
type focus struct {
	tab     *tab
	session *session
	// frame is its frame's id; empty for the one that the session begins with.
	frame string
	// node is 0 where only the frame is known. field is true of an input or a text
	// area, takes of these and of whatever else can be written in.
	node         int64
	field, takes bool
	// origin is whom its document belongs to, by the browser's own word. page tells one
	// page of the tab from the next.
	origin, page string
}

// inner says whether it is in a frame of the page, and not in the page itself.
func (f *focus) inner() bool { return f.session != f.tab.session || f.frame != "" }

// beside says whether another one is in the same document.
func (f *focus) beside(o *focus) bool {
	return f.tab == o.tab && f.session == o.session && f.frame == o.frame && f.page == o.page && f.origin == o.origin
}

func (f *focus) is(o *focus) bool { return f.node == o.node && f.beside(o) }

func (f *focus) key() string { return keyOf(f.session, f.node) }

// into goes on into a frame, of this process or of another.
func (f *focus) into(id string) {
	f.tab.mu.Lock()
	defer f.tab.mu.Unlock()
	if other := f.tab.frames[id]; other != nil {
		f.session, f.frame = other.session, ""
		return
	}
	f.frame = id
}

// The bounds of a look at what has the keyboard: how long, and how deep.
const (
	focusTime = 3 * time.Second
	maxDeep   = 30
)

var errNoFocus = errors.New("the page does not say what has the keyboard: look again, and click where you mean to type")

// focus finds what has the keyboard: through frames, of other processes too, and
// through shadow roots. A page whose frame has it counts as that frame.
func (t *tab) focus(ctx context.Context) (*focus, error) {
	ctx, cancel := context.WithTimeout(ctx, focusTime)
	defer cancel()
	_, page, err := t.loadedBy(ctx)
	if err != nil {
		return nil, errNoFocus
	}
	f := &focus{tab: t, session: t.session, page: page}
	for range maxDeep {
		world, err := f.session.worldOf(ctx, f.frame, ourWorld)
		if err != nil {
			return nil, errNoFocus
		}
		n, err := f.session.active(ctx, world)
		if err != nil {
			return nil, errNoFocus
		}
		if n.FrameID == "" || !n.frames() {
			f.node = n.BackendNodeID
			return f, f.learn(ctx, world)
		}
		f.into(n.FrameID)
	}
	return nil, errNoFocus
}

// loadedBy is a page's own frame, and what tells the page from the next.
func (t *tab) loadedBy(ctx context.Context) (frame, page string, err error) {
	var tree struct{ FrameTree frameTree }
	err = t.do(ctx, "Page.getFrameTree", nil, &tree)
	return tree.FrameTree.Frame.ID, t.target + "/" + tree.FrameTree.Frame.LoaderID, err
}

// frames says whether an element shows a frame.
func (n *node) frames() bool { return n.is("iframe", "frame", "object", "embed", "fencedframe") }

// kindOf says what an element takes, and of whom its document is.
const kindOf = `function() {
	const text = /^(text|search|url|tel|email|password|number|date|time|month|week|datetime-local|color|range)$/
	const field = this instanceof HTMLTextAreaElement || this instanceof HTMLInputElement && text.test(this.type)
	return [self.origin, field, field || !!this.isContentEditable]
}`

// learn finds out what it takes, and of whom it is.
func (f *focus) learn(ctx context.Context, world int64) error {
	var out []any
	if f.session.callIn(ctx, world, f.node, kindOf, &out) != nil || len(out) != 3 {
		return errNoFocus
	}
	f.origin, _ = out[0].(string)
	f.field, _ = out[1].(bool)
	f.takes, _ = out[2].(bool)
	return nil
}

type object struct{ ObjectID string }

// active is the element that has the keyboard of one document, as far as that knows:
// where a frame has it, the element that shows the frame.
func (s *session) active(ctx context.Context, world int64) (*node, error) {
	var got struct{ Result object }
	err := s.do(ctx, "Runtime.evaluate", args{"expression": "document.activeElement || document.documentElement", "contextId": world}, &got)
	for range maxDeep {
		var about struct{ Node *node }
		if err != nil || got.Result.ObjectID == "" {
			break
		}
		if err = s.do(ctx, "DOM.describeNode", args{"objectId": got.Result.ObjectID}, &about); err != nil || about.Node == nil {
			break
		}
		n := about.Node
		root := n.ownRoot()
		if root == nil {
			return n, nil
		}
		// A closed root tells nobody of the page: but DevTools has it.
		var resolved struct{ Object object }
		if err = s.do(ctx, "DOM.resolveNode", args{"backendNodeId": root.BackendNodeID, "executionContextId": world}, &resolved); err != nil {
			break
		}
		got.Result.ObjectID = ""
		err = s.do(ctx, "Runtime.callFunctionOn", args{"objectId": resolved.Object.ObjectID, "functionDeclaration": "function() { return this.activeElement }"}, &got)
		if err == nil && got.Result.ObjectID == "" {
			return n, nil
		}
	}
	return nil, errNoFocus
}

// ownRoot is the shadow root that a page has given to an element.
func (n *node) ownRoot() *node {
	for _, root := range n.ShadowRoots {
		if root.ShadowRootType != ownShadow {
			return root
		}
	}
	return nil
}

// hit finds the element that a click in the picture is for, through frames. Where a
// frame of another process is turned or scaled, only the frame is known.
func (t *tab) hit(ctx context.Context, x, y float64) (*focus, error) {
	ctx, cancel := context.WithTimeout(ctx, focusTime)
	defer cancel()
	first, page, err := t.loadedBy(ctx)
	if err != nil {
		return nil, errNoFocus
	}
	f := &focus{tab: t, session: t.session, page: page}
	for range maxDeep {
		dx, dy, turned := (&hiding{tab: t}).frame(ctx, f.session)
		world, err := f.session.worldOf(ctx, "", ourWorld)
		if err != nil {
			return nil, errNoFocus
		}
		if len(turned) > 0 {
			return f, f.session.run(ctx, "Runtime.evaluate", args{"expression": "self.origin", "contextId": world, "returnByValue": true}, &f.origin)
		}
		n, in, err := f.session.under(ctx, world, math.Round(x)-dx, math.Round(y)-dy)
		if err != nil {
			return nil, err
		}
		t.mu.Lock()
		other := t.frames[n.FrameID]
		t.mu.Unlock()
		if n.frames() && other != nil {
			f.session, first = other.session, other.id
			continue
		}
		if in != first {
			f.frame = in
			if world, err = f.session.worldOf(ctx, in, ourWorld); err != nil {
				return nil, errNoFocus
			}
		}
		f.node = n.BackendNodeID
		return f, f.learn(ctx, world)
	}
	return nil, errNoFocus
}

// under is the element at a place of a session's page, and the frame that it is in.
func (s *session) under(ctx context.Context, world int64, x, y float64) (n *node, frame string, err error) {
	var scrolled []float64
	if err := s.run(ctx, "Runtime.evaluate", args{"expression": "[scrollX, scrollY]", "contextId": world, "returnByValue": true}, &scrolled); err != nil || len(scrolled) != 2 {
		return nil, "", errNoFocus
	}
	var at struct {
		BackendNodeID int64
		FrameID       string
	}
	if s.do(ctx, "DOM.getNodeForLocation", args{"x": int(math.Floor(x + scrolled[0])), "y": int(math.Floor(y + scrolled[1]))}, &at) != nil {
		return nil, "", errNoFocus
	}
	var about struct{ Node *node }
	if s.do(ctx, "DOM.describeNode", args{"backendNodeId": at.BackendNodeID}, &about) != nil || about.Node == nil {
		return nil, "", errNoFocus
	}
	return about.Node, at.FrameID, nil
}
