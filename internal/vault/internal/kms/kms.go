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
	"path/filepath"

	"hotcell/internal/value/sensitive"
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
	// ErrMissing: there is no such key. To make one is right where nothing was
	// stored yet, and nowhere else.
	ErrMissing = errors.New("there is no such key")
)

// Open opens the key that a URL names: "file:///path".
func Open(_ context.Context, name string) (Key, error) {
	path, err := filePath(name)
	if err != nil {
		return nil, err
	}
	return asKey(OpenFile(path))
}

// Create makes the key that a URL names, where there is none yet.
func Create(_ context.Context, name string) (Key, error) {
	path, err := filePath(name)
	if err != nil {
		return nil, err
	}
	return asKey(CreateFile(path))
}

// asKey keeps a nil File from becoming a Key that is not nil.
func asKey(f *File, err error) (Key, error) {
	if err != nil {
		return nil, err
	}
	return f, nil
}

// filePath reads the URL of a local key file. Its errors hold no more than the
// scheme: other services' URLs may hold what is not to be shown.
func filePath(name string) (string, error) {
	u, err := url.Parse(name)
	switch {
	case err != nil:
		return "", errors.New("reading the key's URL: it is not a URL; a local key file is file:///path/of/local.key")
	case u.Scheme != "file":
		return "", fmt.Errorf("reading the key's URL: there is no key service of the kind %q; a local key file is file:///path/of/local.key", u.Scheme)
	case u.Host != "" || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || !filepath.IsAbs(u.Path):
		return "", errors.New("reading the key's URL: a local key file is file:///path/of/local.key, with three slashes, a full path and no more")
	}
	return u.Path, nil
}
