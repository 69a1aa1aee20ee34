// Package standin makes what stands in for a value in a cell: of the same
// length, alphabet and known prefix, so that clients take it for what it stands
// for, and worth nothing anywhere; and swaps the value back in.
//
// A stand-in is made from a seed and the value, so that it can be made again,
// and tells nothing of the value but its shape. Where it is swapped, its caller
// decides. One way to use it:
//
//	standIn, pairs, err := standin.Make(seed, value)
//	header = standin.NewSwapper(pairs).Swap(header)
package standin

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"hotcell/internal/value/sensitive"
)

// Pair is a stand-in and what it stands for. Whoever asked for it clears the
// value.
type Pair struct{ StandIn, Value []byte }

// ErrShort is a value that has too little that could be replaced: its stand-in
// could be met with by chance.
var ErrShort = errors.New("it has too few characters that a stand-in could replace: attach it as env")

// leastFree is how many characters of a stand-in are its own.
const leastFree = 8

// prefixes of keys that clients look for, the longer before the shorter.
var prefixes = []string{
	"sk-ant-api03-", "sk-ant-admin01-", "sk-ant-oat01-", "sk-ant-", "sk-proj-", "sk-svcacct-", "sk-or-v1-", "sk_live_", "sk_test_", "rk_live_", "rk_test_", "pk_live_", "pk_test_", "whsec_",
	"github_pat_", "ghp_", "gho_", "ghs_", "ghu_", "ghr_", "glpat-", "xoxb-", "xoxp-", "xoxa-", "xoxe.", "xapp-", "AKIA", "ASIA", "AIza", "ya29.", "GOCSPX-", "SG.", "npm_", "pypi-",
	"hf_", "gsk_", "r8_", "dop_v1_", "shpat_", "shpss_", "lin_api_", "lin_oauth_", "secret_", "ntn_", "pat-na1-", "pat-eu1-", "figd_", "PMAK-", "dckr_pat_", "hvs.", "tfp_", "vercel_", "sbp_", "key-", "sk-", "sq0csp-", "EAAA", "Bearer ", "Basic ", "Token ",
}

// Make makes the stand-in of a value, and the pairs to swap: the whole, and the
// password within a connection URL.
func Make(seed, value []byte) (standIn []byte, pairs []Pair, err error) {
	s, err := newStream(seed, len(value))
	if err != nil {
		return nil, nil, err
	}
	for _, shape := range []func(*stream, []byte) ([]byte, []Pair, error){ofURL, ofParameters, ofJWT, ofPEM} {
		if standIn, pairs, err = shape(s, value); standIn != nil || err != nil {
			break
		}
	}
	if standIn == nil && err == nil {
		standIn, err = plain(s, value, prefixOf(value))
	}
	if err != nil {
		return nil, nil, err
	}
	pairs = append(pairs, Pair{standIn, bytes.Clone(value)})
	if at := bytes.IndexByte(value, ':'); len(pairs) == 1 && at > 0 && len(value)-at > leastFree && len(standIn) == len(value) {
		pairs = append(pairs, Pair{standIn[at+1:], bytes.Clone(value[at+1:])}) // user:password
	}
	return standIn, pairs, nil
}

func prefixOf(value []byte) int {
	for _, p := range prefixes {
		if bytes.HasPrefix(value, []byte(p)) {
			return len(p)
		}
	}
	return 0
}

// stream is what the characters are drawn from.
type stream struct {
	bytes []byte
	at    int
}

// maxDrawn is how many characters one stand-in may draw.
const maxDrawn = 8000

// newStream draws for a value of n characters, some of them twice. More of the
// stream is not made: it would begin with the same.
func newStream(seed []byte, n int) (*stream, error) {
	b, err := hkdf.Expand(sha256.New, seed, "hotcell stand-in v1", min(2*n+64, maxDrawn))
	if err != nil {
		return nil, fmt.Errorf("making a stand-in: %w", err)
	}
	return &stream{bytes: b}, nil
}

// draw is a character of the set that is not c. Beyond the stream's end it goes
// on with what it drew first: no value that long is a key.
func (s *stream) draw(set string, c byte) byte {
	n := int(s.bytes[s.at%len(s.bytes)]) + 256*(s.at/len(s.bytes))
	s.at++
	out := set[n%len(set)]
	if out == c {
		out = set[(n+1)%len(set)]
	}
	return out
}

const (
	digits = "0123456789"
	lower  = "abcdefghijklmnopqrstuvwxyz"
	upper  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	hexes  = "0123456789abcdef"
	alnum  = digits + lower + upper
)

var hexRun = regexp.MustCompile(`^([0-9a-f]{16,}|[0-9A-F]{16,})$`)

// plain replaces each character by another of its class; what is none of them
// stays, and so do the first characters.
func plain(s *stream, value []byte, keep int) ([]byte, error) {
	out := bytes.Clone(value)
	rest := out[keep:]
	isHex := hexRun.Match(rest)
	free := 0
	for i, c := range rest {
		var set string
		switch {
		case isHex && bytes.ContainsFunc(rest, func(r rune) bool { return r >= 'A' && r <= 'F' }):
			set = strings.ToUpper(hexes)
		case isHex:
			set = hexes
		case c >= '0' && c <= '9':
			set = digits
		case c >= 'a' && c <= 'z':
			set = lower
		case c >= 'A' && c <= 'Z':
			set = upper
		default:
			continue
		}
		rest[i] = s.draw(set, c)
		free++
	}
	if free < leastFree {
		return nil, ErrShort
	}
	return out, nil
}

// password replaces a password by letters and digits, which need no escaping
// anywhere.
func password(s *stream, n int) ([]byte, error) {
	if n < leastFree {
		return nil, ErrShort
	}
	out := make([]byte, n)
	for i := range out {
		out[i] = s.draw(alnum, 0)
	}
	return out, nil
}

// ofURL replaces the password of a connection URL.
func ofURL(s *stream, value []byte) ([]byte, []Pair, error) {
	u, ok := ParseURL(value)
	if !ok {
		return nil, nil, nil
	}
	sensitive.Wipe(u.Password)
	return within(s, value, u.From, u.To, url.PathUnescape)
}

var parameters = regexp.MustCompile(`(?:^|\s)(?:password|pwd|Password|Pwd|PASSWORD)\s*=\s*'?([^\s';&]+)`)

// ofParameters replaces the password among parameters of a connection.
func ofParameters(s *stream, value []byte) ([]byte, []Pair, error) {
	at := parameters.FindSubmatchIndex(value)
	if at == nil || !bytes.ContainsAny(value, " ;") {
		return nil, nil, nil
	}
	return within(s, value, at[2], at[3], func(text string) (string, error) { return text, nil })
}

// within replaces a password that is a part of a value.
func within(s *stream, value []byte, from, to int, decode func(string) (string, error)) ([]byte, []Pair, error) {
	own, err := password(s, to-from)
	if err != nil {
		return nil, nil, err
	}
	text := value[from:to]
	pairs := []Pair{{own, bytes.Clone(text)}}
	if decoded, err := decode(string(text)); err == nil && decoded != string(text) {
		pairs = []Pair{{own, []byte(decoded)}}
	}
	return slices.Concat(value[:from], own, value[to:]), pairs, nil
}

var jwt = regexp.MustCompile(`^(eyJ[A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{16,})\.([A-Za-z0-9_-]{16,})$`)

// ofJWT keeps the header of a JSON Web Token (RFC 7519); its claims say nothing.
func ofJWT(s *stream, value []byte) ([]byte, []Pair, error) {
	at := jwt.FindSubmatchIndex(value)
	if at == nil {
		return nil, nil, nil
	}
	claims := claimsOf(s, at[5]-at[4])
	signature, err := plain(s, value[at[6]:at[7]], 0)
	return slices.Concat(value[:at[4]], claims, []byte("."), signature), nil, err
}

// claimsOf is base64url of n characters that decodes to claims, if there is room
// for any.
func claimsOf(s *stream, n int) []byte {
	const head, tail = `{"jti":"`, `"}`
	room := n*3/4 - len(head) - len(tail)
	filler := make([]byte, max(room, 0))
	for i := range filler {
		filler[i] = s.draw(alnum, 0)
	}
	out := base64.RawURLEncoding.EncodeToString([]byte(head + string(filler) + tail))
	if len(out) != n || room < leastFree || !json.Valid([]byte(head+string(filler)+tail)) {
		random := make([]byte, n)
		for i := range random {
			random[i] = s.draw(alnum, 0)
		}
		return random
	}
	return []byte(out)
}

// ofPEM keeps the boundaries of a PEM block (RFC 7468).
func ofPEM(s *stream, value []byte) ([]byte, []Pair, error) {
	if !bytes.HasPrefix(value, []byte("-----BEGIN ")) {
		return nil, nil, nil
	}
	lines := bytes.SplitAfter(bytes.Clone(value), []byte("\n"))
	free := 0
	for _, line := range lines {
		if bytes.HasPrefix(line, []byte("-----")) || bytes.Contains(line, []byte(": ")) {
			continue
		}
		for i, c := range line {
			if strings.IndexByte(alnum+"+/", c) >= 0 {
				line[i] = s.draw(alnum+"+/", c)
				free++
			}
		}
	}
	if free < leastFree {
		return nil, nil, ErrShort
	}
	return bytes.Join(lines, nil), nil, nil
}
