package browser

import (
	"context"
	"errors"
	"fmt"

	"hotcell/internal/line/cellrpc"
)

// aim is where a person's keys are to go: what they clicked, or came to by keys from
// there. Without a target it was lost, and a click has to say it anew.
type aim struct {
	target *focus
	page   string
}

var (
	errLost   = errors.New("the page gave the keyboard to something else than you clicked: nothing is typed. Click where you mean to type")
	errDialog = errors.New("a dialog is open: accept or dismiss it first")
)

// point does something with the mouse, and takes what was under it for what the next
// keys are meant for.
func (h *hold) point(ctx context.Context, t *tab, x, y float64, do func() error) error {
	h.word()
	if t.openDialog() != nil {
		return do()
	}
	hit, missed := t.hit(ctx, x, y)
	if err := do(); err != nil {
		return err
	}
	if t.openDialog() != nil {
		return nil
	}
	_, page, err := t.loadedBy(ctx)
	switch {
	case err != nil || missed != nil:
		h.aim.Store(&aim{page: page})
	case page != hit.page: // it leads elsewhere, where nothing has been clicked yet
		h.aim.Store(nil)
	default:
		h.aim.Store(h.taken(ctx, hit))
	}
	return nil
}

// taken is the aim after a click: a field that was hit has to have the keyboard
// itself; of anything else, the page decides which element of the same document gets
// it. A page that swaps what is under the pointer, and a frame that takes the
// keyboard, leave no target.
func (h *hold) taken(ctx context.Context, hit *focus) *aim {
	now, err := hit.tab.focus(ctx)
	if err != nil || !hit.beside(now) || hit.field && hit.node != now.node || !hit.apparent(ctx) {
		return &aim{page: hit.page}
	}
	return &aim{target: now, page: now.page}
}

// apparent says whether the frames of other processes that it is in can be seen: who
// clicks what they see behind one means that.
func (f *focus) apparent(ctx context.Context) bool {
	for s := f.session; s != f.tab.session; {
		owner, id := f.tab.ownerOf(ctx, s)
		if owner == nil || owner.sight(ctx, id).degree != clearly {
			return false
		}
		s = owner
	}
	return true
}

// follow goes with the keyboard to where a key of the person has led it, within a
// document or to another one of the same origin.
func (h *hold) follow(ctx context.Context, from *focus) {
	if from.tab.openDialog() != nil {
		return
	}
	now, err := from.tab.focus(ctx)
	switch {
	case err != nil:
		h.aim.Store(&aim{page: from.page})
	case now.page != from.page:
		h.aim.Store(nil)
	case from.beside(now), from.tab == now.tab && from.origin == now.origin && now.origin != opaque:
		h.aim.Store(&aim{target: now, page: now.page})
	default:
		h.aim.Store(&aim{page: now.page})
	}
}

// opaque is the origin of documents that belong to nobody.
const opaque = "null"

// meant is what a person's keys go to now; they are refused where that is not what
// the person means, and has seen to be meant.
func (h *hold) meant(ctx context.Context, t *tab, g cellrpc.Hand) (*focus, error) {
	now, to, err := h.keysTo(ctx, t)
	if err != nil {
		return nil, err
	}
	seen := g.Keys
	if own := t.where(ctx).origin; seen == "" && to == own {
		seen = own
	} else if seen == "" {
		h.driver.mu.Lock()
		seen = h.driver.keys
		h.driver.mu.Unlock()
	}
	if seen != to {
		return nil, fmt.Errorf("the keys would go to %s, and not to the page's own site: look at the view first, which says so", named(to))
	}
	return now, nil
}

// keysTo is what keys go to, and whose that is. Who never clicked types into the page
// itself; who did, into that element alone.
func (h *hold) keysTo(ctx context.Context, t *tab) (now *focus, to string, err error) {
	if now, err = t.focus(ctx); err != nil {
		return nil, "", err
	}
	own := t.where(ctx).origin
	if to = now.origin; !now.inner() {
		to = own
	}
	a := h.aim.Load()
	switch {
	case a == nil || a.page != now.page:
		if now.inner() && to != own {
			return nil, "", fmt.Errorf("a frame of %s has the keyboard, which nobody clicked: nothing is typed. Click where you mean to type", named(to))
		}
	case a.target == nil:
		return nil, "", errLost
	case !a.target.is(now):
		return nil, "", fmt.Errorf("the keyboard has gone from what you clicked to another element of %s: nothing is typed. Click where you mean to type", named(to))
	}
	return now, to, nil
}

// named is an origin in words.
func named(origin string) string {
	if origin == "" || origin == opaque {
		return "nobody's site"
	}
	return origin
}
