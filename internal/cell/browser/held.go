package browser

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"hotcell/internal/line/cellrpc"
)

// hold is a person's having the browser, with what they typed: a page may show it
// again, and the agent is not to have it.
type hold struct {
	driver *Driver
	free   func()
	timer  *time.Timer
	// aim is where keys go; nothing while nobody has clicked.
	aim  atomic.Pointer[aim]
	mu   sync.Mutex
	over bool
	// typing is what was typed since the last key that did something else, values what
	// is known to have been in fields, by the site; fields are those by their keys.
	typing strings.Builder
	at     cellrpc.Origin
	values map[cellrpc.Origin]map[string]bool
	fields map[string]*focus
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
	h.word()
	h.hide(ctx)
	var typed [][]byte
	for of, values := range h.values {
		for value := range values {
			d.withhold(ctx, of, []byte(value))
			d.keepTyped([]byte(value))
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

// open says whether the agent may have what is typed: the person says so, and it goes
// into an ordinary field of the page itself that can be seen, with nothing in it that
// the agent may not have.
func (h *hold) open(ctx context.Context, at *focus, g cellrpc.Hand) bool {
	if !g.Shown || at.inner() || h.fields[at.key()] != nil {
		return false
	}
	n := at.find(ctx)
	return n != nil && !personal(n) && !at.tab.isSecret(at.session, at.node) && sightOf(ctx, n).degree == clearly
}

// find is the element in DevTools' tree; nil where it is there no more.
func (f *focus) find(ctx context.Context) (found *node) {
	documents, err := f.tab.documents(ctx)
	if err != nil {
		return nil
	}
	for _, d := range documents {
		d.walk(func(n *node) bool {
			if n.session == f.session && n.BackendNodeID == f.node {
				found = n
			}
			return found == nil
		})
	}
	return found
}

// heard keeps in mind what is typed, at a stretch.
func (h *hold) heard(ctx context.Context, at *focus, text string) {
	switch text {
	case "":
		h.word()
		return
	case "Backspace":
		if all := h.typing.String(); all != "" {
			_, size := utf8.DecodeLastRuneInString(all)
			h.typing.Reset()
			h.typing.WriteString(all[:len(all)-size])
		}
	default:
		h.at = at.site(ctx)
		h.typing.WriteString(text)
	}
	if !at.takes {
		return
	}
	if h.fields == nil {
		h.fields = map[string]*focus{}
	}
	h.fields[at.key()] = at
	// The person sees what they type, but for what is meant to be hidden.
	if n := at.find(ctx); n != nil && personal(n) {
		at.tab.keepSecret(at.session, at.node)
	}
}

// site is the site that what is typed there belongs to: of a document of nobody, the
// page's.
func (f *focus) site(ctx context.Context) cellrpc.Origin {
	if of, ok := siteOf(f.origin); ok {
		return of
	}
	of, _ := siteOf(f.tab.where(ctx).origin)
	return of
}

// word ends what was typed at a stretch: a password, or a code in six boxes.
func (h *hold) word() {
	h.keep(h.at, h.typing.String())
	h.typing.Reset()
}

// maxHeard is how long a field's value is that is kept in mind as a whole, in bytes:
// what is longer was there before, for the most part.
const maxHeard = 4 << 10

// read keeps in mind what is in a field, which may be more than was typed at once.
func (h *hold) read(ctx context.Context, f *focus) {
	if !f.field || f.tab.openDialog() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, focusTime)
	defer cancel()
	world, err := f.session.worldOf(ctx, f.frame, ourWorld)
	if err != nil {
		return
	}
	var value string
	if f.session.callIn(ctx, world, f.node, "function() { return this.value }", &value) == nil && len(value) <= maxHeard {
		h.keep(f.site(ctx), value)
	}
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

// hide has the agent see of no field what was typed into it.
func (h *hold) hide(ctx context.Context) {
	pages := map[*tab]string{}
	for _, t := range h.driver.open() {
		_, pages[t], _ = t.loadedBy(ctx)
	}
	for _, f := range h.fields {
		h.read(ctx, f)
		if pages[f.tab] == f.page {
			f.tab.keepSecret(f.session, f.node)
		}
	}
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
