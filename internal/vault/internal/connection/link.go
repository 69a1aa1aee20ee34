package connection

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"hotcell"
	"hotcell/internal/catalog/connector"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/policy/access"
	"hotcell/internal/text/shell"
	"hotcell/internal/vault/internal/door"
)

// What is derived from the vault's seed, so that none of it is stored.
const (
	purposeToken    = "connect link"
	purposeState    = "connect state"
	purposeVerifier = "connect verifier"
)

// errNoLink is all that whoever has no good token, or no good state, is told.
var errNoLink = fmt.Errorf("%w: there is no such link, or it is over", hotcell.ErrNotFound)

// token is the secret part of a link.
func (s *Service) token(id hotcell.LinkID) string {
	return string(id) + "." + s.Vault.Derive(purposeToken, string(id))
}

// state is what comes back from the service: it is of one link, and of one
// address to come back to.
func (s *Service) state(id hotcell.LinkID, callback string) string {
	return string(id) + "." + s.Vault.Derive(purposeState, string(id)+" "+callback)
}

// verifier is PKCE's (RFC 7636).
func (s *Service) verifier(id hotcell.LinkID) string {
	return s.Vault.Derive(purposeVerifier, string(id))
}

// linkOf finds the link of a token or a state. Known is true where there is a
// link of that id, and only the rest was wrong.
func (s *Service) linkOf(ctx context.Context, given string, want func(hotcell.LinkID) string) (l hotcell.Link, known bool, err error) {
	id, _, _ := strings.Cut(given, ".")
	if hotcell.CheckID(id, hotcell.PrefixLink) != nil {
		return l, false, errNoLink
	}
	if l, err = s.Vault.Link(ctx, hotcell.LinkID(id)); errors.Is(err, hotcell.ErrNotFound) {
		return l, false, errNoLink
	} else if err != nil {
		return l, false, err
	}
	if subtle.ConstantTimeCompare([]byte(given), []byte(want(l.ID))) != 1 {
		return l, true, errNoLink
	}
	return l, true, nil
}

// keepLinks is how long a link that is over can still be looked at.
const keepLinks = 24 * time.Hour

// CreateLink begins to connect an account.
func (s *Service) CreateLink(ctx context.Context, r *vaultrpc.CreateLinkRequest) (*vaultrpc.CreateLinkAnswer, error) {
	now := s.Now()
	l := hotcell.Link{
		ID: hotcell.LinkID(hotcell.NewID(hotcell.PrefixLink)), Workspace: r.Principal.Workspace, Owner: r.Principal.Member,
		Connector: r.Connector, Auth: r.Auth, Name: r.Name, Shared: r.Shared, Settings: r.Settings, Renews: r.Renews, Anyone: r.Anyone && r.Renews != "",
		State: hotcell.LinkWaiting, CreatedAt: now, Expires: now.Add(hotcell.LinkTime),
	}
	var c *connector.Connector
	if err := s.find(ctx, &l); err != nil {
		return nil, err
	}
	err := s.Vault.Change(ctx, r.Principal, hotcell.Event{Kind: "link.create", Name: r.Name, Credential: r.Renews}, func(a *door.Act) (err error) {
		draft := l
		if c, err = s.draft(a, &draft, r.Tools); err != nil {
			return err
		}
		a.About.Name = draft.Name
		if err := a.DropLinks(l.Workspace, now.Add(-keepLinks)); err != nil {
			return err
		}
		if err := a.PutLink(draft); err != nil {
			return err
		}
		l = draft
		return nil
	})
	if err != nil {
		return nil, err
	}
	if c.Auth.Kind == connector.Device {
		return s.startDevice(ctx, l, c)
	}
	return &vaultrpc.CreateLinkAnswer{Link: shown(l, now), Token: s.token(l.ID)}, nil
}

// draft completes a link, and refuses one that could lead to nothing.
func (s *Service) draft(a *door.Act, l *hotcell.Link, tools []string) (*connector.Connector, error) {
	was, err := s.permit(a, l)
	if err != nil {
		return nil, err
	}
	c, found := s.Catalog.Find(l.Connector)
	if !found {
		return nil, hotcell.Invalid("/connector", "there is no connector of this name: hotcell connections catalog lists them")
	}
	if c, err = signed(c, l); err != nil {
		return nil, err
	}
	if err := c.CheckSettings(l.Settings); err != nil {
		return nil, err
	}
	if was != nil && was.AccountID == "" && !l.Anyone {
		return nil, errUnknown(l.Name)
	}
	if l.Endpoints != nil { // its scopes are the server's, and its client is made for it, or the workspace's
		_, err := ownClient(a, l.Endpoints, l.Workspace)
		return c, err
	}
	if _, err := a.Client(l.Workspace, c.Slug); errors.Is(err, hotcell.ErrNotFound) {
		return nil, hotcell.Invalid("/connector", "the workspace has no OAuth client of %s yet: an administrator sets one: hotcell connections clients set %s", c.Name, c.Slug)
	} else if err != nil {
		return nil, err
	}
	for i, name := range tools {
		if !slices.ContainsFunc(c.Tools, func(t *connector.Tool) bool { return t.Name == name || c.AgentName(t.Name) == name }) {
			return nil, hotcell.Invalid(fmt.Sprintf("/tools/%d", i), "%s has no such tool: hotcell connections catalog %s lists them", c.Name, c.Slug)
		}
	}
	l.Scopes = c.Scopes(tools)
	if was != nil {
		l.Scopes = c.Scopes(append(served(c, was), tools...)) // no attachment loses what it has
	}
	return c, nil
}

// errUnknown is a connection of which nobody can say that it stays the same account's.
func errUnknown(name string) error {
	return hotcell.Invalid("/anyone", "nobody can tell whose account %s is of, so it cannot be held against the one that you sign in with: say that it may become another account's (--any-account)", name)
}

// signed is the connector by the way that a link is for, which the link is told: the
// one that was asked for, that a connection was made by, or the first that people
// sign in for.
func signed(c *connector.Connector, l *hotcell.Link) (*connector.Connector, error) {
	if l.Endpoints == nil && l.Auth == "" {
		for _, kind := range c.Kinds() {
			if kind.Signs() {
				l.Auth = string(kind)
				break
			}
		}
	}
	way, err := c.For(l)
	switch {
	case err != nil:
		_, err = c.By(connector.Kind(l.Auth)) // it says which ways there are
		return nil, err
	case !way.Auth.Kind.Signs() && l.Renews != "":
		return nil, hotcell.Invalid("/renews", "this one was connected by a key: give it a new one: hotcell connections set-key %s", shell.Quote(l.Name))
	case !way.Auth.Kind.Signs():
		return nil, hotcell.Invalid("/connector", "%s is not connected by a link: it takes a key", c.Name)
	}
	return way, nil
}

// served names the tools that a connection was granted the scopes of.
func served(c *connector.Connector, on *hotcell.Connected) (tools []string) {
	for _, t := range c.Tools {
		if len(lacks(c, on, t)) == 0 {
			tools = append(tools, t.Name)
		}
	}
	return tools
}

// permit asks whether a link's owner may have the connection that it leads to,
// and takes what a connection that it renews keeps from that, which it returns.
func (s *Service) permit(a *door.Act, l *hotcell.Link) (*hotcell.Connected, error) {
	if l.Renews == "" {
		if err := hotcell.CheckName(l.Name); err != nil {
			return nil, err
		}
		if err := a.Permit(access.CreateCredential, access.Resource{Owner: l.Owner, Shared: l.Shared}); err != nil {
			return nil, err
		}
		return nil, taken(a, l)
	}
	c, err := a.Credential(l.Workspace, l.Renews)
	if err != nil {
		return nil, err
	}
	a.About.Name = c.Name
	if err := a.Permit(access.ChangeCredential, access.OfCredential(c)); err != nil {
		return nil, err
	}
	if c.Connected == nil || c.Tier != hotcell.TierConnection {
		return nil, hotcell.Invalid("/renews", "this one has a key and no account: give it a new key instead")
	}
	l.Connector, l.Auth, l.Name, l.Shared, l.Settings = c.Connected.Connector, c.Connected.Auth, c.Name, c.Shared, c.Connected.Settings
	return c.Connected, nil
}

// taken refuses a name that is taken before a person goes to the service for it.
func taken(a *door.Act, l *hotcell.Link) error {
	like := hotcell.Credential{Owner: l.Owner, Shared: l.Shared}
	list, err := a.Credentials(l.Workspace, hotcell.CredentialFilter{Name: l.Name, VisibleTo: l.Owner}, hotcell.Page{Limit: hotcell.MaxPage})
	if err != nil {
		return err
	}
	if slices.ContainsFunc(list, func(c hotcell.Credential) bool { return c.Tier == hotcell.TierConnection && c.Group() == like.Group() }) {
		return door.Taken(hotcell.ErrConflict, like)
	}
	return nil
}

// Link shows what has come of a link, to who asked for it.
func (s *Service) Link(ctx context.Context, r *vaultrpc.LinkRequest) (*vaultrpc.LinkAnswer, error) {
	l, err := s.own(ctx, r)
	if err != nil {
		return nil, err
	}
	if l, err = s.pollDevice(ctx, l); err != nil {
		return nil, err
	}
	return &vaultrpc.LinkAnswer{Link: shown(l, s.Now())}, nil
}

func (s *Service) own(ctx context.Context, r *vaultrpc.LinkRequest) (l hotcell.Link, err error) {
	err = s.Vault.Look(ctx, r.Principal, hotcell.Event{Kind: "link.show"}, func(look *door.Look) error {
		if l, err = look.Link(r.Principal.Workspace, r.ID); err == nil && l.Owner != r.Principal.Member {
			err = hotcell.ErrNotFound
		}
		return err
	})
	return l, err
}

// shown is a link as it is at a time, for people.
func shown(l hotcell.Link, now time.Time) hotcell.Link {
	if pending(l) && !now.Before(l.Expires) {
		l.State, l.Reason = hotcell.LinkExpired, "nobody connected the account in time"
	}
	l.Browser = nil
	return l
}

func pending(l hotcell.Link) bool {
	return l.State == hotcell.LinkWaiting || l.State == hotcell.LinkOpened
}

// freshCookie is what binds a browser.
func freshCookie() string {
	secret := make([]byte, sha256.Size)
	_, _ = rand.Read(secret) // never fails
	return base64.RawURLEncoding.EncodeToString(secret)
}

// sameBrowser says whether a cookie is that of the browser that opened a link.
func sameBrowser(l hotcell.Link, cookie string) bool {
	sum := sha256.Sum256([]byte(cookie))
	return cookie != "" && len(l.Browser) == sha256.Size && subtle.ConstantTimeCompare(sum[:], l.Browser) == 1
}
