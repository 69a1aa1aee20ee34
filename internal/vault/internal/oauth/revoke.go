package oauth

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"hotcell"
	"hotcell/internal/catalog/connector"
	"hotcell/internal/value/sensitive"
)

// Revoke tells a service that what it granted is not to be good any more: by its own
// way, or else by RFC 7009. It is nil where the service says so, and in no other case.
// Which token it takes is the service's matter.
func (s *Service) Revoke(ctx context.Context, c *connector.Connector, settings map[string]string, by Client, granted *Tokens) error {
	own := c.Revocation()
	token := granted.Refresh
	if token.Len() == 0 || own.ByAccess() {
		token = granted.Access
	}
	switch {
	case !c.Revocable():
		return fmt.Errorf("%w: the service has no way to revoke", hotcell.ErrNotFound)
	case token.Len() == 0:
		return fmt.Errorf("%w: there is no token to revoke it by", hotcell.ErrNotFound)
	}
	return token.Use(func(b []byte) error {
		if own != nil {
			return s.revokeOwn(ctx, c, own, settings, by, string(b))
		}
		body, err := s.post(ctx, &c.Auth, by, c.Auth.Revoke, url.Values{"token": {string(b)}})
		if err != nil {
			return err
		}
		return revoked(ctx, &c.Auth, &connector.Answer{Status: http.StatusOK, Body: body})
	})
}

// revokeOwn does the request of a service that has a way of its own.
func (s *Service) revokeOwn(ctx context.Context, c *connector.Connector, own *connector.Revocation, settings map[string]string, by Client, token string) error {
	made, err := own.Request(ctx, settings, token, by.ID)
	if err != nil {
		return fmt.Errorf("%w: the request to revoke it cannot be made", hotcell.ErrUnavailable)
	}
	answer, err := s.own(ctx, &c.Auth, made, own.Client(), by, token)
	if err != nil {
		return err
	}
	return revoked(ctx, &c.Auth, answer)
}

// own does a request that a document has about a token, as the client. It clears the
// request; the caller clears the answer.
func (s *Service) own(ctx context.Context, a *connector.Auth, made *connector.Request, how string, by Client, token string) (*connector.Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, maxTime)
	defer cancel()
	defer func() { sensitive.Wipe(made.Body) }()
	r := (&http.Request{Method: made.Method, URL: made.URL, Header: made.Header}).WithContext(ctx)
	if err := showOwn(r, made, how, by, token); err != nil {
		return nil, err
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(made.Body)), int64(len(made.Body))
	status, header, body, err := s.send(r)
	if err != nil {
		return nil, err
	}
	if status/100 != 2 {
		defer sensitive.Wipe(body)
		return nil, failed(ctx, a, status, header, body, s.Now())
	}
	return &connector.Answer{Status: status, Header: header, Body: body}, nil
}

// showOwn has the client show itself on such a request.
func showOwn(r *http.Request, made *connector.Request, how string, by Client, token string) error {
	switch how {
	case "token":
		r.Header.Set("Authorization", "Bearer "+token)
		return nil
	case "basic":
		return show(r, &connector.Auth{Client: "basic"}, by, url.Values{})
	case "post":
		form, err := url.ParseQuery(string(made.Body))
		if err != nil {
			return fmt.Errorf("%w: the request about the token cannot be made", hotcell.ErrUnavailable)
		}
		if err := show(r, &connector.Auth{Client: "post"}, by, form); err != nil {
			return err
		}
		sensitive.Wipe(made.Body)
		made.Body = []byte(form.Encode())
	}
	return nil
}

// revoked reads an answer with a good status, which may say no for all that.
func revoked(ctx context.Context, a *connector.Auth, answer *connector.Answer) error {
	defer sensitive.Wipe(answer.Body)
	code, done := a.Done(ctx, answer)
	switch {
	case done:
		return nil
	case code == "":
		code = "what does not say that it was done"
	}
	return &Fault{Kind: kindOf(code), Code: code}
}
