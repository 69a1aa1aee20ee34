// Package envelope seals values for rest: a workspace's keyset, wrapped by the
// KMS, wraps one data key per version of a credential, and that seals each
// value with AES-256-GCM.
//
// What is sealed is bound to its row: workspace, credential, version and field
// are associated data, so that a blob which was moved does not open. It does
// not know which version is the newest; the vault does. It needs no call to
// the KMS once a keyset is open. One way to use it:
//
//	keys, err := envelope.OpenKeyset(ctx, kms, workspace, wrapped)
//	key, wrappedKey, err := keys.NewDataKey(envelope.Binding{…})
//	blob, err := key.Seal("API_KEY", value)
package envelope

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"

	"hotcell"
	"hotcell/internal/value/sensitive"
)

// ErrOpen says that something sealed does not open; it never says why.
var ErrOpen = errors.New("the sealed bytes do not open")

// ErrClosed says that the keyset was closed.
var ErrClosed = fmt.Errorf("%w: the workspace's keys are closed", hotcell.ErrUnavailable)

// Wrapper is the KMS, as far as this package needs it.
type Wrapper interface {
	Wrap(ctx context.Context, plaintext, associatedData []byte) ([]byte, error)
	Unwrap(ctx context.Context, wrapped, associatedData []byte) (sensitive.Bytes, error)
}

// Keyset is a workspace's keys, open. Its methods may be called at once from
// anywhere.
type Keyset struct {
	workspace string
	// rotating lets one rotation at a time speak with the KMS, while uses go on.
	rotating sync.Mutex
	mu       sync.RWMutex
	open     *keys // nil once closed
}

// keys are what a keyset seals and opens with.
type keys struct {
	handle    *keyset.Handle
	primitive tink.AEAD
}

// NewKeyset makes a keyset for a workspace and wraps it.
func NewKeyset(ctx context.Context, w Wrapper, workspace string) (wrapped []byte, ks *Keyset, err error) {
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return nil, nil, fmt.Errorf("making a keyset: %w", err)
	}
	opened, err := newKeys(handle)
	if err != nil {
		return nil, nil, err
	}
	if wrapped, err = opened.wrap(ctx, w, workspace); err != nil {
		return nil, nil, err
	}
	return wrapped, &Keyset{workspace: workspace, open: opened}, nil
}

// OpenKeyset unwraps a workspace's keyset.
func OpenKeyset(ctx context.Context, w Wrapper, workspace string, wrapped []byte) (*Keyset, error) {
	plain, err := w.Unwrap(ctx, wrapped, keysetData(workspace))
	if err != nil {
		return nil, fmt.Errorf("unwrapping a keyset: %w", err)
	}
	defer plain.Clear()
	var opened *keys
	err = plain.Use(func(b []byte) error {
		handle, err := insecurecleartextkeyset.Read(keyset.NewBinaryReader(bytes.NewReader(b)))
		if err != nil {
			return errors.New("reading a keyset: it is damaged")
		}
		opened, err = newKeys(handle)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &Keyset{workspace: workspace, open: opened}, nil
}

func newKeys(handle *keyset.Handle) (*keys, error) {
	primitive, err := aead.New(handle)
	if err != nil {
		return nil, fmt.Errorf("using a keyset: %w", err)
	}
	return &keys{handle, primitive}, nil
}

// wrap writes the keys and has the KMS wrap them.
func (k *keys) wrap(ctx context.Context, w Wrapper, workspace string) ([]byte, error) {
	var plain bytes.Buffer
	defer func() { sensitive.Wipe(plain.Bytes()) }()
	if err := insecurecleartextkeyset.Write(k.handle, keyset.NewBinaryWriter(&plain)); err != nil {
		return nil, fmt.Errorf("writing a keyset: %w", err)
	}
	wrapped, err := w.Wrap(ctx, plain.Bytes(), keysetData(workspace))
	if err != nil {
		return nil, fmt.Errorf("wrapping a keyset: %w", err)
	}
	return wrapped, nil
}

// rotated is the same keys and a fresh one, which seals from then on.
func (k *keys) rotated() (*keys, error) {
	manager := keyset.NewManagerFromHandle(k.handle)
	id, err := manager.Add(aead.AES256GCMKeyTemplate())
	if err != nil {
		return nil, fmt.Errorf("rotating a keyset: %w", err)
	}
	if err := manager.SetPrimary(id); err != nil {
		return nil, fmt.Errorf("rotating a keyset: %w", err)
	}
	handle, err := manager.Handle()
	if err != nil {
		return nil, fmt.Errorf("rotating a keyset: %w", err)
	}
	return newKeys(handle)
}

// Rotate adds a key that seals from now on; the older ones still open. The
// keyset, wrapped anew, is given to store before the fresh key is used, since
// what it seals would be lost with it: where store fails, nothing has changed.
func (ks *Keyset) Rotate(ctx context.Context, w Wrapper, store func(wrapped []byte) error) error {
	return ks.change(ctx, w, (*keys).rotated, store)
}

func (ks *Keyset) change(ctx context.Context, w Wrapper, to func(*keys) (*keys, error), store func(wrapped []byte) error) error {
	ks.rotating.Lock()
	defer ks.rotating.Unlock()
	now, err := ks.keys()
	if err != nil {
		return err
	}
	next, err := to(now)
	if err != nil {
		return err
	}
	wrapped, err := next.wrap(ctx, w, ks.workspace)
	if err != nil {
		return err
	}
	// What does not open is found out before it takes the place of what does.
	if _, err := OpenKeyset(ctx, w, ks.workspace, wrapped); err != nil {
		return err
	}
	if err := store(wrapped); err != nil {
		return fmt.Errorf("storing a changed keyset: %w", err)
	}
	ks.mu.Lock()
	defer ks.mu.Unlock()
	if ks.open != nil { // it stays closed
		ks.open = next
	}
	return nil
}

// Drop takes keys out of the keyset for good, but never the one that seals: what they
// sealed does not open from then on. The keyset, wrapped anew, is given to store before
// that, and where store fails, nothing has changed.
func (ks *Keyset) Drop(ctx context.Context, w Wrapper, ids []KeyID, store func(wrapped []byte) error) error {
	return ks.change(ctx, w, func(k *keys) (*keys, error) { return k.without(ids) }, store)
}

// Rewrap wraps the keyset as it is anew: by another key of the KMS, or another version.
func (ks *Keyset) Rewrap(ctx context.Context, w Wrapper, store func(wrapped []byte) error) error {
	return ks.change(ctx, w, func(k *keys) (*keys, error) { return k, nil }, store)
}

// Close drops the keys. What was begun with them goes on; Go keeps their bytes
// until they are collected.
func (ks *Keyset) Close() {
	ks.mu.Lock()
	defer ks.mu.Unlock()
	ks.open = nil
}

func (ks *Keyset) keys() (*keys, error) {
	ks.mu.RLock()
	defer ks.mu.RUnlock()
	if ks.open == nil {
		return nil, ErrClosed
	}
	return ks.open, nil
}

func (ks *Keyset) seal(plaintext, data []byte) ([]byte, error) {
	k, err := ks.keys()
	if err != nil {
		return nil, err
	}
	sealed, err := k.primitive.Encrypt(plaintext, data)
	if err != nil {
		return nil, fmt.Errorf("sealing under a keyset: %w", err)
	}
	return sealed, nil
}

func (ks *Keyset) unseal(sealed, data []byte) ([]byte, error) {
	k, err := ks.keys()
	if err != nil {
		return nil, err
	}
	plain, err := k.primitive.Decrypt(sealed, data)
	if err != nil {
		return nil, ErrOpen // Tink's error would say which
	}
	return plain, nil
}

// SealBlob seals one of the vault's own things under a label.
func (ks *Keyset) SealBlob(label string, plaintext []byte) ([]byte, error) {
	return ks.seal(plaintext, associated("blob", ks.workspace, label))
}

// OpenBlob opens what SealBlob sealed under the same label.
func (ks *Keyset) OpenBlob(label string, sealed []byte) (sensitive.Bytes, error) {
	plain, err := ks.unseal(sealed, associated("blob", ks.workspace, label))
	if err != nil {
		return sensitive.Bytes{}, err
	}
	return sensitive.New(plain), nil
}

func keysetData(workspace string) []byte { return associated("keyset", workspace) }

// associated writes parts so that no two lists are written alike.
func associated(parts ...string) []byte {
	out := []byte("hotcell v1")
	for _, part := range parts {
		out = binary.BigEndian.AppendUint32(out, uint32(len(part)))
		out = append(out, part...)
	}
	return out
}
