package otp_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"hotcell"
	"hotcell/internal/value/otp"
	"hotcell/internal/value/sensitive"
)

func text(t *testing.T, b sensitive.Bytes) (out string) {
	t.Helper()
	_ = b.Use(func(b []byte) error { out = string(b); return nil })
	return out
}

// RFC 4226 appendix D.
func TestCodesOfCounters(t *testing.T) {
	t.Parallel()
	s := &otp.Secret{Key: sensitive.New([]byte("12345678901234567890")), Algorithm: otp.SHA1, Digits: 6, Period: 30 * time.Second}
	for counter, want := range []string{"755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"} {
		if got := text(t, s.At(uint64(counter))); got != want {
			t.Errorf("counter %d: %s, want %s", counter, got, want)
		}
	}
}

// RFC 6238 appendix B.
func TestCodesOfTimes(t *testing.T) {
	t.Parallel()
	seed := strings.Repeat("1234567890", 7)
	sizes := map[otp.Algorithm]int{otp.SHA1: 20, otp.SHA256: 32, otp.SHA512: 64}
	for _, c := range []struct {
		at   int64
		want map[otp.Algorithm]string
	}{
		{59, map[otp.Algorithm]string{otp.SHA1: "94287082", otp.SHA256: "46119246", otp.SHA512: "90693936"}},
		{1111111109, map[otp.Algorithm]string{otp.SHA1: "07081804", otp.SHA256: "68084774", otp.SHA512: "25091201"}},
		{1111111111, map[otp.Algorithm]string{otp.SHA1: "14050471", otp.SHA256: "67062674", otp.SHA512: "99943326"}},
		{1234567890, map[otp.Algorithm]string{otp.SHA1: "89005924", otp.SHA256: "91819424", otp.SHA512: "93441116"}},
		{2000000000, map[otp.Algorithm]string{otp.SHA1: "69279037", otp.SHA256: "90698825", otp.SHA512: "38618901"}},
		{20000000000, map[otp.Algorithm]string{otp.SHA1: "65353130", otp.SHA256: "77737706", otp.SHA512: "47863826"}},
	} {
		for algorithm, want := range c.want {
			s := &otp.Secret{Key: sensitive.New([]byte(seed[:sizes[algorithm]])), Algorithm: algorithm, Digits: 8, Period: 30 * time.Second}
			code, step := s.Code(time.Unix(c.at, 0))
			if got := text(t, code); got != want || step != c.at/30 || s.Next(step).Unix() <= c.at {
				t.Errorf("%s at %d: %s, want %s", algorithm, c.at, got, want)
			}
		}
	}
}

func TestSecretsAsPeopleHaveThem(t *testing.T) {
	t.Parallel()
	const key = "JBSWY3DPEHPK3PXP"
	for in, want := range map[string]string{
		key: "otpauth://totp/?secret=" + key + "&algorithm=SHA1&digits=6&period=30", "jbsw y3dp-ehpk 3pxp\n": "otpauth://totp/?secret=" + key + "&algorithm=SHA1&digits=6&period=30",
		key + "======": "otpauth://totp/?secret=" + key + "&algorithm=SHA1&digits=6&period=30",
		"otpauth://totp/ACME%20Co:ada@acme.test?secret=" + strings.ToLower(key) + "&issuer=ACME%20Co&algorithm=sha-256&digits=8&period=60": "otpauth://totp/ACME%20Co:ada@acme.test?secret=" + key + "&algorithm=SHA256&digits=8&period=60&issuer=ACME+Co",
		"OTPAUTH://TOTP/x?secret=" + key: "otpauth://totp/x?secret=" + key + "&algorithm=SHA1&digits=6&period=30",
	} {
		s, err := otp.Parse([]byte(in))
		if err != nil {
			t.Errorf("%q: %v", in, err)
			continue
		}
		got := text(t, s.Marshal())
		if got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
		if again, err := otp.Parse([]byte(got)); err != nil || text(t, again.Marshal()) != got {
			t.Errorf("%s does not read as it was written: %v", got, err)
		}
	}
}

func TestWhatIsNoSecretIsRefusedWithoutTellingOfIt(t *testing.T) {
	t.Parallel()
	const key = "JBSWY3DPEHPK3PXP"
	for in, word := range map[string]string{
		"": "at least", "JBSWY3DP": "at least", "not base 32 at all 0189": "base32", strings.Repeat("A", 400): "at most",
		"otpauth://hotp/x?secret=" + key + "&counter=1": "HOTP", "otpauth://totp/x": "at least", "otpauth://totp/x?secret=" + key + "&digits=9": "digits",
		"otpauth://totp/x?secret=" + key + "&period=0": "period", "otpauth://totp/x?secret=" + key + "&algorithm=MD5": "algorithm", "otpauth://steam/x?secret=" + key: "otpauth://totp",
		"otpauth-migration://offline?data=x": "import",
	} {
		_, err := otp.Parse([]byte(in))
		if !errors.Is(err, hotcell.ErrInvalid) || !strings.Contains(err.Error(), word) || strings.Contains(err.Error(), key) {
			t.Errorf("%q: %v, want %q", in, err, word)
		}
	}
}

func entry(key, name, issuer string, algorithm, digits, kind uint64) []byte {
	var b []byte
	for n, s := range []string{key, name, issuer} {
		b = protowire.AppendString(protowire.AppendTag(b, protowire.Number(n+1), protowire.BytesType), s)
	}
	for n, v := range []uint64{algorithm, digits, kind} {
		b = protowire.AppendVarint(protowire.AppendTag(b, protowire.Number(n+4), protowire.VarintType), v)
	}
	return b
}

func migration(size, index uint64, entries ...[]byte) string {
	var b []byte
	for _, e := range entries {
		b = protowire.AppendBytes(protowire.AppendTag(b, 1, protowire.BytesType), e)
	}
	for n, v := range []uint64{1, size, index, 77} {
		b = protowire.AppendVarint(protowire.AppendTag(b, protowire.Number(n+2), protowire.VarintType), v)
	}
	return "otpauth-migration://offline?data=" + url.QueryEscape(base64.StdEncoding.EncodeToString(b))
}

func TestTheExportOfGoogleAuthenticator(t *testing.T) {
	t.Parallel()
	m, err := otp.ParseMigration([]byte(migration(2, 1,
		entry("12345678901234567890", "ACME:ada@acme.test", "ACME", 1, 1, 2), entry("12345678901234567890", "bob", "", 2, 2, 2),
		entry("12345678901234567890", "counts", "", 1, 1, 1), entry("short", "s", "", 1, 1, 2), entry("12345678901234567890", "md5", "", 4, 1, 2))))
	if err != nil || m.Size != 2 || m.Index != 1 || m.ID != 77 || len(m.Entries) != 5 {
		t.Fatalf("%+v, %v", m, err)
	}
	var got []string
	for _, e := range m.Entries {
		line := e.Issuer + "/" + e.Account + " " + e.Skipped
		if e.Secret != nil {
			line += fmt.Sprintf("%s %d", e.Secret.Algorithm, e.Secret.Digits)
		}
		got = append(got, line)
	}
	want := "ACME/ada@acme.test SHA1 6|/bob SHA256 8|/counts it counts (HOTP), which is not supported|/s its secret is too short or too long|/md5 its algorithm is none of RFC 6238"
	if strings.Join(got, "|") != want {
		t.Errorf("%s\nwant %s", strings.Join(got, "|"), want)
	}
	if code := text(t, m.Entries[0].Secret.At(0)); code != "755224" {
		t.Errorf("its code is %s", code)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("otpauth://totp/a:b?secret=JBSWY3DPEHPK3PXP&digits=8"))
	f.Add([]byte("jbsw y3dp ehpk 3pxp"))
	f.Fuzz(func(t *testing.T, in []byte) {
		s, err := otp.Parse(in)
		if err != nil {
			return
		}
		written := text(t, s.Marshal())
		again, err := otp.Parse([]byte(written))
		if err != nil || text(t, again.Marshal()) != written {
			t.Fatalf("%q: %q does not read as it was written: %v", in, written, err)
		}
	})
}

func FuzzParseMigration(f *testing.F) {
	f.Add([]byte(migration(1, 0, entry("12345678901234567890", "a", "b", 1, 1, 2))))
	f.Fuzz(func(t *testing.T, in []byte) {
		m, err := otp.ParseMigration(in)
		if err != nil {
			return
		}
		for _, e := range m.Entries {
			if e.Secret != nil {
				_ = text(t, e.Secret.At(1))
			}
		}
	})
}
