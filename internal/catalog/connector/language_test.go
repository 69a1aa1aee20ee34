package connector_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"hotcell"
	"hotcell/internal/catalog/connector"
)

const shop = `
slug: shop
name: Shop
category: payments
about: For tests.
base: https://shop.acme.test
advise: {hosts: [shop.acme.test]}
auth: {kind: key}
errors:
  when: "${has(answer.errors) && size(answer.errors) > 0}"
  message: "${answer.errors[0].message}"
  retry: "${status == 403 && headers['x-ratelimit-remaining'] == '0'}"
  wait: "${int(headers['x-ratelimit-reset']) - int(timestamp(now()))}"
  unknown: "${answer.errors.exists(e, e.code == 'AUTHENTICATION_ERROR')}"
tools:
- name: pay
  about: Pays something with everything it takes.
  hint: write
  input: {type: object, properties: {metadata: {type: object, description: m}, items: {type: array, description: i}, expand: {type: array, description: e}, empty: {type: string, description: e}}}
  request:
    method: POST
    path: /pay
    headers: {Idempotency-Key: "${call.id}"}
    form: {metadata: "${args.metadata}", items: "${args.items}", "expand[]": "${args.expand}", empty: "${args.empty}", card: {name: "${args.empty}", number: 4}}
- name: find
  about: Finds by a search that is asked for by POST.
  hint: read
  input: {type: object, properties: {filter: {type: object, description: f}}}
  request: {method: POST, path: /find, query: {filter: "${args.filter}"}, json: {}}
- name: make
  about: Makes a thing, which may not succeed.
  hint: write
  request: {method: POST, path: /make, json: {}}
  errors: {when: "${!answer.data.make.success}", message: "the thing was not made"}
  result: "${answer.data.make}"
- name: file
  about: Gets a file as it is stored there.
  hint: read
  input: {type: object, properties: {type: {type: string, default: "", description: type}}}
  request: {method: GET, path: /file}
  content: {raw: true, type: "${args.type}", name: a.bin}
- name: text
  about: Gets whatever comes, without a word on it.
  hint: read
  request: {method: GET, path: /text}
- name: deep
  about: Reads at a place that may hold slashes.
  hint: read
  input: {type: object, properties: {at: {type: string, description: at}, other: {type: string, default: o, description: other}}}
  request: {method: GET, path: "/deep/${args.at}/${args.other}", slashes: [args.at]}
`

func parseOf(t *testing.T, document string) *connector.Connector {
	t.Helper()
	c, err := connector.Parse([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func beginOf(t *testing.T, document, name, arguments string) *connector.Run {
	t.Helper()
	c := parseOf(t, document)
	tool, ok := c.Tool(name)
	if !ok {
		t.Fatalf("no tool %s", name)
	}
	args, err := tool.Check(t.Context(), json.RawMessage(arguments))
	if err != nil {
		t.Fatal(err)
	}
	r := tool.Begin(c, connector.Input{Args: args, Call: "call-1", Now: time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)})
	r.Reads(connector.Here)
	return r
}

func unmarshal(t *testing.T, text string, to any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), to); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}

func TestFormsNest(t *testing.T) {
	t.Parallel()
	q := next(t, beginOf(t, shop, "pay", `{"metadata":{"k":"v&x","e":"","n":null,"deep":{"a":[1,2]}},"items":[{"price":"p","quantity":2,"tax_rates":["t"]},{"price":"q"}],"expand":["a","b"],"empty":""}`))
	got, err := url.QueryUnescape(string(q.Body))
	if err != nil || got != "card[name]=&card[number]=4&expand[]=a&expand[]=b&items[0][price]=p&items[0][quantity]=2&items[0][tax_rates][]=t&items[1][price]=q&metadata[deep][a][]=1&metadata[deep][a][]=2&metadata[e]=&metadata[k]=v&x" {
		t.Errorf("%s, %v", got, err)
	}
	if q.Header.Get("Idempotency-Key") != "call-1" || q.Safe {
		t.Errorf("%+v", q)
	}
	for _, bad := range []string{`{"metadata":{"a][evil":1}}`, `{"metadata":{"":1}}`, `{"items":[{"a]":1}]}`} {
		if q, err := beginOf(t, shop, "pay", bad).Next(t.Context()); !errors.Is(err, hotcell.ErrInvalid) {
			t.Errorf("%s: %v", bad, q)
		}
	}
	if q := next(t, beginOf(t, shop, "find", `{"filter":{"created":{"gte":5},"name":"a b"}}`)); q.URL.RawQuery != "filter%5Bcreated%5D%5Bgte%5D=5&filter%5Bname%5D=a%20b" || !q.Safe {
		t.Errorf("%s %v", q.URL, q.Safe)
	}
}

func TestADocumentSaysWhatAnErrorMeans(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		tool    string
		status  int
		body    string
		headers []string
		want    connector.Failure
	}{
		{"text", 403, `{"message":"limit"}`, []string{"X-Ratelimit-Remaining", "0", "X-Ratelimit-Reset", "1793577690"}, connector.Failure{Status: 403, Message: "limit", Retryable: true, RetryAfter: 90 * time.Second}},
		{"text", 403, `{"message":"no"}`, []string{"X-Ratelimit-Remaining", "7", "X-Ratelimit-Reset", "1793577690"}, connector.Failure{Status: 403, Message: "no"}},
		{"text", 403, `{"message":"slow"}`, []string{"Retry-After", "60"}, connector.Failure{Status: 403, Message: "slow", Retryable: true, RetryAfter: time.Minute}},
		{"text", 429, `{}`, []string{"Retry-After", "Mon, 02 Nov 2026 00:00:30 GMT"}, connector.Failure{Status: 429, Retryable: true, RetryAfter: 30 * time.Second}},
		{"text", 429, `{}`, []string{"Retry-After", "Mon, 02 Nov 2026 00:00:30 GMT", "Date", "Mon, 02 Nov 2026 00:00:20 GMT"}, connector.Failure{Status: 429, Retryable: true, RetryAfter: 10 * time.Second}},
		{"text", 429, `{}`, []string{"X-Ratelimit-Reset", "99999999999"}, connector.Failure{Status: 429, Retryable: true}},
		{"text", 400, `{"errors":[{"message":"who?","code":"AUTHENTICATION_ERROR"}]}`, nil, connector.Failure{Status: 401, Message: "who?"}},
		{"text", 200, `{"errors":[{"message":"who?","code":"AUTHENTICATION_ERROR"}]}`, nil, connector.Failure{Status: 401, Message: "who?"}},
		{"make", 200, `{"data":{"make":{"success":false}}}`, nil, connector.Failure{Status: 200, Message: "the thing was not made"}},
		{"make", 200, `{"errors":[{"message":"bad","code":"X"}]}`, nil, connector.Failure{Status: 200, Message: "bad"}},
	} {
		r := beginOf(t, shop, c.tool, `{}`)
		next(t, r)
		h := http.Header{"Content-Type": {"application/json"}}
		for i := 0; i < len(c.headers); i += 2 {
			h.Set(c.headers[i], c.headers[i+1])
		}
		err := r.Answer(t.Context(), &connector.Answer{Status: c.status, Header: h, Body: []byte(c.body)})
		f, ok := errors.AsType[*connector.Failure](err)
		if !ok || !strings.HasSuffix(f.Message, c.want.Message) || f.Status != c.want.Status || f.Retryable != c.want.Retryable || f.RetryAfter != c.want.RetryAfter {
			t.Errorf("%d %s %v: %+v, %v", c.status, c.body, c.headers, f, err)
		}
	}
	r := beginOf(t, shop, "make", `{}`)
	next(t, r)
	answer(t, r, `{"data":{"make":{"success":true}}}`)
}

func TestARawFileIsTheBodyAsItCame(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ arguments, kind, body, wantKind, wantType, wantText string }{
		{`{}`, "application/pdf", "%PDF-1.7\x00\xff\r\n", "file", "application/pdf", ""},
		{`{}`, "application/octet-stream", `{"errors":[{"message":"of the file"}]}`, "file", "application/octet-stream", ""},
		{`{"type":"application/pdf"}`, "application/octet-stream", "%PDF", "file", "application/pdf", ""},
		{`{}`, "image/png", "\x89PNG", "image", "image/png", ""},
		{`{}`, "text/csv; charset=windows-1252", "Gr\xf6\xdfe", "text", "text/csv", "Größe"},
		{`{}`, "application/json", `{"a":1}` + "\n" + `{"a":2}`, "text", "application/json", `{"a":1}` + "\n" + `{"a":2}`},
		{`{}`, "text/plain", "bad \xff utf-8", "file", "text/plain", ""},
		{`{}`, "", "x", "file", "application/octet-stream", ""},
		{`{"type":"a\nb"}`, "text/plain", "x", "file", "application/octet-stream", ""},
	} {
		r := beginOf(t, shop, "file", c.arguments)
		if q := next(t, r); q.Header.Get("Accept") != "*/*" {
			t.Errorf("%v", q.Header)
		}
		answer(t, r, c.body, "Content-Type", c.kind)
		next(t, r)
		out, err := r.Result(t.Context())
		if err != nil || len(out.Content) != 1 {
			t.Fatalf("%+v, %v", out, err)
		}
		one := out.Content[0]
		if one.Kind != c.wantKind || one.Type != c.wantType || one.Name != "a.bin" || c.wantKind != "text" && string(one.Data) != c.body || one.Text != c.wantText {
			t.Errorf("%s: %+v", c.kind, one)
		}
	}
	r := beginOf(t, shop, "file", `{}`)
	next(t, r)
	err := r.Answer(t.Context(), &connector.Answer{Status: 404, Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(`{"message":"no such file"}`)})
	if err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("%v", err)
	}
}

func TestWhatIsNoTextIsAFile(t *testing.T) {
	t.Parallel()
	r := beginOf(t, shop, "text", `{}`)
	next(t, r)
	answer(t, r, "\x89PNG\r\n\xff", "Content-Type", "image/png")
	next(t, r)
	out, err := r.Result(t.Context())
	if err != nil || len(out.Content) != 1 || out.Content[0].Kind != "image" || string(out.Content[0].Data) != "\x89PNG\r\n\xff" {
		t.Errorf("%+v, %v", out, err)
	}
}

func TestTextIsNotCutToItsFirstValue(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ kind, body, want string }{
		{"application/x-ndjson", "{\"a\":1}\n{\"a\":2}\n", `{"text":"{\"a\":1}\n{\"a\":2}\n"}`},
		{"application/json", "{\"a\":1} {\"a\":2}", `{"text":"{\"a\":1} {\"a\":2}"}`},
		{"text/plain", `{"a":1}`, `{"text":"{\"a\":1}"}`},
		{"text/markdown", "[1] a note", `{"text":"[1] a note"}`},
		{"text/plain", "17", `{"text":"17"}`},
		{"text/plain; charset=iso-8859-1", "\xe9", `{"text":"é"}`},
		{"application/json", `{"a":1}` + "\n", `{"a":1}`},
		{"application/vnd.x+json; charset=utf-8", `17`, `17`},
		{"application/octet-stream", `[1]`, `[1]`},
	} {
		r := beginOf(t, shop, "text", `{}`)
		next(t, r)
		answer(t, r, c.body, "Content-Type", c.kind)
		if got := strings.TrimSpace(result(t, r)); got != c.want {
			t.Errorf("%s %q: %s", c.kind, c.body, got)
		}
	}
}

func TestAPlaceMayHoldSlashesWhereTheDocumentSaysSo(t *testing.T) {
	t.Parallel()
	if q := next(t, beginOf(t, shop, "deep", `{"at":"a/b c"}`)); q.URL.EscapedPath() != "/deep/a%2Fb%20c/o" {
		t.Errorf("%s", q.URL)
	}
	for _, bad := range []string{`{"at":"x","other":"a/b"}`, `{"at":"x/../../admin"}`, `{"at":"x/%2e%2e/y"}`, `{"at":"a\\b"}`, `{"at":""}`, `{"at":"a/./b"}`} {
		if q, err := beginOf(t, shop, "deep", bad).Next(t.Context()); !errors.Is(err, hotcell.ErrInvalid) {
			t.Errorf("%s: %v", bad, q)
		}
	}
	for replace, want := range map[[2]string]string{
		{"slashes: [args.at]", "slashes: [args.no]"}:                "no ${args.no}",
		{"path: /text", "path: /a/%2e%2e/b"}:                        "dot segments",
		{"path: /text", "path: /a%2fb"}:                             "encoded slashes",
		{"path: /text", "path: /a/.."}:                              "dot segments",
		{"path: /text", "url: 'https://shop.acme.test${args.x}'"}:   "written out",
		{"path: /text", "url: '${args.x}.acme.test/x'"}:             "written out",
		{"path: /text", "url: 'https://shop.acme.test/?${args.x}'"}: "no query",
	} {
		text := strings.Replace(shop, replace[0], replace[1], 1)
		if _, err := connector.Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", replace[1], err)
		}
	}
}
