package importer

import (
	"bytes"
	"fmt"
	"strings"

	"hotcell/internal/otp"
	"hotcell/internal/sensitive"
	"hotcell/internal/site"
)

// parseAuthenticator reads Google Authenticator's export, from its text or from
// pictures of it; and QR codes of single secrets. Its entries name no website but
// by chance: those that do not are left out, and said.
func parseAuthenticator(files []File) (*Logins, error) {
	out := &Logins{Format: Authenticator}
	parts := map[int]map[int]bool{}
	sizes := map[int]int{}
	number := 0
	for _, f := range files {
		texts, err := textsOf(f)
		if err != nil {
			return nil, err
		}
		for _, text := range texts {
			entries, err := secrets(text, parts, sizes)
			sensitive.Wipe(text)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", f.Name, err)
			}
			for _, e := range entries {
				number++
				out.secret(number, e)
			}
		}
	}
	for id, size := range sizes {
		if have := len(parts[id]); have < size {
			out.Clear()
			return nil, bad("%d of the %d pictures of this export are missing: give them all at once", size-have, size)
		}
	}
	return out, nil
}

// textsOf are the texts of a file: of a picture, its code. The caller wipes them.
func textsOf(f File) ([][]byte, error) {
	if isPicture(f.Content) {
		text, err := otp.FromPicture(f.Content)
		return [][]byte{text}, err
	}
	var out [][]byte
	for line := range bytes.Lines(f.Content) {
		if line = bytes.TrimSpace(line); len(line) > 0 {
			out = append(out, bytes.Clone(line))
		}
	}
	return out, nil
}

// secrets reads one text, and notes which part of an export it is.
func secrets(text []byte, parts map[int]map[int]bool, sizes map[int]int) ([]otp.Entry, error) {
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
	if parts[m.ID] == nil {
		parts[m.ID] = map[int]bool{}
	}
	if parts[m.ID][m.Index] {
		return nil, nil // the same picture twice
	}
	parts[m.ID][m.Index], sizes[m.ID] = true, max(sizes[m.ID], m.Size)
	return m.Entries, nil
}

// secret takes one secret, where its issuer is a website.
func (l *Logins) secret(number int, e otp.Entry) {
	title := strings.Trim(e.Issuer+" "+e.Account, " ")
	skip := func(reason string) { l.Skipped = append(l.Skipped, Skipped{number, title, reason}) }
	if e.Secret == nil {
		skip(e.Skipped)
		return
	}
	defer e.Secret.Key.Clear()
	name := e.Issuer
	if !strings.Contains(name, ".") {
		name = e.Account
		if _, host, mail := strings.Cut(e.Account, "@"); mail {
			name = host
		}
	}
	at, err := site.Login(name)
	if err != nil || !strings.Contains(at.Host, ".") || name != e.Issuer {
		skip("it does not say for which website it is: hotcell logins create SITE --otp-file F, or logins set LOGIN --otp-file F")
		return
	}
	l.Drafts = append(l.Drafts, LoginDraft{Entry: number, Title: title, Site: "https://" + site.FormatLogin(at), Username: e.Account, OTP: e.Secret.Marshal()})
}
