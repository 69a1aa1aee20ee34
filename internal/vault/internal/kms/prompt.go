package kms

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"sync"

	"hotcell/internal/value/passphrase"
	"hotcell/internal/value/sensitive"
)

// Prompt is the URL of a key that is made of a passphrase, which whoever starts the
// server is asked for.
const Prompt = "prompt"

// PassphraseVariable is where a passphrase stands among the variables of [Gather], in
// base64. It is no variable of the environment.
const PassphraseVariable = "passphrase"

// promptVersion begins what a passphrase wrapped: the salt, a nonce and AES-256-GCM
// follow. The key is argon2id of passphrase and salt.
const (
	promptVersion = 3
	promptHeader  = 1 + passphrase.SaltSize
)

// remembered is a key of a passphrase. Its id says nothing: a sum of the passphrase
// would be guessed at without the price of a derivation.
type remembered struct {
	words sensitive.Bytes

	mu sync.Mutex
	// made is the key of the salt that was used last.
	salt [passphrase.SaltSize]byte
	made cipher.AEAD
}

// openPrompt takes the passphrase that was asked for.
func openPrompt(c Config) (Key, error) {
	text := c.Environment.Get(PassphraseVariable)
	words, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(words) == 0 {
		return nil, fault(ErrUnusable, "the key is a passphrase (key: prompt), and none was given: start this in a terminal, which asks for it, or name a file with --key-passphrase-file (/dev/fd/3 is a descriptor)")
	}
	k := &remembered{words: sensitive.New(words)}
	_, _ = rand.Read(k.salt[:])
	return k, nil
}

// ID implements [Key].
func (k *remembered) ID() string { return Prompt }

// gcm is the key of a salt; it takes its time unless it is the one that was used last.
func (k *remembered) gcm(salt []byte) (cipher.AEAD, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.made != nil && string(k.salt[:]) == string(salt) {
		return k.made, nil
	}
	key := passphrase.Key(k.words, salt)
	defer key.Clear()
	var made cipher.AEAD
	err := key.Use(func(b []byte) error {
		block, err := aes.NewCipher(b)
		if err != nil {
			return err
		}
		made, err = cipher.NewGCM(block)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("using the key: %w", err)
	}
	copy(k.salt[:], salt)
	k.made = made
	return made, nil
}

// Wrap implements [Key].
func (k *remembered) Wrap(_ context.Context, plaintext, associatedData []byte) ([]byte, error) {
	k.mu.Lock()
	header := append([]byte{promptVersion}, k.salt[:]...)
	k.mu.Unlock()
	gcm, err := k.gcm(header[1:])
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, gcm.NonceSize())
	_, _ = rand.Read(nonce)
	return gcm.Seal(append(bytesOf(header), nonce...), nonce, plaintext, bound(header, associatedData)), nil
}

func bytesOf(header []byte) []byte { return append([]byte(nil), header...) }

// Unwrap implements [Key].
func (k *remembered) Unwrap(_ context.Context, wrapped, associatedData []byte) (sensitive.Bytes, error) {
	if kind := kindOfWrapped(wrapped); kind != "" {
		return sensitive.Bytes{}, otherKind(kind, "a passphrase")
	}
	if len(wrapped) > 0 && wrapped[0] == fileVersion {
		return sensitive.Bytes{}, otherKind("the kind of a local key file", "a passphrase")
	}
	if len(wrapped) < promptHeader+12 || wrapped[0] != promptVersion {
		return sensitive.Bytes{}, fault(ErrRefused, "no passphrase wrapped what is stored here")
	}
	header, rest := wrapped[:promptHeader], wrapped[promptHeader:]
	gcm, err := k.gcm(header[1:])
	if err != nil {
		return sensitive.Bytes{}, err
	}
	plain, err := gcm.Open(nil, rest[:gcm.NonceSize()], rest[gcm.NonceSize():], bound(header, associatedData))
	if err != nil {
		return sensitive.Bytes{}, fault(ErrRefused, "the passphrase is wrong: what is stored here does not open with it")
	}
	return sensitive.New(plain), nil
}
