package forward

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"hotcell"
	"hotcell/internal/value/guard"
	"hotcell/internal/value/sensitive"
	"hotcell/internal/vault/internal/door"
	"hotcell/internal/wire/inject"
	"hotcell/internal/wire/place"
	"hotcell/internal/wire/standin"
)

// mounting puts the credentials of one or several attachments onto one request,
// and sees to it that nothing else on it signs anybody in.
type mounting struct {
	out    *http.Request
	host   string
	uses   []*door.Used
	guests []guest
	// patterns find stand-ins in any form; nil where there are none.
	patterns *guard.Patterns
	// model is true for a host of models: an agent speaks of what it sees, so a
	// stand-in in a prompt passes as it is.
	model bool
	// ours are the places that hold what is ours, or what the job may bring.
	ours place.Set
	// cookies are those that the jar has for the host.
	cookies []*http.Cookie
	// note says what was left out.
	note string
	// hold waits until the job may hold as many bytes more in memory.
	hold func(n int64) error
}

// guest is a credential that the job has stand-ins for, and where they may stand.
type guest struct {
	name   string
	pairs  []standin.Pair
	places place.Set
}

// mount puts the credentials on. What it refuses is [hotcell.ErrDenied], and names
// the place.
func (s *Service) mount(m *mounting, job hotcell.JobID) error {
	defer m.clear()
	if err := s.invite(m, job); err != nil {
		return err
	}
	for _, step := range []func() error{m.headers, m.query, m.path, m.bake, func() error { return s.keys(m, false) }, m.overrides, m.foreign, m.trailers, m.body, func() error { return s.keys(m, true) }} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (m *mounting) clear() {
	for _, g := range m.guests {
		for _, p := range g.pairs {
			sensitive.Wipe(p.Value)
		}
	}
}

// invite makes the stand-ins of the credentials that are attached so.
func (s *Service) invite(m *mounting, job hotcell.JobID) error {
	for _, used := range m.uses {
		for _, text := range used.Use.Brings {
			if p, err := place.Parse(text); err == nil {
				m.ours = append(m.ours, p)
			}
		}
		if used.Use.As != hotcell.InjectStandIn {
			continue
		}
		g := guest{name: used.Use.Name, places: place.Of(used.Use.Places, m.host)}
		for _, f := range used.Fields {
			err := f.Value.Use(func(b []byte) error {
				_, made, err := standin.Make(s.Vault.Seed(job, used.Use, f.Name), b)
				g.pairs = append(g.pairs, made...)
				return err
			})
			if err != nil {
				m.guests = append(m.guests, g) // its values are wiped with the others'
				return fmt.Errorf("%w: the variable %s of %q: %w", hotcell.ErrDenied, f.Name, used.Use.Name, err)
			}
		}
		m.guests = append(m.guests, g)
	}
	if len(m.guests) > 0 {
		m.patterns = s.standIns.of(job, m)
	}
	return nil
}

// at is what a stand-in stands for where it stands in a place; false where it may
// not, or is none.
func (m *mounting) at(p place.Place) func(text string) ([]byte, bool) {
	return func(text string) ([]byte, bool) {
		for _, g := range m.guests {
			if !slices.Contains(g.places, p) {
				continue
			}
			for _, pair := range g.pairs {
				if text == string(pair.StandIn) {
					return pair.Value, true
				}
			}
		}
		return nil, false
	}
}

// holds says whether a text holds a stand-in in any form, and whose.
func (m *mounting) holds(text string) (name string, found bool) {
	for _, g := range m.guests {
		for _, pair := range g.pairs {
			if strings.Contains(text, string(pair.StandIn)) {
				return g.name, true
			}
		}
	}
	if m.patterns == nil || len(text) < 8 {
		return "", false
	}
	if found := m.patterns.Find([]byte(text)); len(found) > 0 {
		return found[0].Name, true
	}
	return "", false
}

// elsewhere refuses a stand-in that stands where none is swapped.
func elsewhere(name string, p place.Place) error {
	return fmt.Errorf("%w: the stand-in of %s stands in %s, where it is not swapped for its value: there it must be the whole value, after a usual prefix, and the place must be declared (hotcell assignments attach … --places %s)", hotcell.ErrDenied, name, p, p)
}

// twice refuses what a service could read in two ways.
func twice(p place.Place) error {
	return fmt.Errorf("%w: %s is there twice, with a stand-in in one", hotcell.ErrDenied, p)
}

func (m *mounting) headers() error {
	for name, values := range m.out.Header {
		p := place.Place{Kind: place.Header, Name: name}
		swapped := 0
		for i, v := range values {
			if text, ok := m.header(p, v); ok {
				values[i] = text
				swapped++
			} else if whose, found := m.holds(v); found && name != "Cookie" {
				return elsewhere(whose, p)
			}
		}
		if whose, found := m.holds(strings.ToLower(name)); found {
			return elsewhere(whose, place.Place{Kind: place.Header, Name: "a header's name"})
		}
		if swapped == 0 {
			continue
		}
		if len(values) > 1 {
			return twice(p)
		}
		m.ours = append(m.ours, p)
	}
	return nil
}

// header swaps a header's value: a stand-in after a usual prefix, or one within a
// Basic pair.
func (m *mounting) header(p place.Place, text string) (string, bool) {
	if len(m.guests) == 0 {
		return text, false
	}
	value := m.at(p)
	if whole, ok := value(text); ok {
		return string(whole), true
	}
	if pair, ok := place.Basic(text); ok {
		swapped, ok := pair.Swap(value)
		return swapped.String(), ok
	}
	before, credential := place.Split(text)
	whole, ok := value(credential)
	return before + string(whole), ok
}

func (m *mounting) query() error {
	if m.out.URL.RawQuery == "" || len(m.guests) == 0 {
		return nil
	}
	pairs := strings.Split(m.out.URL.RawQuery, "&")
	var rest []string
	var swapped place.Set
	names := map[string]int{}
	for i, pair := range pairs {
		name, text, _ := strings.Cut(pair, "=")
		p := place.Place{Kind: place.Query, Name: unescaped(name)}
		names[p.Name]++
		value, ok := m.at(p)(unescaped(text))
		if !ok {
			rest = append(rest, pair)
			continue
		}
		pairs[i] = name + "=" + url.QueryEscape(string(value))
		swapped = append(swapped, p)
	}
	for _, p := range swapped {
		if names[p.Name] > 1 {
			return twice(p)
		}
	}
	for _, pair := range rest {
		if whose, found := m.holds(pair); found {
			name, _, _ := strings.Cut(pair, "=")
			return elsewhere(whose, place.Place{Kind: place.Query, Name: strings.ToValidUTF8(unescaped(name), "")})
		}
	}
	if whose, found := m.holds(strings.Join(rest, "&")); found {
		return elsewhere(whose, place.Place{Kind: place.Query, Name: "several parameters"})
	}
	m.ours = append(m.ours, swapped...)
	m.out.URL.RawQuery = strings.Join(pairs, "&")
	return nil
}

func unescaped(text string) string {
	if out, err := url.QueryUnescape(text); err == nil {
		return out
	}
	return text
}

func (m *mounting) path() error {
	if len(m.guests) == 0 {
		return nil
	}
	segments := strings.Split(m.out.URL.EscapedPath(), "/")
	changed := false
	for i, segment := range segments {
		text, err := url.PathUnescape(segment)
		if err != nil {
			continue
		}
		if value, ok := m.segment(text); ok {
			segments[i], changed = value, true
		} else if whose, found := m.holds(text); found {
			return elsewhere(whose, place.Place{Kind: place.Path})
		}
	}
	if !changed {
		if whose, found := m.holds(m.out.URL.EscapedPath()); found {
			return elsewhere(whose, place.Place{Kind: place.Path})
		}
		return nil
	}
	raw := strings.Join(segments, "/")
	text, err := url.PathUnescape(raw)
	if err != nil {
		return fmt.Errorf("%w: the value cannot stand in a path", hotcell.ErrDenied)
	}
	m.out.URL.Path, m.out.URL.RawPath = text, raw
	return nil
}

// segment swaps a segment of the path, after what its place says.
func (m *mounting) segment(text string) (string, bool) {
	for _, g := range m.guests {
		for _, p := range g.places {
			rest, begins := strings.CutPrefix(text, p.Name)
			if p.Kind != place.Path || !begins {
				continue
			}
			if value, ok := m.at(p)(rest); ok {
				return url.PathEscape(p.Name + string(value)), true
			}
		}
	}
	return "", false
}

// keys puts on the connections' keys: last those that sign the whole request.
func (s *Service) keys(m *mounting, signing bool) error {
	for _, used := range m.uses {
		if used.Use.As == hotcell.InjectStandIn || used.Use.HTTP == nil || (used.Use.HTTP.Auth.Kind == inject.SigV4) != signing {
			if used.Use.As != hotcell.InjectStandIn && used.Use.HTTP == nil {
				return fmt.Errorf("%w: the connection has no key", hotcell.ErrTampered)
			}
			continue
		}
		if err := s.put(m.out, used); err != nil {
			return err
		}
	}
	if signing {
		return nil
	}
	for _, used := range m.uses {
		if used.Use.As == hotcell.InjectStandIn {
			continue
		}
		for i, p := range place.OfAuth(used.Use.HTTP.Auth) {
			if i == 0 && slices.Contains(m.ours, p) && !slices.Contains(used.Use.Brings, p.String()) {
				return fmt.Errorf("%w: two credentials of the job belong into %s", hotcell.ErrDenied, p)
			}
			m.ours = append(m.ours, p)
		}
	}
	return nil
}

// foreign refuses what could sign somebody else in.
func (m *mounting) foreign() error {
	at, found := place.Foreign(m.host, m.out.Header, m.out.URL.RawQuery, m.ours)
	if !found {
		return nil
	}
	return notOurs(m.uses, at)
}

func notOurs(uses []*door.Used, at place.Place) error {
	return fmt.Errorf("%w: the request brings a credential that is not the job's, in %s, beside what is attached (%s): leave it out; if it is none, or the job may bring it, declare it (hotcell assignments attach … --brings %s)", hotcell.ErrDenied, at, called(uses), at)
}

func called(uses []*door.Used) string {
	names := make([]string, 0, len(uses))
	for _, used := range uses {
		names = append(names, used.Use.Name)
	}
	return strings.Join(names, ", ")
}

// overrides refuses what leads around a narrowing.
func (m *mounting) overrides() error {
	if !m.narrowed() {
		return nil
	}
	if at, found := place.Override(m.out.Header, m.out.URL.RawQuery); found {
		return overriding(m.uses, at)
	}
	return nil
}

func overriding(uses []*door.Used, at place.Place) error {
	return fmt.Errorf("%w: the attachment of %s is narrowed to methods or paths, and %s could make the request another one", hotcell.ErrDenied, called(uses), at)
}

func (m *mounting) narrowed() bool {
	return slices.ContainsFunc(m.uses, func(u *door.Used) bool { return len(u.Use.Methods)+len(u.Use.Paths) > 0 })
}

// trailers refuses trailers that could sign somebody in; what comes without being
// announced is left out.
func (m *mounting) trailers() error {
	announced := http.Header{}
	for name := range m.out.Trailer {
		announced[http.CanonicalHeaderKey(name)] = nil
	}
	if at, found := place.Foreign(m.host, announced, "", nil); found {
		return fmt.Errorf("%w: a trailer %s could sign somebody in", hotcell.ErrDenied, at.Name)
	}
	if len(announced) > 0 {
		m.out.Body = &trailed{ReadCloser: m.out.Body, trailer: m.out.Trailer, announced: announced, mounting: m}
	}
	return nil
}

// trailed is a body whose end brings trailers: of those, what was announced and
// holds no stand-in goes on.
type trailed struct {
	io.ReadCloser
	trailer, announced http.Header
	mounting           *mounting
}

// Read implements [io.Reader].
func (t *trailed) Read(p []byte) (int, error) {
	n, err := t.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		for name, values := range t.trailer {
			_, known := t.announced[name]
			if _, strayed := t.mounting.holds(strings.Join(values, "\n")); !known || strayed {
				delete(t.trailer, name)
			}
		}
	}
	return n, err
}
