package connection

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/url"

	"hotcell"
	"hotcell/internal/catalog/connector"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/policy/access"
	"hotcell/internal/vault/internal/door"
	"hotcell/internal/vault/internal/oauth"
)

// OpenLink is a browser that opens a link: the first one is bound to it, and
// sent on to the service's page of consent. Nobody is signed in there.
func (s *Service) OpenLink(ctx context.Context, r *vaultrpc.OpenLinkRequest) (*vaultrpc.OpenLinkAnswer, error) {
	var opened hotcell.Link
	l, _, err := s.linkOf(ctx, r.Token, s.token)
	if err != nil {
		return nil, err
	}
	c, err := s.connector(l)
	if err != nil || !plainURL(r.Callback) || c.Auth.Kind != connector.OAuth2 {
		return nil, errNoLink
	}
	cookie := r.Cookie
	if !sameBrowser(l, cookie) {
		cookie = freshCookie()
	}
	callback := backTo(l.Endpoints, r.Callback)
	err = s.Vault.Change(ctx, door.OfLink(l), hotcell.Event{Kind: "link.open", Name: l.Name, Credential: l.Renews}, func(a *door.Act) error {
		now, client, err := s.opening(a, l, cookie)
		if err != nil {
			return err
		}
		now.Client, now.Issuer = client.ID, c.Auth.Issuer
		opened = now
		return a.PutLink(now)
	})
	if err != nil {
		return nil, err
	}
	// Nobody but a browser that the link is bound to has a client made.
	if opened, err = s.clientFor(ctx, opened, callback); err != nil {
		return nil, err
	}
	whole, err := s.OAuth.AuthorizeURL(&c.Auth, opened.Client, s.state(l.ID, callback), s.verifier(l.ID), callback, opened.Scopes)
	if err != nil {
		return nil, err
	}
	return &vaultrpc.OpenLinkAnswer{URL: whole, Cookie: cookie, Expires: l.Expires}, nil
}

// connector is what a link is to be connected by.
func (s *Service) connector(l hotcell.Link) (*connector.Connector, error) {
	if c, found := s.Catalog.Find(l.Connector); found {
		if c, err := c.For(&l); err == nil {
			return c, nil
		}
	}
	return nil, errNoLink
}

// opening is the link as it is once this browser has opened it, and the client
// that asks.
func (s *Service) opening(a *door.Act, l hotcell.Link, cookie string) (hotcell.Link, hotcell.Client, error) {
	var client hotcell.Client
	now, err := a.Link(l.Workspace, l.ID)
	if err != nil {
		return now, client, err
	}
	if err := a.Permit(access.CreateCredential, access.Resource{Owner: now.Owner}); err != nil {
		return now, client, err
	}
	switch {
	case !pending(now) || !s.Now().Before(now.Expires):
		return now, client, errNoLink
	case now.State == hotcell.LinkOpened && !sameBrowser(now, cookie):
		return now, client, fmt.Errorf("%w: this link was opened in another browser already: ask for a new one if that was not you", hotcell.ErrDenied)
	}
	sum := sha256.Sum256([]byte(cookie))
	now.State, now.Browser = hotcell.LinkOpened, sum[:]
	if now.Endpoints != nil {
		if now.Client != "" {
			return now, hotcell.Client{ID: now.Client, Public: true}, nil
		}
		client, err = ownClient(a, now.Endpoints, now.Workspace)
		return now, client, err
	}
	if client, err = a.Client(now.Workspace, now.Connector); errors.Is(err, hotcell.ErrNotFound) {
		err = fmt.Errorf("%w: the workspace has no OAuth client of this service any more", hotcell.ErrConflict)
	}
	return now, client, err
}

// plainURL says whether a callback is an address and nothing more.
func plainURL(callback string) bool {
	u, err := url.Parse(callback)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil && u.RawQuery == "" && u.Fragment == ""
}

// returned is a browser that came back, taken in.
type returned struct {
	link      hotcell.Link
	connector *connector.Connector
}

// take takes a browser in that came back: once, and only the one that opened the
// link. From then on no other can finish it.
func (s *Service) take(ctx context.Context, l hotcell.Link, cookie string) (out returned, err error) {
	c, err := s.connector(l)
	if err != nil {
		return out, err
	}
	err = s.Vault.Change(ctx, door.OfLink(l), hotcell.Event{Kind: "link.return", Name: l.Name, Credential: l.Renews}, func(a *door.Act) error {
		now, err := a.Link(l.Workspace, l.ID)
		if err != nil {
			return err
		}
		if err := a.Permit(access.CreateCredential, access.Resource{Owner: now.Owner}); err != nil {
			return err
		}
		switch {
		case now.State != hotcell.LinkOpened || len(now.Browser) == 0:
			return fmt.Errorf("%w: this link was used already, or never opened", hotcell.ErrDenied)
		case !s.Now().Before(now.Expires):
			return fmt.Errorf("%w: this link is over: it was good for %.0f minutes", hotcell.ErrDenied, hotcell.LinkTime.Minutes())
		case !sameBrowser(now, cookie):
			return fmt.Errorf("%w: this is not the browser that opened the link", hotcell.ErrDenied)
		}
		now.Browser = nil
		out = returned{now, c}
		return a.PutLink(now)
	})
	return out, err
}

// from holds who answered against who was asked (RFC 9207): the issuer, where it
// is told, which it must be where the service is known to do so.
func (b *returned) from(issuer string) error {
	want := b.link.Issuer
	var ok bool
	switch {
	case issuer == "":
		ok = !b.connector.Auth.Iss
	case want != "":
		ok = oauth.SameIssuer(want, issuer)
	default:
		ok = sameHost(issuer, b.connector.Auth.Authorize) || sameHost(issuer, b.connector.Auth.Token)
	}
	if !ok {
		return fmt.Errorf("%w: the answer is from another server than the one that was asked", hotcell.ErrDenied)
	}
	return nil
}

func sameHost(a, b string) bool {
	x, err := url.Parse(a)
	if err != nil {
		return false
	}
	y, err := url.Parse(b)
	return err == nil && x.Host != "" && x.Scheme == y.Scheme && x.Host == y.Host
}
