package connector

import (
	"context"
	"slices"
	"time"

	"hotcell"
)

// account is how to find out who is connected. Client is how the OAuth client shows
// itself, where it is who asks about the token (RFC 7662); empty where the token
// goes onto the request.
type account struct {
	request *request
	// id and name are nil where a service does not say whose a key is, and its answer
	// shows no more than that it is good.
	id, name *text
	client   string
}

func newAccount(d *accountDocument, path string) (*account, error) {
	if d == nil {
		return nil, nil //nolint:nilnil // it is the connector's, or there is none
	}
	r, err := newRequest(&d.Request, path+"/request")
	switch {
	case err != nil:
		return nil, err
	case !slices.Contains([]string{"", "basic", "post"}, d.Client):
		return nil, hotcell.Invalid(path+"/client", "a client that asks shows itself by basic or post")
	case (d.ID == "") != (d.Name == ""):
		return nil, hotcell.Invalid(path, "an account has an id and a name, or the service says neither")
	case r.form == nil && d.Client == "post":
		return nil, hotcell.Invalid(path+"/client", "a client shows itself by post in a form")
	}
	k := &compiler{path: path}
	return &account{r, k.optional("/id", d.ID), k.optional("/name", d.Name), d.Client}, k.err
}

func compileAccount(c *Connector, d *document) (err error) {
	c.account, err = newAccount(d.Account, "/account")
	return err
}

// Identify begins to ask who is connected; nil where the document does not say how.
func (c *Connector) Identify(settings map[string]string, now time.Time) *Run {
	by := c.Auth.account
	if by == nil {
		by = c.account
	}
	if by == nil {
		return nil
	}
	return &Run{
		connector: c, account: by, settings: settings, vars: vars(Input{Settings: settings, Now: now}), now: now,
		tool: &Tool{Hint: hintRead, steps: []step{{name: "account", request: by.request}}},
	}
}

// AsksAs is how the OAuth client shows itself where it is who asks; empty where the
// token goes onto the request.
func (r *Run) AsksAs() string { return r.account.client }

// About names the token that is asked about, and the client's id.
func (r *Run) About(token, client string) {
	r.vars["args"] = map[string]any{"token": token, "client": client}
}

// Nameless says whether a service does not tell whose a key is: that it is good is all
// that what [Connector.Identify] began can find out.
func (r *Run) Nameless() bool { return r.account.id == nil }

// Identity is who is connected, at the end of what [Connector.Identify] began.
func (r *Run) Identity() (id, name string) { return r.id, r.name }

// maxIdentity bounds what a service says of an account, in bytes.
const maxIdentity = 200

func (r *Run) identified(ctx context.Context) error {
	if r.account.id == nil || r.account.name == nil {
		return nil
	}
	for _, p := range []struct {
		from *text
		to   *string
	}{{r.account.id, &r.id}, {r.account.name, &r.name}} {
		s, err := p.from.string(ctx, r.vars, same)
		if err != nil || s == "" {
			return &Failure{Status: r.last.Status, Message: "the service did not say which account is connected: " + r.last.said()}
		}
		*p.to = shortLine(s, maxIdentity)
	}
	return nil
}
