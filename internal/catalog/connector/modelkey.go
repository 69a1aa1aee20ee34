package connector

import (
	"bytes"
	"slices"
	"strings"

	"hotcell/internal/text/site"
)

// ModelKey is the slug of the model's provider whose key a variable holds, by the first
// characters of its value, else by its name; empty for all others. A nil value is one
// that nobody may see: then the name tells.
func (c *Catalog) ModelKey(variable string, value []byte) string {
	best, slug := 0, ""
	for _, one := range c.All() {
		for _, p := range one.Advise.Prefixes {
			if one.Model && len(p) > best && bytes.HasPrefix(value, []byte(p)) {
				best, slug = len(p), one.Slug
			}
		}
	}
	if slug != "" {
		return slug
	}
	for _, one := range c.All() {
		if one.Model && slices.ContainsFunc(one.Advise.Variables, func(name string) bool { return strings.EqualFold(name, variable) }) {
			return one.Slug
		}
	}
	if bytes.HasPrefix(value, []byte("sk-")) && bytes.Contains(value, []byte("T3BlbkFJ")) { // OpenAI's older keys
		return "openai"
	}
	return ""
}

// IsOf says whether a host is a provider's own.
func (c *Connector) IsOf(host string, port int) bool {
	return slices.ContainsFunc(c.Advise.Hosts, func(h string) bool {
		return site.Covers(h, host, port) || strings.HasSuffix(host, "."+strings.TrimPrefix(h, "*."))
	})
}
