// Package otp makes one-time codes (RFC 6238, and RFC 4226 below it), and reads
// their secrets in the forms in which people have them: base32, otpauth URIs, the
// export of Google Authenticator, pictures of either.
//
// It guards that no error tells of a secret. It does not guard that a code is used
// once: who hands codes out does. One way to use it:
//
//	secret, err := otp.Parse([]byte("JBSW Y3DP EHPK 3PXP"))
//	code, step := secret.Code(time.Now())
package otp

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // RFC 6238's default: a MAC needs no resistance to collisions
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"hash"
	"net/url"
	"strconv"
	"strings"
	"time"

	"hotcell"
	"hotcell/internal/value/sensitive"
)

// Algorithm is the hash of a code's MAC.
type Algorithm string

// The algorithms of RFC 6238.
const (
	SHA1   Algorithm = "SHA1"
	SHA256 Algorithm = "SHA256"
	SHA512 Algorithm = "SHA512"
)

var hashes = map[Algorithm]func() hash.Hash{SHA1: sha1.New, SHA256: sha256.New, SHA512: sha512.New}

// Secret is what codes are made of.
type Secret struct {
	Key       sensitive.Bytes
	Algorithm Algorithm
	// Digits is how many a code has, from 6 to 8; Period how long it is good.
	Digits int
	Period time.Duration
	// Issuer and Account are what a URI tells of where it belongs; may be empty.
	Issuer, Account string
}

// The bounds of a secret. The shortest is what is in the wild, half of what
// RFC 4226 section 4 asks for.
const (
	minKey = 10
	maxKey = 128
)

// Code is the code at a time, and the number of its time step: a step has one.
func (s *Secret) Code(at time.Time) (code sensitive.Bytes, step int64) {
	step = at.Unix() / int64(s.Period/time.Second)
	return s.At(uint64(step)), step
}

// Next is when the step after one begins.
func (s *Secret) Next(step int64) time.Time {
	return time.Unix((step+1)*int64(s.Period/time.Second), 0)
}

// At is the code of a counter (RFC 4226 section 5.3).
func (s *Secret) At(counter uint64) sensitive.Bytes {
	var message [8]byte
	binary.BigEndian.PutUint64(message[:], counter)
	var sum []byte
	_ = s.Key.Use(func(key []byte) error {
		mac := hmac.New(hashes[s.Algorithm], key)
		mac.Write(message[:])
		sum = mac.Sum(nil)
		return nil
	})
	at := sum[len(sum)-1] & 0xf
	number := binary.BigEndian.Uint32(sum[at:]) & 0x7fffffff
	sensitive.Wipe(sum)
	code := make([]byte, s.Digits)
	for i := len(code) - 1; i >= 0; i-- {
		code[i] = byte('0' + number%10)
		number /= 10
	}
	return sensitive.New(code)
}

// Marshal writes a secret in its one form: an otpauth URI with every parameter.
func (s *Secret) Marshal() sensitive.Bytes {
	q := fmt.Sprintf("&algorithm=%s&digits=%d&period=%d", s.Algorithm, s.Digits, int(s.Period/time.Second))
	label := url.PathEscape(s.Account)
	if s.Issuer != "" {
		label = url.PathEscape(s.Issuer) + ":" + label
		q += "&issuer=" + url.QueryEscape(s.Issuer)
	}
	var out []byte
	_ = s.Key.Use(func(key []byte) error {
		text := make([]byte, encoding.EncodedLen(len(key)))
		encoding.Encode(text, key)
		out = append(append(append(make([]byte, 0, 64+len(label)+len(text)+len(q)), "otpauth://totp/"+label+"?secret="...), text...), q...)
		sensitive.Wipe(text)
		return nil
	})
	return sensitive.New(out)
}

var encoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// Parse reads a secret as people paste it: base32, with spaces, dashes and small
// letters, or an otpauth URI. [hotcell.ErrInvalid] says what is wrong, and not
// with what.
func Parse(text []byte) (*Secret, error) {
	trimmed := strings.TrimSpace(string(text))
	if len(trimmed) >= 10 && strings.EqualFold(trimmed[:10], "otpauth://") {
		return parseURI(trimmed)
	}
	if strings.HasPrefix(strings.ToLower(trimmed), "otpauth-migration:") {
		return nil, invalid("this is an export of several entries: import it")
	}
	s := &Secret{Algorithm: SHA1, Digits: 6, Period: 30 * time.Second}
	return s, s.key(trimmed)
}

func invalid(format string, args ...any) error { return hotcell.Invalid("/otp", format, args...) }

// key reads base32 (RFC 4648 section 6) as leniently as authenticators do.
func (s *Secret) key(text string) error {
	clean := strings.Map(func(r rune) rune {
		switch {
		case r == ' ' || r == '-' || r == '\t' || r == '\n' || r == '\r' || r == '\u00a0' || r == '=':
			return -1
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		}
		return r
	}, text)
	key, err := decodeBase32(clean)
	switch {
	case err != nil:
		return invalid("a one-time-code secret is base32: the letters A to Z and the digits 2 to 7; or an otpauth:// URI")
	case len(key) < minKey:
		return invalid("a one-time-code secret has at least %d characters of base32", minKey*8/5)
	case len(key) > maxKey:
		return invalid("a one-time-code secret has at most %d bytes", maxKey)
	}
	s.Key = sensitive.New(key)
	return nil
}

// decodeBase32 reads base32 of any length: n characters are floor(5n/8) bytes. RFC 4648
// section 6 ends in groups of 2, 4, 5, 7 or 8 characters, and encoding/base32 drops a last
// group of another length without a word; authenticators keep its whole bytes.
func decodeBase32(text string) ([]byte, error) {
	switch len(text) % 8 {
	case 1, 3, 6:
		last := len(text) - 1
		if _, err := encoding.DecodeString("A" + text[last:]); err != nil {
			return nil, err
		}
		text = text[:last] // it has no bit of a whole byte
	}
	return encoding.DecodeString(text)
}

// parseURI reads the form that Google Authenticator brought (key-uri-format).
func parseURI(text string) (*Secret, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, invalid("this is not an otpauth URI")
	}
	if kind := strings.ToLower(u.Host); kind == "hotp" {
		return nil, invalid("codes that count (HOTP) are not supported: two who count would lose step; use codes of time (TOTP)")
	} else if kind != "totp" {
		return nil, invalid("an otpauth URI is otpauth://totp/…")
	}
	q, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, invalid("this is not an otpauth URI")
	}
	s := &Secret{Algorithm: SHA1, Digits: 6, Period: 30 * time.Second}
	if name := strings.ToUpper(strings.ReplaceAll(q.Get("algorithm"), "-", "")); name != "" {
		if s.Algorithm = Algorithm(name); hashes[s.Algorithm] == nil {
			return nil, invalid("the algorithm of a code is SHA1, SHA256 or SHA512")
		}
	}
	if text := q.Get("digits"); text != "" {
		if s.Digits, err = strconv.Atoi(text); err != nil || s.Digits < 6 || s.Digits > 8 {
			return nil, invalid("a code has 6 to 8 digits")
		}
	}
	if text := q.Get("period"); text != "" {
		seconds, err := strconv.Atoi(text)
		if err != nil || seconds < 5 || seconds > 600 {
			return nil, invalid("the period of a code is 5 to 600 seconds")
		}
		s.Period = time.Duration(seconds) * time.Second
	}
	label := strings.TrimPrefix(u.Path, "/")
	if issuer, account, both := strings.Cut(label, ":"); both {
		s.Issuer, label = issuer, strings.TrimLeft(account, " ")
	}
	s.Account = label
	if issuer := q.Get("issuer"); issuer != "" {
		s.Issuer = issuer
	}
	return s, s.key(q.Get("secret"))
}
