package oauth

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"hotcell"
	"hotcell/internal/catalog/connector"
	"hotcell/internal/value/sensitive"
)

// jwtLife is how long the assertion of a service account is good.
const jwtLife = 5 * time.Minute

// ServiceAccount gets a token by a service account's key (RFC 7523 section 2.1).
// The key is a file in JSON as Google gives it: client_email, private_key,
// private_key_id. Subject is who it acts as; empty for itself.
func (s *Service) ServiceAccount(ctx context.Context, a *connector.Auth, key sensitive.Bytes, subject string, scopes []string) (out *Tokens, err error) {
	err = key.Use(func(b []byte) error {
		file, err := readAccount(b)
		if err != nil {
			return err
		}
		audience := a.Audience
		if audience == "" {
			audience = a.Token
		}
		assertion, err := s.assertion(file, subject, audience, strings.Join(scopes, " "))
		if err != nil {
			return errAccount
		}
		out, err = s.tokens(ctx, a, Client{}, url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {assertion}})
		return err
	})
	return out, err
}

// accountFile is a service account's key file, as Google gives it.
type accountFile struct {
	Email string `json:"client_email"`
	Key   string `json:"private_key"`
	KeyID string `json:"private_key_id"`
}

var errAccount = hotcell.Invalid("/key", "the key of a service account is the JSON file that the service gave, with client_email and private_key")

func readAccount(text []byte) (f accountFile, err error) {
	if json.Unmarshal(text, &f) != nil || f.Email == "" || f.Key == "" {
		return f, errAccount
	}
	return f, nil
}

func (s *Service) assertion(f accountFile, subject, audience, scope string) (string, error) {
	parsed, err := parseKey([]byte(f.Key))
	if err != nil {
		return "", err
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: parsed, KeyID: f.KeyID}}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", err
	}
	now := s.Now()
	claims := jwt.Claims{Issuer: f.Email, Subject: subject, Audience: jwt.Audience{audience}, IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(jwtLife))}
	return jwt.Signed(signer).Claims(claims).Claims(map[string]any{"scope": scope}).Serialize()
}

// CheckServiceAccount says whether a key is one of a service account.
func CheckServiceAccount(key []byte) error {
	file, err := readAccount(key)
	if err != nil {
		return err
	}
	if _, err := parseKey([]byte(file.Key)); err != nil {
		return hotcell.Invalid("/key", "the private key in this file cannot be read")
	}
	return nil
}
