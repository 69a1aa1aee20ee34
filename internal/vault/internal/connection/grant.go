package connection

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"

	"hotcell"
	"hotcell/internal/catalog/connector"
	"hotcell/internal/value/sensitive"
	"hotcell/internal/vault/internal/door"
	"hotcell/internal/vault/internal/oauth"
)

// granted takes the tokens of a grant into a connection's material.
func (m *material) granted(t *oauth.Tokens, asked []string) {
	for _, f := range []door.Field{{Name: hotcell.FieldAccess, Value: t.Access}, {Name: hotcell.FieldRefresh, Value: t.Refresh}} {
		if f.Value.Len() == 0 && f.Name == hotcell.FieldRefresh {
			continue
		}
		m.fields = append(m.fields, f)
	}
	m.said.Scopes = t.Scopes
	if len(t.Scopes) == 0 {
		m.said.Scopes = asked // RFC 6749, section 5.1: it says so where they differ
	}
	if !t.Expires.IsZero() {
		at := t.Expires
		m.said.Expires = &at
	}
}

// exchanged gets the first token for a key that is not put onto requests itself:
// a service account's, or a client's own, of which the id is no value.
func (s *Service) exchanged(ctx context.Context, to target, key sensitive.Bytes, out *material) error {
	if key.Len() > hotcell.MaxValue {
		return hotcell.Invalid("/key", "a key has at most %d bytes", hotcell.MaxValue)
	}
	a := &to.connector.Auth
	asked := to.connector.Scopes(nil)
	var tokens *oauth.Tokens
	var err error
	if a.Kind == connector.ServiceAccount {
		out.fields = append(out.fields, door.Field{Name: hotcell.FieldKey, Value: clone(key)})
		tokens, err = s.OAuth.ServiceAccount(ctx, a, key, to.settings[a.Subject], asked)
	} else {
		var client oauth.Client
		if client, err = clientOf(key); err != nil {
			return err
		}
		out.said.Client = client.ID
		out.fields = append(out.fields, door.Field{Name: hotcell.FieldKey, Value: client.Secret})
		tokens, err = s.OAuth.ClientCredentials(ctx, a, client, asked)
	}
	if err != nil {
		if fault, ok := errors.AsType[*oauth.Fault](err); ok && (fault.Kind == oauth.Refused || fault.Kind == oauth.Revoked) {
			return hotcell.Invalid("/key", "%s does not take this key: %s", to.connector.Name, sentence(err))
		}
		return err
	}
	out.granted(tokens, asked)
	return nil
}

func clone(b sensitive.Bytes) (out sensitive.Bytes) {
	_ = b.Use(func(v []byte) error {
		out = sensitive.Copy(v)
		return nil
	})
	return out
}

// clientOf reads a client's own credentials: its id, a colon, its secret.
func clientOf(key sensitive.Bytes) (out oauth.Client, err error) {
	err = key.Use(func(b []byte) error {
		id, secret, pair := bytes.Cut(b, []byte(":"))
		if !pair || len(id) == 0 || len(id) > maxClientID || len(secret) == 0 || bytes.ContainsFunc(b, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return hotcell.Invalid("/key", "a key of this kind is the client's id, a colon, and its secret, in one line")
		}
		out = oauth.Client{ID: string(id), Secret: sensitive.Copy(secret)}
		return nil
	})
	return out, err
}

// lacks lists the scopes that a tool needs and a connection was not granted.
func lacks(c *connector.Connector, on *hotcell.Connected, tool *connector.Tool) (missing []string) {
	if on == nil || len(on.Scopes) == 0 || !scoped(c.Auth.Kind) {
		return nil
	}
	for _, need := range tool.Scopes {
		if !slices.ContainsFunc(on.Scopes, func(has string) bool { return sameScope(need, has) }) {
			missing = append(missing, need)
		}
	}
	return missing
}

// scoped says whether what is granted has scopes.
func scoped(kind connector.Kind) bool {
	switch kind {
	case connector.OAuth2, connector.Device, connector.ClientCredentials, connector.ServiceAccount:
		return true
	case connector.Key, connector.Basic, connector.None:
	}
	return false
}

// sameScope says whether two name one scope: some services answer with a short
// form of a scope that is a URL, or with the long one.
func sameScope(a, b string) bool {
	short := func(s string) string {
		s = strings.TrimSuffix(s, "/")
		return strings.ToLower(s[strings.LastIndexByte(s, '/')+1:])
	}
	return a == b || short(a) == short(b)
}

// Lacking names the tools of a connection whose scopes were not granted, with
// those scopes: such a tool cannot be attached.
func Lacking(c *connector.Connector, on *hotcell.Connected) map[string][]string {
	out := map[string][]string{}
	for _, t := range c.Tools {
		if missing := lacks(c, on, t); len(missing) > 0 {
			out[t.Name] = missing
		}
	}
	return out
}
