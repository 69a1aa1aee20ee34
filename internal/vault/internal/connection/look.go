package connection

import (
	"cmp"
	"context"
	"net/url"
	"slices"

	"hotcell"
	"hotcell/internal/catalog/connector"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/vault/internal/door"
)

// LookAtLink says what a link is for, to whoever holds it and is about to give an
// account away: who asks, for what, and whose it will be. It changes nothing.
func (s *Service) LookAtLink(ctx context.Context, r *vaultrpc.LookAtLinkRequest) (*vaultrpc.LookAtLinkAnswer, error) {
	l, _, err := s.linkOf(ctx, r.Token, s.token)
	if err != nil {
		return nil, err
	}
	c, err := s.connector(l)
	if err != nil || c.Auth.Kind != connector.OAuth2 || !pending(l) || !s.Now().Before(l.Expires) {
		return nil, errNoLink
	}
	out := &vaultrpc.LookAtLinkAnswer{Service: c.Name, Name: l.Name, Shared: l.Shared, Renews: l.Renews != "", Anyone: l.Anyone, Scopes: l.Scopes}
	if at, err := url.Parse(c.Auth.Authorize); err == nil {
		out.At = at.Host
	}
	if l.Endpoints != nil {
		if at, err := url.Parse(l.Endpoints.Resource); err == nil {
			out.Service += " " + at.Host
		}
	}
	phrase(c, l.Scopes, out)
	return out, s.Vault.Look(ctx, door.OfLink(l), hotcell.Event{Kind: "link.look", Name: l.Name}, func(look *door.Look) error {
		member, err := look.Member(l.Workspace, l.Owner)
		if err != nil {
			return err
		}
		out.Asks = member.Name
		if l.Renews == "" {
			return nil
		}
		// What the connection is by now, not what it was when the link was made.
		was, err := look.Credential(l.Workspace, l.Renews)
		if err != nil {
			return err
		}
		out.Name, out.Shared = was.Name, was.Shared
		if was.Connected != nil {
			out.Account = was.Connected.Account
		}
		return nil
	})
}

// words are what the tools whose scopes are asked for do.
func phrase(c *connector.Connector, scopes []string, out *vaultrpc.LookAtLinkAnswer) {
	for _, t := range c.Tools {
		if slices.ContainsFunc(t.Scopes, func(need string) bool { return !slices.Contains(scopes, need) }) {
			continue
		}
		title := cmp.Or(t.Title, t.Name)
		switch t.Hint {
		case hintRead:
			out.Reads = append(out.Reads, title)
		case hintDestructive:
			out.Destroys = append(out.Destroys, title)
		default:
			out.Writes = append(out.Writes, title)
		}
	}
}
