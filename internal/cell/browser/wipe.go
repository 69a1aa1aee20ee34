package browser

import (
	"bytes"
	"context"
	"slices"
	"time"

	"hotcell/internal/value/guard"
)

// wiping takes values out of the fields of pages.
type wiping struct {
	driver *Driver
	values [][]byte
	prints *guard.Patterns
	// all has every field for a secret be emptied, whatever is in it.
	all *tab
}

// The bounds of wiping: how long, and how often a page may put a value back.
const (
	wipeTime = 10 * time.Second
	maxWipes = 3
)

// wipe takes the real values out of all fields of all pages, however the sign-in
// ended: also where the call was given up, which has nothing to do with what the
// pages hold. A page that keeps one is left; left says so.
func (s *signing) wipe(ctx context.Context) (left bool) {
	if len(s.values) == 0 {
		return false
	}
	w := &wiping{driver: s.driver, values: s.values, prints: printsOf(s.values), all: s.tab}
	for _, n := range s.filled {
		s.tab.keepSecret(n.session, n.BackendNodeID)
	}
	left = w.pages(ctx)
	w.detached(ctx, s.filled)
	for _, value := range s.values {
		clear(value)
	}
	s.values, s.filled = nil, nil
	telling, cancel := context.WithTimeout(context.WithoutCancel(ctx), tellTime)
	defer cancel()
	if err := s.driver.Config.Hand.Filled(telling, s.at); err != nil {
		s.driver.Log.Error("that a form is empty could not be told of", "error", err)
	}
	return left
}

// detached empties the fields that were filled, also where a page has taken them out
// of its document, to put them back later as what they are not.
func (w *wiping) detached(ctx context.Context, filled []*node) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), wipeTime)
	defer cancel()
	for _, n := range filled {
		_ = n.session.call(ctx, n.BackendNodeID, empty, nil) // one that is no more is empty
	}
}

func printsOf(values [][]byte) *guard.Patterns {
	builder := guard.NewBuilder()
	for _, value := range values {
		_ = builder.Add(guard.Label{}, value) // what is too short for it is looked for as it is
	}
	return builder.Build()
}

// pages goes through all pages.
func (w *wiping) pages(ctx context.Context) (left bool) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), wipeTime)
	defer cancel()
	for _, t := range w.driver.open() {
		if !w.page(ctx, t) {
			left = true
			w.driver.abandon(ctx, t)
		}
	}
	return left
}

// page says whether a page holds nothing any more. That a field was emptied is not
// believed, but looked at.
func (w *wiping) page(ctx context.Context, t *tab) bool {
	for range maxWipes {
		fields, err := w.find(ctx, t)
		if err != nil {
			return false
		}
		if len(fields) == 0 {
			return true
		}
		for _, f := range fields {
			_ = f.session.call(ctx, f.BackendNodeID, empty, nil)
		}
	}
	fields, err := w.find(ctx, t)
	return err == nil && len(fields) == 0
}

// empty empties a field by what the browser has for that, and not by keys, which a
// page can refuse. The page is told, since some put back what they know.
const empty = `function() {
	if (!this.value) return
	const kind = this instanceof HTMLTextAreaElement ? HTMLTextAreaElement : HTMLInputElement
	Object.getOwnPropertyDescriptor(kind.prototype, 'value').set.call(this, '')
	for (const name of ['input', 'change']) this.dispatchEvent(new Event(name, {bubbles: true}))
}`

// find looks for live fields that hold a value: hidden ones too, and those in
// shadow roots and frames.
func (w *wiping) find(ctx context.Context, t *tab) (out []*node, err error) {
	for i, s := range t.allSessions() {
		shot, err := s.capture(ctx)
		if err != nil {
			if i == 0 || ctx.Err() != nil {
				return nil, err
			}
			continue // a frame that has just gone
		}
		for id, text := range shot.fields() {
			if text != "" && (w.all == t && t.isSecret(s, id) || w.held([]byte(text))) {
				out = append(out, &node{session: s, BackendNodeID: id})
			}
		}
	}
	return out, nil
}

// held says whether a text has a value in it.
func (w *wiping) held(text []byte) bool {
	return w.prints.Contains(text) || slices.ContainsFunc(w.values, func(value []byte) bool {
		return len(value) >= minShort && bytes.Contains(text, value)
	})
}

// abandonTime is how long a page may take to be left.
const abandonTime = 3 * time.Second

// abandon leaves a page for an empty one; one that cannot be left is closed.
func (d *Driver) abandon(ctx context.Context, t *tab) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abandonTime)
	defer cancel()
	if t.do(ctx, "Page.navigate", args{"url": "about:blank"}, nil) == nil {
		if address, _ := t.at(ctx); address == "about:blank" {
			return
		}
	}
	closing, stop := context.WithTimeout(context.Background(), abandonTime)
	defer stop()
	_ = d.root.do(closing, "Target.closeTarget", args{"targetId": t.target}, nil)
	select {
	case <-t.gone:
	case <-closing.Done():
	}
}
