package importer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"hotcell"
	"hotcell/internal/text/site"
	"hotcell/internal/value/otp"
	"hotcell/internal/value/sensitive"
)

// Format is what another program exports logins in.
type Format string

// The formats. Chrome's is Edge's, and that of all their kin.
const (
	Chrome        Format = "chrome"
	Firefox       Format = "firefox"
	Safari        Format = "safari"
	Bitwarden     Format = "bitwarden"
	BitwardenCSV  Format = "bitwarden-csv"
	OnePassword   Format = "1pux"
	OnePasswordCV Format = "1password-csv"
	KeePass       Format = "keepass"
	KeePassCSV    Format = "keepass-csv"
	LastPass      Format = "lastpass"
	Authenticator Format = "google-authenticator"
)

// Formats are the names of all formats.
func Formats() []string {
	return []string{"chrome", "edge", "firefox", "safari", "bitwarden", "bitwarden-csv", "1pux", "1password-csv", "keepass", "keepass-csv", "lastpass", "google-authenticator"}
}

// File is one file of an export.
type File struct {
	Name    string
	Content []byte
}

// LoginDraft is a login as another program had it. Whoever reads it clears it.
type LoginDraft struct {
	// Entry counts entries of the file from 1.
	Entry    int
	Title    string
	Site     string
	Username string
	// Password and OTP may be empty, but not both; the latter is what package otp reads.
	Password, OTP sensitive.Bytes
}

// Skipped is an entry that was left out, and why. It holds no value.
type Skipped struct {
	Entry         int
	Title, Reason string
}

// Logins are what a file has.
type Logins struct {
	Format  Format
	Drafts  []LoginDraft
	Skipped []Skipped
	// Codes are secrets of one-time codes that say of no website that they are for it:
	// a person says which login gets them.
	Codes []Code
	// Notes are what a person may want to know: what was taken otherwise than it was
	// written, and what is not taken at all.
	Notes []string
}

// Code is the secret of one-time codes of somebody's account somewhere.
type Code struct {
	// Entry counts entries of the file from 1.
	Entry           int
	Issuer, Account string
	OTP             sensitive.Bytes
}

// Label is how authenticators write whose it is: "ACME:ada".
func (c Code) Label() string {
	if c.Issuer == "" || c.Account == "" {
		return c.Issuer + c.Account
	}
	return c.Issuer + ":" + c.Account
}

// Clear clears every value.
func (l *Logins) Clear() {
	for _, d := range l.Drafts {
		d.Password.Clear()
		d.OTP.Clear()
	}
	for _, c := range l.Codes {
		c.OTP.Clear()
	}
}

func (l *Logins) note(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(l.Notes, text) {
		l.Notes = append(l.Notes, text)
	}
}

func bad(format string, args ...any) error { return hotcell.Invalid("/file", format, args...) }

// ParseLogins reads an export; an empty format is found out. Several files are
// several pictures of one export of Google Authenticator. The files stay the
// caller's to wipe.
func ParseLogins(format Format, files ...File) (*Logins, error) {
	if format == "edge" {
		format = Chrome
	}
	if format != "" && !slices.Contains(Formats(), string(format)) {
		return nil, bad("the format is one of %s", strings.Join(Formats(), ", "))
	}
	if len(files) == 0 {
		return nil, bad("say which file")
	}
	first := files[0].Content
	if format == Authenticator || format == "" && (isPicture(first) || bytes.HasPrefix(bytes.TrimSpace(bytes.TrimPrefix(first, []byte("\xef\xbb\xbf"))), []byte("otpauth"))) {
		return parseAuthenticator(files)
	}
	if len(files) > 1 {
		return nil, bad("several files are several pictures of one export of Google Authenticator: import others one by one")
	}
	if format == OnePassword || format == "" && bytes.HasPrefix(first, []byte("PK\x03\x04")) {
		return parse1PUX(first)
	}
	text, err := decodeText(first)
	if err != nil {
		return nil, err
	}
	defer sensitive.Wipe(text)
	trimmed := bytes.TrimSpace(text)
	switch {
	case format == Bitwarden || format == "" && bytes.HasPrefix(trimmed, []byte("{")):
		return parseBitwarden(trimmed)
	case format == KeePass || format == "" && bytes.HasPrefix(trimmed, []byte("<")):
		return parseKeePass(trimmed)
	}
	return parseTable(format, text)
}

func isPicture(b []byte) bool {
	return bytes.HasPrefix(b, []byte("\x89PNG")) || bytes.HasPrefix(b, []byte("\xff\xd8\xff"))
}

// decodeText is a file's text in UTF-8, which it is, or says that it is not. The
// caller wipes it.
func decodeText(b []byte) ([]byte, error) {
	switch {
	case bytes.HasPrefix(b, []byte("\xef\xbb\xbf")):
		b = b[3:]
	case bytes.HasPrefix(b, []byte("\xff\xfe")), bytes.HasPrefix(b, []byte("\xfe\xff")):
		order := binary.ByteOrder(binary.LittleEndian)
		if b[0] == 0xfe {
			order = binary.BigEndian
		}
		var units []uint16
		for i := 2; i+1 < len(b); i += 2 {
			units = append(units, order.Uint16(b[i:]))
		}
		var out []byte
		for _, r := range utf16.Decode(units) {
			out = utf8.AppendRune(out, r)
		}
		return out, nil
	}
	if !utf8.Valid(b) {
		return nil, bad("the file is not in UTF-8: save it so, or export it anew")
	}
	return bytes.Clone(b), nil
}

// entry is one of a file before it is looked at.
type entry struct {
	number        int
	title, user   string
	sites         []string
	password, otp string
	skip          string
	trashed       bool
	archived      bool
}

// add takes an entry, once for each site that it is for, or says why not.
func (l *Logins) add(e entry) {
	skip := func(format string, args ...any) {
		l.Skipped = append(l.Skipped, Skipped{e.number, e.title, fmt.Sprintf(format, args...)})
	}
	switch {
	case e.skip != "":
		skip("%s", e.skip)
		return
	case e.archived:
		skip("it is archived")
		return
	case e.trashed:
		skip("it is in the trash")
		return
	case e.password == "" && e.otp == "":
		skip("it has neither a password nor a one-time-code secret")
		return
	}
	if reason := e.untakable(); reason != "" {
		skip("%s", reason)
		return
	}
	code := l.code(e)
	if e.password == "" && code == "" {
		skip("its one-time-code secret cannot be used, and it has no password")
		return
	}
	taken := map[hotcell.Login]bool{}
	var reasons []string
	for _, text := range e.sites {
		at, why := l.where(text)
		at.Start = "" // two pages of one site are one login
		switch {
		case why != "" && strings.TrimSpace(text) != "" && !slices.Contains(reasons, why):
			reasons = append(reasons, why)
		case why == "" && !taken[at]:
			taken[at] = true
			l.put(e, at, code)
		}
	}
	switch {
	case len(taken) == 0 && len(reasons) == 0:
		skip("it names no website")
	case len(taken) == 0:
		skip("%s", reasons[0])
	default:
		for _, why := range reasons {
			skip("not for all its addresses: of one, %s", why)
		}
	}
}

// untakable is why a login could not be made of an entry.
func (e *entry) untakable() string {
	err := hotcell.CheckUsername(e.user)
	if err == nil && e.password != "" {
		err = hotcell.CheckPassword([]byte(e.password))
	}
	if field, ok := errors.AsType[*hotcell.FieldError](err); ok {
		return field.Reason
	}
	return ""
}

// put adds one draft, unless the file has had it before.
func (l *Logins) put(e entry, at hotcell.Login, code string) {
	name := site.FormatLogin(at)
	address := "https://" + name
	if at.Plain {
		address = "http://" + name
	}
	for _, d := range l.Drafts {
		if d.Site == address && d.Username == e.user {
			same := false
			_ = d.Password.Use(func(b []byte) error { same = string(b) == e.password; return nil })
			why := "an entry before it is for the same site and user name"
			if !same {
				why += ", with another password: the first is taken"
			}
			l.Skipped = append(l.Skipped, Skipped{e.number, e.title, why})
			return
		}
	}
	l.Drafts = append(l.Drafts, LoginDraft{
		Entry: e.number, Title: e.title, Site: address, Username: e.user, Password: sensitive.New([]byte(e.password)), OTP: sensitive.New([]byte(code)),
	})
}

// where reads the site of an entry, or says why it is none.
func (l *Logins) where(text string) (at hotcell.Login, why string) {
	text = strings.TrimSpace(text)
	lower := strings.ToLower(text)
	switch {
	case text == "":
		return at, "it names no website"
	case strings.HasPrefix(lower, "android://"), strings.HasPrefix(lower, "androidapp://"), strings.HasPrefix(lower, "iosapp://"):
		return at, "it is of an app, and not of a website"
	case strings.HasPrefix(lower, "chrome"), strings.HasPrefix(lower, "moz-"), strings.HasPrefix(lower, "about:"), strings.HasPrefix(lower, "file:"):
		return at, "it is of the browser itself"
	}
	at, err := site.Login(text)
	if err != nil && strings.HasPrefix(lower, "http://") {
		if at, err = site.Login("https://" + text[len("http://"):]); err == nil {
			l.note("sites that were saved as http:// are taken as https://: a password goes over TLS only")
		}
	}
	if field, ok := asField(err); ok {
		return at, field
	}
	return at, ""
}

func asField(err error) (string, bool) {
	if err == nil {
		return "", false
	}
	return strings.TrimPrefix(err.Error(), "site: "), true
}

// code is an entry's one-time-code secret, where it can be used.
func (l *Logins) code(e entry) string {
	if strings.TrimSpace(e.otp) == "" {
		return ""
	}
	secret, err := otp.Parse([]byte(e.otp))
	if err != nil {
		l.note("entry %d: its one-time-code secret is left out: %s", e.number, strings.TrimPrefix(err.Error(), "otp: "))
		return ""
	}
	secret.Key.Clear()
	return strings.TrimSpace(e.otp)
}
