package browser

import (
	"context"
	"fmt"
	"time"
)

// typing puts text into a field, as a keyboard does: from within the field's own
// document, and never by way of what has the focus of the whole browser. A frame of
// another site can take that at any time, and would get what is typed.
//
// What the page does when its field is given the focus is done before the field is
// looked at again: one that is not the active one then gets nothing.
const typing = `function(text, keys) {
	const doc = this.ownerDocument, field = 'value' in this
	this.focus({preventScroll: true})
	if (!this.isConnected || this.getRootNode().activeElement !== this) return 'elsewhere'
	if (this.disabled || this.readOnly || !field && !this.isContentEditable) return 'fixed'
	const tell = (kind, key) => !keys || this.dispatchEvent(new KeyboardEvent(kind, {key, code: 'Digit' + key, keyCode: key.charCodeAt(0), which: key.charCodeAt(0), bubbles: true, cancelable: true, composed: true}))
	const put = kind => { this.value = text; for (const e of ['input', 'change']) this.dispatchEvent(new Event(e, {bubbles: true, composed: true})) }
	if (field && /^(date|time|month|week|datetime-local|color|range)$/.test(this.type)) {
		put()
		return this.value === text ? '' : 'refused'
	}
	if (keys && !(tell('keydown', text) && tell('keypress', text))) { tell('keyup', text); return '' }
	if (this.getRootNode().activeElement !== this) return 'elsewhere'
	if (this.select) this.select(); else doc.getSelection().selectAllChildren(this)
	let done = false
	try { done = text === '' ? (field ? this.value === '' : false) || doc.execCommand('delete') : doc.execCommand('insertText', false, text) } catch {}
	if (!done && field && this.value !== text) put()
	tell('keyup', text)
	return ''
}`

// How often a field that takes nothing is asked, and after how long.
const (
	fixedTries = 4
	fixedTime  = 80 * time.Millisecond
)

// fill replaces what is in a field.
func (t *tab) fill(ctx context.Context, s *session, id int64, text []byte) error {
	return t.putIn(ctx, s, id, text, false)
}

// digit puts one digit into its box, with the events of its key.
func (t *tab) digit(ctx context.Context, s *session, id int64, digit byte) error {
	return t.putIn(ctx, s, id, []byte{digit}, true)
}

func (t *tab) putIn(ctx context.Context, s *session, id int64, text []byte, keys bool) error {
	if _, err := t.show(ctx, s, id); err != nil {
		return err
	}
	result := ""
	var err error
	// A field may be read-only until the page has seen that it has the focus.
	for try := range fixedTries {
		if err = t.unlessDialog(ctx, func(ctx context.Context) error { return s.call(ctx, id, typing, &result, string(text), keys) }); result != "fixed" || try == fixedTries-1 {
			break
		}
		if err := t.click(ctx, s, id, "left", 1, 0); err != nil {
			return err
		}
		time.Sleep(fixedTime) //nolint:forbidigo // the page tells nobody
	}
	switch {
	case err != nil:
		return err
	case result == "elsewhere":
		return fmt.Errorf("the element takes no text, or the page gives the keyboard to another one")
	case result == "fixed":
		return fmt.Errorf("the element takes no text")
	case result == "refused":
		return fmt.Errorf("the field does not take that: dates are 2026-11-30, times 14:05, colours #aabbcc")
	}
	return nil
}
