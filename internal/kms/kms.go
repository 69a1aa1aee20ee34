// Package kms wraps and unwraps small keys under a key that never leaves its
// service: a file per provider. So far there is the local key file.
//
// It guards that a wrapped key opens only under the same key and with the same
// associated data. It does not protect a local key file from whoever can read
// it: that key and the database must not be stolen together. One way to use it:
//
//	key, err := kms.Open(ctx, "file:///var/lib/hotcell/local.key")
//	wrapped, err := key.Wrap(ctx, keyset, []byte(workspace))
package kms

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"hotcell/internal/sensitive"
)

// Key is a key in a key management service.
type Key interface {
	// Wrap encrypts a small key; what it returns opens with the same associated
	// data only.
	Wrap(ctx context.Context, plaintext, associatedData []byte) ([]byte, error)
	// Unwrap decrypts what Wrap returned. It is [ErrRefused] where that cannot
	// be, and [ErrUnavailable] where it may work later.
	Unwrap(ctx context.Context, wrapped, associatedData []byte) (sensitive.Bytes, error)
	// ID names the key without telling anything of it.
	ID() string
}

// What a caller decides on.
var (
	ErrUnavailable = errors.New("the key service does not answer")
	ErrRefused     = errors.New("the key does not open this")
)

// Open opens the key that a URL names: "file:///path".
func Open(_ context.Context, name string) (Key, error) {
	u, err := url.Parse(name)
	if err != nil {
		return nil, errors.New("reading the key's URL: it is not a URL")
	}
	switch u.Scheme {
	case "file":
		return OpenFile(u.Path)
	default:
		return nil, fmt.Errorf("there is no key service of the kind %q: use file:///path/of/local.key", u.Scheme)
	}
}
