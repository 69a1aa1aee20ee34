package connector

import (
	"context"
	"slices"
	"strings"

	"hotcell"
)

// revokeDocument is how a grant is revoked: an address (RFC 7009), or the request
// of a service that has a way of its own.
type revokeDocument struct {
	address string
	own     *ownRevocation
}

type ownRevocation struct {
	Request requestDocument `yaml:"request"`
	Token   string          `yaml:"token"`
	Client  string          `yaml:"client"`
	Done    string          `yaml:"done"`
}

// UnmarshalYAML reads an address, or a request.
func (d *revokeDocument) UnmarshalYAML(read func(any) error) error {
	var shape any
	if err := read(&shape); err != nil {
		return err
	}
	if _, own := shape.(map[string]any); own {
		d.own = &ownRevocation{}
		return read(d.own)
	}
	return read(&d.address)
}

// revocation is a service's own way to revoke a grant.
type revocation struct {
	request       *request
	token, client string
	done          *text
}

// The tokens that a grant has.
const (
	tokenAccess  = "access"
	tokenRefresh = "refresh"
)

func newRevocation(d *ownRevocation, path string) (*revocation, error) {
	switch {
	case !slices.Contains([]string{"", tokenAccess, tokenRefresh}, d.Token):
		return nil, hotcell.Invalid(path+"/token", "it is revoked by the access or the refresh token")
	case !slices.Contains([]string{"", "basic", "post", "none", "token"}, d.Client):
		return nil, hotcell.Invalid(path+"/client", "it is asked for by a client that shows itself by basic, post or none, or by the token")
	}
	r, err := newRequest(&d.Request, path+"/request")
	if err != nil {
		return nil, err
	}
	if r.form == nil && d.Client == "post" {
		return nil, hotcell.Invalid(path+"/client", "a client shows itself by post in a form")
	}
	k := &compiler{path: path}
	return &revocation{r, d.Token, d.Client, k.optional("/done", d.Done)}, k.err
}

// Revocable says whether there is a way to revoke what was granted.
func (c *Connector) Revocable() bool { return c.Auth.revoke != nil || c.Auth.Revoke != "" }

// Revocation is how a grant is revoked at a service that has a way of its own.
type Revocation struct {
	connector *Connector
	of        *revocation
}

// Revocation is the service's own; nil where RFC 7009's is, or none.
func (c *Connector) Revocation() *Revocation {
	if c.Auth.revoke == nil {
		return nil
	}
	return &Revocation{c, c.Auth.revoke}
}

// ByAccess says whether the access token is what a grant is revoked by.
func (r *Revocation) ByAccess() bool { return r != nil && r.of.token == tokenAccess }

// Client is how the request shows itself: basic, post, none, or token, where the
// token is what goes on as bearer.
func (r *Revocation) Client() string {
	if r.of.client == "" {
		return r.connector.Auth.Client
	}
	return r.of.client
}

// Request is the request, with a token and the client's id in it.
func (r *Revocation) Request(ctx context.Context, settings map[string]string, token, client string) (*Request, error) {
	in := vars(Input{Args: map[string]any{"token": token, "client": client}, Settings: settings})
	return r.of.request.build(ctx, r.connector, settings, in)
}

// Done says whether an answer with a good status says that it was revoked, and
// else by which code not. A good status is not enough: some services answer an
// error with one.
func (a *Auth) Done(ctx context.Context, answer *Answer) (code string, done bool) {
	body, err := lenient(answer.Body) // whatever it says that it is: an error must not be missed
	if err != nil {
		body, _, _ = bodyOf(answer, func(text []byte, _ string) string { return strings.ToValidUTF8(string(text), "\ufffd") })
	}
	m, _ := body.(map[string]any)
	if code = codeOf(m["error"]); code == "" && m["ok"] == false {
		code = "error"
	}
	if code != "" {
		return code, false
	}
	if a.revoke == nil || a.revoke.done == nil {
		return "", true
	}
	in := vars(Input{})
	in["answer"], in["status"], in["headers"] = body, int64(answer.Status), headersOf(answer.Header)
	return "", a.revoke.done.holds(ctx, in)
}

// codeOf is an error as a code; empty for none.
func codeOf(said any) string {
	switch said := said.(type) {
	case nil:
		return ""
	case string:
		if said == "" || errorCode.MatchString(said) {
			return said
		}
	}
	return "error"
}
