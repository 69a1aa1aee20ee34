package oauth

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"strings"
)

// challenge asks the resource without a token, and reads where its metadata is and
// which scopes it wants (RFC 9728 section 5.1, RFC 6750 section 3).
func (s *Service) challenge(ctx context.Context, at *url.URL) (metadata string, scopes []string) {
	body := []byte(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"hotcell","version":"1"}}}`)
	ctx, cancel := context.WithTimeout(ctx, maxTime)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, at.String(), bytes.NewReader(body))
	if err != nil {
		return "", nil
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	answer, err := s.transport(r.URL).RoundTrip(r)
	if err != nil {
		return "", nil
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusUnauthorized {
		return "", nil
	}
	for _, c := range challenges(answer.Header.Values("WWW-Authenticate")) {
		if c.scheme != "bearer" && c.scheme != "dpop" {
			continue
		}
		if at, told := c.parameters["resource_metadata"]; told && metadata == "" {
			metadata = at
		}
		if scope, told := c.parameters["scope"]; told && scopes == nil {
			scopes = strings.Fields(scope)
		}
	}
	return metadata, scopes
}

// authentication is one challenge, with names in lower case.
type authentication struct {
	scheme     string
	parameters map[string]string
}

// maxHeader is how much of a header is read, in bytes.
const maxHeader = 8 << 10

// challenges reads WWW-Authenticate (RFC 9110 section 11.6.1): several challenges in
// one header and over several, values in quotes and without. What is written wrongly
// ends its header there; of a parameter that is told twice the first is taken.
func challenges(headers []string) (out []authentication) {
	for _, header := range headers {
		r := &reader{header[:min(len(header), maxHeader)]}
		for {
			for r.skip(); r.take(','); r.skip() {
			}
			name := r.token()
			if name == "" {
				break
			}
			if r.skip(); r.take('=') && len(out) > 0 {
				r.skip()
				value, ok := r.value()
				if !ok {
					break
				}
				if last := out[len(out)-1].parameters; last[name] == "" {
					last[name] = value
				}
				continue
			}
			out = append(out, authentication{name, map[string]string{}})
			r.token68()
		}
	}
	return out
}

// reader reads the parts of a header.
type reader struct{ rest string }

// skip passes over spaces.
func (r *reader) skip() { r.rest = strings.TrimLeft(r.rest, " \t") }

func (r *reader) take(c byte) bool {
	if r.rest == "" || r.rest[0] != c {
		return false
	}
	r.rest = r.rest[1:]
	return true
}

// token is the next token, in lower case; empty where there is none (RFC 9110 section
// 5.6.2).
func (r *reader) token() string {
	n := 0
	for n < len(r.rest) && tokenByte(r.rest[n]) {
		n++
	}
	text := r.rest[:n]
	r.rest = r.rest[n:]
	return strings.ToLower(text)
}

func tokenByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}

// value is the next value, a token or text in quotes (RFC 9110 section 5.6.4). Addresses
// without quotes are common, and no tokens: what ends one is a space or a comma.
func (r *reader) value() (string, bool) {
	if !r.take('"') {
		n := strings.IndexAny(r.rest, " \t,\"")
		if n < 0 {
			n = len(r.rest)
		}
		text := r.rest[:n]
		r.rest = r.rest[n:]
		return text, text != ""
	}
	var text strings.Builder
	for i := 0; i < len(r.rest); i++ {
		switch c := r.rest[i]; {
		case c == '"':
			r.rest = r.rest[i+1:]
			return text.String(), true
		case c == '\\' && i+1 < len(r.rest):
			i++
			text.WriteByte(r.rest[i])
		default:
			text.WriteByte(c)
		}
	}
	return "", false
}

// token68 passes over a scheme's one text of its own, such as Negotiate's (RFC 9110
// section 11.2): it fills the place of the parameters.
func (r *reader) token68() {
	end := strings.IndexByte(r.rest, ',')
	if end < 0 {
		end = len(r.rest)
	}
	text := strings.TrimRight(r.rest[:end], " \t")
	bare := strings.TrimRight(text, "=")
	for i := range len(bare) {
		if c := bare[i]; !tokenByte(c) && c != '/' {
			return
		}
	}
	if text != "" {
		r.rest = r.rest[end:]
	}
}
