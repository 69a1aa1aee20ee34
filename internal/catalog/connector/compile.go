package connector

import (
	"errors"
	"maps"
	"regexp"
	"slices"

	"hotcell"
)

// compiler compiles the texts of a part of a document, and keeps the errors.
type compiler struct {
	path string
	err  error
}

// fail keeps an error, of a place below.
func (c *compiler) fail(below string, err error) {
	if err != nil {
		c.err = errors.Join(c.err, at(c.path+below, err))
	}
}

func (c *compiler) failIf(bad bool, below, reason string) {
	if bad {
		c.fail(below, hotcell.Invalid("", "%s", reason))
	}
}

func (c *compiler) text(below, s string) *text {
	t, err := newText(s)
	c.fail(below, err)
	return t
}

// optional is nil where there is no text.
func (c *compiler) optional(below, s string) *text {
	if s == "" {
		return nil
	}
	return c.text(below, s)
}

func (c *compiler) tree(below string, v any) *tree {
	t, err := newTree(v, "")
	c.fail(below, err)
	return t
}

func (c *compiler) named(below string, m map[string]any) []named {
	if m == nil {
		return nil
	}
	out := []named{}
	for _, name := range slices.Sorted(maps.Keys(m)) {
		t := c.tree(below+"/"+name, m[name])
		c.failIf(t != nil && t.leaf == nil && below == "/headers", below+"/"+name, "a header is a text")
		out = append(out, named{name, t})
	}
	return out
}

func (c *compiler) part(d *partDocument) filePart {
	p := filePart{name: c.text("/multipart", d.Name), value: c.text("/multipart", d.Value), filename: c.text("/multipart", d.Filename), kind: c.text("/multipart", d.Type)}
	if d.Base64 != "" {
		p.base64 = c.text("/multipart", d.Base64)
		if d.Type == "" {
			p.kind = c.text("/multipart", "application/octet-stream")
		}
	}
	return p
}

// failing compiles what a document says of errors; nil where it says nothing.
func (c *compiler) failing(d *errorsDocument) *failing {
	if d == nil {
		return nil
	}
	return &failing{
		c.optional("/when", d.When), c.optional("/message", d.Message), c.optional("/retry", d.Retry), c.optional("/wait", d.Wait), c.optional("/unknown", d.Unknown),
	}
}

func count(all ...bool) (n int) {
	for _, one := range all {
		if one {
			n++
		}
	}
	return n
}

// matches says whether a text is wholly what a pattern says; an empty pattern
// takes any in one line.
func matches(pattern, s string) bool {
	if pattern == "" {
		pattern = `[^\x00-\x1f\x7f]{0,1000}`
	}
	re, err := regexp.Compile(`\A(?:` + pattern + `)\z`)
	return err == nil && re.MatchString(s)
}
