package browser

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

func (c *call) navigate() error {
	address, err := webURL(c.in.URL)
	if err != nil {
		return err
	}
	t, err := c.tab()
	if err != nil {
		if t, err = c.driver.newTab(c.ctx); err != nil {
			return err
		}
	}
	return c.goTo(t, address)
}

// unreachable are Chromium's words for a host that the gateway refuses, or that does not
// answer (net/base/net_error_list.h).
var unreachable = []string{
	"ERR_NAME_NOT_RESOLVED", "ERR_CONNECTION_REFUSED", "ERR_CONNECTION_RESET", "ERR_CONNECTION_CLOSED", "ERR_CONNECTION_FAILED", "ERR_ADDRESS_UNREACHABLE",
	"ERR_INTERNET_DISCONNECTED", "ERR_TUNNEL_CONNECTION_FAILED", "ERR_PROXY_CONNECTION_FAILED", "ERR_TIMED_OUT", "ERR_CONNECTION_TIMED_OUT",
}

func (c *call) goTo(t *tab, address string) error {
	var out struct{ ErrorText string }
	if err := t.unlessDialog(c.ctx, func(ctx context.Context) error { return t.do(ctx, "Page.navigate", args{"url": address}, &out) }); err != nil {
		return err
	}
	switch {
	case out.ErrorText == "net::ERR_ABORTED": // a download, or nothing to show
	case slices.ContainsFunc(unreachable, func(name string) bool { return strings.Contains(out.ErrorText, name) }):
		return fmt.Errorf("%s cannot be reached: it is not among the hosts that the assignment allows, or does not answer (%s)", bare(address), out.ErrorText)
	case out.ErrorText != "":
		return fmt.Errorf("%s was not opened: %s", bare(address), out.ErrorText)
	}
	t.settle(c.ctx)
	c.look = true
	return nil
}

func (c *call) back() error {
	t, err := c.tab()
	if err != nil {
		return err
	}
	var history struct {
		CurrentIndex int
		Entries      []struct{ ID int }
	}
	if err := t.do(c.ctx, "Page.getNavigationHistory", nil, &history); err != nil {
		return err
	}
	if history.CurrentIndex < 1 {
		return fmt.Errorf("there is no page before this one")
	}
	if err := t.do(c.ctx, "Page.navigateToHistoryEntry", args{"entryId": history.Entries[history.CurrentIndex-1].ID}, nil); err != nil {
		return err
	}
	t.settle(c.ctx)
	c.look = true
	return nil
}

func (c *call) tabs() error {
	d := c.driver
	d.mu.Lock()
	all := slices.Clone(d.tabs)
	current := d.current
	d.mu.Unlock()
	at := slices.Index(all, current)
	if c.in.Index != nil {
		at = *c.in.Index
	}
	switch c.in.Action {
	case "list":
		for i, t := range all {
			address, title := t.at(c.ctx)
			mark := ""
			if t == current {
				mark = " (current)"
			}
			c.say("- %d:%s %s %s", i, mark, short(title), bare(address))
		}
		return nil
	case "new":
		t, err := d.newTab(c.ctx)
		if err != nil || c.in.URL == "" {
			return err
		}
		address, err := webURL(c.in.URL)
		if err != nil {
			return err
		}
		return c.goTo(t, address)
	case "close", "select":
		if at < 0 || at >= len(all) {
			return fmt.Errorf("there is no tab %d", at)
		}
		if c.in.Action == "close" {
			return c.closeTab(all[at])
		}
		d.mu.Lock()
		d.current = all[at]
		d.mu.Unlock()
		c.look = true
		return d.root.do(c.ctx, "Target.activateTarget", args{"targetId": all[at].target}, nil)
	}
	return fmt.Errorf("list, new, close or select")
}

func (c *call) closePage() error {
	t, err := c.tab()
	if err != nil {
		return err
	}
	return c.closeTab(t)
}

func (c *call) closeTab(t *tab) error {
	if err := c.driver.root.do(c.ctx, "Target.closeTarget", args{"targetId": t.target}, nil); err != nil {
		return err
	}
	select {
	case <-t.gone:
	case <-c.ctx.Done():
	}
	c.say("The tab is closed.")
	return nil
}

// fresh opens a page anew, in a tab that no other has a handle of: where scripts of
// the agent were in it, they are not in the one that is signed in by.
func (c *call) fresh(old *tab, address string) (*tab, error) {
	t, err := c.driver.newTab(c.ctx)
	if err != nil {
		return old, err
	}
	if err := c.goTo(t, address); err != nil {
		return t, err
	}
	_ = c.driver.root.do(c.ctx, "Target.closeTarget", args{"targetId": old.target}, nil)
	return t, nil
}
