// Package kms wraps and unwraps small keys under a key that never leaves its
// service: a file per provider.
//
// It guards that a wrapped key opens only under the same key and with the same
// associated data, that nothing of a service's answer but what is known of it is
// told, and that what a service does wrong ends in an error. It does not protect a
// local key file from whoever can read it: that key and the database must not be
// stolen together. One way to use it:
//
//	key, err := kms.Open(ctx, kms.Config{URL: "file:///var/lib/hotcell/local.key"})
//	wrapped, err := key.Wrap(ctx, keyset, []byte(workspace))
package kms

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"time"

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
	// ErrUnusable: the key may be there, and somebody has to do something before it
	// can be used.
	ErrUnusable = errors.New("the key cannot be used")
)

// Fault is what is wrong, in a sentence that says what to do and holds no value. It
// is one of the errors above.
type Fault struct {
	Kind  error
	words error
}

// Error implements error.
func (f *Fault) Error() string { return f.words.Error() }

// Sentence is the whole of what is to be told, without the steps that led there.
func (f *Fault) Sentence() string { return f.Error() }

// Unwrap gives the kind, and what is behind the words.
func (f *Fault) Unwrap() []error { return []error{f.Kind, f.words} }

func fault(kind error, format string, args ...any) *Fault {
	return &Fault{Kind: kind, words: fmt.Errorf(format, args...)}
}

// Config names a key, and says what is needed to reach it.
type Config struct {
	// URL names the key: "file:///path", or a key of a service; docs/keys.md lists them.
	URL string
	// Inside is where a local key file lies as this process sees it; empty where that
	// is as the URL says.
	Inside string
	// Trial says that the key is only tried: by root, a file may be anybody's.
	Trial bool
	// Environment is where credentials for a service come from.
	Environment *Environment
	// Roots are the certificates that services are held against; nil for the system's.
	Roots *x509.CertPool
	// Dial connects to services; nil for a plain connection. Their addresses are the
	// operator's word.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Now tells how old credentials are; nil for the machine's clock.
	Now func() time.Time
}

func (c Config) now() time.Time {
	if c.Now == nil {
		return time.Now()
	}
	return c.Now()
}

// Open opens the key that a URL names. A service is not asked before the first use.
func Open(_ context.Context, c Config) (Key, error) {
	if c.URL == Prompt {
		return openPrompt(c)
	}
	if credential, found := strings.CutPrefix(c.URL, sealedScheme); found {
		return asKey(openSealed(c, credential))
	}
	if u, err := url.Parse(c.URL); err == nil && opener(u.Scheme) != nil {
		return openRemote(c, u)
	}
	path, err := filePath(c.URL)
	if err != nil {
		return nil, err
	}
	return asKey(openFileAt(path, cmp.Or(c.Inside, path), c.Trial))
}

// Create makes the key that a URL names, where there is none yet. Only a local key
// file is made.
func Create(_ context.Context, c Config) (Key, error) {
	path, err := filePath(c.URL)
	if err != nil {
		return nil, err
	}
	return asKey(createFileAt(path, cmp.Or(c.Inside, path)))
}

// asKey keeps a nil File from becoming a Key that is not nil.
func asKey(f *File, err error) (Key, error) {
	if err != nil {
		return nil, err
	}
	return f, nil
}

// FilePath is the path of the local key file that a URL names; empty where it names
// another kind of key.
func FilePath(name string) string {
	path, err := filePath(name)
	if err != nil {
		return ""
	}
	return path
}

// filePath reads the URL of a local key file. Its errors hold no more than the
// scheme: other services' URLs may hold what is not to be shown.
func filePath(name string) (string, error) {
	u, err := url.Parse(name)
	switch {
	case err != nil:
		return "", errors.New("reading the key's URL: it is not a URL; a local key file is file:///path/of/local.key")
	case u.Scheme != "file":
		return "", fmt.Errorf("reading the key's URL: there is no key service of the kind %q; there are file, systemd-creds, hcvault, awskms, gcpkms and azurekv", u.Scheme)
	case u.Host != "" || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || !filepath.IsAbs(u.Path):
		return "", errors.New("reading the key's URL: a local key file is file:///path/of/local.key, with three slashes, a full path and no more")
	}
	return u.Path, nil
}

// wrappedVersion begins what a service wrapped: behind it stand the length of the
// service's scheme, the scheme, and what the service gave. A local key file has
// another byte there.
const wrappedVersion = 2

// kindOfWrapped is the scheme of the service that wrapped something; empty for none.
func kindOfWrapped(wrapped []byte) string {
	if len(wrapped) < 2 || wrapped[0] != wrappedVersion || len(wrapped) < 2+int(wrapped[1]) {
		return ""
	}
	kind := string(wrapped[2 : 2+int(wrapped[1])])
	if opener(kind) == nil {
		return ""
	}
	return kind
}

// otherKind is the sentence for what another service's key wrapped.
func otherKind(kind, is string) error {
	return fault(ErrRefused, "what is stored here was wrapped by a key of %s, and the configuration names %s: set key: to the key that wrapped it", kind, is)
}
