package importer

import (
	"bytes"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"io"
	"net/url"
	"strings"
)

type groupKeePass struct {
	UUID    string         `xml:"UUID"`
	Entries []entryKeePass `xml:"Entry"`
	Groups  []groupKeePass `xml:"Group"`
}

type entryKeePass struct {
	Strings []struct {
		Key   string `xml:"Key"`
		Value string `xml:"Value"`
	} `xml:"String"`
}

// parseKeePass reads the XML of KeePass 2. What an entry was before is left out.
func parseKeePass(text []byte) (*Logins, error) {
	var file struct {
		XMLName xml.Name `xml:"KeePassFile"`
		Bin     string   `xml:"Meta>RecycleBinUUID"`
		Root    struct {
			Groups []groupKeePass `xml:"Group"`
		} `xml:"Root"`
	}
	d := xml.NewDecoder(bytes.NewReader(text))
	// The text is in UTF-8 by now, whatever its first line says.
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	if err := d.Decode(&file); err != nil {
		return nil, bad("this is no XML of KeePass 2")
	}
	out := &Logins{Format: KeePass}
	number := 0
	var walk func(groups []groupKeePass, trashed bool)
	walk = func(groups []groupKeePass, trashed bool) {
		for _, g := range groups {
			in := trashed || file.Bin != "" && g.UUID == file.Bin
			for _, one := range g.Entries {
				number++
				e := one.entry(number)
				e.trashed = in
				out.add(e)
			}
			walk(g.Groups, in)
		}
	}
	walk(file.Root.Groups, false)
	return out, nil
}

func (k *entryKeePass) entry(number int) entry {
	e, said := entry{number: number}, map[string]string{}
	for _, s := range k.Strings {
		key := strings.ToLower(s.Key)
		if said[key] == "" {
			said[key] = s.Value
		}
		if key == "url" || strings.HasPrefix(key, "kp2a_url") {
			e.sites = append(e.sites, s.Value)
		}
	}
	e.title, e.user, e.password, e.otp = said["title"], said["username"], said["password"], codesKeePass(said)
	return e
}

// codesKeePass is the secret of an entry's one-time codes, in one of the ways in
// which KeePass and its plugins keep it, as an otpauth URI: a code of other
// digits, period or hash than the site's would be wrong, and nobody could say why.
//
// KeePassXC has otp as an otpauth URI, KeeOtp as key=…&size=8&step=30; KeePass 2 has
// TimeOtp-Secret-Base32 and others beside it (https://keepass.info/help/base/placeholders.html#otp);
// KeeTrayTOTP has TOTP Seed and TOTP Settings, "30;6".
func codesKeePass(said map[string]string) string {
	if text := said["otp"]; text != "" {
		q, err := url.ParseQuery(text)
		if err != nil || q.Get("key") == "" || strings.HasPrefix(text, "otpauth:") {
			return text
		}
		return uriOf(q.Get("type"), q.Get("key"), q.Get("size"), q.Get("step"), q.Get("otpHashMode"))
	}
	for field, decode := range map[string]func(string) ([]byte, error){
		"timeotp-secret-hex": hex.DecodeString, "timeotp-secret-base64": base64.StdEncoding.DecodeString,
		"timeotp-secret": func(s string) ([]byte, error) { return []byte(s), nil },
	} {
		if raw, err := decode(strings.TrimSpace(said[field])); err == nil && len(raw) > 0 && said["timeotp-secret-base32"] == "" {
			said["timeotp-secret-base32"] = base32.StdEncoding.EncodeToString(raw)
		}
	}
	if text := said["timeotp-secret-base32"]; text != "" {
		return uriOf("", text, said["timeotp-length"], said["timeotp-period"], strings.TrimPrefix(strings.ToUpper(said["timeotp-algorithm"]), "HMAC-"))
	}
	if text := said["totp seed"]; text != "" {
		period, rest, _ := strings.Cut(said["totp settings"], ";")
		digits, _, _ := strings.Cut(rest, ";")
		return uriOf("", text, digits, period, "")
	}
	return ""
}

// uriOf writes a secret as an otpauth URI; what is empty is left to its default.
// What it is not worth writing, package otp refuses and says why.
func uriOf(kind, key, digits, period, algorithm string) string {
	if kind == "" {
		kind = "totp"
	}
	q := url.Values{"secret": {key}}
	for name, value := range map[string]string{"digits": digits, "period": period, "algorithm": strings.ToUpper(algorithm)} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return "otpauth://" + strings.ToLower(kind) + "/?" + q.Encode()
}
