package browser

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"
)

func (c *call) see() error {
	_, err := c.tab()
	if err != nil {
		return err
	}
	if c.in.Ref != "" {
		r, err := c.element(c.in.Ref)
		if err != nil {
			return err
		}
		c.part.of = &r
	}
	c.look, c.part.depth, c.part.offset = true, c.in.Depth, c.in.Offset
	return nil
}

// maxFile is how much of a page is kept in a file, in bytes.
const maxFile = 8 << 20

// keep puts what a tool found into a file of the job, instead of into its answer.
func (c *call) keep(what, text string) {
	d := c.driver
	kept, err := d.Config.Hand.Keep(c.ctx, fileName(d.clean(c.in.Filename)), strings.NewReader(string(d.sieve.Load().redact([]byte(text)))))
	if err != nil {
		c.say("- the %s could not be kept: %s", what, d.sentence(err))
		return
	}
	c.say("- the %s is in %s", what, kept.Path)
}

// answer gives what a tool found, or keeps it where a file is named.
func (c *call) answer(what, text string) {
	if c.in.Filename == "" {
		c.say("%s", text)
		return
	}
	c.keep(what, text)
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
	if err != nil {
		return err
	}
	c.out.Type = "image/" + kind
	if c.in.Filename == "" {
		c.say("A picture of the page; fields for secrets are painted over.")
		return nil
	}
	kept, err := c.driver.Config.Hand.Keep(c.ctx, fileName(c.driver.clean(c.in.Filename)), bytes.NewReader(c.out.Picture))
	if err == nil {
		c.say("A picture of the page is in %s; fields for secrets are painted over.", kept.Path)
	}
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

// words are all that a page says. What is in its fields is no part of that: they
// may be for secrets, and whether a text is there could be asked sign by sign. So
// could what the guard looks for.
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
			return !n.is("script", "style", "noscript", "template", "input", "textarea") && n.ShadowRootType != ownShadow
		})
	}
	return string(t.driver.sieve.Load().redact([]byte(b.String())))
}

// severity is how bad a line of the console is, by its kind; what is not here is 2.
var severity = map[string]int{"error": 0, "assert": 0, "warning": 1, "info": 2, "debug": 3, "verbose": 3}

func (c *call) console() error {
	t, err := c.tab()
	if err != nil {
		return err
	}
	upTo, known := severity[cmp.Or(c.in.Level, "info")]
	if !known {
		return fmt.Errorf("there is no level %q: error, warning, info or debug", c.in.Level)
	}
	var b strings.Builder
	t.mu.Lock()
	lines := t.log
	if !c.in.All {
		lines = lines[max(0, len(lines)-t.fresh):]
	}
	for _, line := range lines {
		kind, _, _ := strings.Cut(strings.TrimPrefix(line, "["), "]")
		if level, known := severity[kind]; known && level <= upTo || !known && upTo >= severity["info"] {
			b.WriteString(line + "\n")
		}
	}
	t.mu.Unlock()
	c.answer("console", b.String())
	return nil
}

func (c *call) network() error {
	t, err := c.tab()
	if err != nil {
		return err
	}
	filter, err := regexp.Compile(c.in.Filter)
	if err != nil {
		return fmt.Errorf("the filter is no regular expression")
	}
	c.answer("list of requests", t.list(c.in.IncludeStatic, filter))
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
		world, err := r.session.world(c.ctx, r.node, agentWorld)
		if err != nil {
			return err
		}
		err = r.session.callIn(c.ctx, world, r.node, "function() { return ("+c.in.Function+")(this) }", &out)
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
	c.answer("result", cmp.Or(string(out), "undefined"))
	return nil
}
