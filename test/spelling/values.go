package spelling

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
)

// Value is one to be written, and of which kind it is.
type Value struct {
	Kind string
	Text []byte
}

// The alphabets of what people keep.
const (
	letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	symbols = letters + "!#$%&()*+,-./:;<=>?@[]^_{|}~"
	quotes  = letters + `"'\"'\ $` + "`"
	foreign = "äöüßéèñçøåłžığÄÖÜ€£中文字密碼ключпароль🔑🗝🚀aB3dE6gH"
)

// Values makes n values, the kinds in turns.
func Values(n int, r *rand.Rand) []Value {
	kinds := []struct {
		name  string
		write func(*rand.Rand) string
	}{
		{"token", func(r *rand.Rand) string {
			prefix := []string{"sk_live_", "ghp_", "xoxb-", "AKIA", "", "glpat-", "SG."}[r.IntN(7)]
			return prefix + pick(r, letters, 16+r.IntN(28))
		}},
		{"password with symbols", func(r *rand.Rand) string { return pick(r, symbols, 12+r.IntN(14)) }},
		{"password with quotes", func(r *rand.Rand) string { return "q" + pick(r, quotes, 14+r.IntN(12)) + "z" }},
		{"not ASCII", func(r *rand.Rand) string { return pick(r, foreign, 10+r.IntN(10)) + "x" + pick(r, letters, 4) }},
		{"PEM", pem},
		{"JSON", object},
		{"JWT", func(r *rand.Rand) string {
			part := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
			return part(`{"alg":"HS256","typ":"JWT"}`) + "." + part(fmt.Sprintf(`{"sub":"%s"}`, pick(r, letters, 12))) + "." + pick(r, letters+"-_", 43)
		}},
		{"connection URL", func(r *rand.Rand) string {
			return fmt.Sprintf("postgres://app:%s@db.acme.test:5432/%s?sslmode=require", pick(r, letters+"-_.~", 20), pick(r, letters, 5))
		}},
		{"with escapes in it", func(r *rand.Rand) string {
			return pick(r, letters, 8) + []string{`\n`, `\\`, `%2F`, `&amp;`, `\x41`, `\u0041`}[r.IntN(6)] + pick(r, letters+`\%&`, 12+r.IntN(8)) + "k"
		}},
		{"hex", func(r *rand.Rand) string { return pick(r, "0123456789abcdef", 32+8*r.IntN(5)) }},
	}
	out := make([]Value, n)
	for i := range out {
		k := kinds[i%len(kinds)]
		out[i] = Value{Kind: k.name, Text: []byte(k.write(r))}
	}
	return out
}

// pick is n characters of an alphabet.
func pick(r *rand.Rand, alphabet string, n int) string {
	all := []rune(alphabet)
	out := make([]rune, n)
	for i := range out {
		out[i] = all[r.IntN(len(all))]
	}
	return string(out)
}

func pem(r *rand.Rand) string {
	var out strings.Builder
	out.WriteString("-----BEGIN PRIVATE KEY-----\n")
	for range 2 + r.IntN(4) {
		out.WriteString(pick(r, letters+"+/", 64) + "\n")
	}
	return out.String() + pick(r, letters+"+/", 22) + "==\n-----END PRIVATE KEY-----\n"
}

func object(r *rand.Rand) string {
	text, _ := json.Marshal(map[string]string{ // strings are always written
		"client_id": pick(r, letters, 12), "client_secret": pick(r, letters+"-_~", 30), "note": "line one\nline \"two\" " + pick(r, letters, 6),
	})
	return string(text)
}
