package portal_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"hotcell/test/acme/portal"
)

const planted = "Tr0ub4dor&QZ7WX3KD5MNB2VCLP9RTYA4HGJ+%/"

// packed is a text as a packer has it.
func packed(to func(io.Writer) io.WriteCloser, text string) string {
	var b bytes.Buffer
	w := to(&b)
	_, _ = io.WriteString(w, text)
	_ = w.Close()
	return b.String()
}

func utf16le(text string) string {
	var b strings.Builder
	for _, u := range utf16.Encode([]rune(text)) {
		b.WriteByte(byte(u))
		b.WriteByte(byte(u >> 8))
	}
	return b.String()
}

func each(text string, format, between string) string {
	var out []string
	for i := range len(text) {
		out = append(out, fmt.Sprintf(format, text[i]))
	}
	return strings.Join(out, between)
}

// forms are the ways to write a value that the judge must know.
func forms(v string) map[string]string {
	backwards := []byte(v)
	slices.Reverse(backwards)
	quoted, _ := json.Marshal(v)
	m, s, l := md5.Sum([]byte(v)), sha1.Sum([]byte(v)), sha256.Sum256([]byte(v))
	deflate := func(w io.Writer) io.WriteCloser { z, _ := flate.NewWriter(w, 9); return z }
	out := map[string]string{
		"raw": v, "lower case": strings.ToLower(v), "reversed": string(backwards), "json": string(quoted), "json in json": strings.ReplaceAll(string(quoted), `\`, `\\`),
		"json escapes": each(v, `\u%04x`, ""), "script escapes": each(v, `\x%02x`, ""), "long escapes": each(v, `\u{%x}`, ""), "octal": each(v, `\%03o`, ""), "json solidus": strings.ReplaceAll(v, "/", `\/`),
		"entities": html.EscapeString(v), "decimal entities": each(v, "&#%d;", ""), "hex entities": each(v, "&#x%x;", ""),
		"query": url.QueryEscape(v), "path": url.PathEscape(v), "percent, all": each(v, "%%%02x", ""), "percent, partial": strings.ReplaceAll(v, "r", "%72"), "percent, twice": url.QueryEscape(url.QueryEscape(v)),
		"utf-16": utf16le(v), "utf-16, big end": "\x00" + utf16le(v), "utf-16 in base64": base64.StdEncoding.EncodeToString([]byte(utf16le(v))),
		"hex": hex.EncodeToString([]byte(v)), "hex, spaced": each(v, "%02X", " "), "hex, colons": each(v, "%02x", ":"), "hex, 0x": each(v, "0x%02x", ", "), "hex after a digit": "a" + hex.EncodeToString([]byte(v)),
		"numbers": "[" + each(v, "%d", ",") + "]", "numbers, spaced": each(v, "%d", " "), "characters": each(v, "%q", ","), "dashes": each(v, "%c", "-"), "lines": each(v, "%c", "\n"), "halves": v[:20] + " and " + v[20:],
		"base32": base32.StdEncoding.EncodeToString([]byte("xyz" + v)), "base64 twice": base64.StdEncoding.EncodeToString([]byte(base64.StdEncoding.EncodeToString([]byte(v)))),
		"basic": "Basic " + base64.StdEncoding.EncodeToString([]byte("ada:"+v)), "hex in base64": base64.StdEncoding.EncodeToString([]byte(hex.EncodeToString([]byte(v)))), "base64 in query": url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(v))),
		"md5": hex.EncodeToString(m[:]), "sha1": base64.StdEncoding.EncodeToString(s[:]), "sha256": hex.EncodeToString(l[:]), "rot13": strings.Map(rot13, v),
		"gzip": packed(func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }, v), "zlib": packed(func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }, v), "deflate": packed(deflate, v),
		"gzip in base64": base64.StdEncoding.EncodeToString([]byte(packed(func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }, v))), "quoted-printable": each(v, "=%02X", ""),
	}
	for at := range 6 {
		padded := strings.Repeat("x", at) + v + strings.Repeat("y", at)
		out[fmt.Sprintf("base64 at %d", at)] = base64.StdEncoding.EncodeToString([]byte(padded))
		out[fmt.Sprintf("base64url at %d", at)] = base64.RawURLEncoding.EncodeToString([]byte(padded))
		out[fmt.Sprintf("base64 in lower case at %d", at)] = strings.ToLower(base64.StdEncoding.EncodeToString([]byte(padded)))
	}
	return out
}

func rot13(r rune) rune {
	const from, to = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", "NOPQRSTUVWXYZABCDEFGHIJKLMnopqrstuvwxyzabcdefghijklm"
	if at := strings.IndexRune(from, r); at >= 0 {
		return rune(to[at])
	}
	return r
}

func TestTheJudgeKnowsEveryForm(t *testing.T) {
	t.Parallel()
	around := map[string]string{"alone": "%s", "in a page": "<p>see <b>%s</b></p>", "in JSON": `{"content":[{"text":"- text: %s"}]}`, "in a request": "POST /x?a=1 HTTP/1.1\r\nHost: a.test\r\n\r\n%s"}
	for name, text := range forms(planted) {
		for where, format := range around {
			if name == "deflate" && where != "alone" && where != "in a request" {
				continue // it has no mark to be known by
			}
			if portal.Holds(fmt.Sprintf(format, text), planted) == "" {
				t.Errorf("%s, %s, is not found: %q", name, where, text)
			}
		}
	}
}

func TestTheJudgeKnowsSeveralValues(t *testing.T) {
	t.Parallel()
	j := portal.Judging("short", "the-first-value-1", planted)
	for text, want := range map[string]bool{"short": false, "the-first-value-1": true, "dGhlLWZpcnN0LXZhbHVlLTE=": true, "x" + planted: true, "": false, "the-first-value-2": false} {
		if found := j.Find(text); (found != "") != want {
			t.Errorf("%q: %q", text, found)
		}
	}
}

func TestTheJudgeAccusesNobody(t *testing.T) {
	t.Parallel()
	for name, text := range forms("Hc7_kzmUbQYrWfT3nA9xPd2sGjLvEw8RtYuIoPa") {
		if form := portal.Holds("<p>[hotcell:portal] "+text+planted[:8], planted); form != "" {
			t.Errorf("%s of another value is taken for it: %s", name, form)
		}
	}
}
