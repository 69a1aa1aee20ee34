package kms

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"hotcell/internal/value/sensitive"
)

// azureKey is an RSA key of Azure Key Vault or Managed HSM:
//
//	azurekv://NAME.vault.azure.net/keys/KEY
//
// Wrapping there takes no associated data, and anybody who has the public key can do
// it. So what is wrapped is a fresh data key; that seals the text by AES-256-GCM with
// the associated data; and the key signs all of it, together with the associated data.
// What does not verify is not unwrapped. docs/formats.md has the bytes.
// https://learn.microsoft.com/rest/api/keyvault/keys/operation-groups
type azureKey struct {
	wire   *wire
	tokens *azureTokens
	at     string // https://NAME.vault.azure.net/keys/KEY/
	given  string // the version that the URL names; empty for the newest
	shown  string
}

const (
	azureVersion = 1
	azureAPI     = "?api-version=7.4"
	azureWraps   = "RSA-OAEP-256"
	azureSigns   = "PS256"
)

var (
	azurePattern = regexp.MustCompile(`^/keys/([0-9A-Za-z-]{1,127})(?:/([0-9a-f]{32}))?$`)
	azureKid     = regexp.MustCompile(`/keys/[0-9A-Za-z-]{1,127}/([0-9a-f]{32})$`)
)

func openAzure(c Config, u *url.URL) (api, error) {
	set, err := settings(u, "endpoint")
	if err != nil {
		return nil, err
	}
	m := azurePattern.FindStringSubmatch(u.Path)
	_, domain, found := strings.Cut(u.Hostname(), ".")
	if m == nil || !found || domain == "" {
		return nil, errors.New("reading the key's URL: a key of Azure is azurekv://NAME.vault.azure.net/keys/KEY, with or without a version behind it")
	}
	at, err := endpoint(set["endpoint"], "https://"+u.Host)
	if err != nil {
		return nil, err
	}
	return &azureKey{newWire(c, "Azure Key Vault "+u.Hostname()), newAzureTokens(c, "https://"+domain), at + "/keys/" + m[1] + "/", m[2], u.Host + u.Path}, nil
}

func (k *azureKey) name() string { return k.shown }

func (k *azureKey) wrap(ctx context.Context, plaintext, associatedData []byte) ([]byte, error) {
	dek := make([]byte, keySize)
	defer sensitive.Wipe(dek)
	_, _ = rand.Read(dek)
	gcm, err := gcmOf(dek)
	if err != nil {
		return nil, err
	}
	wrapped, version, err := k.operate(ctx, k.given, "wrapkey", map[string]any{"alg": azureWraps, "value": base64.RawURLEncoding.EncodeToString(dek)})
	if err != nil {
		return nil, err
	}
	out := append([]byte{azureVersion}, version...)
	out = binary.BigEndian.AppendUint16(out, uint16(len(wrapped)))
	out = append(out, wrapped...)
	header := len(out)
	nonce := make([]byte, gcm.NonceSize())
	_, _ = rand.Read(nonce)
	out = append(out, nonce...)
	out = gcm.Seal(out, nonce, plaintext, bound(out[:header], associatedData))
	signature, signer, err := k.operate(ctx, version, "sign", map[string]any{"alg": azureSigns, "value": azureDigest(out, associatedData)})
	if err != nil {
		return nil, err
	}
	if signer != version {
		return nil, k.wire.strange()
	}
	return binary.BigEndian.AppendUint16(append(out, signature...), uint16(len(signature))), nil
}

func (k *azureKey) unwrap(ctx context.Context, sealed, associatedData []byte) ([]byte, error) {
	m, ok := parseAzure(sealed)
	if !ok {
		return nil, fault(ErrRefused, "%s %s", k.wire.who, wordsRefused)
	}
	signed, err := k.verify(ctx, m.version, azureDigest(m.signed, associatedData), m.signature)
	if err != nil {
		return nil, err
	}
	if !signed {
		return nil, fault(ErrRefused, "%s %s", k.wire.who, wordsRefused)
	}
	dek, _, err := k.operate(ctx, m.version, "unwrapkey", map[string]any{"alg": azureWraps, "value": base64.RawURLEncoding.EncodeToString(m.wrapped)})
	if err != nil {
		return nil, err
	}
	defer sensitive.Wipe(dek)
	gcm, err := gcmOf(dek)
	if err != nil {
		return nil, k.wire.strange()
	}
	plain, err := gcm.Open(nil, m.nonce, m.box, bound(m.header, associatedData))
	if err != nil {
		return nil, fault(ErrRefused, "%s %s", k.wire.who, wordsRefused)
	}
	return plain, nil
}

// azureMessage is what wrap made, in its parts.
type azureMessage struct {
	version                                        string
	header, wrapped, nonce, box, signed, signature []byte
}

// parseAzure takes a message apart; there is one way to write it.
func parseAzure(b []byte) (m azureMessage, ok bool) {
	const fixed = 1 + 32 + 2
	if len(b) < fixed+2 || b[0] != azureVersion {
		return m, false
	}
	n, end := int(binary.BigEndian.Uint16(b[fixed-2:])), len(b)-2
	signature := int(binary.BigEndian.Uint16(b[end:]))
	if fixed+n+12+16 > end-signature {
		return m, false
	}
	m.version, m.header, m.wrapped = string(b[1:33]), b[:fixed+n], b[fixed:fixed+n]
	m.signed, m.signature = b[:end-signature], b[end-signature:end]
	m.nonce, m.box = m.signed[fixed+n:fixed+n+12], m.signed[fixed+n+12:]
	return m, !strings.ContainsFunc(m.version, func(r rune) bool { return !strings.ContainsRune("0123456789abcdef", r) })
}

// azureDigest is what is signed, as the service takes it.
func azureDigest(message, associatedData []byte) string {
	hash := sha256.New()
	_, _ = hash.Write([]byte("hotcell azure v1"))
	_, _ = hash.Write(binary.BigEndian.AppendUint32(nil, uint32(len(associatedData))))
	_, _ = hash.Write(associatedData)
	_, _ = hash.Write(message)
	return base64.RawURLEncoding.EncodeToString(hash.Sum(nil))
}

func gcmOf(key []byte) (cipher.AEAD, error) {
	if len(key) != keySize {
		return nil, errors.New("using a data key: it has another length")
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// operate asks for an operation whose result is bytes, and says which version did it.
func (k *azureKey) operate(ctx context.Context, version, operation string, message map[string]any) (value []byte, by string, err error) {
	var out struct{ Kid, Value string }
	if err := k.call(ctx, version, operation, message, &out); err != nil {
		return nil, "", err
	}
	kid := azureKid.FindStringSubmatch(out.Kid)
	value, err = base64.RawURLEncoding.DecodeString(out.Value)
	if kid == nil || err != nil || len(value) == 0 || version != "" && kid[1] != version {
		return nil, "", k.wire.strange()
	}
	return value, kid[1], nil
}

func (k *azureKey) verify(ctx context.Context, version, digest string, signature []byte) (bool, error) {
	var out struct{ Value bool }
	err := k.call(ctx, version, "verify", map[string]any{"alg": azureSigns, "digest": digest, "value": base64.RawURLEncoding.EncodeToString(signature)}, &out)
	return out.Value, err
}

// call asks with a token. One that is not taken any more is got anew, once.
func (k *azureKey) call(ctx context.Context, version, operation string, message, into any) error {
	at := k.at
	if version != "" {
		at += version + "/"
	}
	for again := false; ; again = true {
		token, err := k.tokens.token(ctx, again)
		if err != nil {
			return err
		}
		a, err := k.wire.post(ctx, at+operation+azureAPI, message, http.Header{"Authorization": {"Bearer " + token}})
		if err != nil {
			return err
		}
		defer a.wipe()
		switch {
		case a.status == http.StatusOK:
			if a.read(into) != nil {
				return k.wire.strange()
			}
			return nil
		case a.status == http.StatusUnauthorized && !again:
		default:
			return k.wire.told(a.status, azureSays(a))
		}
	}
}

// azureSays reads an error of Azure's.
// https://learn.microsoft.com/azure/key-vault/general/rest-error-codes
func azureSays(a *answer) saying {
	var out struct {
		Error struct {
			Code       string
			InnerError struct{ Code string }
		}
	}
	_ = a.read(&out)
	for _, code := range []string{out.Error.InnerError.Code, out.Error.Code} {
		switch code {
		case "KeyDisabled":
			return saying{ErrUnusable, wordsDisabled}
		case "KeyExpired", "KeyNotYetValid":
			return saying{ErrUnusable, "has the key outside of the time in which it may be used: change its dates"}
		case "KeyNotFound":
			return saying{ErrUnusable, wordsGone}
		case "ForbiddenByPolicy", "ForbiddenByRbac", "AccessDenied", "ForbiddenByFirewall", "ForbiddenByConnection":
			return saying{ErrUnusable, wordsDenied}
		case "Unauthorized":
			return saying{ErrUnusable, wordsExpired}
		case "Throttled":
			return saying{ErrUnavailable, wordsThrottled}
		case "KeyOperationForbidden":
			return saying{ErrUnusable, wordsUnfit}
		}
	}
	if a.status == http.StatusBadRequest && bytes.Contains(a.body, []byte("BadParameter")) {
		return saying{ErrRefused, wordsRefused}
	}
	return saying{}
}
