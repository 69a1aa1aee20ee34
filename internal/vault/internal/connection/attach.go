package connection

import (
	"fmt"
	"slices"
	"strings"

	"hotcell"
	"hotcell/internal/catalog/connector"
	"hotcell/internal/text/shell"
	"hotcell/internal/text/site"
	"hotcell/internal/vault/internal/door"
	"hotcell/internal/wire/place"
)

// Offered finds what a connection offers, without a look at the store: it is
// asked within a change of that.
type Offered func(hotcell.Credential) (*connector.Connector, error)

// CheckAttach makes the rule for attachments of connections: it refuses one that
// is not a connection's, one with tools that the connection does not offer, and
// one beside another for the same host and port where a request could be meant
// for either.
func CheckAttach(of Offered) func(hotcell.VaultReader, hotcell.Attachment, hotcell.Credential) error {
	return func(r hotcell.VaultReader, on hotcell.Attachment, c hotcell.Credential) error {
		if len(on.Places) > 0 {
			return hotcell.Invalid("/places", "places are of stand-ins: a connection's key goes where the connection says")
		}
		if len(on.Files) > 0 {
			return hotcell.Invalid("/files", "files are of secrets: a connection's key never enters the cell")
		}
		switch on.As {
		case hotcell.InjectTools:
			return checkTools(r, on, c, of)
		case hotcell.InjectHTTP:
			return checkHTTP(r, on, c)
		case hotcell.InjectEnvironment, hotcell.InjectStandIn, hotcell.InjectLogin:
		}
		return hotcell.Invalid("/as", "a connection is attached as %q or %q: its key never enters the cell", hotcell.InjectTools, hotcell.InjectHTTP)
	}
}

// checkTools refuses tools that the connection does not offer, or was not
// granted, and what narrows requests.
func checkTools(r hotcell.VaultReader, on hotcell.Attachment, c hotcell.Credential, of Offered) error {
	switch {
	case len(on.Hosts) > 0:
		return hotcell.Invalid("/hosts", "tools go to the connection's own service: narrow them by rules")
	case len(on.Methods) > 0:
		return hotcell.Invalid("/methods", "tools are narrowed by rules, not by methods")
	case len(on.Paths) > 0:
		return hotcell.Invalid("/paths", "tools are narrowed by rules, not by paths")
	case len(on.Brings) > 0:
		return hotcell.Invalid("/brings", "the requests of tools are not the job's: it brings nothing")
	case len(on.Tools) == 0:
		return hotcell.Invalid("/tools", "say which tools: none is attached by itself")
	}
	if _, err := r.Attachment(on.Workspace, on.ID); err == nil {
		return nil // it was checked when it was made, and its tools do not hang on the assignment
	}
	made, err := of(c)
	if err != nil {
		return err
	}
	for i, name := range on.Tools {
		tool, offered := made.Tool(name)
		if !offered {
			return hotcell.Invalid(fmt.Sprintf("/tools/%d", i), "%s has no tool of this name: %s", made.Name, offers(made))
		}
		if lacking := ungranted(made, tool, c); lacking != "" {
			return hotcell.Invalid(fmt.Sprintf("/tools/%d", i), "the account was connected without the scope %s, which this tool takes: hotcell connections reconnect %s --tools %s", lacking, c.ID, shell.Quote(tool.Name))
		}
	}
	return checkRules(on.Narrowing, made)
}

// offers names a connector's tools.
func offers(c *connector.Connector) string {
	if len(c.Tools) == 0 {
		return "it has none"
	}
	names := make([]string, 0, len(c.Tools))
	for _, tool := range c.Tools {
		names = append(names, tool.Name)
	}
	return "it has " + strings.Join(names, ", ")
}

// ungranted is a scope that a tool takes and that was not granted; empty where
// there is none.
func ungranted(made *connector.Connector, tool *connector.Tool, c hotcell.Credential) string {
	if missing := lacks(made, c.Connected, tool); len(missing) > 0 {
		return missing[0]
	}
	return ""
}

// checkHTTP refuses what does not narrow requests, and an attachment beside
// another for the same host and port where a request could be meant for either:
// then which key goes on would hang on their order.
func checkHTTP(r hotcell.VaultReader, on hotcell.Attachment, c hotcell.Credential) error {
	switch {
	case c.HTTP == nil:
		return hotcell.Invalid("/as", "this connection is attached as %q: it has no one host that a key could go to", hotcell.InjectTools)
	case len(on.Hosts) > 0:
		return hotcell.Invalid("/hosts", "a connection's key goes to its own host alone: narrow it by methods and paths")
	}
	attached, err := r.Attachments(c.Workspace, on.Assignment, "")
	if err != nil {
		return err
	}
	for _, at := range attached {
		if at.ID == on.ID {
			continue
		}
		other, err := r.Credential(c.Workspace, at.Credential)
		if err != nil {
			return err
		}
		if other.ID != c.ID && meet(on, at, c, other) {
			return fmt.Errorf("%w: %s is attached for %s too, and a request there could be meant for either, since both go into the same place: give both methods, or paths without *, that have none in common", hotcell.ErrConflict, door.Called(other, c), site.FormatAllow(hotcell.Allow{Host: c.HTTP.Host, Port: c.HTTP.Port, Protocol: hotcell.ProtocolHTTPS}))
		}
	}
	return nil
}

// meet says whether one request could be meant for both attachments.
func meet(a, b hotcell.Attachment, ca, cb hotcell.Credential) bool {
	if b.As != hotcell.InjectHTTP || cb.HTTP == nil || ca.HTTP.Host != cb.HTTP.Host || ca.HTTP.Port != cb.HTTP.Port {
		return false
	}
	if place.OfAuth(ca.HTTP.Auth)[0] != place.OfAuth(cb.HTTP.Auth)[0] {
		return false // both go on, each into its own place
	}
	return !apart(a.Methods, b.Methods) && (patterned(a.Paths) || patterned(b.Paths) || !apart(a.Paths, b.Paths))
}

// apart says whether both lists narrow, and have nothing in common.
func apart(a, b []string) bool {
	return len(a) > 0 && len(b) > 0 && !slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}

func patterned(paths []string) bool {
	return slices.ContainsFunc(paths, func(p string) bool { return strings.Contains(p, "*") })
}
