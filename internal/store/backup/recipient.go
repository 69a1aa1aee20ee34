package backup

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"

	"filippo.io/age"

	"hotcell"
	"hotcell/internal/value/parcel"
	"hotcell/internal/value/passphrase"
	"hotcell/internal/value/sensitive"
)

// The types of our own stanzas in an age file's header. A stock age ignores them, and
// opens the parts with an identity of its own.
const (
	stanzaKey        = "hotcell-key-v1"
	stanzaPassphrase = "hotcell-passphrase-v1"
)

// info binds what is wrapped to what it is for.
const info = "hotcell backup v1"

const passphrasePrefix = "passphrase:"

var coding = base64.RawURLEncoding

// ParseRecipient reads who may open backups, as the configuration says it: an age
// recipient (age1…), or what [PassphraseRecipient] made.
func ParseRecipient(text string) (age.Recipient, error) {
	if rest, found := strings.CutPrefix(text, passphrasePrefix); found {
		salt, key, _ := strings.Cut(rest, ":")
		return parsePassphrase(salt, key)
	}
	r, err := age.ParseX25519Recipient(text)
	if err != nil {
		return nil, hotcell.Invalid("/backup/recipients", "a recipient is age1… of age-keygen, or what hotcell backup passphrase prints")
	}
	return r, nil
}

// PassphraseRecipient makes a recipient of a passphrase: a public key, so that backups
// can be made without anybody there who knows the words. The line is no secret; whoever
// has it can try guesses on it, at the price of one argon2id each.
func PassphraseRecipient(words sensitive.Bytes) (string, error) {
	salt := make([]byte, passphrase.SaltSize)
	_, _ = rand.Read(salt)
	private, err := privateOf(words, salt)
	if err != nil {
		return "", err
	}
	return passphrasePrefix + coding.EncodeToString(salt) + ":" + coding.EncodeToString(private.Public().Bytes()), nil
}

func privateOf(words sensitive.Bytes, salt []byte) (private parcel.PrivateKey, err error) {
	key := passphrase.Key(words, salt)
	defer key.Clear()
	err = key.Use(func(b []byte) error {
		private, err = parcel.ParsePrivate(b)
		return err
	})
	return private, err
}

// byPassphrase is the public key of a passphrase.
type byPassphrase struct {
	salt string
	key  parcel.PublicKey
}

func parsePassphrase(salt, key string) (*byPassphrase, error) {
	raw, err := coding.DecodeString(key)
	if err == nil && len(raw) == 32 {
		if s, bad := coding.DecodeString(salt); bad == nil && len(s) == passphrase.SaltSize {
			if public, err := parcel.ParsePublic(raw); err == nil {
				return &byPassphrase{salt, public}, nil
			}
		}
	}
	return nil, hotcell.Invalid("/backup/recipients", "a passphrase's recipient is the line that hotcell backup passphrase prints, whole")
}

// Wrap implements [age.Recipient].
func (p *byPassphrase) Wrap(fileKey []byte) ([]*age.Stanza, error) {
	body, err := parcel.SealInfo(p.key, []byte(info), fileKey)
	return []*age.Stanza{{Type: stanzaPassphrase, Args: []string{p.salt}, Body: body}}, err
}

// Wrapper is a KMS key.
type Wrapper interface {
	Wrap(ctx context.Context, plaintext, associatedData []byte) ([]byte, error)
	Unwrap(ctx context.Context, wrapped, associatedData []byte) (sensitive.Bytes, error)
}

// byKey has a KMS wrap what opens a backup.
type byKey struct {
	ctx context.Context //nolint:containedctx // age's interfaces have none, and this lives for one backup
	key Wrapper
}

// KeyRecipient is the KMS key as a recipient, for one backup.
func KeyRecipient(ctx context.Context, key Wrapper) age.Recipient { return &byKey{ctx, key} }

// Wrap implements [age.Recipient].
func (k *byKey) Wrap(fileKey []byte) ([]*age.Stanza, error) {
	body, err := k.key.Wrap(k.ctx, fileKey, []byte(info))
	return []*age.Stanza{{Type: stanzaKey, Body: body}}, err
}

// Opener is one way to open a backup, and says why it did not.
type Opener struct {
	identity age.Identity
	// why is what it says of a backup that is meant for its kind; nil before.
	why error
	of  string
}

// Unwrap implements [age.Identity].
func (o *Opener) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	key, err := o.identity.Unwrap(stanzas)
	if err != nil && !isNot(err) {
		o.why = err
		return nil, fmt.Errorf("%w: %w", age.ErrIncorrectIdentity, err)
	}
	return key, err
}

// KeyOpener opens by a KMS key.
func KeyOpener(ctx context.Context, key Wrapper) *Opener {
	return &Opener{identity: identity(func(stanzas []*age.Stanza) ([]byte, error) {
		for _, s := range stanzas {
			if s.Type != stanzaKey {
				continue
			}
			plain, err := key.Unwrap(ctx, s.Body, []byte(info))
			if err != nil {
				return nil, err
			}
			return taken(plain), nil
		}
		return nil, age.ErrIncorrectIdentity
	}), of: "the vault's key"}
}

// PassphraseOpener opens by a passphrase.
func PassphraseOpener(words sensitive.Bytes) *Opener {
	return &Opener{identity: identity(func(stanzas []*age.Stanza) ([]byte, error) {
		meant := false
		for _, s := range stanzas {
			if s.Type != stanzaPassphrase || len(s.Args) != 1 {
				continue
			}
			salt, err := coding.DecodeString(s.Args[0])
			if err != nil || len(salt) != passphrase.SaltSize {
				continue
			}
			private, err := privateOf(words, salt)
			if err != nil {
				return nil, err
			}
			meant = true
			if plain, err := private.OpenInfo([]byte(info), s.Body); err == nil {
				return taken(plain), nil
			}
		}
		if meant {
			return nil, fmt.Errorf("%w: the passphrase is wrong", hotcell.ErrDenied)
		}
		return nil, age.ErrIncorrectIdentity
	}), of: "a passphrase"}
}

// IdentityOpeners opens by age identities, as age-keygen writes them.
func IdentityOpeners(text sensitive.Bytes) (out []*Opener, err error) {
	err = text.Use(func(b []byte) error {
		list, err := age.ParseIdentities(strings.NewReader(string(b)))
		if err != nil {
			return fmt.Errorf("%w: this is no file of age identities, as age-keygen writes it", hotcell.ErrInvalid)
		}
		for _, one := range list {
			out = append(out, &Opener{identity: one, of: "the identity"})
		}
		return nil
	})
	return out, err
}

type identity func([]*age.Stanza) ([]byte, error)

// Unwrap implements [age.Identity].
func (i identity) Unwrap(stanzas []*age.Stanza) ([]byte, error) { return i(stanzas) }

// taken hands a key out of its case, which is cleared.
func taken(plain sensitive.Bytes) (out []byte) {
	defer plain.Clear()
	_ = plain.Use(func(b []byte) error { out = append(out, b...); return nil })
	return out
}
