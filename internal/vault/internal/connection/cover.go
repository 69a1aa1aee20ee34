package connection

import (
	"slices"
	"strings"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/text/shell"
	"hotcell/internal/text/site"
	"hotcell/internal/vault/internal/advice"
)

// Covers names the connector that a secret's variable is for, by its name or by
// the first characters of its value; nil for none.
func (s *Service) Covers(secret, variable string, value []byte) *vaultrpc.Advice {
	for _, c := range s.Catalog.All() {
		var by string
		switch {
		case slices.ContainsFunc(c.Advise.Prefixes, func(p string) bool {
			return len(p) > 2 && strings.HasPrefix(string(value[:min(len(value), len(p))]), p)
		}):
			by = "its value begins like a token of " + c.Name
		case slices.ContainsFunc(c.Advise.Variables, func(name string) bool { return strings.EqualFold(name, variable) }):
			by = "it is the usual variable of " + c.Name
		default:
			continue
		}
		command := "hotcell connections create " + c.Slug
		if way := advice.Keyed(c, string(value[:min(len(value), maxPrefix)])); way != nil {
			command += advice.By(c, way) + " --from-secret " + shell.Quote(secret+"/"+variable)
		}
		return &vaultrpc.Advice{
			Tier: hotcell.TierConnection, Connector: c.Slug, Variable: variable, Command: command,
			Reason: by + ", for which there is a connector: agents then " + advice.Gets(c) + ", and never the value",
		}
	}
	return nil
}

// CoversHost names the connector whose service a host is of; nil for none.
func (s *Service) CoversHost(host string) *vaultrpc.Advice {
	for _, c := range s.Catalog.All() {
		if slices.ContainsFunc(c.Advise.Hosts, func(h string) bool { return site.Covers(h, host, 443) }) {
			return &vaultrpc.Advice{
				Tier: hotcell.TierConnection, Connector: c.Slug, Command: "hotcell connections create " + c.Slug,
				Reason: "there is a connector for " + c.Name + ": agents then " + advice.Gets(c) + ", and no browser has to sign in",
			}
		}
	}
	return nil
}
