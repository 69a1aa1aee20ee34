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

	"hotcell/internal/sensitive"
)

// ErrOpen says that something sealed does not open; it never says why.
var ErrOpen = errors.New("the sealed bytes do not open")

// ErrClosed says that the keyset was closed.
var ErrClosed = errors.New("the workspace's keys are closed")

// Wrapper is the KMS, as far as this package needs it.
type Wrapper interface {
	Wrap(ctx context.Context, plaintext, associatedData []byte) ([]byte, error)
	Unwrap(ctx context.Context, wrapped, associatedData []byte) (sensitive.Bytes, error)
}

// Keyset is a workspace's keys, open. Its methods may be called at once from
// anywhere.
type Keyset struct {
	workspace string
	mu        sync.RWMutex
	handle    *keyset.Handle
	primitive tink.AEAD
}

// NewKeyset makes a keyset for a workspace and wraps it.
func NewKeyset(ctx context.Context, w Wrapper, workspace string) (wrapped []byte, ks *Keyset, err error) {
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return nil, nil, fmt.Errorf("making a keyset: %w", err)
	}
	ks = &Keyset{workspace: workspace}
	if wrapped, err = ks.set(ctx, w, handle); err != nil {
		return nil, nil, err
	}
	return wrapped, ks, nil
}

// OpenKeyset unwraps a workspace's keyset.
func OpenKeyset(ctx context.Context, w Wrapper, workspace string, wrapped []byte) (*Keyset, error) {
	plain, err := w.Unwrap(ctx, wrapped, keysetData(workspace))
	if err != nil {
		return nil, fmt.Errorf("unwrapping a keyset: %w", err)
	}
	defer plain.Clear()
	ks := &Keyset{workspace: workspace}
	err = plain.Use(func(b []byte) error {
		handle, err := insecurecleartextkeyset.Read(keyset.NewBinaryReader(bytes.NewReader(b)))
		if err != nil {
			return errors.New("reading a keyset: it is damaged")
		}
		ks.handle = handle
		ks.primitive, err = aead.New(handle)
		return err
	})
	return ks, err
}

// Rotate adds a key that seals from now on; the older ones still open. It
// returns the keyset, wrapped anew, to be stored before it is used.
func (ks *Keyset) Rotate(ctx context.Context, w Wrapper) ([]byte, error) {
	ks.mu.Lock()
	defer ks.mu.Unlock()
	if ks.handle == nil {
		return nil, ErrClosed
	}
	manager := keyset.NewManagerFromHandle(ks.handle)
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
	return ks.set(ctx, w, handle)
}

// set wraps a handle and makes it the keyset's.
func (ks *Keyset) set(ctx context.Context, w Wrapper, handle *keyset.Handle) ([]byte, error) {
	primitive, err := aead.New(handle)
	if err != nil {
		return nil, fmt.Errorf("using a keyset: %w", err)
	}
	var plain bytes.Buffer
	defer func() { sensitive.Wipe(plain.Bytes()) }()
	if err := insecurecleartextkeyset.Write(handle, keyset.NewBinaryWriter(&plain)); err != nil {
		return nil, fmt.Errorf("writing a keyset: %w", err)
	}
	wrapped, err := w.Wrap(ctx, plain.Bytes(), keysetData(ks.workspace))
	if err != nil {
		return nil, fmt.Errorf("wrapping a keyset: %w", err)
	}
	ks.handle, ks.primitive = handle, primitive
	return wrapped, nil
}

// Close drops the keys.
func (ks *Keyset) Close() {
	ks.mu.Lock()
	defer ks.mu.Unlock()
	ks.handle, ks.primitive = nil, nil
}

func (ks *Keyset) aead() (tink.AEAD, error) {
	ks.mu.RLock()
	defer ks.mu.RUnlock()
	if ks.primitive == nil {
		return nil, ErrClosed
	}
	return ks.primitive, nil
}

// SealBlob seals one of the vault's own things under a label.
func (ks *Keyset) SealBlob(label string, plaintext []byte) ([]byte, error) {
	primitive, err := ks.aead()
	if err != nil {
		return nil, err
	}
	return primitive.Encrypt(plaintext, associated("blob", ks.workspace, label))
}

// OpenBlob opens what SealBlob sealed under the same label.
func (ks *Keyset) OpenBlob(label string, sealed []byte) (sensitive.Bytes, error) {
	primitive, err := ks.aead()
	if err != nil {
		return sensitive.Bytes{}, err
	}
	plain, err := primitive.Decrypt(sealed, associated("blob", ks.workspace, label))
	if err != nil {
		return sensitive.Bytes{}, ErrOpen
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
