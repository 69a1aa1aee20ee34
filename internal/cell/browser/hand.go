package browser

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hotcell/internal/line/border"
	"hotcell/internal/line/cellrpc"
)

// heldTime is how long a person may have the browser.
const heldTime = 15 * time.Minute

// errTaken ends an agent's waiting.
var errTaken = errors.New("a person has taken the browser over: wait, and look at the page again")

// errMoved refuses what was meant for another page.
var errMoved = errors.New("the browser shows another page than the one that this was meant for: look again")

// Handle does what a person does in the browser, who has to take it first and
// gives it back: the agent's calls wait meanwhile. What is typed is written down
// nowhere.
func (d *Driver) Handle(ctx context.Context, h cellrpc.Hand) error {
	switch h.Kind {
	case "take":
		return d.takeOver(ctx)
	case "give":
		d.mu.Lock()
		hold := d.hold
		d.mu.Unlock()
		if hold != nil {
			hold.end()
		}
		return nil
	}
	d.mu.Lock()
	hold := d.hold
	d.mu.Unlock()
	if hold == nil || !d.held.Load() {
		return fmt.Errorf("take the browser first")
	}
	hold.mu.Lock() // one gesture after the other, and none once it is over
	defer hold.mu.Unlock()
	if hold.over {
		return fmt.Errorf("take the browser first")
	}
	return hold.do(ctx, h)
}

// takeOver gives a person the browser. What an agent waits for does not keep it.
func (d *Driver) takeOver(ctx context.Context) error {
	if d.held.Load() {
		return fmt.Errorf("somebody has the browser already")
	}
	d.wanted.Add(1)
	d.mu.Lock()
	if d.yield != nil {
		d.yield(errTaken)
	}
	d.mu.Unlock()
	free, err := d.take(ctx)
	d.wanted.Add(-1)
	if err != nil {
		return fmt.Errorf("the browser is busy")
	}
	hold := &hold{driver: d, free: free}
	d.held.Store(true)
	d.mu.Lock()
	d.hold = hold
	hold.timer = border.After(heldTime, "the end of a person's hold", d.wire.caught, hold.end)
	d.mu.Unlock()
	return nil
}

// patient is a context to wait in for what may take long: it ends when a person
// wants the browser.
func (c *call) patient() (context.Context, func()) {
	d := c.driver
	ctx, cancel := context.WithCancelCause(c.ctx)
	d.mu.Lock()
	d.yield = cancel
	d.mu.Unlock()
	if d.wanted.Load() > 0 {
		cancel(errTaken)
	}
	return ctx, func() {
		d.mu.Lock()
		d.yield = nil
		d.mu.Unlock()
		cancel(nil)
	}
}

// do does one gesture.
func (h *hold) do(ctx context.Context, g cellrpc.Hand) error {
	t, err := h.aimed(ctx, g)
	if err != nil {
		return err
	}
	switch g.Kind {
	case "type", "press":
		return h.keys(ctx, t, g)
	case "click":
		return h.point(ctx, t, g.X, g.Y, func() error { return t.clickAt(ctx, g.X, g.Y, "left", 1, 0) })
	case "drag":
		return h.point(ctx, t, g.X, g.Y, func() error { return t.drag(ctx, g.X, g.Y, g.ToX, g.ToY) })
	case "scroll":
		if g.DX == 0 && g.DY == 0 {
			g.DY = 400
		}
		return t.unlessDialog(ctx, func(ctx context.Context) error {
			return t.do(ctx, "Input.dispatchMouseEvent", args{"type": "mouseWheel", "x": g.X, "y": g.Y, "deltaX": g.DX, "deltaY": g.DY}, nil)
		})
	case "navigate":
		address, err := webURL(g.Text)
		if err != nil {
			return err
		}
		h.word()
		h.aim.Store(nil)
		return t.do(ctx, "Page.navigate", args{"url": address}, nil)
	case "tab":
		h.word()
		h.aim.Store(nil)
		h.driver.mu.Lock()
		h.driver.current = t
		h.driver.mu.Unlock()
		return h.driver.root.do(ctx, "Target.activateTarget", args{"targetId": t.target}, nil)
	case "accept", "dismiss":
		t.answer(g.Kind == "accept")
		t.setDialog(nil)
		return nil
	}
	return fmt.Errorf("there is no %q: take, give, click, drag, type, press, scroll, navigate, tab, accept or dismiss", g.Kind)
}

// aimed is the page that a gesture is meant for, where it is the one that is to be
// seen. A page opens others, and goes elsewhere, while somebody types.
func (h *hold) aimed(ctx context.Context, g cellrpc.Hand) (*tab, error) {
	d := h.driver
	if g.Kind == "tab" {
		d.mu.Lock()
		defer d.mu.Unlock()
		for _, t := range d.tabs {
			if t.target == g.Tab {
				return t, nil
			}
		}
		return nil, fmt.Errorf("there is no such tab")
	}
	t, err := d.page()
	if err != nil || g.Kind == "navigate" {
		return t, err
	}
	meant := where{g.Tab, g.Origin}
	if meant.tab == "" {
		d.mu.Lock()
		meant = d.shown
		d.mu.Unlock()
	}
	if t.where(ctx) != meant {
		return nil, errMoved
	}
	return t, nil
}
