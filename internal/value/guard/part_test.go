package guard_test

import (
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"

	"hotcell/internal/value/guard"
	"hotcell/test/prove"
)

func withParts(t testing.TB, values ...string) *guard.Patterns {
	t.Helper()
	b := guard.NewBuilder().WithParts()
	for i, v := range values {
		if err := b.Add(guard.Label{ID: fmt.Sprint(i), Name: fmt.Sprintf("s%d", i)}, []byte(v)); err != nil {
			t.Fatalf("value %d: %v", i, err)
		}
	}
	return b.Build()
}

// partly is a part of a value in each form, of which nothing else is there.
func partly(part string) map[string]string {
	spell := func(format string) string {
		var out strings.Builder
		for _, c := range []byte(part) {
			fmt.Fprintf(&out, format, c)
		}
		return out.String()
	}
	out := map[string]string{
		"raw": part, "hex": hex.EncodeToString([]byte(part)), "HEX with colons": spell("%02X:"), "percent": spell("%%%02x"), "json": spell(`\u%04x`),
		"entities": spell("&#%d;"), "reversed": backwards(part), "upper": strings.ToUpper(part), "lower": strings.ToLower(part), "query": url.QueryEscape(part),
		"a line break": part[:3] + "\n" + part[3:], "a colour": part[:5] + "\x1b[31m" + part[5:], "zero width": part[:2] + "\u200b" + part[2:],
		"UTF-16": strings.TrimSuffix(spell("%c\x00"), "\x00"),
	}
	return out
}

func TestEachPartOfEightBytesIsReplaced(t *testing.T) {
	t.Parallel()
	const value = "sk_live_51Hx9Zq2eTyKd4Vw8Tn5Bm1"
	p := withParts(t, value)
	const secret = "Hx9Zq2eTyKd4Vw8Tn5Bm1"
	for from := range len(secret) - 8 {
		part := secret[from : from+9]
		if from%2 == 0 {
			part = part[:8]
		}
		for form, text := range partly(part) {
			if len(part) == 8 && (form == "upper" || form == "lower") {
				continue // of fewer characters there are to be more
			}
			for _, around := range []string{"%s", "key=%s…", "'%s'", "xxxxxxxxxxxx%s", "GET /v1?key=sk_live_51%s\n", "…%s...", "<i>%s</i>"} {
				got := string(p.Redact(fmt.Appendf(nil, around, text)))
				if strings.Contains(got, text) || !strings.Contains(got, "[hotcell:s0]") {
					t.Errorf("%s of %q in %q: %q", form, part, around, got)
				}
			}
		}
		for offset := range 5 {
			padded := strings.Repeat("u", offset) + value
			at := offset + 10 + from
			for form, text := range map[string]string{
				"base64": base64.StdEncoding.EncodeToString([]byte(padded))[(at*8+5)/6 : (at+8)*8/6],
				"base32": base32.StdEncoding.EncodeToString([]byte(padded))[(at*8+4)/5 : (at+8)*8/5],
			} {
				if got := string(p.Redact([]byte("« " + text + "…"))); got != "« [hotcell:s0]…" {
					t.Errorf("%s of %q at %d: %q of %q", form, value[10+from:18+from], offset, got, text)
				}
			}
		}
	}
	for from := range len(secret) - 6 {
		text := "« " + secret[from:from+7] + " »"
		if got := string(p.Redact([]byte(text))); got != text {
			t.Errorf("seven bytes: %q", got)
		}
	}
}

func TestAValueCutShortIsReplaced(t *testing.T) {
	t.Parallel()
	p := withParts(t, "q7Zr2Lx9Kd4Vw8Tn5Bm1Jc6Hs3Gf0Py7Qa2Xe9Ui")
	for in, want := range map[string]string{
		"q7Zr2Lx9Kd4Vw8Tn5Bm1Jc6Hs3Gf0Py7Qa2Xe9U": "[hotcell:s0]", // less its last character
		"7Zr2Lx9Kd4Vw8Tn5Bm1Jc6Hs3Gf0Py7Qa2Xe9Ui": "[hotcell:s0]",
		`"q7Zr2Lx9Kd4Vw8Tn…" not found`:           `"[hotcell:s0]…" not found`,
		"q7Zr2Lx9Kd…0Py7Qa2Xe9Ui":                 "[hotcell:s0]…[hotcell:s0]",
		"q7Zr2L\r\n  x9Kd4Vw":                     "[hotcell:s0]",
		"q7Zr2Lx9Kd/q7Zr2Lx9Kd4":                  "[hotcell:s0]/[hotcell:s0]",
	} {
		if got := string(p.Redact([]byte(in))); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
		if got := bytewise(t, p, in); got != want {
			t.Errorf("%q byte by byte: %q, want %q", in, got, want)
		}
	}
}

// TestNoWindowTellsEightBytes has a service quote each window of a request with the
// value in it, as raw text and in base64: none shows eight bytes of its secret part.
func TestNoWindowTellsEightBytes(t *testing.T) {
	t.Parallel()
	const secret = "51Hx9Zq2eTyKd4Vw8Tn"
	p := withParts(t, "sk_live_"+secret)
	text := "GET /v1/items?page=2&key=sk_live_" + secret + "&x=1 HTTP/1.1"
	for from := range len(text) {
		for to := from + 1; to <= len(text); to++ {
			out := string(p.Redact([]byte("cannot parse '" + text[from:to] + "…'")))
			for i := range len(secret) - 7 {
				// The digits before are of the prefix that all such keys have.
				if i >= 2 && strings.Contains(out, secret[i:i+8]) {
					t.Fatalf("%q shows %q", out, secret[i:i+8])
				}
			}
		}
	}
}

// TestProveGuessesTellNothing: who knows the prefix and guesses the rest gets back
// what they sent, whatever they send.
func TestProveGuessesTellNothing(t *testing.T) {
	t.Parallel()
	const alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	r := rand.New(rand.NewPCG(rand.Uint64(), 5))
	guess := func(n int) string {
		out := make([]byte, n)
		for i := range out {
			out[i] = alphabet[r.IntN(len(alphabet))]
		}
		return string(out)
	}
	value := "ghp_" + guess(36)
	p := withParts(t, value)
	for range prove.Trials(5_000, 100_000) {
		// Also with the most that a window shows: seven bytes, and not the eighth.
		for _, text := range []string{"ghp_" + guess(8), "ghp_" + guess(36), value[4:11] + "…" + guess(3)} {
			if got := string(p.Redact([]byte(text))); got != text {
				t.Fatalf("%q became %q", text, got)
			}
		}
	}
}

// What is public of a value is no part of it.
func TestPublicPartsStay(t *testing.T) {
	t.Parallel()
	header := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256","typ":"JWT"}`))
	claims := base64.RawURLEncoding.EncodeToString([]byte(`{"iss":"https://accounts.acme.test","aud":"https://api.acme.test/v1","sub":"q7Zr2Lx9Kd4Vw8Tn","exp":1790000000,"scope":"read write"}`))
	for _, c := range []struct {
		value   string
		stays   []string
		replace []string
	}{
		{"postgres://billing_user:q7Zr2Lx9Kd4V@db-main.acme.test:5432/production_db?sslmode=require",
			[]string{"postgres://billing_user:", "db-main.acme.test:5432", "production_db?sslmode=require"}, []string{"q7Zr2Lx9Kd4V", "q7Zr2Lx9"}},
		{"https://hooks.slack.com/services/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", []string{"https://hooks.slack.com/", "https://hooks.slack.com/services/"}, []string{"Lx9Kd4Vw8Tn5Bm1Jc6H", "B9Z8Y7X6W/q7Zr"}},
		{"sk-ant-api03-q7Zr2Lx9Kd4Vw8Tn5Bm1Jc6Hs3Gf0Py7", []string{"sk-ant-api03-", "sk-ant-api03-q7Zr2L"}, []string{"sk-ant-api03-q7Zr2Lx9"}},
		{"github_pat_11ABCDEFG0q7Zr2Lx9Kd4V_w8Tn5Bm1Jc6Hs3Gf0Py7Qa2Xe9Ui", []string{"github_pat_", "github_pat_11ABCDE"}, []string{"Tn5Bm1Jc6Hs3"}},
		{"xoxb-123456789012-9876543210987-q7Zr2Lx9Kd4Vw8Tn5Bm1Jc6H", []string{"xoxb-123456789012-9876543210987-"}, []string{"-q7Zr2Lx9"}},
		{header + "." + claims + ".q7Zr2Lx9Kd4Vw8Tn5Bm1Jc6Hs3Gf0Py7Qa2Xe9Ui", []string{header + ".", claims[:30]}, []string{"Tn5Bm1Jc6H", header + "." + claims + ".q7Zr2Lx9"}},
		{"Server=tcp:acme.database.windows.net,1433;Database=production;User ID=billing_admin;Password=q7Zr2Lx9Kd4V;Encrypt=true",
			[]string{"Server=tcp:acme.database.windows.net,1433;Database=production;User ID=billing_admin;Password=", "Encrypt=true"}, []string{"q7Zr2Lx9"}},
		{`{"type":"service_account","project_id":"acme-production-42","private_key_id":"9f8e7d6c5b4a39281706f5e4d3c2b1a098765432","client_email":"robot@acme-production-42.iam.gserviceaccount.com"}`,
			[]string{`"type":"service_account","project_id":"acme-production-42","private_key_id":"`, "robot@acme-production-42.iam.gserviceaccount.com"}, []string{"5b4a39281706f5e4"}},
	} {
		p := withParts(t, c.value)
		for _, text := range c.stays {
			if got := string(p.Redact([]byte(text))); got != text {
				t.Errorf("%.20q: %q became %q", c.value, text, got)
			}
		}
		for _, text := range c.replace {
			if got := string(p.Redact([]byte(text))); !strings.Contains(got, "[hotcell:s0]") {
				t.Errorf("%.20q: %q became %q", c.value, text, got)
			}
		}
	}
}

// A password with what ends a host in a URL does not make a secret of the host, whether
// it is escaped or not; and parts of it are found all the same.
func TestAHostBehindAnOddPasswordIsNoPart(t *testing.T) {
	t.Parallel()
	const beginning, rest = "Xk7QpW2M", "4ZB5TNVYH3RD"
	for _, odd := range []string{"/", "?", "#", "@", "#/+", "/@/", "?a=b@c/d"} {
		for _, password := range []string{beginning + odd + rest, beginning + url.QueryEscape(odd) + rest} {
			for _, after := range []string{"", ":37983", "/acme", ":37983/acme?sslmode=verify-full", "?sslmode=require"} {
				builder := guard.NewBuilder().WithParts()
				if err := builder.Add(guard.Label{ID: "sec_1", Name: "db"}, []byte("postgresql://report:"+password+"@db.acme.test"+after)); err != nil {
					t.Fatal(err)
				}
				p := builder.Build()
				for _, text := range []string{"CONNECT api.acme.test:35467 HTTP/1.1", "b.acme.test:37983/acme?sslmode=verify-ca", "sslmode=verify-full"} {
					if p.Contains([]byte(text)) {
						t.Errorf("behind %q, with %q after the host: %q is redacted", password, after, text)
					}
				}
				for _, part := range []string{"<" + beginning + ">", "<" + rest + ">"} {
					if !p.Contains([]byte(part)) {
						t.Errorf("behind %q, with %q after the host: %q is not found", password, after, part)
					}
				}
			}
		}
	}
}
