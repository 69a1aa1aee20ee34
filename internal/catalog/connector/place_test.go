package connector_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"hotcell/internal/catalog/connector"
)

const places = `
slug: places
name: Places
category: other
about: For tests.
base: https://places.acme.test/v1
auth: {kind: key}
tools:
- {name: path, about: x, hint: read, input: &in {type: object, properties: {s: {type: string}}}, request: {method: GET, path: "/a/${args.s}/z"}}
- {name: slashed, about: x, hint: read, input: *in, request: {method: GET, path: "/a/${args.s}/z", slashes: [args.s]}}
- {name: within, about: x, hint: read, input: *in, request: {method: GET, path: "/a/.${args.s}/z"}}
- {name: address, about: x, hint: read, input: *in, request: {method: GET, url: "https://places.acme.test/v1/a/${args.s}/z"}}
- {name: query, about: x, hint: read, input: *in, request: {method: GET, path: /q, query: {a: "${args.s}", list: "${[args.s, args.s]}", map: {k: "${args.s}"}, z: fixed}}}
- {name: key, about: x, hint: read, input: *in, request: {method: GET, path: /q, query: "${{args.s: 'v', 'z': 'fixed'}}"}}
- {name: header, about: x, hint: read, input: *in, request: {method: GET, path: /h, headers: {X-Value: "${args.s}", X-Z: fixed}}}
- {name: json, about: x, hint: write, input: *in, request: {method: POST, path: /j, json: {a: "${args.s}", mixed: "<${args.s}>", deep: [{k: "${args.s}"}], z: fixed}}}
- {name: form, about: x, hint: write, input: *in, request: {method: POST, path: /f, form: {a: "${args.s}", map: "${{args.s: args.s}}", items: "${[{'k': args.s}]}", z: fixed}}}
- {name: multipart, about: x, hint: write, input: *in, request: {method: POST, path: /m, multipart: [{name: a, value: "${args.s}"}, {name: file, filename: "${args.s}", type: text/plain, base64: "${base64.encode(bytes(args.s))}"}, {name: z, value: fixed}]}}
- {name: text, about: x, hint: write, input: *in, request: {method: POST, path: /t, body: {type: "text/plain; x=${args.s}", text: "${args.s}"}}}
`

// FuzzAValueStaysInItsPlace has any text go into every place of a request, sends
// it, and reads it back as a service does: it is refused, or it is that text in
// that place, and nothing else is different.
func FuzzAValueStaysInItsPlace(f *testing.F) {
	for _, s := range []string{
		"a", "", ".", "..", "../..", "%2e%2e", "%252e%252e", "a/b", `a\b`, "a%2fb", "x/../../admin", "..;a", "a&b=c#d?e;f+g", "\r\nX: y", "\n", "\x00", "\"}", `\`, `a\"`, "é\u202e", " a ", "\t",
		"${args.id}", "a][b", "[]", "--", "100%", "%", "%zz", "\u2028", strings.Repeat("x", 5000), strings.Repeat("%25", 50) + "2f",
	} {
		f.Add(s)
	}
	c, err := connector.Parse([]byte(places))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) {
			t.Skip()
		}
		for _, tool := range c.Tools {
			q, err := tool.Begin(c, connector.Input{Args: map[string]any{"s": s}}).Next(t.Context())
			if err == nil {
				arrives(t, tool.Name, s, sent(t, q))
			}
		}
	})
}

// sent is a request as a service reads it.
func sent(t *testing.T, q *connector.Request) *http.Request {
	t.Helper()
	out, err := http.NewRequestWithContext(t.Context(), q.Method, "https://places.acme.test", bytes.NewReader(q.Body))
	if err != nil {
		t.Fatal(err)
	}
	out.URL, out.Header = q.URL, q.Header
	var wire bytes.Buffer
	if err := out.Write(&wire); err != nil {
		t.Fatal(err)
	}
	came, err := http.ReadRequest(bufio.NewReader(&wire))
	if err != nil {
		t.Fatal(err)
	}
	return came
}

func arrives(t *testing.T, tool, s string, q *http.Request) {
	t.Helper()
	fatal := func(what any) { t.Helper(); t.Fatalf("%s: %q became %v", tool, s, what) }
	path, query := "/v1/"+tool[:1], url.Values{}
	switch tool {
	case "path", "slashed", "within", "address":
		within(t, tool, s, q)
		return
	case "query":
		query = url.Values{"a": {s}, "list": {s, s}, "map[k]": {s}, "z": {"fixed"}}
		if s == "" {
			query = url.Values{"z": {"fixed"}, "map[k]": {""}}
		}
	case "key":
		path, query = "/v1/q", url.Values{s: {"v"}, "z": {"fixed"}}
		if s == "z" {
			return // the document's own key, twice
		}
	case "header":
		if q.Header.Get("X-Value") != s || q.Header.Get("X-Z") != "fixed" || len(q.Header) != 4 {
			fatal(q.Header)
		}
	default:
		body, err := io.ReadAll(q.Body)
		if err != nil {
			t.Fatal(err)
		}
		holds(t, tool, s, q.Header.Get("Content-Type"), body)
	}
	got, err := url.ParseQuery(q.URL.RawQuery)
	if err != nil || got.Encode() != query.Encode() || q.URL.Path != path || q.Host != "places.acme.test" || len(q.Header) > 5 {
		fatal(q.URL)
	}
}

// within looks into a path, also as one does who decodes before splitting.
func within(t *testing.T, tool, s string, q *http.Request) {
	t.Helper()
	want, segments := s, strings.Split(q.URL.EscapedPath(), "/")
	if tool == "within" {
		want = "." + s
	}
	if len(segments) != 5 || q.URL.RawQuery != "" || q.Host != "places.acme.test" {
		t.Fatalf("%s: %q became %s", tool, s, q.URL)
	}
	if back, err := url.PathUnescape(segments[3]); err != nil || back != want {
		t.Fatalf("%s: %q became %q", tool, s, segments[3])
	}
	for whole, i := q.URL.EscapedPath(), 0; i < 3; i++ {
		if tool != "slashed" && strings.Count(whole, "/") != 4 || strings.Contains(whole, `\`) {
			t.Fatalf("%s: %q becomes %s", tool, s, whole)
		}
		for one := range strings.SplitSeq(whole, "/") {
			if one == "." || one == ".." {
				t.Fatalf("%s: %q becomes %s", tool, s, whole)
			}
		}
		var err error
		if whole, err = url.PathUnescape(whole); err != nil {
			break
		}
	}
}

func holds(t *testing.T, tool, s, kind string, body []byte) {
	t.Helper()
	fatal := func() { t.Helper(); t.Fatalf("%s: %q became %s %q", tool, s, kind, body) }
	media, parameters, err := mime.ParseMediaType(kind)
	if err != nil && tool != "text" {
		fatal()
	}
	switch tool {
	case "json":
		var got struct {
			A, Mixed, Z string
			Deep        []map[string]string
		}
		d := json.NewDecoder(bytes.NewReader(body))
		d.DisallowUnknownFields()
		if err := d.Decode(&got); err != nil || d.More() || got.A != s || got.Mixed != "<"+s+">" || got.Z != "fixed" || len(got.Deep) != 1 || got.Deep[0]["k"] != s {
			fatal()
		}
	case "form":
		want := url.Values{"a": {s}, "map[" + s + "]": {s}, "items[0][k]": {s}, "z": {"fixed"}}
		got, err := url.ParseQuery(string(body))
		if err != nil || got.Encode() != want.Encode() || strings.ContainsAny(s, "[]") {
			fatal()
		}
	case "multipart":
		var names, values []string
		r := multipart.NewReader(bytes.NewReader(body), parameters["boundary"])
		for p, err := r.NextRawPart(); err == nil; p, err = r.NextRawPart() {
			text, _ := io.ReadAll(p)
			names, values = append(names, p.FormName()), append(values, string(text))
			if p.FormName() == "file" && p.FileName() != s && s != "." && s != "" {
				fatal()
			}
		}
		if strings.Join(names, " ") != "a file z" || values[0] != s || values[1] != s || values[2] != "fixed" {
			fatal()
		}
	case "text":
		if string(body) != s || !strings.HasPrefix(kind, "text/plain; x=") || media != "" && media != "text/plain" {
			fatal()
		}
	}
}
