package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/value/parcel"
	"hotcell/internal/value/sensitive"
)

// Account is who is signed in. Person is nil as long as the data folder's owner has made no
// account of theirs; Session or Token is what they are signed in by.
type Account struct {
	Person  *hotcell.Person  `json:"person,omitempty"`
	Member  hotcell.Member   `json:"member"`
	Members []hotcell.Member `json:"members"`
	Session *hotcell.Session `json:"session,omitempty"`
	Token   *hotcell.Token   `json:"token,omitempty"`
}

// SignedIn is a session that was made. The bearer is what each request proves itself by.
type SignedIn struct {
	Bearer  hotcell.Bearer
	Session hotcell.Session
	Person  hotcell.Person
	Members []hotcell.Member
}

// server is what the server shows to whoever asks.
type server struct {
	Workspace hotcell.WorkspaceID `json:"workspace"`
	PublicKey []byte              `json:"public_key"`
	Identity  []byte              `json:"identity,omitempty"`
	Sequence  uint64              `json:"sequence,omitempty"`
	Signature []byte              `json:"signature,omitempty"`
}

// sealProof seals what somebody proves themselves by to the server's key, once that is held
// against the one that was seen first.
func (c *Client) sealProof(ctx context.Context, name, field string, p vaultrpc.Proof) ([]byte, error) {
	var s server
	if err := c.json(ctx, http.MethodGet, "/v1/server", nil, "", nil, &s); err != nil {
		return nil, err
	}
	w := Workspace{Workspace: hotcell.Workspace{ID: s.Workspace}, PublicKey: s.PublicKey, Identity: s.Identity, Sequence: s.Sequence, Signature: s.Signature}
	key, err := c.trusted(ctx, w)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(p) //nolint:gosec // it is sealed at once, and wiped
	if err != nil {
		return nil, fmt.Errorf("writing a proof: %w", err)
	}
	defer sensitive.Wipe(text)
	return parcel.Seal(key, parcel.Context{Workspace: string(s.Workspace), Tier: vaultrpc.TierAccount, Item: name, Field: field}, text)
}

func (c *Client) enter(ctx context.Context, path, name, field, device string, p vaultrpc.Proof) (SignedIn, error) {
	message, err := c.sealProof(ctx, name, field, p)
	if err != nil {
		return SignedIn{}, err
	}
	body := struct {
		Name    string `json:"name"`
		Message []byte `json:"message"`
		Device  string `json:"device,omitempty"`
	}{name, message, device}
	var out struct {
		Bearer  string           `json:"bearer"`
		Session hotcell.Session  `json:"session"`
		Person  hotcell.Person   `json:"person"`
		Members []hotcell.Member `json:"members"`
	}
	err = c.json(ctx, http.MethodPost, path, nil, "", body, &out)
	return SignedIn{Bearer: hotcell.Bearer(out.Bearer), Session: out.Session, Person: out.Person, Members: out.Members}, err
}

// text is a value's text, for the one place where it is sealed.
func text(value sensitive.Bytes) (out string) {
	_ = value.Use(func(b []byte) error { out = string(b); return nil })
	return out
}

// SignIn makes a session by an account's name and password, which is sealed to the server's
// key before it leaves the process. Device is what the session is known by.
func (c *Client) SignIn(ctx context.Context, name string, password sensitive.Bytes, device string) (SignedIn, error) {
	return c.enter(ctx, "/v1/sign-in", name, vaultrpc.FieldSignIn, device, vaultrpc.Proof{Password: text(password)})
}

// Join makes an account, or another membership of one, by an invitation.
func (c *Client) Join(ctx context.Context, name string, password sensitive.Bytes, invitation hotcell.Bearer, device string) (SignedIn, error) {
	return c.enter(ctx, "/v1/join", name, vaultrpc.FieldJoin, device, vaultrpc.Proof{Password: text(password), Invitation: string(invitation)})
}

// SignOut ends the session in use.
func (c *Client) SignOut(ctx context.Context) error {
	return c.json(ctx, http.MethodPost, "/v1/sign-out", nil, "", nil, nil)
}

// Account says who is signed in.
func (c *Client) Account(ctx context.Context) (out Account, err error) {
	return out, c.json(ctx, http.MethodGet, "/v1/account", nil, "", nil, &out)
}

// SetPassword sets one's password; before is the one so far, empty at the owner's socket.
func (c *Client) SetPassword(ctx context.Context, name string, password, before sensitive.Bytes) (out Account, err error) {
	message, err := c.sealProof(ctx, name, vaultrpc.FieldPassword, vaultrpc.Proof{Password: text(password), Before: text(before)})
	if err != nil {
		return out, err
	}
	body := struct {
		Name    string `json:"name"`
		Message []byte `json:"message"`
	}{name, message}
	return out, c.json(ctx, http.MethodPut, "/v1/account/password", nil, "", body, &out)
}

// items is a list that comes as one.
func items[T any](ctx context.Context, c *Client, path string, query url.Values) ([]T, error) {
	var out struct {
		Items []T `json:"items"`
	}
	return out.Items, c.json(ctx, http.MethodGet, path, query, "", nil, &out)
}

// Sessions lists one's own, newest first.
func (c *Client) Sessions(ctx context.Context) ([]hotcell.Session, error) {
	return items[hotcell.Session](ctx, c, "/v1/sessions", nil)
}

// EndSession ends one of one's own sessions; all but the one in use where id is empty.
func (c *Client) EndSession(ctx context.Context, id hotcell.SessionID) error {
	path := "/v1/sessions"
	if id != "" {
		path += "/" + url.PathEscape(string(id))
	}
	return c.json(ctx, http.MethodDelete, path, nil, "", nil, nil)
}

// Tokens lists one's own API tokens, or all of the workspace's, newest first.
func (c *Client) Tokens(ctx context.Context, all bool) ([]hotcell.Token, error) {
	query := url.Values{}
	if all {
		query.Set("all", "true")
	}
	return items[hotcell.Token](ctx, c, "/v1/tokens", query)
}

// TokenDraft is a token that is to be made. Time is for how long it is good; 0 is as the
// server says.
type TokenDraft struct {
	Name       string
	Scopes     []hotcell.Scope
	Assignment hotcell.AssignmentID
	Time       time.Duration
}

// CreateToken makes an API token, which is told this once.
func (c *Client) CreateToken(ctx context.Context, d TokenDraft) (hotcell.Token, hotcell.Bearer, error) {
	body := struct {
		Name       string               `json:"name"`
		Scopes     []hotcell.Scope      `json:"scopes"`
		Assignment hotcell.AssignmentID `json:"assignment,omitempty"`
		Time       int64                `json:"time,omitempty"`
	}{d.Name, d.Scopes, d.Assignment, int64(d.Time / time.Second)}
	var out struct {
		hotcell.Token
		Bearer string `json:"bearer"`
	}
	err := c.json(ctx, http.MethodPost, "/v1/tokens", nil, "", body, &out)
	return out.Token, hotcell.Bearer(out.Bearer), err
}

// DeleteToken deletes one.
func (c *Client) DeleteToken(ctx context.Context, id hotcell.TokenID) error {
	return c.json(ctx, http.MethodDelete, "/v1/tokens/"+url.PathEscape(string(id)), nil, "", nil, nil)
}
