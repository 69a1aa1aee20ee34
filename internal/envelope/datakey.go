package envelope

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"fmt"
	"strconv"

	"hotcell/internal/sensitive"
)

// Binding is the row that a data key is for.
type Binding struct {
	Workspace  string
	Credential string
	Version    int
}

func (b Binding) data(kind, field string) []byte {
	return associated(kind, b.Workspace, b.Credential, strconv.Itoa(b.Version), field)
}

// DataKey seals the values of one version of a credential. Clear it after use.
type DataKey struct {
	binding Binding
	gcm     cipher.AEAD
}

// The sealed value's form: a version byte, a nonce, AES-256-GCM.
const (
	valueVersion = 1
	nonceSize    = 12
)

// NewDataKey makes a fresh data key for a row, and wraps it.
func (ks *Keyset) NewDataKey(b Binding) (*DataKey, []byte, error) {
	primitive, err := ks.aead()
	if err != nil {
		return nil, nil, err
	}
	raw := make([]byte, 32)
	defer sensitive.Wipe(raw)
	_, _ = rand.Read(raw)
	wrapped, err := primitive.Encrypt(raw, b.data("data key", ""))
	if err != nil {
		return nil, nil, fmt.Errorf("wrapping a data key: %w", err)
	}
	key, err := newDataKey(b, raw)
	return key, wrapped, err
}

// OpenDataKey unwraps the data key of a row; [ErrOpen] where it is not that row's.
func (ks *Keyset) OpenDataKey(b Binding, wrapped []byte) (*DataKey, error) {
	primitive, err := ks.aead()
	if err != nil {
		return nil, err
	}
	raw, err := primitive.Decrypt(wrapped, b.data("data key", ""))
	if err != nil || len(raw) != 32 {
		return nil, ErrOpen
	}
	defer sensitive.Wipe(raw)
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
