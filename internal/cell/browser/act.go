package browser

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/chromedp/chromedp/kb"

	"hotcell/internal/line/border"
)

// box is where something is, in the page's own pixels.
type box struct{ x, y, width, height float64 }

func (b box) middle() (x, y float64) { return b.x + b.width/2, b.y + b.height/2 }

var errUnseen = errors.New("the element is not to be seen: it may be hidden, or covered; take a new snapshot")

// boxOf is where a node is in the page, also within frames of other processes.
func (t *tab) boxOf(ctx context.Context, s *session, id int64) (box, error) {
	all, err := s.boxes(ctx, id)
	if err != nil {
		return box{}, errUnseen
	}
	var b box
	for _, one := range all {
		if one.width > b.width || b.width == 0 {
			b = one
		}
	}
	if b.width == 0 || b.height == 0 {
		return box{}, errUnseen
	}
	dx, dy := t.offset(ctx, s)
	b.x, b.y = b.x+dx, b.y+dy
	return b, nil
}

// boxes are all that a node is drawn in: a text has one for each of its lines.
func (s *session) boxes(ctx context.Context, id int64) (all []box, err error) {
	var out struct{ Quads [][]float64 }
	if err := s.do(ctx, "DOM.getContentQuads", args{"backendNodeId": id}, &out); err != nil {
		return nil, err
	}
	for _, q := range out.Quads {
		if b, ok := around(q); ok {
			all = append(all, b)
		}
	}
	return all, nil
}

// around is the box around four corners.
func around(q []float64) (b box, ok bool) {
	if len(q) != 8 {
		return b, false
	}
	b.x, b.y = min(q[0], q[2], q[4], q[6]), min(q[1], q[3], q[5], q[7])
	b.width, b.height = max(q[0], q[2], q[4], q[6])-b.x, max(q[1], q[3], q[5], q[7])-b.y
	return b, true
}

// offset is where the frame of another process is in the page.
func (t *tab) offset(ctx context.Context, s *session) (x, y float64) {
	if s == t.session {
		return 0, 0
	}
	parent, owner := t.ownerOf(ctx, s)
	if parent == nil {
		return 0, 0
	}
	if b, err := t.boxOf(ctx, parent, owner); err == nil {
		return b.x, b.y
	}
	return 0, 0
}

// ownerOf is the element that shows the frame of a session; no session where there is
// none.
func (t *tab) ownerOf(ctx context.Context, s *session) (*session, int64) {
	t.mu.Lock()
	var f *frame
	for _, one := range t.frames {
		if one.session == s {
			f = one
		}
	}
	t.mu.Unlock()
	if f == nil {
		return nil, 0
	}
	return t.owner(ctx, f)
}

// owner is the element that shows a frame of another process; no session where
// there is none.
func (t *tab) owner(ctx context.Context, f *frame) (*session, int64) {
	for _, parent := range t.allSessions() {
		if parent == f.session {
			continue
		}
		var owner struct{ BackendNodeID int64 }
		if parent.do(ctx, "DOM.getFrameOwner", args{"frameId": f.id}, &owner) == nil {
			return parent, owner.BackendNodeID
		}
	}
	return nil, 0
}

// show scrolls a node into view, and returns where it is then.
func (t *tab) show(ctx context.Context, s *session, id int64) (box, error) {
	_ = s.do(ctx, "DOM.scrollIntoViewIfNeeded", args{"backendNodeId": id}, nil)
	return t.boxOf(ctx, s, id)
}

// modifiers are the bits of Input's commands.
var modifiers = map[string]int{"Alt": 1, "Control": 2, "ControlOrMeta": 2, "Meta": 4, "Shift": 8}

// click clicks in the middle of a node as a mouse does.
func (t *tab) click(ctx context.Context, s *session, id int64, button string, count, bits int) error {
	b, err := t.show(ctx, s, id)
	if err != nil {
		return err
	}
	x, y := b.middle()
	return t.clickAt(ctx, x, y, button, count, bits)
}

func (t *tab) clickAt(ctx context.Context, x, y float64, button string, count, bits int) error {
	if err := t.mouse(ctx, "mouseMoved", x, y, "none", 0, bits); err != nil {
		return err
	}
	for n := 1; n <= count; n++ {
		if err := t.mouse(ctx, "mousePressed", x, y, button, n, bits); err != nil {
			return err
		}
		if err := t.mouse(ctx, "mouseReleased", x, y, button, n, bits); err != nil {
			return err
		}
	}
	return nil
}

// drag drags from one place to another.
func (t *tab) drag(ctx context.Context, x, y, toX, toY float64) error {
	for _, step := range []struct {
		kind   string
		x, y   float64
		button string
	}{{"mouseMoved", x, y, "none"}, {"mousePressed", x, y, "left"}, {"mouseMoved", (x + toX) / 2, (y + toY) / 2, "left"}, {"mouseMoved", toX, toY, "left"}, {"mouseReleased", toX, toY, "left"}} {
		if err := t.mouse(ctx, step.kind, step.x, step.y, step.button, 1, 0); err != nil {
			return err
		}
	}
	return nil
}

// mouse sends one event of the mouse. A page that opens a dialog answers it when
// the dialog is closed, so it is not waited for then.
func (t *tab) mouse(ctx context.Context, kind string, x, y float64, button string, count, bits int) error {
	return t.unlessDialog(ctx, func(ctx context.Context) error {
		return t.do(ctx, "Input.dispatchMouseEvent", args{"type": kind, "x": math.Round(x), "y": math.Round(y), "button": button, "clickCount": count, "modifiers": bits}, nil)
	})
}

// unlessDialog does something, or leaves it to itself once a dialog is open.
func (t *tab) unlessDialog(ctx context.Context, fn func(context.Context) error) error {
	done := make(chan error, 1)
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	border.Send(done, "something done in a page", func() error { defer cancel(); return fn(ctx) })
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-done:
			return err
		case <-tick.C:
			if t.openDialog() != nil {
				return nil
			}
		}
	}
}

// names of keys as agents write them.
var keys = map[string]rune{
	"Enter": '\r', "Tab": '\t', "Backspace": '\b', "Escape": 0x1b, "Space": ' ', "Delete": []rune(kb.Delete)[0], "ArrowDown": []rune(kb.ArrowDown)[0], "ArrowUp": []rune(kb.ArrowUp)[0],
	"Insert": []rune(kb.Insert)[0], "F1": []rune(kb.F1)[0], "F2": []rune(kb.F2)[0], "F3": []rune(kb.F3)[0], "F4": []rune(kb.F4)[0], "F5": []rune(kb.F5)[0], "F6": []rune(kb.F6)[0],
	"F7": []rune(kb.F7)[0], "F8": []rune(kb.F8)[0], "F9": []rune(kb.F9)[0], "F10": []rune(kb.F10)[0], "F11": []rune(kb.F11)[0], "F12": []rune(kb.F12)[0],
	"ArrowLeft": []rune(kb.ArrowLeft)[0], "ArrowRight": []rune(kb.ArrowRight)[0], "Home": []rune(kb.Home)[0], "End": []rune(kb.End)[0], "PageUp": []rune(kb.PageUp)[0], "PageDown": []rune(kb.PageDown)[0],
}

// chord is a key without the modifiers that are written before it, and their bits.
func chord(name string) (bits int, key string) {
	for {
		before, after, more := strings.Cut(name, "+")
		bit, known := modifiers[before]
		if !more || !known || after == "" {
			return bits, name
		}
		bits, name = bits|bit, after
	}
}

// press presses a key by its name or its character, with what comes before the
// last plus held down: "Enter", "a", "Control+a".
func (t *tab) press(ctx context.Context, s *session, name string) error {
	bits, name := chord(name)
	key, known := keys[name]
	if !known {
		r, size := utf8.DecodeRuneInString(name)
		if size != len(name) || r == utf8.RuneError {
			return fmt.Errorf("there is no key %q: write Enter, Tab, ArrowDown, F5, a, Control+a", name)
		}
		key = r
	}
	for _, e := range kb.Encode(key) {
		event := args{"type": string(e.Type), "key": e.Key, "code": e.Code, "windowsVirtualKeyCode": e.WindowsVirtualKeyCode, "nativeVirtualKeyCode": e.NativeVirtualKeyCode, "modifiers": int(e.Modifiers) | bits}
		if bits&7 == 0 {
			event["text"], event["unmodifiedText"] = e.Text, e.UnmodifiedText
		} else if e.Type == "char" {
			continue
		}
		if err := t.unlessDialog(ctx, func(ctx context.Context) error { return s.do(ctx, "Input.dispatchKeyEvent", event, nil) }); err != nil {
			return err
		}
	}
	return nil
}

// call calls a function with a node as this, in the driver's own world: neither
// the page's scripts nor the agent's can see it or be in its way. out may be nil.
func (s *session) call(ctx context.Context, id int64, function string, out any, arguments ...any) error {
	world, err := s.world(ctx, id, ourWorld)
	if err != nil {
		return err
	}
	return s.callIn(ctx, world, id, function, out, arguments...)
}

// call is the same of a node whose document is known.
func (n *node) call(ctx context.Context, function string, out any, arguments ...any) error {
	world, err := n.session.worldOf(ctx, n.frame(), ourWorld)
	if err != nil {
		return err
	}
	return n.session.callIn(ctx, world, n.BackendNodeID, function, out, arguments...)
}

func (s *session) callIn(ctx context.Context, world, id int64, function string, out any, arguments ...any) error {
	var resolved struct{ Object struct{ ObjectID string } }
	if err := s.do(ctx, "DOM.resolveNode", args{"backendNodeId": id, "executionContextId": world}, &resolved); err != nil {
		return fmt.Errorf("the element is not there any more: take a new snapshot")
	}
	list := []args{}
	for _, a := range arguments {
		list = append(list, args{"value": a})
	}
	return s.run(ctx, "Runtime.callFunctionOn", args{"objectId": resolved.Object.ObjectID, "functionDeclaration": function, "arguments": list, "returnByValue": true, "awaitPromise": true}, out)
}

// The names of worlds: scripts of the agent have one of their own, so that what
// they change of it is not the driver's.
const (
	ourWorld   = "hotcell"
	agentWorld = "agent"
)

// world is a world in the document of a node. The document is found
// in DevTools' tree: a script in the page could be lied to.
func (s *session) world(ctx context.Context, id int64, name string) (int64, error) {
	root, err := s.document(ctx)
	if err != nil {
		return 0, err
	}
	frame, found := "", false
	root.walk(func(n *node) bool {
		if n.BackendNodeID == id {
			found, frame = true, n.frame()
		}
		return !found
	})
	if !found {
		return 0, fmt.Errorf("the element is not there any more: take a new snapshot")
	}
	return s.worldOf(ctx, frame, name)
}

// worldOf is a world in a frame; of the main one where it is empty.
func (s *session) worldOf(ctx context.Context, frame, name string) (int64, error) {
	if frame == "" {
		var tree struct{ FrameTree frameTree }
		if err := s.do(ctx, "Page.getFrameTree", nil, &tree); err != nil {
			return 0, err
		}
		frame = tree.FrameTree.Frame.ID
	}
	var made struct{ ExecutionContextID int64 }
	err := s.do(ctx, "Page.createIsolatedWorld", args{"frameId": frame, "worldName": name}, &made)
	return made.ExecutionContextID, err
}

// run runs a script and reads what it returns.
func (s *session) run(ctx context.Context, method string, in args, out any) error {
	var answer struct {
		Result           said
		ExceptionDetails *struct {
			Text      string
			Exception struct{ Description string }
		}
	}
	if err := s.do(ctx, method, in, &answer); err != nil {
		return err
	}
	if e := answer.ExceptionDetails; e != nil {
		return fmt.Errorf("the script failed: %s %s", e.Text, short(e.Exception.Description))
	}
	if out == nil || len(answer.Result.Value) == 0 {
		return nil
	}
	return json.Unmarshal(answer.Result.Value, out)
}
