package browser

import (
	"context"
	"fmt"
	"time"

	"hotcell/internal/cellrpc"
)

// The rhythm of the live view, and how long a person may have the browser.
const (
	frameTime = 300 * time.Millisecond
	heldTime  = 15 * time.Minute
)

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
	address, title := t.at(ctx)
	picture, err := t.picture(ctx, "jpeg", nil, false)
	if err != nil || d.closed.Load() { // it was closed meanwhile
		v.Closed = d.closed.Load()
		return v
	}
	v.Picture, v.URL, v.Title = picture, d.clean(bare(address)), d.clean(short(title))
	return v
}

// Handle does what a person does in the browser, who has to take it first and
// gives it back: the agent's calls wait meanwhile. What is typed is kept nowhere.
func (d *Driver) Handle(ctx context.Context, h cellrpc.Hand) error {
	switch h.Kind {
	case "take":
		if d.held.Load() {
			return fmt.Errorf("somebody has the browser already")
		}
		free, err := d.take(ctx)
		if err != nil {
			return fmt.Errorf("the browser is busy")
		}
		leave := func() { d.held.Store(false); free() }
		d.held.Store(true)
		d.mu.Lock()
		d.hold = time.AfterFunc(heldTime, leave)
		d.mu.Unlock()
		return nil
	case "give":
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.hold != nil && d.hold.Stop() {
			d.held.Store(false)
			<-d.turn
		}
		d.hold = nil
		return nil
	}
	if !d.held.Load() {
		return fmt.Errorf("take the browser first")
	}
	t, err := d.page()
	if err != nil {
		return err
	}
	switch h.Kind {
	case "click":
		return t.clickAt(ctx, h.X, h.Y, "left", 1, 0)
	case "type":
		return t.insert(ctx, t.session, []byte(h.Text))
	case "press":
		return t.press(ctx, t.session, h.Text)
	case "scroll":
		return t.do(ctx, "Input.dispatchMouseEvent", args{"type": "mouseWheel", "x": h.X, "y": h.Y, "deltaX": 0, "deltaY": 400}, nil)
	case "navigate":
		address, err := webURL(h.Text)
		if err != nil {
			return err
		}
		return t.do(ctx, "Page.navigate", args{"url": address}, nil)
	}
	return fmt.Errorf("there is no %q: take, give, click, type, press, scroll or navigate", h.Kind)
}
