package standin_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"

	"hotcell/internal/wire/standin"
)

var seed = bytes.Repeat([]byte{7}, 32)

func TestAStandInHasTheShapeOfItsValue(t *testing.T) {
	t.Parallel()
	for value, shape := range map[string]string{
		"sk-ant-api03-AbCdEfGh12345678-xyz_XYZ":                                        `^sk-ant-api03-[A-Z][a-z][A-Z][a-z][A-Z][a-z][A-Z][a-z]\d{8}-[a-z]{3}_[A-Z]{3}$`,
		"ghp_abcdefghijklmnop0123456789":                                               `^ghp_[a-z]{16}\d{10}$`,
		"xoxb-123456789012-abcdefghijkl":                                               `^xoxb-\d{12}-[a-z]{12}$`,
		"0123456789abcdef0123456789abcdef":                                             `^[0-9a-f]{32}$`,
		"0123456789ABCDEF0123456789ABCDEF":                                             `^[0-9A-F]{32}$`,
		"AKIAIOSFODNN7EXAMPLE":                                                         `^AKIA[A-Z]{8}\d[A-Z]{7}$`,
		"postgres://ada:hunter2hunter2@db.acme.test/x":                                 `^postgres://ada:[A-Za-z0-9]{14}@db\.acme\.test/x$`,
		"postgresql://u:p%40ss%2Fword12@h:5432/d?a=b":                                  `^postgresql://u:[A-Za-z0-9]{15}@h:5432/d\?a=b$`,
		"host=db user=u password=correct-horse dbname=x":                               `^host=db user=u password=[A-Za-z0-9]{13} dbname=x$`,
		"-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhk\n-----END PRIVATE KEY-----\n": `^-----BEGIN PRIVATE KEY-----\n[A-Za-z0-9+/]{18}\n-----END PRIVATE KEY-----\n$`,
	} {
		got, pairs, err := standin.Make(seed, []byte(value))
		if err != nil || !regexp.MustCompile(shape).Match(got) || len(got) != len(value) {
			t.Errorf("%s: %s, %v", value, got, err)
			continue
		}
		again, _, _ := standin.Make(seed, []byte(value))
		other, _, _ := standin.Make(bytes.Repeat([]byte{8}, 32), []byte(value))
		if !bytes.Equal(got, again) || bytes.Equal(got, other) {
			t.Errorf("%s: %s, once more %s, with another seed %s", value, got, again, other)
		}
		if back := standin.NewSwapper(pairs[len(pairs)-1:]).Swap([]byte("x" + string(got) + "y")); string(back) != "x"+value+"y" {
			t.Errorf("%s swaps to %s", value, back)
		}
	}
}

func TestATokensStandInIsOne(t *testing.T) {
	t.Parallel()
	part := base64.RawURLEncoding.EncodeToString
	value := part([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + part([]byte(`{"sub":"ada","scope":"everything","exp":1999999999}`)) + "." + part(bytes.Repeat([]byte("s"), 32))
	got, _, err := standin.Make(seed, []byte(value))
	parts := strings.Split(string(got), ".")
	if err != nil || len(parts) != 3 || len(got) != len(value) || parts[0] != strings.Split(value, ".")[0] {
		t.Fatalf("%s, %v", got, err)
	}
	claims, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || !json.Valid(claims) || strings.Contains(string(claims), "ada") {
		t.Errorf("claims %s, %v", claims, err)
	}
}

func TestWhatIsTooShortHasNone(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"", "abc1234", "sk-ant-api03-short", "postgres://u:pw@h/d", "--------------"} {
		if got, _, err := standin.Make(seed, []byte(value)); !errors.Is(err, standin.ErrShort) {
			t.Errorf("%q: %s, %v", value, got, err)
		}
	}
}

func TestSwapping(t *testing.T) {
	t.Parallel()
	s := standin.NewSwapper([]standin.Pair{{[]byte("standin-one"), []byte("value&one=")}, {[]byte("standin-one-more"), []byte("more")}})
	for _, c := range []struct{ got, want string }{
		{string(s.Swap([]byte("Bearer standin-one."))), "Bearer value&one=."},
		{string(s.Swap([]byte("standin-one-more"))), "more"},
	} {
		if c.got != c.want {
			t.Errorf("%s, want %s", c.got, c.want)
		}
	}
}

func FuzzReader(f *testing.F) {
	f.Add("a standin-one b standin-o standin-one")
	f.Fuzz(func(t *testing.T, text string) {
		s := standin.NewSwapper([]standin.Pair{{[]byte("standin-one"), []byte("v")}, {[]byte("stan"), []byte("w")}})
		want := strings.ReplaceAll(strings.ReplaceAll(text, "standin-one", "v"), "stan", "w")
		for _, from := range []io.Reader{strings.NewReader(text), iotest.OneByteReader(strings.NewReader(text)), iotest.HalfReader(strings.NewReader(text))} {
			got, err := io.ReadAll(s.Reader(from, func(b []byte) []byte { return b }))
			if err != nil || string(got) != want {
				t.Fatalf("%q, want %q, %v", got, want, err)
			}
		}
	})
}
