package otp

import (
	"encoding/base64"
	"net/url"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"hotcell/internal/value/sensitive"
)

// Entry is one of a migration, or why it is none.
type Entry struct {
	Issuer, Account string
	Secret          *Secret
	// Skipped says why there is no secret.
	Skipped string
}

// Migration is one picture's worth of Google Authenticator's export.
type Migration struct {
	Entries []Entry
	// Batch is Index of Size, from 0; ID is the same in all of one export.
	Size, Index, ID int
}

// ParseMigration reads otpauth-migration://offline?data=…, a message of protobuf
// in base64.
func ParseMigration(text []byte) (*Migration, error) {
	u, err := url.Parse(strings.TrimSpace(string(text)))
	if err != nil || !strings.EqualFold(u.Scheme, "otpauth-migration") {
		return nil, invalid("this is not an export of Google Authenticator")
	}
	// A plus that was not escaped is a space by now.
	data := strings.ReplaceAll(u.Query().Get("data"), " ", "+")
	raw, err := base64.StdEncoding.DecodeString(data)
	if err != nil {
		if raw, err = base64.RawURLEncoding.DecodeString(strings.TrimRight(data, "=")); err != nil {
			return nil, errDamaged
		}
	}
	defer sensitive.Wipe(raw)
	m := &Migration{Size: 1}
	err = fields(raw, func(number protowire.Number, value uint64, text []byte) error {
		switch number {
		case 1:
			entry, err := parseEntry(text)
			m.Entries = append(m.Entries, entry)
			return err
		case 3:
			m.Size = int(min(value, 100))
		case 4:
			m.Index = int(min(value, 100))
		case 5:
			m.ID = int(int32(value))
		}
		return nil
	})
	return m, err
}

var errDamaged = invalid("this export of Google Authenticator is damaged")

// maxEntries is how many entries one picture could hold, and more.
const maxEntries = 1000

// fields reads a message of protobuf, field by field.
func fields(raw []byte, fn func(protowire.Number, uint64, []byte) error) error {
	for n := 0; len(raw) > 0; n++ {
		number, kind, size := protowire.ConsumeTag(raw)
		if size < 0 || n > maxEntries {
			return errDamaged
		}
		raw = raw[size:]
		var value uint64
		var text []byte
		switch kind {
		case protowire.VarintType:
			value, size = protowire.ConsumeVarint(raw)
		case protowire.BytesType:
			text, size = protowire.ConsumeBytes(raw)
		default:
			size = protowire.ConsumeFieldValue(number, kind, raw)
		}
		if size < 0 {
			return errDamaged
		}
		raw = raw[size:]
		if err := fn(number, value, text); err != nil {
			return err
		}
	}
	return nil
}

// parseEntry reads one: its secret, name, issuer, algorithm, digits and kind.
func parseEntry(raw []byte) (Entry, error) {
	var e Entry
	s := &Secret{Algorithm: SHA1, Digits: 6, Period: 30 * time.Second}
	var key []byte
	kind := uint64(2)
	err := fields(raw, func(number protowire.Number, value uint64, text []byte) error {
		switch number {
		case 1:
			key = append([]byte{}, text...)
		case 2:
			e.Account = strings.ToValidUTF8(string(text), "")
		case 3:
			e.Issuer = strings.ToValidUTF8(string(text), "")
		case 4:
			algorithm, known := map[uint64]Algorithm{0: SHA1, 1: SHA1, 2: SHA256, 3: SHA512}[value]
			if !known {
				e.Skipped = "its algorithm is none of RFC 6238"
			}
			s.Algorithm = algorithm
		case 5:
			if value == 2 {
				s.Digits = 8
			}
		case 6:
			kind = value
		}
		return nil
	})
	if issuer, account, both := strings.Cut(e.Account, ":"); both && (e.Issuer == "" || issuer == e.Issuer) {
		e.Issuer, e.Account = issuer, strings.TrimLeft(account, " ")
	}
	s.Issuer, s.Account, s.Key = e.Issuer, e.Account, sensitive.New(key)
	switch {
	case e.Skipped != "":
	case kind == 1:
		e.Skipped = "it counts (HOTP), which is not supported"
	case len(key) < minKey || len(key) > maxKey:
		e.Skipped = "its secret is too short or too long"
	default:
		e.Secret = s
	}
	return e, err
}
