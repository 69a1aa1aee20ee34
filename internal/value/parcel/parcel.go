// Package parcel seals a value to somebody's public key, and opens what was
// sealed to one's own: HPKE (RFC 9180) in base mode with DHKEM(X25519,
// HKDF-SHA256), HKDF-SHA256 and AES-256-GCM, one message each.
//
// It guards that a message opens only for the key and in the context that it
// was sealed for. It does not say who sealed it, and it does not remember what
// was opened: a receiver that must refuse repeats keeps each message's [Hash].
// One way to use it:
//
//	message, err := parcel.Seal(key, parcel.Context{Workspace: …, Field: "API_KEY"}, value)
package parcel

import (
	"crypto/ecdh"
	"crypto/hpke"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"

	"hotcell/internal/value/sensitive"
)

// ErrOpen says that a message does not open; it never says why.
var ErrOpen = errors.New("the sealed message does not open")

// version is the first byte of every message.
const version = 1

// encapsulated is the length of X25519's encapsulated key in bytes.
const encapsulated = 32

// PublicKey is what others seal to.
type PublicKey struct{ key hpke.PublicKey }

// ParsePublic reads a public key of 32 bytes.
func ParsePublic(b []byte) (PublicKey, error) {
	key, err := hpke.DHKEM(ecdh.X25519()).NewPublicKey(b)
	if err != nil {
		return PublicKey{}, fmt.Errorf("reading a public key: %w", err)
	}
	return PublicKey{key}, nil
}

// Bytes is the key's 32 bytes; none of the zero PublicKey.
func (k PublicKey) Bytes() []byte {
	if k.key == nil {
		return nil
	}
	return k.key.Bytes()
}

// Fingerprint names the key for people and pins: "SHA256:" and unpadded base64.
func (k PublicKey) Fingerprint() string {
	sum := sha256.Sum256(k.Bytes())
	return "SHA256:" + base64.RawStdEncoding.EncodeToString(sum[:])
}

// PrivateKey opens what was sealed to its public key. It is never printed. It
// cannot be cleared: Go's key types keep copies of their own.
type PrivateKey struct{ key hpke.PrivateKey }

// Generate makes a fresh key.
func Generate() (PrivateKey, error) {
	key, err := hpke.DHKEM(ecdh.X25519()).GenerateKey()
	if err != nil {
		return PrivateKey{}, fmt.Errorf("making a key pair: %w", err)
	}
	return PrivateKey{key}, nil
}

// ParsePrivate reads what [PrivateKey.Bytes] gave.
func ParsePrivate(b []byte) (PrivateKey, error) {
	key, err := hpke.DHKEM(ecdh.X25519()).NewPrivateKey(b)
	if err != nil {
		return PrivateKey{}, errors.New("reading a private key: it is not one of X25519")
	}
	return PrivateKey{key}, nil
}

// Bytes is the key for sealing at rest. The caller clears it.
func (k PrivateKey) Bytes() sensitive.Bytes {
	if k.key == nil {
		return sensitive.Bytes{}
	}
	b, err := k.key.Bytes()
	if err != nil {
		return sensitive.Bytes{} // X25519 keys always have bytes
	}
	return sensitive.New(b)
}

// Public is the public half.
func (k PrivateKey) Public() PublicKey {
	if k.key == nil {
		return PublicKey{}
	}
	return PublicKey{k.key.PublicKey()}
}

// String is redacted.
func (PrivateKey) String() string { return sensitive.Redacted }

// Format is redacted for every verb.
func (PrivateKey) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(sensitive.Redacted)) }

// MarshalText is redacted.
func (PrivateKey) MarshalText() ([]byte, error) { return []byte(sensitive.Redacted), nil }

// Context is what a value is sealed for. It opens in the same context only.
type Context struct {
	Workspace string
	Tier      string
	// Item is what the value belongs to.
	Item  string
	Field string
}

// info writes the context so that no two contexts are written alike: each part
// with its length before it.
func (c Context) info() []byte {
	out := []byte("hotcell value v1")
	for _, part := range []string{c.Workspace, c.Tier, c.Item, c.Field} {
		out = binary.BigEndian.AppendUint32(out, uint32(len(part)))
		out = append(out, part...)
	}
	return out
}

// Seal seals a value in a context.
func Seal(to PublicKey, in Context, plaintext []byte) ([]byte, error) {
	return SealInfo(to, in.info(), plaintext)
}

// Open opens a value in its context; any mismatch is [ErrOpen].
func (k PrivateKey) Open(in Context, message []byte) (sensitive.Bytes, error) {
	return k.OpenInfo(in.info(), message)
}

// SealInfo seals under a free info string (RFC 9180 section 5.1), without
// associated data. The message is a version byte, the encapsulated key and the
// ciphertext.
func SealInfo(to PublicKey, info, plaintext []byte) ([]byte, error) {
	if to.key == nil {
		return nil, errors.New("sealing: there is no key to seal to")
	}
	enc, sender, err := hpke.NewSender(to.key, hpke.HKDFSHA256(), hpke.AES256GCM(), info)
	if err != nil {
		return nil, fmt.Errorf("sealing: %w", err)
	}
	sealed, err := sender.Seal(nil, plaintext)
	if err != nil {
		return nil, fmt.Errorf("sealing: %w", err)
	}
	return append(append([]byte{version}, enc...), sealed...), nil
}

// OpenInfo opens what [SealInfo] sealed under the same info.
func (k PrivateKey) OpenInfo(info, message []byte) (sensitive.Bytes, error) {
	if k.key == nil || len(message) < 1+encapsulated || message[0] != version {
		return sensitive.Bytes{}, ErrOpen
	}
	receiver, err := hpke.NewRecipient(message[1:1+encapsulated], k.key, hpke.HKDFSHA256(), hpke.AES256GCM(), info)
	if err != nil {
		return sensitive.Bytes{}, ErrOpen
	}
	plaintext, err := receiver.Open(nil, message[1+encapsulated:])
	if err != nil {
		return sensitive.Bytes{}, ErrOpen
	}
	return sensitive.New(plaintext), nil
}

// Hash names a message, to refuse its repetition.
func Hash(message []byte) [32]byte { return sha256.Sum256(message) }
