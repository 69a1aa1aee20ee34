package browser

import (
	"context"
	"time"

	"hotcell/internal/line/cellrpc"
)

// frameTime is the rhythm of the live view.
const frameTime = 300 * time.Millisecond

// View shows the browser as it is, painted over as pictures for the agent are,
// until ctx ends. While a sign-in is under way there is nothing to see.
func (d *Driver) View(ctx context.Context, send func(cellrpc.View) error) error {
	tick := time.NewTicker(frameTime)
	defer tick.Stop()
	for {
		if err := send(d.frame(ctx)); err != nil || ctx.Err() != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (d *Driver) frame(ctx context.Context) cellrpc.View {
	v := cellrpc.View{Held: d.held.Load(), Closed: d.closed.Load()}
	t, err := d.page()
	if err != nil || v.Closed {
		return v
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	where := t.where(ctx)
	if open := t.openDialog(); open != nil { // the page stands still until it is answered
		v.Dialog = d.clean(open.Type + ": " + short(open.Message))
	} else if v.Picture, err = t.picture(ctx, "jpeg", nil, false); err != nil {
		v.Picture = nil
	}
	address, title := t.at(ctx)
	v.Tabs, v.Keys = d.listed(ctx), d.keysTo(ctx, t)
	// It was closed, the page is another, or nobody looks any more, meanwhile.
	if d.closed.Load() || t.where(ctx) != where || ctx.Err() != nil {
		return cellrpc.View{Held: d.held.Load(), Closed: d.closed.Load()}
	}
	v.URL, v.Title, v.Tab, v.Origin = d.clean(bare(address)), d.clean(short(title)), where.tab, where.origin
	d.mu.Lock()
	d.shown, d.keys = where, v.Keys
	d.mu.Unlock()
	return v
}

// keysTo is the origin that a person's keys go to; empty where they would be refused.
func (d *Driver) keysTo(ctx context.Context, t *tab) string {
	d.mu.Lock()
	hold := d.hold
	d.mu.Unlock()
	if hold == nil || t.openDialog() != nil {
		return ""
	}
	_, to, err := hold.keysTo(ctx, t)
	if err != nil {
		return ""
	}
	return to
}

// listed are the pages that are open.
func (d *Driver) listed(ctx context.Context) (out []cellrpc.Tab) {
	for _, t := range d.open() {
		address, title := t.at(ctx)
		out = append(out, cellrpc.Tab{ID: t.target, URL: d.clean(bare(address)), Title: d.clean(short(title))})
	}
	return out
}

// where is a page of a site: what a person who looks at it means.
type where struct{ tab, origin string }

func (t *tab) where(ctx context.Context) where {
	address, _ := t.at(ctx)
	o, ok := siteOf(address)
	if !ok {
		return where{tab: t.target}
	}
	return where{t.target, addressOf(o)}
}
