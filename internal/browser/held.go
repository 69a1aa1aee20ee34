package browser

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"hotcell/internal/cellrpc"
)

// hold is a person's having the browser, with what they typed into fields for
// secrets: a page may show it again, and the agent is not to have it.
type hold struct {
	driver *Driver
	free   func()
	timer  *time.Timer
	mu     sync.Mutex
	over   bool
	// typing is what went into fields for secrets since the last other key, values
	// what is known to have been in them, by the site.
	typing strings.Builder
	at     cellrpc.Origin
	values map[cellrpc.Origin]map[string]bool
}

// endTime is how long the browser may take to be ready for the agent again.
const endTime = 10 * time.Second

// end gives the browser back to the agent, once nothing can be seen of what was
// typed for no agent to know.
func (h *hold) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.over {
		return
	}
	h.over = true
	h.timer.Stop()
	ctx, cancel := context.WithTimeout(context.Background(), endTime)
	defer cancel()
	d := h.driver
	d.mu.Lock()
	t := d.current
	d.mu.Unlock()
	if t != nil {
		h.note(ctx, t)
	}
	h.word()
	var typed [][]byte
	for of, values := range h.values {
		for value := range values {
			d.withhold(ctx, of, []byte(value))
			typed = append(typed, []byte(value))
		}
	}
	if len(typed) > 0 && d.Evaluate { // a script would read it where it is
		(&wiping{driver: d, values: typed, prints: printsOf(typed)}).pages(ctx)
	}
	for _, t := range d.open() {
		address, _ := t.at(ctx)
		d.trail.pass(address)
	}
	d.remember(ctx)
	d.mu.Lock()
	d.hold = nil
	d.mu.Unlock()
	d.held.Store(false)
	h.free()
}

var errScripted = errors.New("the agent has run scripts in this browser, which could read what you type: nothing is typed here. Attach a login, or run the job without --evaluate")

// typed does what a person types, and keeps it in mind where it goes into a field
// for a secret.
func (h *hold) typed(ctx context.Context, t *tab, text string, do func() error) error {
	if text != "" && h.driver.scripted.Load() {
		return errScripted
	}
	secret := h.note(ctx, t)
	switch {
	case text == "" || secret == nil:
		h.word()
	case text == "Backspace":
		if all := h.typing.String(); all != "" {
			_, size := utf8.DecodeLastRuneInString(all)
			h.typing.Reset()
			h.typing.WriteString(all[:len(all)-size])
		}
	default:
		h.at, _ = siteOf(secret.document.DocumentURL)
		h.typing.WriteString(text)
	}
	err := do()
	if secret != nil {
		h.note(ctx, t)
	}
	return err
}

// word ends what was typed at a stretch: a password, or a code in six boxes.
func (h *hold) word() {
	h.keep(h.at, h.typing.String())
	h.typing.Reset()
}

func (h *hold) keep(of cellrpc.Origin, value string) {
	if len(value) < minShort {
		return
	}
	if h.values == nil {
		h.values = map[cellrpc.Origin]map[string]bool{}
	}
	if h.values[of] == nil {
		h.values[of] = map[string]bool{}
	}
	// What it was while it was being typed is part of what it is.
	for old := range h.values[of] {
		if strings.HasPrefix(value, old) {
			delete(h.values[of], old)
		}
	}
	h.values[of][value] = true
}

// note reads what is in the field for a secret that has the keyboard; nil where
// none has.
func (h *hold) note(ctx context.Context, t *tab) *node {
	if t.openDialog() != nil {
		return nil
	}
	field, err := t.keyboard(ctx, personal)
	if err != nil || field == nil {
		return nil
	}
	t.keepSecret(field.session, field.BackendNodeID)
	var value string
	if field.session.call(ctx, field.BackendNodeID, "function() { return this.value }", &value) == nil {
		of, _ := siteOf(field.document.DocumentURL)
		h.keep(of, value)
	}
	return field
}

// personal says whether a field is one in which a person would type a secret.
func personal(n *node) bool {
	if !n.is("input", "textarea") {
		return false
	}
	most, limited := length(n)
	return secretField(n) || isCode(n) || limited && most == 1 || passWords.MatchString(about(n))
}

// keyboard is the field that has the keyboard, among those that are meant or were
// for a secret at some time. DevTools' tree is asked, not a script of the page.
func (t *tab) keyboard(ctx context.Context, meant func(*node) bool) (found *node, err error) {
	documents, err := t.documents(ctx)
	if err != nil {
		return nil, err
	}
	var fields []*node
	for _, d := range documents {
		d.walk(func(n *node) bool {
			if n.NodeType == elementNode && (meant(n) || t.isSecret(n.session, n.BackendNodeID)) {
				fields = append(fields, n)
			}
			return true
		})
	}
	for _, n := range fields {
		// A frame remembers its own when another has the focus: that counts too, as does
		// one that cannot be asked.
		var has bool
		if err := n.call(ctx, "function() { return this.getRootNode().activeElement === this }", &has); err != nil || has {
			return n, nil //nolint:nilerr // it may be the one
		}
	}
	return nil, nil //nolint:nilnil // none has it
}
