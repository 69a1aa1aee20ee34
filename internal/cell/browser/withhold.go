package browser

import (
	"bytes"
	"context"
	"slices"

	"hotcell/internal/line/cellrpc"
	"hotcell/internal/text/site"
	"hotcell/internal/value/guard"
)

// sieve finds what must not leave: by fingerprints in every form, and what is too
// short or too plain for those as it is.
type sieve struct {
	prints *guard.Patterns
	short  [][]byte
}

// redact takes out what must not leave.
func (n *sieve) redact(text []byte) []byte {
	text = n.prints.Redact(text)
	for _, word := range n.short {
		text = swap(text, word, bytes.Repeat([]byte("*"), len(word)))
	}
	return text
}

// holds says whether there is something in a text that must not leave.
func (n *sieve) holds(text []byte) bool {
	return n.prints.Contains(text) || slices.ContainsFunc(n.short, func(word []byte) bool {
		return !bytes.Equal(swap(text, word, nil), text)
	})
}

// swap replaces a word where it stands by itself.
func swap(text, word, by []byte) []byte {
	var out []byte
	for from := 0; ; {
		at := bytes.Index(text[from:], word)
		if at < 0 {
			return append(out, text[from:]...)
		}
		at += from
		end := at + len(word)
		out = append(out, text[from:at]...)
		if at > 0 && joined(text[at-1], word[0]) || end < len(text) && joined(text[end], word[len(word)-1]) {
			out = append(out, word...)
		} else {
			out = append(out, by...)
		}
		from = end
	}
}

// joined says whether two neighbours are of one word, or of one number.
func joined(a, b byte) bool {
	digit := func(c byte) bool { return c >= '0' && c <= '9' }
	letter := func(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' || c >= 0x80 }
	return digit(a) && digit(b) || letter(a) && letter(b)
}

// minShort is how short a value may be that is looked for at all, in bytes.
const minShort = 3

// The bounds of what is looked for: of one site, and how many sites.
const (
	maxValues = 400
	maxSites  = 100
)

// keeping is what one site has given the browser to be known by, and what was
// typed there that nobody is to have.
type keeping struct {
	origin cellrpc.Origin
	values [][]byte
}

// withhold has the guard look for values that belong to a site, here and outside,
// for as long as the browser lives.
func (d *Driver) withhold(ctx context.Context, of cellrpc.Origin, values ...[]byte) {
	name, fresh := site.Registrable(of.Host), false
	d.mu.Lock()
	kept := d.kept[name]
	if kept == nil {
		if len(d.kept) >= maxSites {
			d.mu.Unlock()
			d.Log.Error("too many sites are known: what another gave is not looked for", "site", name)
			return
		}
		kept = &keeping{origin: of}
		d.kept[name] = kept
	}
	for _, value := range values {
		if len(value) < minShort || slices.ContainsFunc(kept.values, func(old []byte) bool { return bytes.Equal(old, value) }) {
			continue
		}
		fresh = true
		if kept.values = append(kept.values, bytes.Clone(value)); len(kept.values) > maxValues {
			kept.values = kept.values[1:]
		}
	}
	all := slices.Clone(kept.values)
	d.mu.Unlock()
	if !fresh {
		return
	}
	d.learn()
	d.tell(ctx, kept.origin, all)
}

// tell has the gateway know what belongs to a site: all of it, each time.
func (d *Driver) tell(ctx context.Context, of cellrpc.Origin, values [][]byte) {
	builder := guard.NewBuilder()
	for _, value := range values {
		// What cannot be looked for in requests is looked for in what the agent gets.
		_ = builder.Add(guard.Label{ID: "session", Name: "session of " + of.Host}, value)
	}
	prints, err := builder.Fingerprints().MarshalBinary()
	if err == nil {
		err = d.Config.Hand.Session(ctx, cellrpc.Session{Origin: of, Prints: prints})
	}
	if err != nil {
		d.Log.Error("a site's session could not be told of", "error", err)
	}
}

// maxTyped is how much of what people typed is looked for.
const maxTyped = 1000

// keepTyped has the driver's own guard look for what a person typed, and for its
// parts: a page may have copied it before it was whole.
func (d *Driver) keepTyped(value []byte) {
	d.mu.Lock()
	if !slices.ContainsFunc(d.typed, func(old []byte) bool { return bytes.Equal(old, value) }) {
		if d.typed = append(d.typed, bytes.Clone(value)); len(d.typed) > maxTyped {
			d.typed = d.typed[1:]
		}
	}
	d.mu.Unlock()
	d.learn()
}

// learn has the driver's own guard look for all values.
func (d *Driver) learn() {
	builder, found := guard.NewBuilder().WithParts(), &sieve{}
	d.mu.Lock()
	for _, value := range d.typed {
		if builder.Add(guard.Label{ID: "typed", Name: "typed"}, value) != nil {
			found.short = append(found.short, value)
		}
	}
	for _, kept := range d.kept {
		for _, value := range kept.values {
			if builder.AddWhole(guard.Label{ID: "session", Name: "session"}, value) != nil {
				found.short = append(found.short, value)
			}
		}
	}
	found.prints = builder.Build()
	d.sieve.Store(found)
	d.mu.Unlock()
}
