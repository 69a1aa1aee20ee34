package connection

import (
	"fmt"
	"slices"
	"strings"

	"hotcell"
	"hotcell/internal/site"
	"hotcell/internal/vault"
)

// CheckAttach refuses an attachment of c that is not one of a connection, and
// one beside another for the same host and port where a request could be meant
// for either: then which key goes on would hang on their order.
func CheckAttach(r hotcell.VaultReader, on hotcell.Attachment, c hotcell.Credential) error {
	switch {
	case c.HTTP == nil:
		return hotcell.Invalid("/credential", "this connection has no key that could go onto requests")
	case on.As != hotcell.InjectHTTP:
		return hotcell.Invalid("/as", "a connection is attached as %q: its key never enters the cell", hotcell.InjectHTTP)
	case len(on.Hosts) > 0:
		return hotcell.Invalid("/hosts", "a connection's key goes to its own host alone: narrow it by methods and paths")
	case on.Bodies:
		return hotcell.Invalid("/bodies", "only stand-ins are swapped in bodies")
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
			return fmt.Errorf("%w: %s is attached for %s too, and a request there could be meant for either: give both methods, or paths without *, that have none in common", hotcell.ErrConflict, vault.Called(other, c), site.FormatAllow(hotcell.Allow{Host: c.HTTP.Host, Port: c.HTTP.Port, Protocol: hotcell.ProtocolHTTPS}))
		}
	}
	return nil
}

// meet says whether one request could be meant for both attachments.
func meet(a, b hotcell.Attachment, ca, cb hotcell.Credential) bool {
	if b.As != hotcell.InjectHTTP || cb.HTTP == nil || ca.HTTP.Host != cb.HTTP.Host || ca.HTTP.Port != cb.HTTP.Port {
		return false
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
