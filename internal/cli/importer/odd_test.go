package importer_test

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"hotcell/internal/cli/importer"
)

// keepass is an export with one entry of these fields, in pairs.
func keepass(pairs ...string) string {
	var b strings.Builder
	b.WriteString(`<KeePassFile><Root><Group><Entry><String><Key>Password</Key><Value>one</Value></String>`)
	for i := 0; i < len(pairs); i += 2 {
		fmt.Fprintf(&b, `<String><Key>%s</Key><Value>%s</Value></String>`, pairs[i], pairs[i+1])
	}
	b.WriteString(`</Entry></Group></Root></KeePassFile>`)
	return b.String()
}

// TestCodesOfKeePass is of the ways in which it, and plugins of it, keep the secret
// of one-time codes: a code of other digits or another hash would be wrong.
func TestCodesOfKeePass(t *testing.T) {
	t.Parallel()
	const uri = "otpauth://totp/?"
	for name, c := range map[string]struct {
		fields []string
		want   string
	}{
		"keepassxc":      {[]string{"otp", "otpauth://totp/a?secret=" + seed + "&amp;digits=8"}, "otpauth://totp/a?secret=" + seed + "&digits=8"},
		"keeotp":         {[]string{"otp", "key=" + seed + "&amp;size=8&amp;step=60"}, uri + "digits=8&period=60&secret=" + seed},
		"keepass":        {[]string{"TimeOtp-Secret-Base32", seed, "TimeOtp-Length", "8", "TimeOtp-Period", "60", "TimeOtp-Algorithm", "HMAC-SHA-256"}, uri + "algorithm=SHA-256&digits=8&period=60&secret=" + seed},
		"keepass hex":    {[]string{"TimeOtp-Secret-Hex", "48656c6c6f21deadbeef"}, uri + "secret=" + seed},
		"keepass base64": {[]string{"TimeOtp-Secret-Base64", "SGVsbG8h3q2+7w=="}, uri + "secret=" + seed},
		"keepass text":   {[]string{"TimeOtp-Secret", "twelve bytes"}, uri + "secret=OR3WK3DWMUQGE6LUMVZQ%3D%3D%3D%3D"},
		"keetraytotp":    {[]string{"TOTP Seed", seed, "TOTP Settings", "60;8"}, uri + "digits=8&period=60&secret=" + seed},
	} {
		l, err := importer.ParseLogins("", importer.File{Name: name, Content: []byte(keepass(append(c.fields, "URL", "https://a.example")...))})
		if err != nil || len(l.Drafts) != 1 {
			t.Errorf("%s: %+v, %v", name, l, err)
			continue
		}
		if got := open(l.Drafts[0].OTP); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
		l.Clear()
	}
	// What is not supported is left out and said, and never taken for something else.
	for name, fields := range map[string][]string{"steam": {"TOTP Seed", seed, "TOTP Settings", "30;S"}, "counting": {"otp", "key=" + seed + "&amp;type=hotp"}, "another hash": {"TimeOtp-Secret-Base32", seed, "TimeOtp-Algorithm", "HMAC-MD5"}} {
		l, err := importer.ParseLogins("", importer.File{Name: name, Content: []byte(keepass(append(fields, "URL", "https://a.example")...))})
		if err != nil || len(l.Drafts) != 1 || l.Drafts[0].OTP.Len() > 0 || len(l.Notes) != 1 {
			t.Errorf("%s: %+v, %v", name, l, err)
		}
	}
}

func TestWhatIsLeftOutIsSaid(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 1025)
	for name, c := range map[string]struct{ in, want string }{
		"several addresses of keepass": {keepass("URL", "https://a.example", "KP2A_URL", "https://b.example", "KP2A_URL_1", "androidapp://x"), "keepass\n1 https://a.example||one|\n1 https://b.example||one|\n- 1 : not for all its addresses: of one, it is of an app, and not of a website\n"},
		"wide xml":                     {wide(`<?xml version="1.0" encoding="utf-16"?>` + keepass("URL", "https://ä.example")), "keepass\n1 https://xn--4ca.example||one|\n"},
		"keepassxc's bin":              {"\"Group\",\"Title\",\"Username\",\"Password\",\"URL\"\n\"Root/Recycle Bin\",\"a\",\"ada\",\"one\",\"https://a.example\"\n\"Root\",\"b\",\"ada\",\"one\",\"https://b.example\"\n", "keepass-csv\n2 https://b.example|ada|one|\n- 1 a: it is in the trash\n"},
		"firefox's realms":             {"url,username,password,httpRealm\nhttps://a.example,ada,one,Router\n", "firefox\n- 1 : it is for HTTP's own authentication, which is no page to sign in on\n"},
		"how bitwarden compares":       {`{"items":[{"type":1,"name":"a","login":{"uris":[{"uri":"https://a.example","match":1},{"uri":"not a site at all"}],"username":"ada","password":"one"}}]}`, "bitwarden\n1 https://a.example|ada|one|\n- 1 a: not for all its addresses: of one, "},
		"older 1pux":                   {packed(t, `{"accounts":[{"vaults":[{"items":[{"item":{"state":"active","categoryUuid":"001","overview":{"title":"a","url":"https://a.example"},"details":{"loginFields":[{"value":"ada","designation":"username"},{"value":"one","designation":"password"}]}}}]}]}]}`), "1pux\n1 https://a.example|ada|one|\n"},
		"a quote within":               {"name,url,username,password\na,https://a.example,ada,one\nb,https://b.example,bob,\"t\"wo\nc,https://c.example,eve,th\"ree\nd,https://d.example,dan,four\n", "chrome\n1 https://a.example|ada|one|\n4 https://d.example|dan|four|\n- 2 : its quotes do not match\n- 3 : its quotes do not match\n"},
		"too long":                     {"name,url,username,password\na,https://a.example,ada," + long + "\nb,https://b.example," + long + ",two\n", "chrome\n- 1 a: a password has at most 1024 bytes\n- 2 b: a user name has at most 256 bytes\n"},
	} {
		l, err := importer.ParseLogins("", importer.File{Name: name, Content: []byte(c.in)})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := told(l); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s:\n%s\nwant:\n%s", name, got, c.want)
		}
		l.Clear()
	}
	// Where it cannot be told where an entry ends, none is taken.
	open := "name,url,username,password\na,https://a.example,ada,\"one\nb,https://b.example,bob,two\n"
	if l, err := importer.ParseLogins("", importer.File{Name: "open", Content: []byte(open)}); err == nil {
		t.Errorf("an open quote: %+v", l)
	}
}

// migration is a part of an authenticator's export.
func migration(id, size, index int, accounts ...string) string {
	var m []byte
	for i, account := range accounts {
		issuer, name, _ := strings.Cut(account, ":")
		var e []byte
		e = protowire.AppendBytes(protowire.AppendTag(e, 1, protowire.BytesType), fmt.Appendf(nil, "secret of %d %s", i, account))
		e = protowire.AppendString(protowire.AppendTag(e, 2, protowire.BytesType), name)
		e = protowire.AppendString(protowire.AppendTag(e, 3, protowire.BytesType), issuer)
		for field, value := range map[protowire.Number]uint64{4: 1, 5: 1, 6: 2} {
			e = protowire.AppendVarint(protowire.AppendTag(e, field, protowire.VarintType), value)
		}
		m = protowire.AppendBytes(protowire.AppendTag(m, 1, protowire.BytesType), e)
	}
	for field, value := range map[protowire.Number]int{2: 1, 3: size, 4: index, 5: id} {
		m = protowire.AppendVarint(protowire.AppendTag(m, field, protowire.VarintType), uint64(value))
	}
	return "otpauth-migration://offline?data=" + url.QueryEscape(base64.StdEncoding.EncodeToString(m))
}

func TestExportsOfAnAuthenticator(t *testing.T) {
	t.Parallel()
	first, second := migration(7, 2, 0, "GitHub:ada", "acme.com:ada"), migration(7, 2, 1, "ACME:bob")
	other := migration(7, 2, 1, "Other:eve") // another export of the same id
	for name, c := range map[string]struct {
		files []string
		want  string // labels of codes, then drafts; an error where it begins with !
	}{
		"in order": {[]string{first, second}, "GitHub:ada ACME:bob | https://acme.com"}, "in another order": {[]string{second, first}, "ACME:bob GitHub:ada | https://acme.com"},
		"in one file": {[]string{first + "\n" + second}, "GitHub:ada ACME:bob | https://acme.com"}, "one twice": {[]string{first, second, first}, "GitHub:ada ACME:bob | https://acme.com"},
		"one missing": {[]string{first}, "!1 of the 2 pictures of this export are missing"}, "two exports of one id": {[]string{first, second, other}, "!1 of the 2 pictures"},
		"two whole ones":   {[]string{first, second, migration(7, 2, 0, "X:x"), other}, "GitHub:ada ACME:bob X:x Other:eve | https://acme.com"},
		"an account twice": {[]string{migration(1, 1, 0, "acme.com:ada", "acme.com:ada")}, " | https://acme.com"},
	} {
		var files []importer.File
		for _, text := range c.files {
			files = append(files, importer.File{Name: name, Content: []byte(text)})
		}
		l, err := importer.ParseLogins("", files...)
		if want, fails := strings.CutPrefix(c.want, "!"); fails {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %s", name, err, want)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var codes, sites []string
		for _, one := range l.Codes {
			codes = append(codes, one.Label())
		}
		for _, one := range l.Drafts {
			sites = append(sites, one.Site)
		}
		if got := strings.Join(codes, " ") + " | " + strings.Join(sites, " "); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
		l.Clear()
	}
}
