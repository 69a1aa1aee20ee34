package importer

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"strings"

	"hotcell"
	"hotcell/internal/text/site"
	"hotcell/internal/value/otp"
	"hotcell/internal/value/sensitive"
)

// parseAuthenticator reads Google Authenticator's export, from its text or from
// pictures of it; and QR codes of single secrets. Its entries name no website but
// by chance: of those that do not, a person says which login they are for.
func parseAuthenticator(files []File) (*Logins, error) {
	out := &Logins{Format: Authenticator}
	codes, err := out.codesOf(files)
	if err != nil {
		out.Clear()
		return nil, err
	}
	for _, c := range codes {
		out.secret(c)
	}
	return out, nil
}

// ParseCodes reads all secrets of one-time codes that an authenticator's export
// has, whether or not they say for which website they are. The caller clears them.
func ParseCodes(files ...File) ([]Code, []Skipped, error) {
	var l Logins
	codes, err := l.codesOf(files)
	if err != nil {
		for _, c := range codes {
			c.OTP.Clear()
		}
		return nil, nil, err
	}
	return codes, l.Skipped, nil
}

// codesOf are the secrets of all files; what cannot be used is skipped.
func (l *Logins) codesOf(files []File) (codes []Code, err error) {
	var all batches
	number := 0
	for _, f := range files {
		texts, err := textsOf(f)
		if err != nil {
			return codes, fmt.Errorf("%s: %w", f.Name, err)
		}
		for _, text := range texts {
			entries, err := all.secrets(text)
			sensitive.Wipe(text)
			if err != nil {
				return codes, fmt.Errorf("%s: %w", f.Name, err)
			}
			for _, e := range entries {
				number++
				if e.Secret == nil {
					l.Skipped = append(l.Skipped, Skipped{number, Code{Issuer: e.Issuer, Account: e.Account}.Label(), e.Skipped})
					continue
				}
				codes = append(codes, Code{Entry: number, Issuer: e.Issuer, Account: e.Account, OTP: e.Secret.Marshal()})
				e.Secret.Key.Clear()
			}
		}
	}
	return codes, all.whole()
}

// textsOf are the texts of a file: of a picture, its codes. The caller wipes them.
func textsOf(f File) ([][]byte, error) {
	if isPicture(f.Content) {
		return otp.FromPicture(f.Content)
	}
	text, err := decodeText(f.Content)
	if err != nil {
		return nil, err
	}
	defer sensitive.Wipe(text)
	var out [][]byte
	for line := range bytes.Lines(text) {
		if line = bytes.TrimSpace(line); len(line) > 0 {
			out = append(out, bytes.Clone(line))
		}
	}
	return out, nil
}

// batch is one export, in the parts that it was shown in, each by what it is.
type batch struct {
	id, size int
	parts    map[int][sha256.Size]byte
}

// batches are the exports that files have. Their ids are of chance, and may be
// alike: two parts that differ in one place are of two exports.
type batches struct{ all []*batch }

// secrets reads one text. A part that was there before has none.
func (b *batches) secrets(text []byte) ([]otp.Entry, error) {
	if !bytes.HasPrefix(bytes.ToLower(text), []byte("otpauth-migration:")) {
		secret, err := otp.Parse(text)
		if err != nil {
			return nil, err
		}
		return []otp.Entry{{Issuer: secret.Issuer, Account: secret.Account, Secret: secret}}, nil
	}
	m, err := otp.ParseMigration(text)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(text)
	for _, one := range b.all {
		if one.id != m.ID || one.size != m.Size {
			continue
		}
		switch there, known := one.parts[m.Index]; {
		case known && there == sum:
			return nil, nil // the same picture twice
		case !known:
			one.parts[m.Index] = sum
			return m.Entries, nil
		}
	}
	b.all = append(b.all, &batch{m.ID, m.Size, map[int][sha256.Size]byte{m.Index: sum}})
	return m.Entries, nil
}

// whole refuses exports of which a part is missing.
func (b *batches) whole() error {
	for _, one := range b.all {
		if have := len(one.parts); have < one.size {
			return bad("%d of the %d pictures of this export are missing: give them all at once", one.size-have, one.size)
		}
	}
	return nil
}

// secret takes one secret as a login, where its issuer is a website.
func (l *Logins) secret(c Code) {
	at, err := site.Login(c.Issuer)
	if err != nil || !strings.Contains(at.Host, ".") || hotcell.CheckUsername(c.Account) != nil {
		l.Codes = append(l.Codes, c)
		return
	}
	address := "https://" + site.FormatLogin(at)
	for _, d := range l.Drafts {
		if d.Site == address && d.Username == c.Account {
			l.Skipped = append(l.Skipped, Skipped{c.Entry, c.Label(), "an entry before it is for the same site and user name: the first is taken"})
			c.OTP.Clear()
			return
		}
	}
	l.Drafts = append(l.Drafts, LoginDraft{Entry: c.Entry, Title: c.Label(), Site: address, Username: c.Account, OTP: c.OTP})
}
