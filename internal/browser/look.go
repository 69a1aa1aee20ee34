package browser

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

func (c *call) see() error {
	_, err := c.tab()
	c.look = true
	return err
}

func (c *call) shoot() error {
	t, err := c.tab()
	if err != nil {
		return err
	}
	var clip *box
	if c.in.Ref != "" {
		r, err := c.element(c.in.Ref)
		if err != nil {
			return err
		}
		b, err := t.show(c.ctx, r.session, r.node)
		if err != nil {
			return err
		}
		clip = &b
	}
	kind := cmp.Or(c.in.Type, "png")
	c.out.Picture, err = t.picture(c.ctx, kind, clip, c.in.FullPage && clip == nil)
	c.out.Type = "image/" + kind
	c.say("A picture of the page; fields for secrets are painted over.")
	return err
}

func (c *call) wait() error {
	t, err := c.tab()
	if err != nil {
		return err
	}
	ctx, done := c.patient()
	defer done()
	if c.in.Text == "" && c.in.TextGone == "" {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(time.Duration(min(c.in.Time, 120) * float64(time.Second))):
		}
		return c.acted(t)
	}
	limit := 30 * time.Second
	if c.in.Time > 0 {
		limit = time.Duration(min(c.in.Time, 240) * float64(time.Second))
	}
	for until := time.Now().Add(limit); ; {
		text := t.words(ctx)
		if err := context.Cause(ctx); err != nil {
			return err
		}
		if (c.in.Text == "" || strings.Contains(text, c.in.Text)) && (c.in.TextGone == "" || !strings.Contains(text, c.in.TextGone)) {
			return c.acted(t)
		}
		if time.Now().After(until) {
			return fmt.Errorf("it did not come to that in %s", limit)
		}
		time.Sleep(100 * time.Millisecond) //nolint:forbidigo // the page tells nobody of its text
	}
}

// words are all that a page says.
func (t *tab) words(ctx context.Context) string {
	var b strings.Builder
	documents, err := t.documents(ctx)
	if err != nil {
		return ""
	}
	for _, d := range documents {
		d.walk(func(n *node) bool {
			if n.NodeType == textNode {
				b.WriteString(strings.Join(strings.Fields(n.NodeValue), " "))
				b.WriteByte(' ')
			}
			return !n.is("script", "style", "noscript", "template")
		})
	}
	return b.String()
}

func (c *call) console() error {
	t, err := c.tab()
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, line := range t.log {
		if c.in.Level == "error" && !strings.HasPrefix(line, "[error]") {
			continue
		}
		c.say("%s", line)
	}
	return nil
}

func (c *call) network() error {
	t, err := c.tab()
	if err != nil {
		return err
	}
	c.say("%s", t.list(c.in.IncludeStatic))
	return nil
}

func (c *call) resize() error {
	t, err := c.tab()
	if err != nil {
		return err
	}
	width, height := min(max(c.in.Width, 200), 3000), min(max(c.in.Height, 200), 3000)
	if err := t.size(c.ctx, width, height); err != nil {
		return err
	}
	t.mu.Lock()
	t.width, t.height = width, height
	t.mu.Unlock()
	return c.acted(t)
}

func (c *call) evaluate() error {
	t, err := c.tab()
	if err != nil {
		return err
	}
	var out json.RawMessage
	c.driver.scripted.Store(true)
	if c.in.Ref != "" {
		r, err := c.element(c.in.Ref)
		if err != nil {
			return err
		}
		err = r.session.callIn(c.ctx, agentWorld, r.node, "function() { return ("+c.in.Function+")(this) }", &out)
		if err != nil {
			return err
		}
	} else {
		world, err := t.worldOf(c.ctx, "", agentWorld)
		if err != nil {
			return err
		}
		if err := t.run(c.ctx, "Runtime.evaluate", args{"expression": "(" + c.in.Function + ")()", "contextId": world, "returnByValue": true, "awaitPromise": true}, &out); err != nil {
			return err
		}
	}
	c.say("%s", cmp.Or(string(out), "undefined"))
	return nil
}
