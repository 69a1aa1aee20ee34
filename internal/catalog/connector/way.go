package connector

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"hotcell"
)

// authDocuments is one way of authorisation, or a list of them.
type authDocuments []authDocument

// UnmarshalYAML reads one, or a list.
func (d *authDocuments) UnmarshalYAML(read func(any) error) error {
	var shape any
	if err := read(&shape); err != nil {
		return err
	}
	if _, many := shape.([]any); many {
		return read((*[]authDocument)(d))
	}
	*d = make(authDocuments, 1)
	return read(&(*d)[0])
}

// compileAuth takes the ways of authorisation: the first is the connector's own,
// and each other makes a connector that differs in it alone.
func compileAuth(c *Connector, d *document) error {
	if len(d.Auth) == 0 {
		return hotcell.Invalid("/auth/kind", "a connector is authorised by oauth2, client_credentials, device, key, basic, service_account or none")
	}
	for i := range d.Auth {
		path := "/auth"
		if len(d.Auth) > 1 {
			path += "/" + strconv.Itoa(i)
		}
		a, err := newAuth(&d.Auth[i], path, c.Definition != "")
		switch {
		case err != nil:
			return err
		case i == 0:
			c.Auth = a
			continue
		case c.Definition != "":
			return hotcell.Invalid("/auth", "what describes itself has one way of authorisation")
		case slices.Contains(c.Kinds(), a.Kind):
			return hotcell.Invalid(path+"/kind", "each way of authorisation is of another kind")
		}
		if a.Headers == nil {
			a.Headers = c.Auth.Headers
		}
		c.ways = append(c.ways, &Connector{Auth: a})
	}
	return nil
}

// spread gives the other ways what all have in common.
func (c *Connector) spread() {
	for i, way := range c.ways {
		whole := *c
		whole.Auth, whole.ways = way.Auth, nil
		c.ways[i] = &whole
	}
}

// Kinds are the ways of authorisation, the first one first.
func (c *Connector) Kinds() []Kind {
	out := []Kind{c.Auth.Kind}
	for _, way := range c.ways {
		out = append(out, way.Auth.Kind)
	}
	return out
}

// Ways are the connector by each of its ways of authorisation.
func (c *Connector) Ways() []*Connector { return append([]*Connector{c}, c.ways...) }

// By is the connector by one of its ways of authorisation; its first where none is
// named.
func (c *Connector) By(kind Kind) (*Connector, error) {
	if kind == "" {
		return c, nil
	}
	for _, way := range c.Ways() {
		if way.Auth.Kind == kind {
			return way, nil
		}
	}
	var there []string
	for _, known := range c.Kinds() {
		there = append(there, string(known))
	}
	return nil, hotcell.Invalid("/auth", "%s is not authorised so: it is by %s", c.Name, strings.Join(there, ", or by "))
}

// Of is the connector as a connection was made by it.
func (c *Connector) Of(on *hotcell.Connected) (*Connector, error) {
	return c.as(on.Auth, on.Endpoints)
}

// For is the connector as a link is to be connected by it.
func (c *Connector) For(l *hotcell.Link) (*Connector, error) {
	return c.as(l.Auth, l.Endpoints)
}

func (c *Connector) as(kind string, e *hotcell.Endpoints) (*Connector, error) {
	if e != nil {
		return c.With(e), nil
	}
	way, err := c.By(Kind(kind))
	if err != nil {
		return nil, fmt.Errorf("%w: %s is not connected in this way any more", hotcell.ErrUnavailable, c.Name)
	}
	return way, nil
}

// Keyed says whether something is given for it, where others are signed in to.
func (k Kind) Keyed() bool {
	switch k {
	case Key, Basic, ServiceAccount, ClientCredentials:
		return true
	case OAuth2, Device, None:
	}
	return false
}

// Signs says whether a person signs in for it at the service, which takes an OAuth
// client.
func (k Kind) Signs() bool { return k == OAuth2 || k == Device }

// Takes says whether a key may be one of this way, by its first characters.
func (a *Auth) Takes(key string) bool {
	return a.Kind.Keyed() && (len(a.Prefixes) == 0 || slices.ContainsFunc(a.Prefixes, func(p string) bool { return strings.HasPrefix(key, p) }))
}
