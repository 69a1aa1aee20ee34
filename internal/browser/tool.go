package browser

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// waitLimit is how long an agent may wait for something in a page.
const waitLimit = 5 * time.Minute

// signLimit is how long a sign-in may take, with a person who has to be asked.
const signLimit = 14 * time.Minute

var tools []tool

// The table refers to functions that refer to it.
func init() { //nolint:gochecknoinits // see above
	tools = []tool{
		{name: "browser_navigate", title: "Go to an address", about: "Open an http or https address in the browser. Only hosts that the assignment allows, and the sites of its logins, can be reached.", input: "url!", do: (*call).navigate},
		{name: "browser_navigate_back", title: "Go back", about: "Go back to the page before.", do: (*call).back},
		{name: "browser_snapshot", title: "Read the page", about: "The page as text, with a ref for each element that can be acted on. Better than a screenshot to act by.", reads: true, do: (*call).see},
		{name: "browser_click", title: "Click", about: "Click an element of the last snapshot.", input: "ref! element doubleClick button modifiers", destroys: true, do: (*call).click},
		{name: "browser_type", title: "Type text", about: "Replace the text of a field. Fields for passwords and codes take none: sign in with browser_sign_in.", input: "ref! text! element submit slowly", destroys: true, do: (*call).typeText},
		{name: "browser_fill_form", title: "Fill a form", about: "Fill several fields at once. Fields for passwords and codes take none.", input: "fields!", destroys: true, do: (*call).fillForm},
		{name: "browser_select_option", title: "Choose an option", about: "Choose options of a select element, by value or label.", input: "ref! values! element", destroys: true, do: (*call).choose},
		{name: "browser_press_key", title: "Press a key", about: "Press a key: Enter, Tab, ArrowDown, a, Control+a.", input: "key!", destroys: true, do: (*call).pressKey},
		{name: "browser_hover", title: "Hover", about: "Put the mouse over an element.", input: "ref! element", do: (*call).hover},
		{name: "browser_drag", title: "Drag", about: "Drag one element onto another.", input: "startRef! endRef!", destroys: true, do: (*call).drag},
		{name: "browser_take_screenshot", title: "Take a picture", about: "A picture of what is to be seen, of an element, or of the full page. Fields for secrets are painted over.", input: "type ref element fullPage", reads: true, do: (*call).shoot},
		{name: "browser_wait_for", title: "Wait", about: "Wait for a text to be there, to be gone, or for some seconds.", input: "time text textGone", reads: true, limit: waitLimit, do: (*call).wait},
		{name: "browser_tabs", title: "Tabs", about: "List, open, close or select tabs.", input: "action! index url", do: (*call).tabs},
		{name: "browser_file_upload", title: "Upload files", about: "Give files to the page's file field: files of the job, or downloads by their names. With a ref, to that field, else to the only one there is.", input: "paths ref", destroys: true, do: (*call).upload},
		{name: "browser_handle_dialog", title: "Answer a dialog", about: "Accept or dismiss the dialog that is open.", input: "accept! promptText", do: (*call).answerDialog},
		{name: "browser_console_messages", title: "Console", about: "What the page wrote to its console.", input: "level", reads: true, do: (*call).console},
		{name: "browser_network_requests", title: "Network", about: "What the page asked of the network: method, address, status; no headers, no bodies, and of queries the names alone.", input: "includeStatic", reads: true, do: (*call).network},
		{name: "browser_resize", title: "Resize", about: "Set the size of the page.", input: "width! height!", do: (*call).resize},
		{name: "browser_close", title: "Close the page", about: "Close the current tab.", do: (*call).closePage},
		{name: "browser_evaluate", title: "Run a script", about: "Run a function in the page and get what it returns, as JSON.", input: "function! ref element", destroys: true, evaluates: true, do: (*call).evaluate},
		{name: "browser_sign_in", title: "Sign in", about: "Sign in to the site of the current page (or of url) with a login that is attached to the job. User name, password and one-time code are put in for you and never shown; never type them yourself, and never ask anybody for them. " +
			"Says what happened. Where no login is attached, a person is asked for one, and the call waits.", input: "url username why wait", limit: signLimit, do: (*call).signIn},
	}
}

func (c *call) tab() (*tab, error) { return c.driver.page() }

// element is what a ref of the last snapshot names.
func (c *call) element(id string) (ref, error) {
	d := c.driver
	d.mu.Lock()
	defer d.mu.Unlock()
	r, known := d.refs[id]
	if !known || r.tab != d.current {
		return r, fmt.Errorf("there is no element %q in the last snapshot: take a new one with browser_snapshot", id)
	}
	return r, nil
}

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

func (c *call) goTo(t *tab, address string) error {
	var out struct{ ErrorText string }
	if err := t.unlessDialog(c.ctx, func(ctx context.Context) error { return t.do(ctx, "Page.navigate", args{"url": address}, &out) }); err != nil {
		return err
	}
	switch {
	case out.ErrorText == "net::ERR_ABORTED": // a download, or nothing to show
	case strings.Contains(out.ErrorText, "ERR_NAME_NOT_RESOLVED"), strings.Contains(out.ErrorText, "ERR_CONNECTION_REFUSED"), strings.Contains(out.ErrorText, "ERR_CONNECTION_RESET"):
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

func (c *call) see() error {
	_, err := c.tab()
	c.look = true
	return err
}

// acted waits until the page has done what an action made it do.
func (c *call) acted(t *tab) error {
	t.mu.Lock()
	t.touch()
	t.mu.Unlock()
	t.settle(c.ctx)
	for c.driver.opening.Load() > 0 && c.ctx.Err() == nil {
		time.Sleep(lookEvery) //nolint:forbidigo // a page that was opened is made ready
	}
	if now, err := c.driver.page(); err == nil && now != t {
		now.settle(c.ctx)
	}
	c.look = true
	return nil
}

func (c *call) click() error {
	r, err := c.element(c.in.Ref)
	if err != nil {
		return err
	}
	bits, count := 0, 1
	for _, name := range c.in.Modifiers {
		bits |= modifiers[name]
	}
	if c.in.DoubleClick {
		count = 2
	}
	if err := r.tab.click(c.ctx, r.session, r.node, cmp.Or(c.in.Button, "left"), count, bits); err != nil {
		return err
	}
	return c.acted(r.tab)
}

var errSecretField = fmt.Errorf("this field is for a secret, which agents do not type: sign in with browser_sign_in, which has the login put in for you")

func (c *call) typeText() error {
	r, err := c.element(c.in.Ref)
	if err != nil {
		return err
	}
	if err := c.put(r, c.in.Text); err != nil {
		return err
	}
	if c.in.Submit {
		if err := r.tab.press(c.ctx, r.session, "Enter"); err != nil {
			return err
		}
	}
	return c.acted(r.tab)
}

// put replaces a field's text, unless it is for a secret.
func (c *call) put(r ref, text string) error {
	if _, err := r.tab.documents(c.ctx); err != nil { // as they are now
		return err
	}
	if r.tab.isSecret(r.session, r.node) {
		return errSecretField
	}
	if !c.in.Slowly {
		return r.tab.fill(c.ctx, r.session, r.node, []byte(text))
	}
	if err := r.tab.fill(c.ctx, r.session, r.node, nil); err != nil {
		return err
	}
	for _, char := range text {
		if err := r.tab.press(c.ctx, r.session, string(char)); err != nil {
			return err
		}
	}
	return nil
}

func (c *call) fillForm() error {
	var on *tab
	for _, f := range c.in.Fields {
		r, err := c.element(f.Ref)
		if err != nil {
			return err
		}
		on = r.tab
		switch f.Type {
		case "checkbox", "radio":
			var checked bool
			if err := r.session.call(c.ctx, r.node, "function() { return !!this.checked }", &checked); err != nil {
				return err
			}
			if checked != (f.Value == "true") {
				err = r.tab.click(c.ctx, r.session, r.node, "left", 1, 0)
			}
		case "combobox":
			err = c.select1(r, []string{f.Value})
		default:
			err = c.put(r, f.Value)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", cmp.Or(f.Name, f.Ref), err)
		}
	}
	if on == nil {
		return fmt.Errorf("say which fields")
	}
	return c.acted(on)
}

func (c *call) choose() error {
	r, err := c.element(c.in.Ref)
	if err != nil {
		return err
	}
	if err := c.select1(r, c.in.Values); err != nil {
		return err
	}
	return c.acted(r.tab)
}

func (c *call) select1(r ref, values []string) error {
	var found bool
	err := r.session.call(c.ctx, r.node, `function(values) {
		if (!(this instanceof HTMLSelectElement)) return false
		let found = false
		for (const o of this.options) {
			const on = values.includes(o.value) || values.includes(o.label.trim())
			if (on) found = true
			if (this.multiple || on) o.selected = on
		}
		if (found) { this.dispatchEvent(new Event('input', {bubbles: true})); this.dispatchEvent(new Event('change', {bubbles: true})) }
		return found
	}`, &found, values)
	if err == nil && !found {
		err = fmt.Errorf("the element is no select, or has no such option")
	}
	return err
}

func (c *call) pressKey() error {
	t, err := c.tab()
	if err != nil {
		return err
	}
	if err := t.press(c.ctx, t.session, c.in.Key); err != nil {
		return err
	}
	return c.acted(t)
}

func (c *call) hover() error {
	r, err := c.element(c.in.Ref)
	if err != nil {
		return err
	}
	b, err := r.tab.show(c.ctx, r.session, r.node)
	if err != nil {
		return err
	}
	x, y := b.middle()
	if err := r.tab.mouse(c.ctx, "mouseMoved", x, y, "none", 0, 0); err != nil {
		return err
	}
	return c.acted(r.tab)
}

func (c *call) drag() error {
	from, err := c.element(c.in.StartRef)
	if err != nil {
		return err
	}
	to, err := c.element(c.in.EndRef)
	if err != nil {
		return err
	}
	t := from.tab
	a, err := t.show(c.ctx, from.session, from.node)
	if err != nil {
		return err
	}
	b, err := t.boxOf(c.ctx, to.session, to.node)
	if err != nil {
		return err
	}
	x, y := a.middle()
	endX, endY := b.middle()
	for _, step := range []struct {
		kind   string
		x, y   float64
		button string
	}{{"mouseMoved", x, y, "none"}, {"mousePressed", x, y, "left"}, {"mouseMoved", (x + endX) / 2, (y + endY) / 2, "left"}, {"mouseMoved", endX, endY, "left"}, {"mouseReleased", endX, endY, "left"}} {
		if err := t.mouse(c.ctx, step.kind, step.x, step.y, step.button, 1, 0); err != nil {
			return err
		}
	}
	return c.acted(t)
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
	if c.in.Text == "" && c.in.TextGone == "" {
		select {
		case <-c.ctx.Done():
		case <-time.After(time.Duration(min(c.in.Time, 120) * float64(time.Second))):
		}
		return c.acted(t)
	}
	limit := 30 * time.Second
	if c.in.Time > 0 {
		limit = time.Duration(min(c.in.Time, 240) * float64(time.Second))
	}
	for until := time.Now().Add(limit); ; {
		text := t.words(c.ctx)
		if (c.in.Text == "" || strings.Contains(text, c.in.Text)) && (c.in.TextGone == "" || !strings.Contains(text, c.in.TextGone)) {
			return c.acted(t)
		}
		if time.Now().After(until) || c.ctx.Err() != nil {
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

func (c *call) upload() error {
	t, err := c.tab()
	if err != nil {
		return err
	}
	on := ref{tab: t}
	if c.in.Ref != "" {
		if on, err = c.element(c.in.Ref); err != nil {
			return err
		}
	}
	documents, err := t.documents(c.ctx)
	if err != nil {
		return err
	}
	var fields []*node
	for _, d := range documents {
		d.walk(func(n *node) bool {
			if n.is("input") && strings.EqualFold(n.attribute("type"), "file") && (on.node == 0 || on.node == n.BackendNodeID && on.session == n.session) {
				fields = append(fields, n)
			}
			return true
		})
	}
	if len(fields) != 1 {
		return fmt.Errorf("there are %d fields for files: say which with ref", len(fields))
	}
	var files []string
	for _, path := range c.in.Paths {
		here, err := c.driver.found(c.ctx, path)
		if err != nil {
			return err
		}
		files = append(files, here)
	}
	if err := fields[0].session.do(c.ctx, "DOM.setFileInputFiles", args{"files": files, "backendNodeId": fields[0].BackendNodeID}, nil); err != nil {
		return err
	}
	return c.acted(t)
}

func (c *call) answerDialog() error {
	t, err := c.tab()
	if err != nil {
		return err
	}
	if t.openDialog() == nil {
		return fmt.Errorf("no dialog is open")
	}
	if err := t.do(c.ctx, "Page.handleJavaScriptDialog", args{"accept": c.in.Accept, "promptText": c.in.PromptText}, nil); err != nil {
		return err
	}
	t.setDialog(nil)
	return c.acted(t)
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
	if err := t.do(c.ctx, "Emulation.setDeviceMetricsOverride", args{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false}, nil); err != nil {
		return err
	}
	return c.acted(t)
}

func (c *call) evaluate() error {
	t, err := c.tab()
	if err != nil {
		return err
	}
	var out json.RawMessage
	if c.in.Ref != "" {
		r, err := c.element(c.in.Ref)
		if err != nil {
			return err
		}
		err = r.session.call(c.ctx, r.node, "function() { return ("+c.in.Function+")(this) }", &out)
		if err != nil {
			return err
		}
	} else {
		world, err := t.worldOf(c.ctx, "")
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
