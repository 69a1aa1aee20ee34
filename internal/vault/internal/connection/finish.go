package connection

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"hotcell"
	"hotcell/internal/catalog/connector"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/vault/internal/door"
	"hotcell/internal/vault/internal/oauth"
)

// finishTime bounds what is asked of a service when a browser comes back.
const finishTime = 45 * time.Second

// FinishLink is a browser that comes back from the service. What the service
// gave it is exchanged here, and a connection is made of that, or nothing.
func (s *Service) FinishLink(ctx context.Context, r *vaultrpc.FinishLinkRequest) (*vaultrpc.FinishLinkAnswer, error) {
	l, known, err := s.linkOf(ctx, r.State, func(id hotcell.LinkID) string { return s.state(id, r.Callback) })
	if known && err != nil {
		return nil, s.Vault.RefuseLink(ctx, l, fmt.Errorf("%w: what came back is not of this link, or came to another address", hotcell.ErrDenied))
	}
	if err != nil {
		return nil, err
	}
	back, err := s.take(ctx, l, r.Cookie)
	if err != nil {
		return nil, err
	}
	// The code is good once: a browser that does not wait must not spoil it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishTime)
	defer cancel()
	tokens, err := s.exchange(ctx, back, r)
	if err != nil {
		return nil, s.fail(ctx, back.link, err)
	}
	defer tokens.Clear()
	return s.settle(ctx, back, tokens)
}

// fail ends a link, and is why.
func (s *Service) fail(ctx context.Context, l hotcell.Link, cause error) error {
	why := sentence(cause)
	if err := s.Vault.FailLink(ctx, l, why); err != nil {
		return err
	}
	return fmt.Errorf("%w: %s", hotcell.ErrDenied, why)
}

// exchange gets tokens for what came back.
func (s *Service) exchange(ctx context.Context, back returned, r *vaultrpc.FinishLinkRequest) (*oauth.Tokens, error) {
	if err := back.from(r.Issuer); err != nil {
		return nil, err
	}
	switch {
	case r.Error != "":
		return nil, fmt.Errorf("%w: %s", hotcell.ErrDenied, cmp.Or(errorCodes[r.Error], "the service did not agree"))
	case r.Code == "":
		return nil, fmt.Errorf("%w: the service sent the browser back without an answer", hotcell.ErrDenied)
	}
	client, err := s.client(ctx, back.link)
	if err != nil {
		return nil, err
	}
	defer client.Secret.Clear()
	return s.OAuth.Exchange(ctx, &back.connector.Auth, client, r.Code, s.verifier(back.link.ID), r.Callback)
}

// errorCodes are what services answer with instead of a code (RFC 6749 section
// 4.1.2.1, OpenID Connect Core section 3.1.2.6), in words of our own.
var errorCodes = map[string]string{
	"access_denied":             "whoever was asked at the service did not agree",
	"invalid_scope":             "the service does not give what these tools need: see what the OAuth client is registered for",
	"unauthorized_client":       "the service does not let this OAuth client ask: see what it is registered for",
	"invalid_request":           "the service does not take how it was asked: see what the OAuth client is registered for",
	"unsupported_response_type": "the service does not take how it was asked: see what the OAuth client is registered for",
	"server_error":              "the service had an error: try again",
	"temporarily_unavailable":   "the service does not answer at the moment: try again later",
	"login_required":            "the service wants somebody to sign in first",
	"consent_required":          "the service wants somebody to agree first",
	"interaction_required":      "the service wants somebody to agree first",
}

// client is the OAuth client that a link asked for, opened. It must still be the
// one that it was when the browser left.
func (s *Service) client(ctx context.Context, l hotcell.Link) (oauth.Client, error) {
	c, secret, err := s.Vault.ClientFor(ctx, l.Workspace, l.Connector, l.Endpoints, l.Client)
	if err != nil {
		return oauth.Client{}, err
	}
	if l.Client != "" && c.ID != l.Client {
		secret.Clear()
		return oauth.Client{}, fmt.Errorf("%w: the workspace's OAuth client was changed meanwhile: ask for a new link", hotcell.ErrConflict)
	}
	return oauth.Client{ID: c.ID, Secret: secret, Public: c.Public}, nil
}

// settle makes a connection of tokens, or the next version of one, and ends the
// link with it in one update. It clears nothing.
//
// Tokens that come to nothing are not revoked: at some services that would end
// every grant of the account to this client, and so another connection.
func (s *Service) settle(ctx context.Context, back returned, tokens *oauth.Tokens) (*vaultrpc.FinishLinkAnswer, error) {
	l, c := back.link, back.connector
	to := target{slug: c.Slug, name: l.Name, connector: c, auth: c.Auth.Put, settings: l.Settings}
	to.client = func(ctx context.Context) (oauth.Client, error) { return s.client(ctx, l) }
	made := &material{said: hotcell.Connected{Client: l.Client}}
	err := to.place()
	if err != nil {
		return nil, s.fail(ctx, l, err)
	}
	made.granted(tokens, l.Scopes)
	if to.definition, err = s.offered(ctx, l, c, made); err != nil {
		return nil, s.fail(ctx, l, err)
	}
	if made.said.AccountID, made.said.Account, err = s.identify(ctx, to, made.fields); err != nil && !errors.Is(err, errMute) {
		return nil, s.fail(ctx, l, fmt.Errorf("%w: it was granted, but the service did not say whose the account is: %s", hotcell.ErrDenied, sentence(err)))
	}
	old := &grant{}
	defer old.clear()
	done, err := s.keep(ctx, l, to, made, old)
	if err != nil {
		return nil, s.fail(ctx, l, err)
	}
	s.revokeReplaced(ctx, &done, old)
	return &vaultrpc.FinishLinkAnswer{Link: shown(done, s.Now()), Account: made.said.Account}, nil
}

// keep stores what a link led to. Old is told what it replaced, if anything.
func (s *Service) keep(ctx context.Context, l hotcell.Link, to target, made *material, old *grant) (done hotcell.Link, err error) {
	about := hotcell.Event{Kind: "connection.create", Name: l.Name, Version: 1, Credential: hotcell.CredentialID(hotcell.NewID(hotcell.PrefixConnection))}
	if l.Renews != "" {
		about.Kind, about.Credential, about.Version = "connection.reconnect", l.Renews, 0
	}
	err = s.Vault.Change(ctx, door.OfLink(l), about, func(a *door.Act) error {
		done = l
		now, err := a.Link(l.Workspace, l.ID)
		if err != nil {
			return err
		}
		if !pending(now) {
			return fmt.Errorf("%w: the link has come to its end meanwhile", hotcell.ErrConflict)
		}
		was, err := s.permit(a, &done)
		if err != nil {
			return err
		}
		next := hotcell.Connected{Connector: to.slug, Auth: string(to.connector.Auth.Kind), Settings: l.Settings, Endpoints: l.Endpoints}
		if len(to.definition) > 0 {
			if err := s.Vault.PutDefinition(a, about.Credential, to.definition); err != nil {
				return err
			}
		}
		made.onto(&next)
		if was == nil {
			err = s.create(a, l, to, made, next)
		} else {
			err = s.renew(a, l, to, made, next, old)
		}
		if err != nil {
			return err
		}
		done.State, done.Connection, done.Reason, done.Browser = hotcell.LinkDone, about.Credential, short(to.connector, &next), nil
		return a.PutLink(done)
	})
	return done, err
}

// short says which tools cannot be attached since less was granted than asked
// for.
func short(c *connector.Connector, on *hotcell.Connected) string {
	var tools []string
	for name := range Lacking(c, on) {
		tools = append(tools, c.AgentName(name))
	}
	if len(tools) == 0 {
		return ""
	}
	slices.Sort(tools)
	return "less was granted than asked for: these tools cannot be attached: " + strings.Join(tools, " ")
}

func (s *Service) create(a *door.Act, l hotcell.Link, to target, made *material, next hotcell.Connected) error {
	fresh := hotcell.Credential{
		ID: a.About.Credential, Workspace: l.Workspace, Tier: hotcell.TierConnection, Name: l.Name, Owner: l.Owner, Shared: l.Shared, Service: to.slug,
		HTTP: to.http, Model: modelOf(to), Connected: &next, Version: 1, Revision: 1, CreatedAt: s.Now(), UpdatedAt: s.Now(),
	}
	if err := a.PutCredential(fresh); err != nil {
		return door.Taken(err, fresh)
	}
	return s.Vault.Seal(a, fresh, made.fields)
}

// renew makes the next version of a connection. It keeps its id, name and
// attachments, so it must stay the same account's unless that is meant.
func (s *Service) renew(a *door.Act, l hotcell.Link, to target, made *material, next hotcell.Connected, old *grant) error {
	c, err := a.Credential(l.Workspace, l.Renews)
	if err != nil {
		return err
	}
	switch was := c.Connected; {
	case l.Anyone:
	case was.AccountID == "":
		return errUnknown(c.Name)
	case was.AccountID != next.AccountID:
		return fmt.Errorf("%w: this is the account %s, and the connection is %s's: connect that one, or say that it may become another account's",
			hotcell.ErrConflict, cmp.Or(next.Account, "of nobody who is known"), cmp.Or(was.Account, "nobody who is known"))
	}
	old.clear()
	*old = s.replaced(a, c, &next)
	renewed := c
	renewed.HTTP, renewed.Connected, renewed.Revision, renewed.UpdatedAt = to.http, &next, c.Revision+1, s.Now()
	if err := s.advance(a, c, &renewed, made.fields); err != nil {
		return err
	}
	if err := a.PutCredential(renewed); err != nil {
		return err
	}
	// What a refresh of the old tokens left behind does not matter any more.
	if err := a.PutRefresh(hotcell.Refresh{Workspace: c.Workspace, Credential: c.ID}); err != nil {
		return err
	}
	return door.Prune(a, renewed)
}
