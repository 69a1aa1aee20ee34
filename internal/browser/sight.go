package browser

import (
	"context"
)

// sight is how much of an element a person sees, and its width in pixels.
type sight struct {
	degree int
	width  float64
}

// The degrees. Faint is what is there and cannot be seen: a decoy, or a field that a
// page draws boxes of its own over.
const (
	unseen = iota
	faint
	clearly
)

// sighting looks at an element. Where the page is scrolled to says nothing: only
// what no scrolling brings to light is unseen.
const sighting = `function() {
	const b = this.getBoundingClientRect(), v = this.ownerDocument.defaultView
	if (!v || b.width < 4 || b.height < 4 || b.right + v.scrollX <= 0 || b.bottom + v.scrollY <= 0) return [0, 0]
	if (!this.checkVisibility({visibilityProperty: true, contentVisibilityAuto: true})) return [0, 0]
	return [this.checkVisibility({opacityProperty: true}) ? 2 : 1, b.width]
}`

// sightOf looks at an element.
func sightOf(ctx context.Context, n *node) sight {
	var out []float64
	if n.call(ctx, sighting, &out) != nil || len(out) != 2 {
		return sight{}
	}
	return sight{int(out[0]), out[1]}
}

// seen says whether a person would see an element.
func (s *signing) seen(ctx context.Context) func(*node) bool {
	return func(n *node) bool { return sightOf(ctx, n).degree == clearly }
}

// there says whether an element is still there, and takes room: for waiting.
func (s *signing) there(ctx context.Context, n *node) bool {
	b, err := s.tab.boxOf(ctx, n.session, n.BackendNodeID)
	return err == nil && b.width >= 4 && b.height >= 4
}
