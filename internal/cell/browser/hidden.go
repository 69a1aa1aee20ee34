package browser

import (
	"bytes"
	"context"
	"regexp"
	"strconv"
)

// hiding finds what no picture may show: fields for secrets, and whatever is drawn
// with a value in it. What a page draws by itself (a canvas, a picture, a font of its
// own, texts put side by side that are apart in the document) is not found.
type hiding struct {
	tab   *tab
	sieve *sieve
	boxes []box
}

// hidden are the boxes of what no picture may show.
func (t *tab) hidden(ctx context.Context) ([]box, error) {
	documents, err := t.documents(ctx)
	if err != nil {
		return nil, err
	}
	h := &hiding{tab: t, sieve: t.driver.sieve.Load()}
	for _, d := range documents {
		shot, err := d.session.capture(ctx)
		if err != nil {
			if d.session == t.session {
				return nil, err
			}
			continue // a frame that has just gone
		}
		found := map[int64]bool{}
		h.elements(d, found)
		h.texts(d, found)
		h.drawn(shot, found)
		h.cover(ctx, d.session, found)
		h.twice(ctx, d.session, shot, found)
	}
	return h.boxes, nil
}

// elements are fields for secrets, and what has a value in an attribute: a style
// can draw that.
func (h *hiding) elements(root *node, found map[int64]bool) {
	root.walk(func(n *node) bool {
		if n.NodeType != elementNode {
			return true
		}
		if h.tab.isSecret(n.session, n.BackendNodeID) {
			found[n.BackendNodeID] = true
		}
		for i := 1; i < len(n.Attributes); i += 2 {
			if len(n.Attributes[i]) >= minShort && h.sieve.holds([]byte(n.Attributes[i])) {
				found[n.BackendNodeID] = true
			}
		}
		return !n.is("script", "style", "noscript", "template")
	})
}

// texts are the innermost elements that have a value in all that they say, which may
// be in pieces.
func (h *hiding) texts(n *node, found map[int64]bool) bool {
	var all bytes.Buffer
	n.walk(func(m *node) bool {
		if m.NodeType == textNode {
			all.WriteString(m.NodeValue)
		}
		return !m.is("script", "style", "noscript", "template")
	})
	if all.Len() == 0 || !h.sieve.holds(all.Bytes()) {
		return false
	}
	inside := false
	for _, list := range [][]*node{n.Children, n.ShadowRoots, {n.ContentDocument}} {
		for _, c := range list {
			if c != nil && !c.is("script", "style", "noscript", "template") && h.texts(c, found) {
				inside = true
			}
		}
	}
	if inside {
		return true
	}
	for n.NodeType != elementNode && n.parent != nil {
		n = n.parent
	}
	found[n.BackendNodeID] = true
	return true
}

// drawn are what has a value in it as it is drawn: fields as they are now, and texts
// of styles.
func (h *hiding) drawn(shot *capture, found map[int64]bool) {
	for id, text := range shot.fields() {
		if text != "" && h.sieve.holds([]byte(text)) {
			found[id] = true
		}
	}
	for _, d := range shot.Documents {
		for i, index := range d.Layout.NodeIndex {
			if i >= len(d.Layout.Text) {
				break
			}
			if text := shot.text(d.Layout.Text[i]); text != "" && h.sieve.holds([]byte(text)) {
				if index < len(d.Nodes.NodeType) && d.Nodes.NodeType[index] == elementNode { // a style's, for what it is in
					found[d.node(index)] = true
				}
				found[d.node(d.parent(index))] = true
			}
		}
	}
}

// cover adds the boxes of what was found.
func (h *hiding) cover(ctx context.Context, s *session, found map[int64]bool) {
	if len(found) == 0 {
		return
	}
	dx, dy, whole := h.frame(ctx, s)
	if len(whole) > 0 {
		h.boxes = append(h.boxes, whole...)
		return
	}
	for id := range found {
		for _, b := range s.extent(ctx, id) {
			b.x, b.y = b.x+dx, b.y+dy
			h.boxes = append(h.boxes, b)
		}
	}
}

// extent is all that an element is drawn in, with its borders.
func (s *session) extent(ctx context.Context, id int64) []box {
	all, _ := s.boxes(ctx, id)
	var model struct{ Model struct{ Border []float64 } }
	if s.do(ctx, "DOM.getBoxModel", args{"backendNodeId": id}, &model) == nil {
		if b, ok := around(model.Model.Border); ok {
			all = append(all, b)
		}
	}
	return all
}

// frame is where a frame of another process is. One that is turned or scaled is
// covered whole: where things are in it is not known then.
func (h *hiding) frame(ctx context.Context, s *session) (dx, dy float64, whole []box) {
	if s == h.tab.session {
		return 0, 0, nil
	}
	everything := []box{{0, 0, maxPicture, maxPicture}}
	parent, owner := h.tab.ownerOf(ctx, s)
	if parent == nil {
		return 0, 0, everything
	}
	px, py, covered := h.frame(ctx, parent)
	if covered != nil {
		return 0, 0, covered
	}
	var model struct {
		Model struct {
			Border, Content []float64
			Width, Height   float64
		}
	}
	if parent.do(ctx, "DOM.getBoxModel", args{"backendNodeId": owner}, &model) != nil || len(model.Model.Content) != 8 {
		return 0, 0, everything
	}
	b, _ := around(model.Model.Border)
	if near(b.width, model.Model.Width) && near(b.height, model.Model.Height) && near(model.Model.Content[1], model.Model.Content[3]) && model.Model.Content[0] < model.Model.Content[2] {
		return px + model.Model.Content[0], py + model.Model.Content[1], nil
	}
	b.x, b.y = b.x+px, b.y+py
	return 0, 0, []box{b}
}

func near(a, b float64) bool { return a-b < 1.5 && b-a < 1.5 }

var lengths = regexp.MustCompile(`-?\d+(\.\d+)?px`)

// twice adds where styles draw again what was found, or what it is in: a reflection,
// a shadow.
func (h *hiding) twice(ctx context.Context, s *session, shot *capture, found map[int64]bool) {
	if len(found) == 0 {
		return
	}
	for _, d := range shot.Documents {
		around := map[int]bool{}
		for index, id := range d.Nodes.BackendNodeID {
			for at := index; found[id] && at >= 0 && !around[at]; at = d.parent(at) {
				around[at] = true
			}
		}
		for i, index := range d.Layout.NodeIndex {
			if !around[index] && !around[d.parent(index)] || i >= len(d.Layout.Styles) {
				continue
			}
			if reach, drawn := reachOf(shot, d.Layout.Styles[i]); drawn {
				h.enlarged(ctx, s, d.node(index), reach)
			}
		}
	}
}

// reachOf is how far away styles draw an element again, if they do: the first of
// them is a reflection.
func reachOf(shot *capture, styles []int) (reach float64, drawn bool) {
	for n, style := range styles {
		text := shot.text(style)
		if text == "" || text == "none" {
			continue
		}
		drawn = true
		if n == 0 { // as far as the element itself is large
			reach = maxPicture
		}
		for _, length := range lengths.FindAllString(text, -1) {
			far, _ := strconv.ParseFloat(length[:len(length)-2], 64)
			reach = max(reach, 3*far, -3*far)
		}
	}
	return reach, drawn
}

// enlarged covers an element and what is around it: as far as it is large itself at
// most, where that is enough.
func (h *hiding) enlarged(ctx context.Context, s *session, id int64, reach float64) {
	dx, dy, _ := h.frame(ctx, s)
	for _, b := range s.extent(ctx, id) {
		x, y := reach, reach
		if reach == maxPicture {
			x, y = b.width+50, b.height+50
		}
		h.boxes = append(h.boxes, box{b.x + dx - x, b.y + dy - y, b.width + 2*x, b.height + 2*y})
	}
}
