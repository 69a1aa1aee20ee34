package browser

import (
	"context"
	"errors"
	"regexp"
	"unicode/utf8"

	"github.com/chromedp/chromedp/kb"

	"hotcell/internal/line/cellrpc"
)

// putting writes at the cursor of an element, from within its own document: what has
// the focus of the whole browser is nothing to it. A frame of another site that takes
// that between the look and the writing gets nothing.
const putting = `function(text, key) {
	const root = this.getRootNode(), mine = () => this.isConnected && root.activeElement === this
	if (!mine()) return 'elsewhere'
	const field = this instanceof HTMLInputElement || this instanceof HTMLTextAreaElement
	const takes = () => field ? !this.disabled && !this.readOnly : this.isContentEditable
	if (!key && !takes()) return 'fixed'
	if (field && /^(date|time|month|week|datetime-local|color|range)$/.test(this.type)) {
		if (key) return 'whole'
		this.value = text
		for (const e of ['input', 'change']) this.dispatchEvent(new Event(e, {bubbles: true, composed: true}))
		return this.value === text ? '' : 'whole'
	}
	const tell = kind => !key || this.dispatchEvent(new KeyboardEvent(kind, {...key, bubbles: true, cancelable: true, composed: true}))
	if (tell('keydown') && tell('keypress') && takes()) {
		if (!mine()) return 'elsewhere'
		this.ownerDocument.execCommand('insertText', false, text)
	}
	tell('keyup')
	return ''
}`

// written is what a key writes: nothing, where it only does something.
func written(name string) string {
	bits, name := chord(name)
	switch {
	case bits&^modifiers["Shift"] != 0:
		return ""
	case name == "Space":
		return " "
	case name == "Backspace", utf8.RuneCountInString(name) == 1:
		return name
	}
	return ""
}

// pastes are the keys that write what is in the browser's clipboard: like all keys that
// write nothing themselves they go to what has the focus, and this would be text.
var pastes = regexp.MustCompile(`(?i)^(.*\+)?((Control|ControlOrMeta|Meta)\+(.*\+)?v|Shift\+(.*\+)?Insert)$`)

var errPastes = errors.New("what is pasted could go elsewhere than you mean: send the text itself, as what you type")

// keyOfText is a character's key as a page hears of it.
func keyOfText(text string) args {
	r, _ := utf8.DecodeRuneInString(text)
	key := args{"key": text}
	for _, e := range kb.Encode(r) {
		if e.Code != "" {
			key = args{"key": text, "code": e.Code, "keyCode": e.WindowsVirtualKeyCode, "which": e.WindowsVirtualKeyCode, "shiftKey": e.Modifiers&8 != 0}
			break
		}
	}
	return key
}

// put writes into an element, where it still has the keyboard of its document.
func (f *focus) put(ctx context.Context, text string, key args) error {
	return f.tab.unlessDialog(ctx, func(ctx context.Context) error {
		world, err := f.session.worldOf(ctx, f.frame, ourWorld)
		if err != nil {
			return err
		}
		result := ""
		if err := f.session.callIn(ctx, world, f.node, putting, &result, text, key); err != nil {
			return err
		}
		switch result {
		case "elsewhere":
			return errLost
		case "fixed":
			return errors.New("what has the keyboard takes no text: click into a field")
		case "whole":
			return errors.New("the field takes a whole value at once: dates are 2026-11-30, times 14:05, colours #aabbcc")
		}
		return nil
	})
}

// keys does what a person types, into the element that they mean and no other, and
// keeps it from the agent.
func (h *hold) keys(ctx context.Context, t *tab, g cellrpc.Hand) error {
	text := g.Text
	if g.Kind == "press" {
		if pastes.MatchString(text) {
			return errPastes
		}
		text = written(text)
	}
	if text != "" && h.driver.scripted.Load() {
		return errScripted
	}
	if t.openDialog() != nil {
		return errDialog
	}
	at, err := h.meant(ctx, t, g)
	if err != nil {
		return err
	}
	open := h.open(ctx, at, g)
	if !open {
		h.heard(ctx, at, text)
	}
	switch {
	case g.Kind == "type":
		err = at.put(ctx, text, nil)
	case text == "" || text == "Backspace" || text == " " && !at.takes: // it writes nothing
		err = t.press(ctx, t.session, g.Text)
	default:
		err = at.put(ctx, text, keyOfText(text))
	}
	if !open && text != "" {
		h.read(ctx, at)
	}
	h.follow(ctx, at)
	return err
}
