package hostile

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf16"
)

// strike is one attack under way.
type strike struct {
	*Twin
	w     http.ResponseWriter
	r     *http.Request
	token string
}

// attacks are what the service does to whoever has a token.
var attacks = map[string]func(*strike){
	// The token comes back in an answer that is as it is described.
	"echo-raw":        func(s *strike) { s.issue(s.token) },
	"echo-header":     func(s *strike) { s.issue(s.r.Header.Get("Authorization")) },
	"echo-base64":     func(s *strike) { s.issue(base64.StdEncoding.EncodeToString([]byte(s.token))) },
	"echo-base64-one": func(s *strike) { s.issue(base64.RawURLEncoding.EncodeToString([]byte("x" + s.token))) },
	"echo-base64-two": func(s *strike) { s.issue(base64.StdEncoding.EncodeToString([]byte("xy" + s.token + "z"))) },
	"echo-hex":        func(s *strike) { s.issue(hex.EncodeToString([]byte(s.token))) },
	"echo-hex-upper":  func(s *strike) { s.issue(strings.ToUpper(hex.EncodeToString([]byte(s.token)))) },
	"echo-percent":    func(s *strike) { s.issue(percent(s.token)) },
	"echo-html":       func(s *strike) { s.issue(entities(s.token)) },
	"echo-reversed":   func(s *strike) { s.issue(reversed(s.token)) },
	"echo-in-words":   func(s *strike) { s.issue("deployed with " + s.token + ", thank you") },
	"echo-key": func(s *strike) {
		s.json(http.StatusOK, []any{map[string]any{"number": 1, "title": "x", "state": "open", "user": map[string]any{"login": "x"}, "labels": []any{map[string]any{"name": s.token}}, "html_url": "https://x.test/?t=" + s.token}})
	},
	"echo-all-headers": func(s *strike) { s.issue(s.heads()) },
	"echo-json-escape": func(s *strike) { s.raw("application/json", []byte(fmt.Sprintf(template, escaped(s.token)))) },
	"echo-gzip":        func(s *strike) { s.packed("gzip") },
	"echo-coding-lied": func(s *strike) { s.packed("br") },
	"echo-utf16":       func(s *strike) { s.raw("application/json; charset=utf-16le", wide(fmt.Sprintf(template, s.token))) },

	// The token comes back in an error.
	"error-message": func(s *strike) {
		s.json(http.StatusUnprocessableEntity, map[string]any{"message": "not valid: " + s.token})
	},
	"error-list": func(s *strike) {
		s.json(http.StatusUnprocessableEntity, map[string]any{"errors": []any{map[string]any{"message": s.token}}})
	},
	"error-base64": func(s *strike) {
		s.json(http.StatusForbidden, map[string]any{"message": base64.StdEncoding.EncodeToString([]byte("token=" + s.token))})
	},
	"error-reversed": func(s *strike) {
		s.json(http.StatusInternalServerError, map[string]any{"error": map[string]any{"message": reversed(s.token)}})
	},
	"error-text": func(s *strike) { s.status("text/plain", http.StatusBadGateway, s.heads()) },
	"error-page": func(s *strike) {
		s.status("text/html", http.StatusInternalServerError, "<h1>"+entities(s.token)+"</h1>"+s.heads())
	},
	"error-retry-after": func(s *strike) {
		s.w.Header().Set("Retry-After", s.token)
		s.json(http.StatusTooManyRequests, map[string]any{"message": "slow down"})
	},
	"error-limit": func(s *strike) {
		s.w.Header().Set("X-RateLimit-Remaining", "0")
		s.w.Header().Set("X-RateLimit-Reset", s.token)
		s.json(http.StatusForbidden, map[string]any{"message": "slow down " + s.token})
	},
	"error-phrase": func(s *strike) {
		s.hijack("HTTP/1.1 418 " + s.token + "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
	},
	"error-unknown": func(s *strike) {
		s.json(http.StatusUnauthorized, map[string]any{"message": "unknown token " + s.token})
	},

	// The client is to go elsewhere.
	"redirect-301": func(s *strike) { s.redirect(http.StatusMovedPermanently, s.elsewhere+"/"+s.token) },
	"redirect-302": func(s *strike) { s.redirect(http.StatusFound, s.elsewhere+"/?t="+url.QueryEscape(s.token)) },
	"redirect-303": func(s *strike) { s.redirect(http.StatusSeeOther, s.elsewhere+"/") },
	"redirect-307": func(s *strike) { s.redirect(http.StatusTemporaryRedirect, s.elsewhere+"/") },
	"redirect-308": func(s *strike) { s.redirect(http.StatusPermanentRedirect, s.elsewhere+"/") },
	"redirect-user": func(s *strike) {
		s.redirect(http.StatusFound, strings.Replace(s.elsewhere, "https://", "https://"+s.token+"@", 1)+"/")
	},
	"redirect-self": func(s *strike) { s.redirect(http.StatusFound, "/repos/echo-raw/x/issues") },
	"redirect-page": func(s *strike) {
		s.w.Header().Set("Refresh", "0; url="+s.elsewhere+"/?t="+s.token)
		s.status("text/html", http.StatusOK, `<meta http-equiv="refresh" content="0; url=`+s.elsewhere+`/?t=`+s.token+`">`)
	},
	"next-elsewhere": func(s *strike) {
		s.w.Header().Set("Link", "<"+s.elsewhere+"/?page=2&t="+url.QueryEscape(s.token)+`>; rel="next"`)
		s.issue("one")
	},
	"next-token":        func(s *strike) { s.next(s.token) },
	"next-token-base64": func(s *strike) { s.next(base64.StdEncoding.EncodeToString([]byte("x" + s.token))) },
	"next-token-hex":    func(s *strike) { s.next(hex.EncodeToString([]byte(s.token))) },
	"next-loop":         func(s *strike) { s.next(fmt.Sprint("page-", len(s.r.URL.RawQuery)%2)) },

	// Too much, too long, or something else.
	"large": func(s *strike) {
		s.raw("application/json", append(append([]byte(`[{"title":"`), bytes.Repeat([]byte("a"), 9<<20)...), s.token+`"}]`...))
	},
	"endless":      func(s *strike) { s.endless(false) },
	"endless-gzip": func(s *strike) { s.endless(true) },
	"short": func(s *strike) {
		s.hijack("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\nConnection: close\r\n\r\n[{\"title\":\"" + s.token)
	},
	"deep": func(s *strike) {
		s.raw("application/json", []byte(strings.Repeat("[", 200000)+s.token+strings.Repeat("]", 200000)))
	},
	"type-html":   func(s *strike) { s.raw("text/html", []byte("<p>"+s.token+"</p>")) },
	"type-png":    func(s *strike) { s.raw("image/png", []byte("\x89PNG\r\n\x1a\n"+s.token)) },
	"type-none":   func(s *strike) { s.raw("", []byte(s.token)) },
	"type-stream": func(s *strike) { s.raw("text/event-stream", []byte("data: "+s.token+"\n\n")) },
	"no-content":  func(s *strike) { s.w.Header().Set("X-Token", s.token); s.w.WriteHeader(http.StatusNoContent) },
	"twice": func(s *strike) {
		s.raw("application/json", []byte(`[{"title":"a","title":"`+s.token+`","number":1,"state":"open","html_url":"","labels":[],"user":null}]`))
	},
}

// template is a list with one issue.
const template = `[{"number":1,"title":"%s","state":"open","user":{"login":"x"},"labels":[],"html_url":"https://x.test/1"}]`

func (s *strike) json(status int, v any) {
	s.w.Header().Set("Content-Type", "application/json")
	s.w.WriteHeader(status)
	_ = json.NewEncoder(s.w).Encode(v)
}

func (s *strike) issue(title string) {
	s.json(http.StatusOK, []any{map[string]any{"number": 1, "title": title, "state": "open", "user": map[string]any{"login": "x"}, "labels": []any{}, "html_url": "https://x.test/1"}})
}

func (s *strike) raw(kind string, body []byte) {
	s.w.Header()["Content-Type"] = []string{kind}
	_, _ = s.w.Write(body)
}

func (s *strike) status(kind string, status int, text string) {
	s.w.Header().Set("Content-Type", kind)
	s.w.WriteHeader(status)
	_, _ = io.WriteString(s.w, text)
}

// heads is every header that came.
func (s *strike) heads() string {
	var out strings.Builder
	_ = s.r.Header.Write(&out)
	return out.String()
}

func (s *strike) redirect(status int, to string) {
	s.w.Header().Set("Location", to)
	s.w.WriteHeader(status)
	_, _ = io.WriteString(s.w, s.token)
}

func (s *strike) next(page string) {
	s.w.Header().Set("Link", "<https://"+s.r.Host+"/repos/next-loop/x/issues?page="+url.QueryEscape(page)+`>; rel="next"`)
	s.issue("one")
}

// packed is an answer that says it is in a coding, and is in gzip.
func (s *strike) packed(coding string) {
	s.w.Header().Set("Content-Type", "application/json")
	s.w.Header().Set("Content-Encoding", coding)
	z := gzip.NewWriter(s.w)
	_, _ = fmt.Fprintf(z, template, s.token)
	_ = z.Close()
}

// endless writes until nobody listens.
func (s *strike) endless(packed bool) {
	s.w.Header().Set("Content-Type", "application/json")
	var to io.Writer = s.w
	if packed {
		s.w.Header().Set("Content-Encoding", "gzip")
		to = gzip.NewWriter(s.w)
	}
	_, err := io.WriteString(to, `[{"title":"`+s.token)
	for block := bytes.Repeat([]byte(" "), 1<<16); err == nil; {
		_, err = to.Write(block)
	}
}

// hijack writes an answer as it is.
func (s *strike) hijack(text string) {
	h, ok := s.w.(http.Hijacker)
	if !ok { // HTTP/2 has no such way
		s.status("text/plain", http.StatusTeapot, s.token)
		return
	}
	c, _, err := h.Hijack()
	if err != nil {
		return
	}
	_, _ = io.WriteString(c, text)
	_ = c.Close()
}

func reversed(s string) string {
	b := []byte(s)
	slices.Reverse(b)
	return string(b)
}

func percent(s string) string {
	var out strings.Builder
	for _, c := range []byte(s) {
		_, _ = fmt.Fprintf(&out, "%%%02X", c)
	}
	return out.String()
}

func entities(s string) string {
	var out strings.Builder
	for i, c := range []byte(s) {
		if i%2 == 0 {
			_, _ = fmt.Fprintf(&out, "&#%d;", c)
		} else {
			out.WriteString(html.EscapeString(string(c)))
		}
	}
	return out.String()
}

func escaped(s string) string {
	var out strings.Builder
	for _, c := range []byte(s) {
		_, _ = fmt.Fprintf(&out, `\u%04x`, c)
	}
	return out.String()
}

func wide(s string) []byte {
	var out []byte
	for _, c := range utf16.Encode([]rune(s)) {
		out = append(out, byte(c), byte(c>>8))
	}
	return out
}
