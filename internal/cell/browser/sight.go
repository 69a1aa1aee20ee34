package browser

import (
	"cmp"
	"context"

	"hotcell/internal/line/cellrpc"
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
	return looked(func(out any) error { return n.call(ctx, sighting, out) })
}

// sight is that of an element of which only the session is known.
func (s *session) sight(ctx context.Context, id int64) sight {
	return looked(func(out any) error { return s.call(ctx, id, sighting, out) })
}

func looked(look func(out any) error) sight {
	var out []float64
	if look(&out) != nil || len(out) != 2 {
		return sight{}
	}
	return sight{int(out[0]), out[1]}
}

// eye looks at elements of documents that are of a site by the browser's own word:
// one that is cut off from its site has its address, and is of none.
func (s *signing) eye(ctx context.Context, at cellrpc.Origin) func(*node) sight {
	var of map[string]bool
	return func(n *node) sight {
		if of == nil {
			of = map[string]bool{}
			for _, f := range s.tab.allFrames(ctx) {
				own := f.SecurityOrigin == addressOf(at) && f.origin(ctx) == addressOf(at)
				if of[f.ID] = own; f.first {
					of[string(f.session.id)] = own
				}
			}
		}
		if n.document != nil && !of[cmp.Or(n.frame(), string(n.session.id))] {
			return sight{}
		}
		return sightOf(ctx, n)
	}
}

// seen says whether a person would see an element.
func (s *signing) seen(ctx context.Context) func(*node) bool {
	eye := s.eye(ctx, s.at)
	return func(n *node) bool { return eye(n).degree == clearly }
}

// there says whether an element is still there, and takes room: for waiting.
func (s *signing) there(ctx context.Context, n *node) bool {
	b, err := s.tab.boxOf(ctx, n.session, n.BackendNodeID)
	return err == nil && b.width >= 4 && b.height >= 4
}
