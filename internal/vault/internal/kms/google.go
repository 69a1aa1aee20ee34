package kms

import (
	"cmp"
	"context"
	"errors"
	"hash/crc32"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// googleKey is a symmetric key of Google Cloud KMS:
//
//	gcpkms://projects/P/locations/L/keyRings/R/cryptoKeys/K
//
// https://cloud.google.com/kms/docs/reference/rest/v1/projects.locations.keyRings.cryptoKeys
type googleKey struct {
	wire     *wire
	tokens   *googleTokens
	key      string
	endpoint string
}

var googlePattern = regexp.MustCompile(`^projects/[\w:.-]+/locations/[\w-]+/keyRings/[\w-]+/cryptoKeys/[\w-]+$`)

func openGoogle(c Config, u *url.URL) (api, error) {
	set, err := settings(u, "endpoint")
	if err != nil {
		return nil, err
	}
	key := u.Host + u.Path
	if !googlePattern.MatchString(key) {
		return nil, errors.New("reading the key's URL: a key of Google is gcpkms://projects/P/locations/L/keyRings/R/cryptoKeys/K")
	}
	at, err := endpoint(set["endpoint"], "https://cloudkms.googleapis.com")
	if err != nil {
		return nil, err
	}
	return &googleKey{newWire(c, "Google Cloud KMS"), newGoogleTokens(c), key, at}, nil
}

func (k *googleKey) name() string { return k.key }

// castagnoli is the sum of each direction's bytes: what was changed on the way between
// the service's own parts shows.
func castagnoli(b []byte) string {
	return strconv.FormatUint(uint64(crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli))), 10)
}

func (k *googleKey) wrap(ctx context.Context, plaintext, associatedData []byte) ([]byte, error) {
	var out struct {
		Ciphertext        []byte
		CiphertextCrc32c  string
		VerifiedPlaintext bool `json:"verifiedPlaintextCrc32c"`
		VerifiedData      bool `json:"verifiedAdditionalAuthenticatedDataCrc32c"`
	}
	err := k.call(ctx, "encrypt", map[string]any{
		"plaintext": plaintext, "plaintextCrc32c": castagnoli(plaintext),
		"additionalAuthenticatedData": associatedData, "additionalAuthenticatedDataCrc32c": castagnoli(associatedData),
	}, &out)
	if err != nil {
		return nil, err
	}
	if len(out.Ciphertext) == 0 || !out.VerifiedPlaintext || !out.VerifiedData || out.CiphertextCrc32c != castagnoli(out.Ciphertext) {
		return nil, k.wire.strange()
	}
	return out.Ciphertext, nil
}

func (k *googleKey) unwrap(ctx context.Context, sealed, associatedData []byte) ([]byte, error) {
	var out struct {
		Plaintext       []byte
		PlaintextCrc32c string
	}
	err := k.call(ctx, "decrypt", map[string]any{
		"ciphertext": sealed, "ciphertextCrc32c": castagnoli(sealed),
		"additionalAuthenticatedData": associatedData, "additionalAuthenticatedDataCrc32c": castagnoli(associatedData),
	}, &out)
	if err != nil {
		return nil, err
	}
	if out.PlaintextCrc32c != castagnoli(out.Plaintext) {
		return nil, k.wire.strange()
	}
	return out.Plaintext, nil
}

// call asks with a token. One that is not taken any more is got anew, once.
func (k *googleKey) call(ctx context.Context, verb string, message, into any) error {
	for again := false; ; again = true {
		token, err := k.tokens.token(ctx, again)
		if err != nil {
			return err
		}
		a, err := k.wire.post(ctx, k.endpoint+"/v1/"+k.key+":"+verb, message, http.Header{"Authorization": {"Bearer " + token}})
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
			return k.wire.told(a.status, googleSays(a))
		}
	}
}

// googleSays reads an error of Google's: https://cloud.google.com/apis/design/errors
func googleSays(a *answer) saying {
	var out struct {
		Error struct{ Status, Message string }
	}
	_ = a.read(&out)
	text := strings.ToUpper(out.Error.Message)
	switch cmp.Or(out.Error.Status, strconv.Itoa(a.status)) {
	case "INVALID_ARGUMENT":
		if strings.Contains(text, "DECRYPTION FAILED") || strings.Contains(text, "CIPHERTEXT") {
			return saying{ErrRefused, wordsRefused}
		}
		return saying{ErrUnusable, wordsUnfit}
	case "FAILED_PRECONDITION":
		switch {
		case strings.Contains(text, "DESTROY"):
			return saying{ErrUnusable, "has destroyed the key, or will: restore its version while its time lasts"}
		case strings.Contains(text, "DISABLED"), strings.Contains(text, "NOT ENABLED"):
			return saying{ErrUnusable, wordsDisabled}
		}
		return saying{ErrUnusable, wordsUnfit}
	case "PERMISSION_DENIED":
		return saying{ErrUnusable, wordsDenied}
	case "UNAUTHENTICATED":
		return saying{ErrUnusable, wordsExpired}
	case "RESOURCE_EXHAUSTED":
		return saying{ErrUnavailable, wordsThrottled}
	case "NOT_FOUND":
		return saying{ErrUnusable, wordsGone}
	}
	return saying{}
}
