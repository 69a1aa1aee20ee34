package envelope

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"

	"hotcell/internal/value/sensitive"
)

// Binding is the row that a data key is for; the field comes with each value.
type Binding struct {
	Workspace  string
	Credential string
	Version    int
}

func (b Binding) data(kind, field string) []byte {
	return associated(kind, b.Workspace, b.Credential, strconv.Itoa(b.Version), field)
}

// DataKey seals the values of one version of a credential. Clear it after use.
// It is for one goroutine at a time.
type DataKey struct {
	binding Binding
	gcm     cipher.AEAD
}

// The sealed value's form: a version byte, a nonce, AES-256-GCM.
const (
	valueVersion = 1
	nonceSize    = 12
	keySize      = 32
)

// NewDataKey makes a fresh data key for a row, and wraps it.
func (ks *Keyset) NewDataKey(b Binding) (dk *DataKey, wrapped []byte, err error) {
	if b.Workspace != ks.workspace {
		return nil, nil, errors.New("making a data key: the row is another workspace's")
	}
	raw := make([]byte, keySize)
	defer sensitive.Wipe(raw)
	_, _ = rand.Read(raw)
	if wrapped, err = ks.seal(raw, b.data("data key", "")); err != nil {
		return nil, nil, err
	}
	if dk, err = newDataKey(b, raw); err != nil {
		return nil, nil, err
	}
	return dk, wrapped, nil
}

// OpenDataKey unwraps the data key of a row; [ErrOpen] where it is not that row's.
func (ks *Keyset) OpenDataKey(b Binding, wrapped []byte) (*DataKey, error) {
	if b.Workspace != ks.workspace {
		return nil, ErrOpen
	}
	raw, err := ks.unseal(wrapped, b.data("data key", ""))
	if err != nil {
		return nil, err
	}
	defer sensitive.Wipe(raw)
	if len(raw) != keySize {
		return nil, ErrOpen
	}
	return newDataKey(b, raw)
}

func newDataKey(b Binding, raw []byte) (*DataKey, error) {
	block, err := aes.NewCipher(raw)
	if err != nil {
		return nil, fmt.Errorf("using a data key: %w", err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("using a data key: %w", err)
	}
	return &DataKey{b, gcm}, nil
}

// Seal seals the value of a field.
func (k *DataKey) Seal(field string, plaintext []byte) ([]byte, error) {
	if k.gcm == nil {
		return nil, ErrClosed
	}
	out := make([]byte, 1+nonceSize, 1+nonceSize+len(plaintext)+k.gcm.Overhead())
	out[0] = valueVersion
	_, _ = rand.Read(out[1:])
	return k.gcm.Seal(out, out[1:], plaintext, k.binding.data("value v1", field)), nil
}

// Open opens the value of a field; any mismatch is [ErrOpen].
func (k *DataKey) Open(field string, sealed []byte) (sensitive.Bytes, error) {
	if k.gcm == nil {
		return sensitive.Bytes{}, ErrClosed
	}
	if len(sealed) < 1+nonceSize || sealed[0] != valueVersion {
		return sensitive.Bytes{}, ErrOpen
	}
	plain, err := k.gcm.Open(nil, sealed[1:1+nonceSize], sealed[1+nonceSize:], k.binding.data("value v1", field))
	if err != nil {
		return sensitive.Bytes{}, ErrOpen
	}
	return sensitive.New(plain), nil
}

// Clear forgets the key. Go keeps the expanded key schedule until it is collected.
func (k *DataKey) Clear() { k.gcm = nil }
