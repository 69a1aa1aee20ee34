package cli

import (
	"slices"
	"strings"

	"hotcell/client"
)

// slugMCP is the connector of remote MCP servers: by signing in, or with a key.
const slugMCP = "mcp"

// signsIn says whether a connection is to be made by signing in: as --auth says, else
// by whether a key is given. It takes the way out of the flags, which of a connector
// that describes itself say how a key goes on instead.
func signsIn(of client.Connector, f *connectionFlags, argument bool) (bool, error) {
	keyed := f.key.file != "" || f.from != "" || argument
	if of.Slug == slugMCP { // a server says itself who gives tokens for it
		return !keyed, nil
	}
	if f.auth.Kind != "" && len(of.Ways) > 0 && of.Slug != "openapi" {
		i := slices.IndexFunc(of.Ways, func(w client.Way) bool { return w.Auth == f.auth.Kind })
		if i < 0 {
			return false, usagef("%s is authorised by %s: --auth takes one of these", of.Name, strings.Join(kindsOf(of), ", "))
		}
		f.way, f.auth.Kind = f.auth.Kind, ""
		return of.Ways[i].Signs(), nil
	}
	signs := of.Auth == "oauth2" || of.Auth == "device"
	return signs && !(keyed && takesKey(of)), nil
}

func kindsOf(of client.Connector) (out []string) {
	for _, w := range of.Ways {
		out = append(out, w.Auth)
	}
	return out
}

// takesKey says whether one of a connector's ways takes a key.
func takesKey(of client.Connector) bool {
	return slices.ContainsFunc(of.Ways, func(w client.Way) bool { return !w.Signs() && w.Auth != "none" })
}
