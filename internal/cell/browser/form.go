package browser

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"
	"time"
)

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

// covering says what is on top of an element, in the middle of where it is; a label
// of its own, and what it is a part of, is nothing on top.
const covering = `function() {
	let box = null
	for (const b of this.getClientRects()) if (!box || b.width > box.width) box = b
	if (!box) return ''
	const top = this.getRootNode().elementFromPoint(box.x + box.width / 2, box.y + box.height / 2)
	if (!top || top === this || this.contains(top) || top.contains(this)) return ''
	const label = top.closest('label')
	if (label && (label.control === this || label.contains(this))) return ''
	const field = /^(input|textarea|select)$/i.test(top.tagName)
	const said = field ? '' : (top.getAttribute('aria-label') || top.innerText || '').trim()
	return '<' + top.tagName.toLowerCase() + '>' + (said ? ' "' + said.slice(0, 100) + '"' : '')
}`

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
	if _, err := r.tab.show(c.ctx, r.session, r.node); err != nil {
		return err
	}
	var over string
	if err := r.session.call(c.ctx, r.node, covering, &over); err == nil && over != "" {
		return fmt.Errorf("the element is covered by %s: act on that first, or close it", short(over))
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
		// What the page does on a key may be to give the keyboard to another field.
		if err := c.offSecrets(r.tab); err != nil {
			return err
		}
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
			err = c.pick(r, []string{f.Value})
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
	if err := c.pick(r, c.in.Values); err != nil {
		return err
	}
	return c.acted(r.tab)
}

func (c *call) pick(r ref, values []string) error {
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
	if !leaving[c.in.Key] {
		if err := c.offSecrets(t); err != nil {
			return err
		}
		if undoes.MatchString(c.in.Key) && t.hasSecret() {
			return errSecretField
		}
	}
	if err := t.press(c.ctx, t.session, c.in.Key); err != nil {
		return err
	}
	return c.acted(t)
}

// leaving are keys that type nothing into a field, and take nothing from it.
var leaving = map[string]bool{"Tab": true, "Shift+Tab": true, "Escape": true, "Enter": true}

// offSecrets refuses what would type into a field for a secret, or take a copy of
// what is in it: while it has the keyboard, which is where something in it is
// selected too.
func (c *call) offSecrets(t *tab) error {
	field, err := t.keyboard(c.ctx, secretField)
	if err != nil {
		return err
	}
	if field != nil {
		return fmt.Errorf("a field for a secret has the keyboard, and agents neither type there nor copy from there: click elsewhere first, or sign in with browser_sign_in")
	}
	return nil
}

// undoes are the keys that undo, and that do again: of a page as a whole, so also what
// was typed into a field for a secret.
var undoes = regexp.MustCompile(`(?i)(Control|ControlOrMeta|Meta|Alt)\+(.*\+)?(z|y|Backspace)$`)

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
	if err := c.offSecrets(t); err != nil {
		return err
	}
	if t.isSecret(from.session, from.node) || t.isSecret(to.session, to.node) {
		return errSecretField
	}
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
	if err := t.drag(c.ctx, x, y, endX, endY); err != nil {
		return err
	}
	return c.acted(t)
}

func (c *call) upload() error {
	t, err := c.tab()
	if err != nil {
		return err
	}
	asked := t.openChooser()
	t.mu.Lock()
	t.chooser = nil
	t.mu.Unlock()
	if len(c.in.Paths) == 0 {
		c.say("No files were given.")
		return c.acted(t)
	}
	to := asked
	if c.in.Ref != "" || asked == nil {
		if to, err = c.fileField(t); err != nil {
			return err
		}
	}
	var files []string
	for _, path := range c.in.Paths {
		here, err := c.driver.found(c.ctx, path)
		if err != nil {
			return err
		}
		files = append(files, here)
	}
	if err := to.session.do(c.ctx, "DOM.setFileInputFiles", args{"files": files, "backendNodeId": to.node}, nil); err != nil {
		return err
	}
	return c.acted(t)
}

// fileField is the field for files that the agent names, or the only one there is.
func (c *call) fileField(t *tab) (*chooser, error) {
	on := ref{tab: t}
	if c.in.Ref != "" {
		var err error
		if on, err = c.element(c.in.Ref); err != nil {
			return nil, err
		}
	}
	documents, err := t.documents(c.ctx)
	if err != nil {
		return nil, err
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
		return nil, fmt.Errorf("there are %d fields for files: say which with target, or click what asks for files first", len(fields))
	}
	return &chooser{fields[0].session, fields[0].BackendNodeID}, nil
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
