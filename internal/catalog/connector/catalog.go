package connector

import (
	"embed"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"hotcell"
)

//go:embed documents/*.yaml
var embedded embed.FS

// Document is a connector's document with the name of its file.
type Document struct {
	Name string `json:"name"`
	Text []byte `json:"text"`
}

// Override is the operator's word on where a connector's requests go. Empty
// fields leave what the document says.
type Override struct {
	Base      string   `yaml:"base" json:"base,omitempty"`
	Also      []string `yaml:"also" json:"also,omitempty"`
	Authorize string   `yaml:"authorize" json:"authorize,omitempty"`
	Token     string   `yaml:"token" json:"token,omitempty"`
	Revoke    string   `yaml:"revoke" json:"revoke,omitempty"`
	Device    string   `yaml:"device" json:"device,omitempty"`
	Issuer    string   `yaml:"issuer" json:"issuer,omitempty"`
	// Origins are what stands for origins of Also: where the document names one, the
	// request goes to the other.
	Origins map[string]string `yaml:"origins" json:"origins,omitempty"`
}

// Options say what a catalogue has beside the documents that come with it.
type Options struct {
	Own       []Document
	Overrides map[string]Override
}

// Catalog is all connectors. It may be used at once from anywhere.
type Catalog struct {
	sorted []*Connector
	by     map[string]*Connector
}

// Load makes a catalogue. An error names the file, and is the operator's to mend.
func Load(o Options) (*Catalog, error) {
	c := &Catalog{by: map[string]*Connector{}}
	if err := c.shipped(); err != nil {
		return nil, err
	}
	for _, d := range o.Own {
		if err := c.add(d, true); err != nil {
			return nil, err
		}
	}
	for name, override := range o.Overrides {
		found, ok := c.by[name]
		if !ok {
			return nil, hotcell.Invalid("/connectors/overrides/"+name, "there is no connector of this slug")
		}
		if err := found.override(override); err != nil {
			return nil, at("/connectors/overrides/"+name, err)
		}
	}
	c.sort()
	return c, nil
}

// Plus is the catalogue with documents of somebody's own besides.
func (c *Catalog) Plus(own ...Document) (*Catalog, error) {
	out := &Catalog{by: maps.Clone(c.by)}
	for _, d := range own {
		if err := out.add(d, true); err != nil {
			return nil, err
		}
	}
	out.sort()
	return out, nil
}

func (c *Catalog) sort() {
	c.sorted = slices.SortedFunc(maps.Values(c.by), func(a, b *Connector) int { return strings.Compare(a.Slug, b.Slug) })
}

// shipped adds the connectors that come with Hotcell.
func (c *Catalog) shipped() error {
	files, err := embedded.ReadDir("documents")
	if err != nil {
		return fmt.Errorf("reading the connectors: %w", err)
	}
	for _, f := range files {
		text, err := embedded.ReadFile("documents/" + f.Name())
		if err != nil {
			return fmt.Errorf("reading the connectors: %w", err)
		}
		if err := c.add(Document{f.Name(), text}, false); err != nil {
			return err
		}
	}
	return nil
}

func (c *Catalog) add(d Document, own bool) error {
	made, err := Parse(d.Text)
	if err != nil {
		for _, p := range Lint(d.Text) {
			return fmt.Errorf("%w: the connector %s, line %d: %s: %s", hotcell.ErrInvalid, d.Name, p.Line, p.Path, p.Detail)
		}
		return fmt.Errorf("the connector %s: %w", d.Name, err)
	}
	if before := c.by[made.Slug]; before != nil && (before.Own || !own) {
		return fmt.Errorf("%w: two connectors have the slug %s, one of them in %s", hotcell.ErrInvalid, made.Slug, d.Name)
	}
	made.Own = own
	c.by[made.Slug] = made
	return nil
}

// override takes the operator's addresses. They may be plain HTTP on this
// machine, and nowhere else.
func (c *Connector) override(o Override) error {
	if o.Base != "" {
		u, err := url.Parse(o.Base)
		if err != nil || !secure(o.Base) {
			return hotcell.Invalid("/base", "a base is an https URL, or http on this machine")
		}
		c.plain = u.Scheme == "http"
		if err := c.setBase(o.Base); err != nil {
			return err
		}
		c.Base = o.Base
	}
	if len(o.Also) > 0 {
		c.Also = o.Also
	}
	for from, to := range o.Origins {
		if !isOrigin(to) {
			return hotcell.Invalid("/origins", "an origin is https://HOST, without a path")
		}
		c.Also = append(c.Also, to)
		if c.origins == nil {
			c.origins = map[string]string{}
		}
		c.origins[from] = to
	}
	for i := range c.Ways() {
		a := &c.Auth
		if i > 0 {
			a = &c.ways[i-1].Auth
		}
		if err := a.override(o); err != nil {
			return err
		}
	}
	c.spread()
	return nil
}

// override takes the operator's addresses of one way of authorisation, which has
// such.
func (a *Auth) override(o Override) error {
	for _, e := range []struct {
		name, from string
		to         *string
	}{{"authorize", o.Authorize, &a.Authorize}, {"token", o.Token, &a.Token}, {"revoke", o.Revoke, &a.Revoke}, {"device", o.Device, &a.Device}} {
		if e.from == "" {
			continue
		}
		if !secure(e.from) {
			return hotcell.Invalid("/"+e.name, "an address is an https URL, or http on this machine")
		}
		if a.Token != "" {
			*e.to = e.from
		}
	}
	if o.Revoke != "" {
		a.revoke = nil // by RFC 7009, there
	}
	if o.Issuer != "" {
		a.Issuer, a.Iss = o.Issuer, true
	}
	return nil
}

// All lists the connectors by slug.
func (c *Catalog) All() []*Connector { return c.sorted }

// Find finds a connector by its slug.
func (c *Catalog) Find(slug string) (*Connector, bool) {
	found, ok := c.by[slug]
	return found, ok
}
