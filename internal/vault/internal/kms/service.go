package kms

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"sync"

	"hotcell/internal/value/sensitive"
)

// api is one key of one service, as its protocol has it.
type api interface {
	// wrap and unwrap bind the associated data; unwrap is [ErrRefused] for any other.
	wrap(ctx context.Context, plaintext, associatedData []byte) ([]byte, error)
	unwrap(ctx context.Context, sealed, associatedData []byte) ([]byte, error)
	// name is the key's, as people know it.
	name() string
}

// remote is a key in a service: what it wraps says by which kind of service. Before its
// first use it is proven that the service binds associated data, since there are some
// that take it and leave it out.
type remote struct {
	kind string
	api  api

	mu     sync.Mutex
	proven bool
}

// ID implements [Key].
func (k *remote) ID() string { return k.kind + ":" + k.api.name() }

// Wrap implements [Key].
func (k *remote) Wrap(ctx context.Context, plaintext, associatedData []byte) ([]byte, error) {
	if err := k.prove(ctx); err != nil {
		return nil, err
	}
	return k.wrap(ctx, plaintext, associatedData)
}

func (k *remote) wrap(ctx context.Context, plaintext, associatedData []byte) ([]byte, error) {
	sum := checksum(plaintext)
	text := slices.Concat(plaintext, sum[:])
	defer sensitive.Wipe(text)
	sealed, err := k.api.wrap(ctx, text, associatedData)
	if err != nil {
		return nil, err
	}
	return slices.Concat(k.header(), sealed), nil
}

// checksum goes with what is wrapped, so that a service which gives back something else
// than it was given is found out before anything is sealed under that.
func checksum(plaintext []byte) [sha256.Size]byte {
	text := slices.Concat([]byte("hotcell kms v2"), plaintext)
	defer sensitive.Wipe(text)
	return sha256.Sum256(text)
}

func (k *remote) header() []byte {
	return append([]byte{wrappedVersion, byte(len(k.kind))}, k.kind...)
}

// Unwrap implements [Key].
func (k *remote) Unwrap(ctx context.Context, wrapped, associatedData []byte) (sensitive.Bytes, error) {
	sealed, ours := bytes.CutPrefix(wrapped, k.header())
	if kind := kindOfWrapped(wrapped); !ours && kind != "" {
		return sensitive.Bytes{}, otherKind(kind, k.ID())
	}
	if !ours {
		return sensitive.Bytes{}, otherKind("file:", k.ID())
	}
	if err := k.prove(ctx); err != nil {
		return sensitive.Bytes{}, err
	}
	text, err := k.api.unwrap(ctx, sealed, associatedData)
	if err != nil {
		return sensitive.Bytes{}, err
	}
	defer sensitive.Wipe(text)
	n := len(text) - sha256.Size
	if n >= 0 {
		if sum := checksum(text[:n]); bytes.Equal(sum[:], text[n:]) {
			return sensitive.Copy(text[:n]), nil
		}
	}
	return sensitive.Bytes{}, k.otherwise()
}

func (k *remote) otherwise() error {
	return fault(ErrUnavailable, "%s gave back something else than it was given, which is not used: is the address in key: that of the service?", k.ID())
}

// prove wraps something that is no key, once, and sees that it opens with its own
// associated data and with no other.
func (k *remote) prove(ctx context.Context) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.proven {
		return nil
	}
	probe := make([]byte, keySize)
	_, _ = rand.Read(probe)
	sealed, err := k.api.wrap(ctx, probe, []byte("hotcell proof: this"))
	if err != nil {
		return err
	}
	plain, err := k.api.unwrap(ctx, sealed, []byte("hotcell proof: this"))
	if err != nil {
		return err
	}
	if !bytes.Equal(plain, probe) {
		return k.otherwise()
	}
	_, err = k.api.unwrap(ctx, sealed, []byte("hotcell proof: another"))
	switch {
	case err == nil:
		return fault(ErrUnusable, "%s leaves out associated data, so that what is stored could be moved unseen: use a key of a kind that binds it; docs/keys.md names them", k.ID())
	case !errors.Is(err, ErrRefused):
		return err
	}
	k.proven = true
	return nil
}

// Remote says whether a URL names a key in a service, which can be out of reach.
func Remote(name string) bool {
	u, err := url.Parse(name)
	return err == nil && opener(u.Scheme) != nil
}

// opener is how a key of a kind of service is opened; nil where there is none.
func opener(scheme string) func(Config, *url.URL) (api, error) {
	switch scheme {
	case "hcvault":
		return openTransit
	case "awskms":
		return openAWS
	case "gcpkms":
		return openGoogle
	case "azurekv":
		return openAzure
	}
	return nil
}

func openRemote(c Config, u *url.URL) (Key, error) {
	if u.User != nil || u.Fragment != "" {
		return nil, errors.New("reading the key's URL: it holds no credentials; docs/keys.md says where those come from")
	}
	opened, err := opener(u.Scheme)(c, u)
	if err != nil {
		return nil, err
	}
	return &remote{kind: u.Scheme, api: opened}, nil
}

// settings reads a URL's query: only what is known, and each once.
func settings(u *url.URL, known ...string) (map[string]string, error) {
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, errors.New("reading the key's URL: what stands behind ? cannot be read")
	}
	out := map[string]string{}
	for name, values := range query {
		if !slices.Contains(known, name) || len(values) != 1 {
			return nil, fmt.Errorf("reading the key's URL: behind ? it takes %q, each once", known)
		}
		out[name] = values[0]
	}
	return out, nil
}
