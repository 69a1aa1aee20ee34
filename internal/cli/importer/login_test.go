package importer_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"

	"hotcell"
	"hotcell/internal/cli/importer"
	"hotcell/internal/value/sensitive"
)

const seed = "JBSWY3DPEHPK3PXP"

func open(b sensitive.Bytes) (out string) {
	_ = b.Use(func(b []byte) error { out = string(b); return nil })
	return out
}

// told is what was read, values and all, in lines.
func told(l *importer.Logins) string {
	var b strings.Builder
	fmt.Fprintln(&b, l.Format)
	for _, d := range l.Drafts {
		fmt.Fprintf(&b, "%d %s|%s|%s|%s\n", d.Entry, d.Site, d.Username, open(d.Password), open(d.OTP))
	}
	for _, c := range l.Codes {
		fmt.Fprintf(&b, "? %d %s|%s\n", c.Entry, c.Label(), open(c.OTP))
	}
	for _, s := range l.Skipped {
		fmt.Fprintf(&b, "- %d %s: %s\n", s.Entry, s.Title, s.Reason)
	}
	for _, n := range l.Notes {
		fmt.Fprintf(&b, "# %s\n", n)
	}
	return b.String()
}

func packed(t *testing.T, data string) string {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	f, err := z.Create("export.data")
	if err == nil {
		_, err = f.Write([]byte(data))
	}
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func wide(text string) string {
	out := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(text)) {
		out = append(out, byte(u), byte(u>>8))
	}
	return string(out)
}

func TestLoginsOfOtherPrograms(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ in, want string }{
		"chrome": {"name,url,username,password,note\r\nportal,https://portal.acme.com/login,ada,\"pa,ss\"\"w\nord 1\",hi\nplain,http://old.acme.com/,bob,secret-2,\napp,android://x@com.acme/,eve,secret-3,\nip,https://10.0.0.5,root,secret-4,\nnone,,x,secret-5,\nempty,https://a.example,x,,\n",
			"chrome\n2 https://old.acme.com|bob|secret-2|\n4 https://10.0.0.5|root|secret-4|\n- 1 portal: a password has no control characters: no field takes them\n- 3 app: it is of an app, and not of a website\n- 5 none: it names no website\n- 6 empty: it has neither a password nor a one-time-code secret\n" +
				"# notes and other fields are not imported: a login has none\n# sites that were saved as http:// are taken as https://: a password goes over TLS only\n"},
		"edge, wide": {wide("name,url,username,password\r\nä,https://bücher.example,ädä,pä\r\n"), "chrome\n1 https://xn--bcher-kva.example|ädä|pä|\n"},
		"firefox":    {"\xef\xbb\xbf\"url\",\"username\",\"password\",\"httpRealm\",\"formActionOrigin\",\"guid\",\"timeCreated\",\"timeLastUsed\",\"timePasswordChanged\"\n\"https://a.example\",\"ada\",\"one\",,\"\",\"{1}\",\"1\",\"1\",\"1\"\n\"chrome://FirefoxAccounts\",\"x\",\"two\",\"r\",,\"{2}\",\"1\",\"1\",\"1\"\n", "firefox\n1 https://a.example|ada|one|\n- 2 : it is of the browser itself\n"},
		"safari":     {"Title,URL,Username,Password,Notes,OTPAuth\na,https://a.example/,ada,one,,otpauth://totp/a?secret=" + seed + "\n", "safari\n1 https://a.example|ada|one|otpauth://totp/a?secret=" + seed + "\n"},
		"bitwarden csv": {"folder,favorite,type,name,notes,fields,reprompt,login_uri,login_username,login_password,login_totp\n,,login,a,,,0,\"https://a.example,https://b.example:8443/x\",ada,one," + seed + "\n,,note,n,text,,0,,,,\n",
			"bitwarden-csv\n1 https://a.example|ada|one|" + seed + "\n1 https://b.example:8443|ada|one|" + seed + "\n- 2 n: it is no login, but a note\n# notes and other fields are not imported: a login has none\n"},
		"bitwarden": {`{"encrypted":false,"items":[{"type":1,"name":"a","login":{"uris":[{"uri":"https://a.example"},{"uri":"https://a.example/2"},{"uri":null}],"username":"ada","password":"one","totp":"steam://x"}},{"type":3,"name":"card"},{"type":1,"name":"gone","deletedDate":"2026-01-01","login":{"username":"x","password":"y"}},{"type":1,"name":"null","login":{"uris":null,"username":null,"password":null,"totp":null}}]}`,
			"bitwarden\n1 https://a.example|ada|one|\n- 2 card: it is no login, but a card\n- 3 gone: it is in the trash\n- 4 null: it has neither a password nor a one-time-code secret\n# entry 1: its one-time-code secret is left out: a one-time-code secret is base32: the letters A to Z and the digits 2 to 7; or an otpauth:// URI\n"},
		"1pux": {packed(t, `{"accounts":[{"vaults":[{"items":[{"state":"active","categoryUuid":"001","overview":{"title":"a","url":"https://a.example","urls":[{"url":"https://a.example"},{"url":"https://b.example"}]},"details":{"loginFields":[{"value":"ada","designation":"username"},{"value":"one","designation":"password"}],"sections":[{"fields":[{"value":{"totp":"`+seed+`"}},{"value":{"string":"x"}}]}]}},{"state":"archived","categoryUuid":"001","overview":{"title":"old"},"details":{}},{"state":"active","categoryUuid":"003","overview":{"title":"note"},"details":{}}]}]}]}`),
			"1pux\n1 https://a.example|ada|one|" + seed + "\n1 https://b.example|ada|one|" + seed + "\n- 2 old: it is archived\n- 3 note: it is no login\n"},
		"1password csv": {"Title,Url,Username,Password,OTPAuth,Favorite,Archived,Tags,Notes\na,https://a.example,ada,one,,false,false,,\nb,https://b.example,ada,two,,false,true,,\n", "1password-csv\n1 https://a.example|ada|one|\n- 2 b: it is archived\n"},
		"keepass": {`<?xml version="1.0"?><KeePassFile><Meta><RecycleBinUUID>bin</RecycleBinUUID></Meta><Root><Group><UUID>g</UUID><Entry><String><Key>Title</Key><Value>a</Value></String><String><Key>UserName</Key><Value>ada</Value></String><String><Key>Password</Key><Value ProtectInMemory="True">o&amp;ne</Value></String><String><Key>URL</Key><Value>https://a.example</Value></String><String><Key>otp</Key><Value>otpauth://totp/a?secret=` + seed + `</Value></String><History><Entry><String><Key>Password</Key><Value>older</Value></String></Entry></History></Entry><Group><UUID>bin</UUID><Entry><String><Key>Title</Key><Value>gone</Value></String><String><Key>Password</Key><Value>x</Value></String></Entry></Group></Group></Root></KeePassFile>`,
			"keepass\n1 https://a.example|ada|o&ne|otpauth://totp/a?secret=" + seed + "\n- 2 gone: it is in the trash\n"},
		"keepass csv":   {"\"Account\",\"Login Name\",\"Password\",\"Web Site\",\"Comments\"\n\"a\",\"ada\",\"one\",\"https://a.example\",\"\"\n", "keepass-csv\n1 https://a.example|ada|one|\n"},
		"keepassxc csv": {"\"Group\",\"Title\",\"Username\",\"Password\",\"URL\",\"Notes\",\"TOTP\",\"Icon\"\n\"Root\",\"a\",\"ada\",\"one\",\"https://a.example\",\"\",\"" + seed + "\",\"0\"\n", "keepass-csv\n1 https://a.example|ada|one|" + seed + "\n"},
		"lastpass": {"url,username,password,totp,extra,name,grouping,fav\nhttps://a.example,ada,a&amp;b&lt;c,,,a,,0\nhttp://sn,,,,secret text,note,,0\nhttps://a.example/again,ada,other,,,twice,,0\n",
			"lastpass\n1 https://a.example|ada|a&b<c|\n- 2 note: it is a note, and no login\n- 3 twice: an entry before it is for the same site and user name, with another password: the first is taken\n# LastPass writes &, < and > as &amp;, &lt; and &gt;: passwords are taken with the characters themselves\n# notes and other fields are not imported: a login has none\n"},
		"authenticator": {"otpauth://totp/acme.com:ada?secret=" + seed + "&issuer=acme.com\notpauth://totp/ACME:ada?secret=" + seed + "&issuer=ACME\n",
			"google-authenticator\n1 https://acme.com|ada||otpauth://totp/acme.com:ada?secret=" + seed + "&algorithm=SHA1&digits=6&period=30&issuer=acme.com\n? 2 ACME:ada|otpauth://totp/ACME:ada?secret=" + seed + "&algorithm=SHA1&digits=6&period=30&issuer=ACME\n"},
		"authenticator, marked": {"\xef\xbb\xbfotpauth://totp/ada?secret=" + seed + "\r\n", "google-authenticator\n? 1 ada|otpauth://totp/ada?secret=" + seed + "&algorithm=SHA1&digits=6&period=30\n"},
	} {
		l, err := importer.ParseLogins("", importer.File{Name: name, Content: []byte(c.in)})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := told(l); got != c.want {
			t.Errorf("%s:\n%s\nwant:\n%s", name, got, c.want)
		}
		l.Clear()
	}
}

func TestWhatIsNoExport(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]string{
		"nothing": "", "words": "hello there\nmy password is hunter2!", "latin": "name,url,username,password\n\xe4,https://a.example,x,hunter2!\n", "encrypted": `{"encrypted":true,"data":"hunter2!"}`, "other json": `{"x":"hunter2!"}`,
		"cut json": `{"items":[{"type":1,"login":{"password":"hunter2!"`, "cut zip": packed(t, "{}")[:30], "other zip": "PK\x03\x04hunter2!", "other xml": "<html>hunter2!</html>", "doubled": "url,url,username,password\n", "migration": "otpauth-migration://offline?data=hunter2!",
	} {
		l, err := importer.ParseLogins("", importer.File{Name: name, Content: []byte(in)})
		if !errors.Is(err, hotcell.ErrInvalid) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %+v, %v", name, l, err)
		}
	}
}

func FuzzParseLogins(f *testing.F) {
	f.Add([]byte("name,url,username,password\na,https://a.example,ada,one-two-three\n"))
	f.Add([]byte(`{"items":[{"type":1,"name":"a","login":{"uris":[{"uri":"https://a.example"}],"username":"ada","password":"one-two-three"}}]}`))
	f.Add([]byte(`<KeePassFile><Root><Group><Entry><String><Key>Password</Key><Value>one-two-three</Value></String></Entry></Group></Root></KeePassFile>`))
	f.Add([]byte("otpauth://totp/acme.com:ada?secret=" + seed))
	f.Fuzz(func(t *testing.T, in []byte) {
		l, err := importer.ParseLogins("", importer.File{Name: "x", Content: in})
		if err != nil {
			return
		}
		for _, d := range l.Drafts {
			password := open(d.Password)
			for _, s := range l.Skipped {
				// A long password is told nowhere, unless it is the entry's title as well.
				if len(password) > 12 && strings.Contains(s.Reason, password) {
					t.Fatalf("%q tells of a password", s.Reason)
				}
			}
		}
	})
}
