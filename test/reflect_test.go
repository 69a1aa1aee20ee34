package test

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"hotcell"
	"hotcell/internal/catalog/connector"
	"hotcell/internal/line/vaultrpc"
	"hotcell/test/prove"
)

// reflected is the value of these tests: letters in both cases and digits alone, so
// that it is the same wherever it is written as it is.
const reflected = "Qm7Zr2Lx9Kd4Vw8Tn5Bm1Jc6Hs3Pf0YgEu"

// packed packs a text by a writer of a coding.
func packed(text string, open func(io.Writer) io.WriteCloser) string {
	var out bytes.Buffer
	w := open(&out)
	_, _ = io.WriteString(w, text)
	_ = w.Close()
	return out.String()
}

func gzipped(text string) string {
	return packed(text, func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) })
}

// plainAnswer is an answer with a body, and further headers.
func plainAnswer(status, body string, headers ...string) string {
	return fmt.Sprintf("HTTP/1.1 %s\r\n%sContent-Length: %d\r\n\r\n%s", status, joinLines(headers), len(body), body)
}

func joinLines(lines []string) string {
	var out strings.Builder
	for _, l := range lines {
		out.WriteString(l + "\r\n")
	}
	return out.String()
}

func inChunks(text string, n int) string {
	var out strings.Builder
	for piece := range slices.Chunk([]byte(text), n) {
		fmt.Fprintf(&out, "%x\r\n%s\r\n", len(piece), piece)
	}
	return out.String()
}

// reflections are how a service can give back what it got: v is the credential as it
// stood in the request, all the whole request.
func reflections(v, all string) map[string]string {
	chunked := "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
	line := strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, all)
	out := map[string]string{
		"a body":                    plainAnswer("200 OK", all, "Content-Type: text/plain"),
		"a body until the end":      "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + all,
		"chunks":                    chunked + "\r\n" + inChunks(all, 7) + "0\r\n\r\n",
		"chunks of one byte":        chunked + "\r\n" + inChunks(v, 1) + "0\r\n\r\n",
		"a chunk's extension":       chunked + "\r\n2;a=" + v + "\r\nok\r\n0\r\n\r\n",
		"a chunk's size":            chunked + "\r\n" + v + "\r\nok\r\n0\r\n\r\n",
		"a trailer":                 chunked + "Trailer: X-Sum\r\n\r\n2\r\nok\r\n0\r\nX-Sum: " + v + "\r\n\r\n",
		"a trailer that is not due": chunked + "\r\n2\r\nok\r\n0\r\nX-Sum: " + v + "\r\n\r\n",
		"a trailer's name":          chunked + "\r\n2\r\nok\r\n0\r\nX-" + v + ": 1\r\n\r\n",
		"the status":                plainAnswer("200 "+v, "ok"),
		"an odd status":             plainAnswer("299 "+line[:min(len(line), 200)], "ok"),
		"no status":                 plainAnswer(v, "ok"),
		"another protocol":          strings.Replace(plainAnswer("200 OK", "ok"), "HTTP/1.1", v, 1),
		"Location":                  plainAnswer("302 Found", "", "Location: https://api.acme.example/?k="+v),
		"Location elsewhere":        plainAnswer("307 Temporary Redirect", "", "Location: https://evil.example/"+v),
		"Set-Cookie":                plainAnswer("200 OK", "ok", "Set-Cookie: a="+v+"; Path=/"),
		"a cookie's name":           plainAnswer("200 OK", "ok", "Set-Cookie: "+v+"=a"),
		"a header":                  plainAnswer("200 OK", "ok", "X-Echo: "+line),
		"many headers":              plainAnswer("200 OK", "ok", "X-Echo: "+v, "X-Echo: Bearer "+v, "Link: <https://a/?k="+v+">; rel=next", "ETag: \""+v+"\"", "WWW-Authenticate: Bearer realm=\""+v+"\"", "Refresh: 0; url=/"+v, "Content-Disposition: attachment; filename="+v, "Server: "+v, "Via: 1.1 "+v, "Warning: 199 - \""+v+"\"", "Content-Type: text/"+v, "Content-Security-Policy: report-uri /"+v, "Alt-Svc: h3=\""+v+":443\""),
		"a header's name":           plainAnswer("200 OK", "ok", "X-"+v+": 1", v+": 2"),
		"a folded header":           plainAnswer("200 OK", "ok", "X-Echo: a\r\n "+v),
		"a header of two parts":     plainAnswer("200 OK", "ok", "X-Echo: a\r\n "+v[:16]+"\r\n "+v[16:]),
		"a line that is no header":  "HTTP/1.1 200 OK\r\n" + v + "\r\nContent-Length: 2\r\n\r\nok",
		"the length":                "HTTP/1.1 200 OK\r\nContent-Length: " + v + "\r\n\r\nok",
		"the transfer coding":       "HTTP/1.1 200 OK\r\nTransfer-Encoding: " + v + "\r\n\r\nok",
		"the content coding":        plainAnswer("200 OK", "ok", "Content-Encoding: "+v),
		"the connection's options":  plainAnswer("200 OK", "ok", "Connection: "+v+", X-A", "X-A: "+v),
		"Keep-Alive":                plainAnswer("200 OK", "ok", "Keep-Alive: timeout="+v),
		"our own header":            plainAnswer("200 OK", "ok", "Hotcell-Fault: refused", "Hotcell-Prints: "+v, "X-Hotcell-Refused: "+v),
		"lines without returns":     strings.ReplaceAll(plainAnswer("200 OK", v, "X-Echo: "+v), "\r\n", "\n"),
		"gzip":                      plainAnswer("200 OK", gzipped(all), "Content-Encoding: gzip"),
		"gzip of another name":      plainAnswer("200 OK", gzipped(all), "Content-Encoding: X-GZIP"),
		"gzip twice":                plainAnswer("200 OK", gzipped(gzipped(all)), "Content-Encoding: gzip, gzip"),
		"gzip in two headers":       plainAnswer("200 OK", gzipped(gzipped(all)), "Content-Encoding: gzip", "Content-Encoding: gzip"),
		"gzip in chunks":            chunked + "Content-Encoding: gzip\r\n\r\n" + inChunks(gzipped(all), 5) + "0\r\n\r\n",
		"gzip of two members":       plainAnswer("200 OK", gzipped("a "+v[:16])+gzipped(v[16:]), "Content-Encoding: gzip"),
		"gzip that is cut":          plainAnswer("200 OK", gzipped(all + strings.Repeat("x", 4096))[:len(gzipped(all))], "Content-Encoding: gzip"),
		"gzip as transfer coding":   "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n" + inChunks(gzipped(all), 50) + "0\r\n\r\n",
		"deflate":                   plainAnswer("200 OK", packed(all, func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }), "Content-Encoding: deflate"),
		"deflate, raw":              plainAnswer("200 OK", packed(all, func(w io.Writer) io.WriteCloser { f, _ := flate.NewWriter(w, 5); return f }), "Content-Encoding: deflate"),
		"br":                        plainAnswer("200 OK", packed(all, func(w io.Writer) io.WriteCloser { return brotli.NewWriter(w) }), "Content-Encoding: br"),
		"zstd":                      plainAnswer("200 OK", packed(all, func(w io.Writer) io.WriteCloser { z, _ := zstd.NewWriter(w); return z }), "Content-Encoding: zstd"),
		"a coding of nobody's":      plainAnswer("200 OK", all, "Content-Encoding: compress"),
		"a coding that is none":     plainAnswer("200 OK", all, "Content-Encoding: identity"),
		"a lie about the coding":    plainAnswer("200 OK", all, "Content-Encoding: gzip"),
		"events":                    chunked + "Content-Type: text/event-stream\r\n\r\n" + inChunks("event: "+v+"\ndata: {\"key\":\""+v+"\"}\nid: "+v+"\n\n: "+v+"\n\n", 11) + "0\r\n\r\n",
		"lines of JSON":             plainAnswer("200 OK", `{"a":"`+v+`"}`+"\n"+`{"`+v+`":1}`+"\n", "Content-Type: application/x-ndjson"),
		"a part of it":              plainAnswer("206 Partial Content", v[4:], "Content-Range: bytes 4-33/34"),
		"several parts of it":       plainAnswer("206 Partial Content", "--x\r\nContent-Range: bytes 0-15/34\r\n\r\n"+v[:16]+"\r\n--x\r\nContent-Range: bytes 16-33/34\r\n\r\n"+v[16:]+"\r\n--x--\r\n", "Content-Type: multipart/byteranges; boundary=x"),
		"cut short":                 plainAnswer("200 OK", "Token "+v[:20]+"… is not known"),
		"without the beginning":     plainAnswer("200 OK", "ends in …"+v[12:]),
		"broken into lines":         plainAnswer("200 OK", v[:17]+"\n"+v[17:]),
		"in JSON":                   plainAnswer("200 OK", unicode(v), "Content-Type: application/json"),
		"as entities":               plainAnswer("200 OK", entities(v)+html.EscapeString(all), "Content-Type: text/html"),
		"percent":                   plainAnswer("200 OK", escaped(v)+url.QueryEscape(all)),
		"base64":                    plainAnswer("200 OK", base64.StdEncoding.EncodeToString([]byte("a "+v))+" "+base64.URLEncoding.EncodeToString([]byte(all))),
		"hex":                       plainAnswer("200 OK", hex.EncodeToString([]byte(v))),
		"a dump":                    plainAnswer("200 OK", hex.Dump([]byte(all))),
		"UTF-16":                    plainAnswer("200 OK", strings.Join(strings.Split(v, ""), "\x00")+"\x00"),
		"lower case":                plainAnswer("200 OK", strings.ToLower(v)),
		"upper case":                plainAnswer("200 OK", strings.ToUpper(v)),
		"announced":                 "HTTP/1.1 103 Early Hints\r\nLink: </" + v + ">\r\n\r\n" + plainAnswer("200 OK", "ok"),
		"continued":                 "HTTP/1.1 100 " + v + "\r\nX-Echo: " + v + "\r\n\r\n" + plainAnswer("200 OK", "ok"),
		"announced for ever":        strings.Repeat("HTTP/1.1 102 Processing\r\nX-Echo: "+v+"\r\n\r\n", 9) + plainAnswer("200 OK", v),
		"changed":                   "HTTP/1.1 101 Switching Protocols\r\nUpgrade: " + v + "\r\nConnection: Upgrade\r\n\r\n" + v,
		"nothing but a head":        plainAnswer("204 No Content", "", "X-Echo: "+v),
		"not modified":              "HTTP/1.1 304 Not Modified\r\nETag: \"" + v + "\"\r\nX-Echo: " + v + "\r\n\r\n",
		"a body where none is":      "HTTP/1.1 204 No Content\r\n\r\n" + v,
		"shorter than it says":      "HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" + all,
		"longer than it says":       "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n" + all,
		"two lengths":               "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 40\r\n\r\nok" + v,
		"two answers":               plainAnswer("200 OK", "ok") + plainAnswer("200 "+v, all),
		"an older protocol":         "HTTP/1.0 200 OK\r\n\r\n" + all,
		"the oldest protocol":       all,
		"a head without an end":     "HTTP/1.1 200 OK\r\nX-Echo: " + v,
		"a NUL in the head":         "HTTP/1.1 200 OK\r\nX-Echo: \x00" + v + "\r\nContent-Length: 2\r\n\r\nok",
		"a large head":              "HTTP/1.1 200 OK\r\n" + strings.Repeat("X-Echo: "+v+"\r\n", 30_000) + "\r\n",
		"a page after a page":       plainAnswer("200 OK", strings.Repeat(strings.Repeat("x", 1000)+v, 200)),
	}
	for _, status := range []string{"400 Bad Request", "401 Unauthorized", "402 Payment Required", "403 Forbidden", "404 Not Found", "405 Method Not Allowed", "407 Proxy Authentication Required", "409 Conflict", "413 Content Too Large", "418 Teapot", "421 Misdirected Request", "425 Too Early", "429 Too Many Requests", "431 Head Too Large", "500 Internal Server Error", "502 Bad Gateway", "503 Unavailable", "511 Sign In"} {
		out["an error page, "+status[:3]] = plainAnswer(status, "<p>what is "+all+"?", "Content-Type: text/html", "WWW-Authenticate: Bearer error=\""+v+"\"", "Proxy-Authenticate: Basic realm=\""+v+"\"", "Retry-After: "+v)
	}
	return out
}

func entities(text string) string {
	var out strings.Builder
	for _, c := range []byte(text) {
		fmt.Fprintf(&out, "&#%d;", c)
	}
	return out.String()
}

var tokens = regexp.MustCompile(`[A-Za-z0-9+/_-]{16,}={0,2}`)

// shows says whether a text has eight bytes of the value in a row, in a way that a
// reader of it would find. It knows nothing of the guard, whose work it judges.
func shows(text []byte, value string) bool {
	readings := [][]byte{text, []byte(html.UnescapeString(string(text))), bytes.ReplaceAll(text, []byte{0}, nil), regexp.MustCompile(`\r?\n[0-9a-f]*\r?\n?`).ReplaceAll(text, nil), regexp.MustCompile(`[\r\n]`).ReplaceAll(text, nil)}
	if plain, err := url.QueryUnescape(strings.ReplaceAll(string(text), "+", " ")); err == nil {
		readings = append(readings, []byte(plain))
	}
	readings = append(readings, regexp.MustCompile(`%([0-9A-Fa-f]{2})|\\u00([0-9a-fA-F]{2})`).ReplaceAllFunc(text, func(m []byte) []byte { b, _ := hex.DecodeString(string(m[len(m)-2:])); return b }))
	for _, t := range tokens.FindAll(text, -1) {
		for shift := range 4 {
			part := strings.NewReplacer("-", "+", "_", "/", "=", "").Replace(string(t))[min(shift, len(t)-3):]
			b, _ := base64.RawStdEncoding.DecodeString(part[:len(part)/4*4])
			readings = append(readings, b)
		}
		b, _ := hex.DecodeString(string(t[:len(t)/2*2]))
		readings = append(readings, b)
	}
	for at := 0; ; at++ {
		next := bytes.Index(text[at:], []byte{0x1f, 0x8b})
		if next < 0 {
			break
		}
		at += next
		if z, err := gzip.NewReader(bytes.NewReader(text[at:])); err == nil {
			b, _ := io.ReadAll(io.LimitReader(z, 1<<20))
			readings = append(readings, b)
			if z, err := gzip.NewReader(bytes.NewReader(b)); err == nil {
				b, _ := io.ReadAll(io.LimitReader(z, 1<<20))
				readings = append(readings, b)
			}
		}
	}
	value = strings.ToLower(value)
	for _, r := range readings {
		r = bytes.ToLower(r)
		for at := 0; at+8 <= len(value); at++ {
			if bytes.Contains(r, []byte(value[at:at+8])) {
				return true
			}
		}
	}
	return false
}

// raw sends a request as it is written, and returns all that comes back on the
// connection, whatever it is.
func (b *booth) raw(text string) []byte {
	b.t.Helper()
	c, err := b.dial(b.t.Context())
	b.must(err)
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	_, err = io.WriteString(c, strings.ReplaceAll(text, "HOST", fmt.Sprintf("%s:%d", b.host, b.port)))
	b.must(err)
	var got bytes.Buffer
	in := bufio.NewReader(io.TeeReader(c, &got))
	for range 8 { // what announces an answer comes before it
		method, _, _ := strings.Cut(text, " ")
		answer, err := http.ReadResponse(in, &http.Request{Method: method})
		if err != nil {
			break
		}
		_, err = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
		for name, values := range answer.Trailer {
			fmt.Fprintf(&got, "\n%s: %q\n", name, values)
		}
		if err != nil || answer.StatusCode >= http.StatusOK {
			break
		}
	}
	return got.Bytes()
}

// kindsOf are the reflections that one way of so many is tried with: all by
// make prove, else so many that each is tried with some.
func kindsOf(way int) (out []string) {
	all := slices.Sorted(maps.Keys(reflections(reflected, "GET / HTTP/1.1")))
	n := prove.Trials(16, len(all))
	for i := range n {
		out = append(out, all[(way*n+i)%len(all)])
	}
	return out
}

// TestProveNothingOfACredentialIsReflected has a service give back what it got in every
// way, to jobs that use a stand-in, a key that is put on, and a connection's tools:
// no eight bytes of the value reach the job.
func TestProveNothingOfACredentialIsReflected(t *testing.T) {
	t.Parallel()
	declared := hotcell.Narrowing{Places: []string{"header:X-Acme-Key", "query:key", "body:token", "cookie:session", "path"}}
	form := "Content-Type: application/x-www-form-urlencoded"
	type way struct {
		auth    hotcell.Auth
		request func(word string) string
	}
	ways := map[string]way{
		"a stand-in":           {request: func(word string) string { return get("/", "Authorization: Bearer "+word) }},
		"a stand-in in a pair": {request: func(word string) string { return get("/", basicOf("ada:"+word)) }},
		"a stand-in, declared": {request: func(word string) string { return get("/", "X-Acme-Key: "+word) }},
		"a stand-in as query":  {request: func(word string) string { return get("/a?key=" + word) }},
		"a stand-in in a form": {request: func(word string) string { return sent("POST", "/", "token="+word, form) }},
		"a stand-in in JSON": {request: func(word string) string {
			return sent("POST", "/", `{"token":"`+word+`"}`, "Content-Type: application/json")
		}},
		"a stand-in as cookie":  {request: func(word string) string { return get("/", "Cookie: session="+word) }},
		"a stand-in as segment": {request: func(word string) string { return get("/" + word + "/me") }},
		"http, bearer":          {auth: hotcell.Auth{Kind: "bearer"}, request: func(string) string { return get("/") }},
		"http, basic":           {auth: hotcell.Auth{Kind: "basic", User: "ada"}, request: func(string) string { return get("/") }},
		"http, a header":        {auth: hotcell.Auth{Kind: "header", Name: "X-Acme-Key"}, request: func(string) string { return get("/") }},
		"http, a query":         {auth: hotcell.Auth{Kind: "query", Name: "key"}, request: func(string) string { return get("/?a=b") }},
		"http, a cookie":        {auth: hotcell.Auth{Kind: "cookie", Name: "session"}, request: func(string) string { return get("/") }},
		"http, HEAD":            {auth: hotcell.Auth{Kind: "bearer"}, request: func(string) string { return sent("HEAD", "/", "") }},
	}
	for n, name := range slices.Sorted(maps.Keys(ways)) {
		w := ways[name]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := openBooth(t, "api.acme.example")
			if w.auth.Kind == "" {
				b.secret("KEY", reflected, hotcell.InjectStandIn, declared)
			} else {
				b.connection("api", reflected, w.auth, hotcell.Narrowing{})
			}
			for _, kind := range kindsOf(n) {
				came := false
				b.reply = func(c net.Conn, _ *bufio.Reader, _ *http.Request, raw string) bool {
					came = shows([]byte(raw), reflected)
					_, _ = io.WriteString(c, reflections(reflected, raw)[kind])
					return false
				}
				b.start() // a job by itself, so that none is taken for one that guesses
				if got := b.raw(w.request(b.words["KEY"])); shows(got, reflected) {
					t.Errorf("%s: the job gets %.600q", kind, got)
				}
				if !came {
					t.Errorf("%s: the service did not get the value", kind)
				}
			}
		})
	}
	t.Run("tools", func(t *testing.T) {
		t.Parallel()
		reflectedByTools(t)
	})
}

func reflectedByTools(t *testing.T) {
	t.Helper()
	document := func(port int) connector.Document {
		return connector.Document{Name: "own.yaml", Text: fmt.Appendf(nil, `
slug: acme
name: Acme
category: chat
about: A service of tests.
base: https://api.acme.example:%d
auth: {kind: key, put: {kind: bearer}}
tools:
- {name: read, title: Read, about: Read it., hint: read, input: {type: object}, request: {method: GET, path: /read}}
- {name: write, title: Write, about: Write it., hint: write, input: {type: object, properties: {text: {type: string}}}, request: {method: POST, path: /write, json: {text: "${args.text}"}}}
`, port)}
	}
	b := openBoothOf(t, "api.acme.example", document)
	b.tools("acme", reflected, "read", "write")
	for _, kind := range append(kindsOf(0), kindsOf(5)...) {
		came := false
		b.reply = func(c net.Conn, _ *bufio.Reader, _ *http.Request, raw string) bool {
			came = came || shows([]byte(raw), reflected)
			_, _ = io.WriteString(c, reflections(reflected, raw)[kind])
			return false
		}
		for tool, arguments := range map[string]string{"acme_read": `{}`, "acme_write": `{"text":"hello"}`} {
			b.start()
			answer, err := b.worker.CallTool(t.Context(), &vaultrpc.CallToolRequest{Job: b.job, Tool: tool, Arguments: json.RawMessage(arguments), Shown: json.RawMessage(arguments)})
			text, _ := json.Marshal(answer)
			if text = fmt.Appendf(text, " %v", err); shows(text, reflected) {
				t.Errorf("%s by %s: the job gets %.600q", kind, tool, text)
			}
		}
		if !came {
			t.Errorf("%s: the service did not get the value", kind)
		}
	}
}

// TestTheReflectionsShow has the judge of these tests find the value in each of them.
func TestTheReflectionsShow(t *testing.T) {
	t.Parallel()
	n := 0
	for kind, text := range reflections(reflected, "GET / HTTP/1.1\r\nAuthorization: Bearer "+reflected+"\r\n\r\n") {
		switch kind {
		case "br", "zstd", "deflate", "deflate, raw", "gzip as transfer coding", "gzip in chunks", "chunks of one byte", "a dump", "chunks", "events":
			continue // what the job could unpack, and the gateway does before
		}
		if n++; !shows([]byte(text), reflected) {
			t.Errorf("%s: the value is not seen in %.300q", kind, text)
		}
	}
	if n < 70 {
		t.Errorf("there are %d", n)
	}
}
