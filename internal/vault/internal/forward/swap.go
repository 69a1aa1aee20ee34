package forward

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"hotcell"
	"hotcell/internal/value/guard"
	"hotcell/internal/value/sensitive"
	"hotcell/internal/wire/place"
)

// The sizes of bodies that are read as a whole, in bytes: where a stand-in is to be
// swapped or a field could lead around something, and where a field could only be
// called as a credential is.
const (
	maxSwapped = 8 << 20
	maxLooked  = 256 << 10
)

// body looks at the fields of a body and swaps stand-ins in those that are
// declared. A body that holds none is handed on as it comes.
func (m *mounting) body() error {
	if m.out.Body == nil || m.out.Body == http.NoBody {
		return nil
	}
	if kinds, _, _ := strings.Cut(m.out.Header.Get("Content-Type"), ";"); len(m.out.Header["Content-Type"]) > 1 || strings.Contains(kinds, ",") {
		return fmt.Errorf("%w: the request says in two ways what its body is", hotcell.ErrDenied)
	}
	kind := m.out.Header.Get("Content-Type")
	form, _ := place.FormOf(kind)
	needed, most := m.needed(form)
	if form == place.None && !place.Unsaid(kind) && (m.out.ContentLength < 0 || m.out.ContentLength > most) {
		m.stream(m.out.Body) // it may be a conversation
		return nil
	}
	if coding := m.out.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		if needed && form != place.None {
			return fmt.Errorf("%w: the fields of a body with the coding %s cannot be looked at: send it as it is", hotcell.ErrDenied, coding)
		}
		return nil // what is packed is swapped nowhere, and arrives as it is
	}
	if !needed && m.model {
		return nil
	}
	size := m.out.ContentLength
	if size < 0 || size > most {
		size = most
	}
	if err := m.hold(size * copies); err != nil {
		return err
	}
	text, err := io.ReadAll(io.LimitReader(m.out.Body, most+1))
	if err != nil {
		return fmt.Errorf("%w: reading the body: %w", hotcell.ErrUnavailable, err)
	}
	if int64(len(text)) > most {
		return m.large(form, needed, text)
	}
	return m.whole(kind, needed, text)
}

// needed says whether a body's fields must be read, and up to which length.
func (m *mounting) needed(form place.Form) (needed bool, most int64) {
	if m.takes() || m.narrowed() || form == place.URLForm {
		return true, maxSwapped
	}
	return false, maxLooked
}

// takes says whether a field of the body may be a credential, by declaration or by
// what is known of the service.
func (m *mounting) takes() bool {
	return place.TakesFields(m.host) || slices.ContainsFunc(m.guests, func(g guest) bool {
		return slices.ContainsFunc(g.places, func(p place.Place) bool { return p.Kind == place.Body })
	})
}

// large is a body that is longer than what is read as a whole.
func (m *mounting) large(form place.Form, needed bool, text []byte) error {
	rest := io.MultiReader(bytes.NewReader(text), m.out.Body)
	switch {
	case !needed, form == place.None, form == place.JSON && !m.takes() && !m.narrowed():
	case form == place.Multipart:
		heads, err := place.NewHeads(m.out.Header.Get("Content-Type"), m.unwanted)
		if err != nil {
			return fmt.Errorf("%w: %w", hotcell.ErrDenied, err)
		}
		rest = &named{from: rest, heads: heads}
	default:
		return fmt.Errorf("%w: the fields of a body of more than %d MiB cannot be looked at", hotcell.ErrDenied, maxSwapped>>20)
	}
	m.stream(rest)
	return nil
}

// stream hands a body on as it comes; one that holds a stand-in breaks off.
func (m *mounting) stream(from io.Reader) {
	if m.patterns != nil && !m.model {
		from = m.patterns.Reader(from, func(guard.Match) guard.Verdict { return guard.Refuse })
	}
	m.out.Body = &watched{Reader: from, closer: m.out.Body}
}

// whole is a body that was read.
func (m *mounting) whole(kind string, needed bool, text []byte) error {
	form, fields, err := place.Fields(text, kind, m.wanted)
	if err != nil && needed {
		return fmt.Errorf("%w: %w", hotcell.ErrDenied, err)
	}
	rest := text
	var edits []edit
	seen := map[string]int{}
	for _, f := range fields {
		seen[f.Name]++
		p := place.Place{Kind: place.Body, Name: f.Name}
		if value, ok := m.at(p)(f.Text); ok {
			edits = append(edits, edit{f.From, f.To, place.Escape(form, value)})
			continue
		}
		switch {
		case m.narrowed() && place.OverridesField(f.Name):
			return overriding(m.uses, p)
		case place.ForeignName(m.host, m.out.URL.Path, form, f.Name, m.ours):
			return notOurs(m.uses, p)
		}
	}
	for _, f := range fields {
		if seen[f.Name] > 1 && slices.ContainsFunc(edits, func(e edit) bool { return f.From == e.from }) {
			return twice(place.Place{Kind: place.Body, Name: f.Name})
		}
	}
	if len(edits) > 0 {
		rest = splice(text, edits, true)
	}
	if whose, found := m.holds(string(rest)); found && !m.model {
		return elsewhere(whose, place.Place{Kind: place.Body, Name: m.fieldOf(whose, kind, rest)})
	}
	if len(edits) == 0 {
		m.out.Body = &watched{Reader: bytes.NewReader(text), closer: m.out.Body}
		return nil
	}
	swapped := splice(text, edits, false)
	for _, e := range edits {
		sensitive.Wipe(e.value)
	}
	m.out.Body = &wiped{Reader: bytes.NewReader(swapped), text: swapped}
	m.out.ContentLength = int64(len(swapped))
	for _, name := range []string{"Content-Length", "Content-Md5", "Digest", "Content-Digest", "Repr-Digest"} {
		m.out.Header.Del(name)
	}
	return nil
}

// fieldOf is the field that holds a stand-in, so that people can be told which.
func (m *mounting) fieldOf(whose, kind string, text []byte) string {
	_, fields, _ := place.Fields(text, kind, func(string) bool { return true })
	for i, f := range fields {
		if i < 1000 && len(f.Name) <= 64 {
			if name, found := m.holds(f.Text); found && name == whose {
				return strings.ToValidUTF8(f.Name, "")
			}
		}
	}
	return "FIELD"
}

// wanted are the names of fields that are looked at.
func (m *mounting) wanted(name string) bool {
	p := place.Place{Kind: place.Body, Name: name}
	for _, g := range m.guests {
		if slices.Contains(g.places, p) {
			return true
		}
	}
	return m.narrowed() && place.OverridesField(name) || place.ForeignName(m.host, m.out.URL.Path, place.URLForm, name, m.ours)
}

// edit is a place in a body where a value goes.
type edit struct {
	from, to int
	value    []byte
}

// splice puts values in, or leaves their places empty.
func splice(text []byte, edits []edit, empty bool) []byte {
	size := len(text)
	for _, e := range edits {
		size += len(e.value)
	}
	out, at := make([]byte, 0, size), 0
	for _, e := range edits {
		out = append(out, text[at:e.from]...)
		if !empty {
			out = append(out, e.value...)
		}
		at = e.to
	}
	return append(out, text[at:]...)
}

// watched is a body on its way, with what it came from.
type watched struct {
	io.Reader
	closer io.Closer
}

// Close implements [io.Closer].
func (w *watched) Close() error { return w.closer.Close() }

// wiped is a body that is cleared when it was sent.
type wiped struct {
	*bytes.Reader
	text []byte
}

// Close implements [io.Closer].
func (w *wiped) Close() error {
	w.Reset(nil)
	sensitive.Wipe(w.text)
	return nil
}

// errNamed is a part that a large body may not have.
var errNamed = errors.New("a part of the body has a name that could sign somebody in, or make the request another one, or its head can be read in two ways")

// named hands a multipart body on until a part has a name that it may not have.
type named struct {
	from  io.Reader
	heads *place.Heads
}

// Read implements [io.Reader].
func (n *named) Read(p []byte) (int, error) {
	count, err := n.from.Read(p)
	if name, unread := n.heads.Read(p[:count]); name != "" || unread != nil {
		return 0, errNamed
	}
	return count, err
}

// unwanted says whether no part of a large body may be called so: neither what is swapped
// nor what could lead around something is looked at there.
func (m *mounting) unwanted(name string) bool {
	p := place.Place{Kind: place.Body, Name: name}
	return m.narrowed() && place.OverridesField(name) || place.ForeignName(m.host, m.out.URL.Path, place.Multipart, name, m.ours) || slices.ContainsFunc(m.guests, func(g guest) bool { return slices.Contains(g.places, p) })
}
