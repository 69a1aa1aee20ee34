package connector_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"hotcell"
	"hotcell/internal/catalog/connector"
)

const chat = `
slug: chat
name: Chat
category: chat
about: For tests.
base: https://chat.acme.test/api
also: [https://files.chat.acme.test]
advise: {hosts: [chat.acme.test]}
auth:
  kind: oauth2
  authorize: https://chat.acme.test/authorize
  token: https://chat.acme.test/token
  headers: {X-Version: "7"}
  scopes: [basic]
account:
  request: {method: GET, path: /me}
  id: ${answer.id}
  name: ${answer.name + ' in ' + answer.team}
errors:
  when: ${has(answer.ok) && !answer.ok}
  message: ${answer.error}
  retry: ${answer.error == 'ratelimited'}
tools:
- name: read
  about: Reads one message of a channel by its id.
  hint: read
  scopes: [read]
  input:
    type: object
    required: [id]
    properties:
      id: {type: string, description: id}
      q: {type: string, description: q}
      tags: {type: array, items: {type: string}, description: tags}
  request:
    method: GET
    path: /channels/${args.id}/read
    query: {q: "${args.q}", tag: "${args.tags}", fixed: "a&b=c"}
    headers: {X-Id: "${args.q}"}
  result: "${{'text': answer.text, 'n': answer.n}}"
- name: post
  about: Posts a message into a channel.
  hint: write
  scopes: [write]
  input:
    type: object
    required: [text]
    properties:
      text: {type: string, description: text}
      n: {type: integer, default: 3, description: n}
      note: {type: string, description: note}
  request:
    method: POST
    path: /post
    json: {text: "${args.text}", n: "${args.n}", note: "${args.note}", mixed: "hello ${args.text}!", fixed: [1, true, "x"]}
- name: form
  about: Posts a message as a form.
  hint: write
  input: {type: object, properties: {text: {type: string, description: text}}}
  request: {method: POST, path: /form, form: {text: "${args.text}", kind: plain}}
- name: list
  about: Lists messages, page by page.
  hint: read
  input: {type: object, properties: {limit: {type: integer, default: 5, description: limit}}}
  request: {method: GET, path: /list, query: {channel: c}}
  pages: {items: "${answer.items}", next: "${answer.next}", into: {query: cursor}, limit: args.limit}
  result: "${{'items': items}}"
- name: links
  about: Lists messages, link by link.
  hint: read
  request: {method: GET, path: /links}
  pages: {items: "${answer}", link: true}
  result: "${{'items': items}}"
- name: upload
  about: Uploads a file in three steps.
  hint: write
  input: {type: object, required: [content], properties: {content: {type: string, description: base64}}}
  steps:
  - {name: slot, request: {method: POST, path: /slot, form: {length: "${size(base64.decode(args.content))}"}}}
  - {name: put, request: {method: POST, url: "${steps.slot.url}", auth: false, body: {type: text/plain, base64: "${args.content}"}}}
  - {name: never, when: "${steps.slot.id == 'x'}", request: {method: POST, path: /never}}
  - {name: done, request: {method: POST, path: /done, json: {id: "${steps.slot.id}"}}}
  result: "${{'id': steps.slot.id}}"
- name: mail
  about: Makes a message of its parts.
  hint: write
  input: {type: object, properties: {to: {type: string, description: to}, subject: {type: string, description: subject}}}
  request: {method: POST, path: /mail, json: {raw: "${base64url(mail({'to': args.to, 'subject': args.subject, 'text': 'hi', 'date': now()}))}"}}
- name: picture
  about: Gets a picture of somebody.
  hint: read
  request: {method: GET, path: /picture}
  content: {type: "${answer.type}", base64: "${answer.data}", name: face.png}
`

func parse(t *testing.T) *connector.Connector {
	t.Helper()
	c, err := connector.Parse([]byte(chat))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// begin begins a call of a tool with arguments in JSON.
func begin(t *testing.T, name, arguments string) *connector.Run {
	t.Helper()
	c := parse(t)
	tool, ok := c.Tool(name)
	if !ok {
		t.Fatalf("no tool %s", name)
	}
	args, err := tool.Check(t.Context(), json.RawMessage(arguments))
	if err != nil {
		t.Fatal(err)
	}
	return tool.Begin(c, connector.Input{Args: args, Now: time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)})
}

func next(t *testing.T, r *connector.Run) *connector.Request {
	t.Helper()
	q, err := r.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func answer(t *testing.T, r *connector.Run, body string, headers ...string) {
	t.Helper()
	h := http.Header{"Content-Type": {"application/json"}}
	for i := 0; i < len(headers); i += 2 {
		h.Set(headers[i], headers[i+1])
	}
	if err := r.Answer(t.Context(), &connector.Answer{Status: 200, Header: h, Body: []byte(body)}); err != nil {
		t.Fatal(err)
	}
}

func result(t *testing.T, r *connector.Run) string {
	t.Helper()
	if q := next(t, r); q != nil {
		t.Fatalf("one more request: %s", q.URL)
	}
	out, err := r.Result(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return string(out.JSON)
}

func TestAValueIsNothingButAValueInItsPlace(t *testing.T) {
	t.Parallel()
	r := begin(t, "read", `{"id":"a;b?c#d%20 é","q":"x&y=z","tags":["a","b c"]}`)
	q := next(t, r)
	if got := q.URL.String(); got != "https://chat.acme.test/api/channels/a%3Bb%3Fc%23d%2520%20%C3%A9/read?fixed=a%26b%3Dc&q=x%26y%3Dz&tag=a&tag=b%20c" {
		t.Errorf("%s", got)
	}
	if q.Method != http.MethodGet || !q.Auth || q.Header.Get("X-Id") != "x&y=z" || q.Header.Get("X-Version") != "7" {
		t.Errorf("%+v", q)
	}
	answer(t, r, `{"ok":true,"text":"hello","n":9007199254740993,"more":1}`)
	if got := result(t, r); got != `{"n":9007199254740993,"text":"hello"}` {
		t.Errorf("%s", got)
	}
	for _, bad := range []string{
		`{"id":"x/../../admin"}`, `{"id":"/"}`, `{"id":"a/b"}`, `{"id":"a\\b"}`, `{"id":"%2e%2E"}`, `{"id":"%252e."}`, `{"id":"a%2fb"}`, `{"id":"a%5Cb"}`, `{"id":"a%25252fb"}`, `{"id":"%2525252525252f"}`,
		`{"id":"..;x"}`, `{"id":"%00"}`, `{"id":"a%0d%0ab"}`, `{"id":"a","q":" x"}`,
		`{"id":""}`, `{"id":".."}`, `{"id":"."}`, `{"id":"a\u0000b"}`, `{"id":"a\r\nb"}`, `{"id":"a","q":"x\r\nX-Evil: 1"}`,
	} {
		if q, err := begin(t, "read", bad).Next(t.Context()); !errors.Is(err, hotcell.ErrInvalid) {
			t.Errorf("%s: %v, %v", bad, q, err)
		}
	}
}

func TestJSONKeepsTypesAndLeavesOutWhatIsNotThere(t *testing.T) {
	t.Parallel()
	q := next(t, begin(t, "post", `{"text":"\",\"admin\":true,\"x\":\"<&>"}`))
	want := `{"fixed":[1,true,"x"],"mixed":"hello \",\"admin\":true,\"x\":\"<&>!","n":3,"text":"\",\"admin\":true,\"x\":\"<&>"}`
	if string(q.Body) != want || q.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%s", q.Body)
	}
	if q := next(t, begin(t, "form", `{"text":"a&kind=evil"}`)); string(q.Body) != "kind=plain&text=a%26kind%3Devil" {
		t.Errorf("%s", q.Body)
	}
}

func TestArgumentsAreHeldAgainstTheSchema(t *testing.T) {
	t.Parallel()
	c := parse(t)
	tool, _ := c.Tool("post")
	for _, bad := range []string{`{}`, `{"text":1}`, `{"text":"a","n":"3"}`, `{"text":"a","evil":1}`, `[]`, `"text"`, `{"text":"a","text":"b"}`, `{`, `{"text":"a"} {}`, strings.Repeat("[", 200), `{"text":"a","n":1e999}`, `{"text":"a","n":9223372036854775808}`} {
		_, err := tool.Check(t.Context(), json.RawMessage(bad))
		field, ok := errors.AsType[*hotcell.FieldError](err)
		if !ok || !strings.HasPrefix(field.Pointer, "/arguments") {
			t.Errorf("%s: %v", bad, err)
		}
	}
	if _, err := tool.Check(t.Context(), json.RawMessage(`{"text":"a","n":"canary-value"}`)); err == nil || strings.Contains(err.Error(), "canary") || !strings.Contains(err.Error(), "arguments.n") {
		t.Errorf("%v", err)
	}
	args, err := tool.Check(t.Context(), json.RawMessage(`{"text":"a"}`))
	if err != nil || args["n"] != int64(3) {
		t.Errorf("%v, %v", args, err)
	}
}

func TestNoRequestGoesToAnotherHost(t *testing.T) {
	t.Parallel()
	for _, to := range []string{"https://evil.test/api/links", "http://chat.acme.test/api/links", "https://chat.acme.test:8443/x", "https://chat.acme.test@evil.test/", "//evil.test/x", "https://sub.chat.acme.test/", "javascript:alert(1)", "file:///etc/passwd"} {
		r := begin(t, "links", `{}`)
		next(t, r)
		answer(t, r, `[1]`, "Link", "<"+to+`>; rel="next"`)
		if q, err := r.Next(t.Context()); err == nil {
			t.Errorf("%s: %v", to, q.URL)
		}
		u := begin(t, "upload", `{"content":"aGk="}`)
		next(t, u)
		answer(t, u, `{"url":"`+to+`","id":"1"}`)
		if q, err := u.Next(t.Context()); err == nil {
			t.Errorf("%s: %v", to, q.URL)
		} else if strings.Contains(err.Error(), "evil") {
			t.Errorf("%v", err)
		}
	}
}

func TestStepsFollowEachOther(t *testing.T) {
	t.Parallel()
	r := begin(t, "upload", `{"content":"aGVsbG8="}`)
	if q := next(t, r); string(q.Body) != "length=5" || !q.Auth {
		t.Errorf("%s", q.Body)
	}
	answer(t, r, `{"url":"https://files.chat.acme.test/put?sig=1","id":"F1"}`)
	if q := next(t, r); q.URL.Host != "files.chat.acme.test" || q.Auth || string(q.Body) != "hello" || q.Header.Get("Content-Type") != "text/plain" {
		t.Errorf("%+v %s", q, q.Body)
	}
	answer(t, r, `OK`, "Content-Type", "text/plain")
	if q := next(t, r); q.URL.Path != "/api/done" || string(q.Body) != `{"id":"F1"}` {
		t.Errorf("%s %s", q.URL, q.Body)
	}
	answer(t, r, `{}`)
	if got := result(t, r); got != `{"id":"F1"}` {
		t.Errorf("%s", got)
	}
}

func TestAMessageHoldsItsHeadersAndNoOther(t *testing.T) {
	t.Parallel()
	q := next(t, begin(t, "mail", `{"to":"Ada <ada@acme.test>","subject":"Größe\r\nBcc: eve@evil.test"}`))
	var body struct{ Raw string }
	if err := json.Unmarshal(q.Body, &body); err != nil {
		t.Fatal(err)
	}
	text := decode64(t, body.Raw)
	if strings.Contains(text, "\nBcc:") || !strings.Contains(text, "To: \"Ada\" <ada@acme.test>") || !strings.Contains(text, "Subject: =?utf-8?q?Gr=C3=B6=C3=9Fe") {
		t.Errorf("%s", text)
	}
	if _, err := begin(t, "mail", `{"to":"no address","subject":"x"}`).Next(t.Context()); err == nil {
		t.Error("a message to nobody")
	}
}

func TestErrorsOfTheServiceAreTold(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status        int
		body, want    string
		retry         bool
		header, value string
		after         time.Duration
	}{
		{200, `{"ok":false,"error":"channel_not_found"}`, "channel_not_found", false, "", "", 0},
		{200, `{"ok":false,"error":"ratelimited"}`, "ratelimited", true, "Retry-After", "30", 30 * time.Second},
		{404, `{"message":"Not Found"}`, "Not Found", false, "", "", 0},
		{429, `{"error":{"message":"slow down"}}`, "slow down", true, "Retry-After", "999999999", time.Hour},
		{503, `<html>`, "503", true, "Retry-After", "-5", 0},
		{400, `{"error":"invalid_request","error_description":"no id"}`, "no id", false, "", "", 0},
		{422, `{"errors":[{"detail":"wrong field"}]}`, "wrong field", false, "", "", 0},
	} {
		r := begin(t, "links", `{}`)
		next(t, r)
		h := http.Header{}
		h.Set(c.header+"X", "")
		if c.header != "" {
			h.Set(c.header, c.value)
		}
		err := r.Answer(t.Context(), &connector.Answer{Status: c.status, Header: h, Body: []byte(c.body)})
		f, ok := errors.AsType[*connector.Failure](err)
		if !ok || !strings.Contains(f.Message, c.want) || f.Retryable != c.retry || f.RetryAfter != c.after {
			t.Errorf("%d %s: %+v, %v", c.status, c.body, f, err)
		}
	}
}

func TestResultsAreBoundedAndFilesAreFiles(t *testing.T) {
	t.Parallel()
	r := begin(t, "form", `{}`)
	next(t, r)
	answer(t, r, `{"x":"`+strings.Repeat("é", 200_000)+`"}`)
	next(t, r)
	out, err := r.Result(t.Context())
	if err != nil || !out.Cut || len(out.Content) != 1 || len(out.Content[0].Text) > 263_000 {
		t.Errorf("%v", err)
	}
	p := begin(t, "picture", `{}`)
	next(t, p)
	answer(t, p, `{"type":"image/png","data":"aGVsbG8-_w"}`)
	next(t, p)
	out, err = p.Result(t.Context())
	if err != nil || len(out.Content) != 1 || out.Content[0].Kind != "image" || string(out.Content[0].Data) != "hello>\xff" || out.Content[0].Name != "face.png" {
		t.Errorf("%+v, %v", out, err)
	}
}

func TestWhoIsConnected(t *testing.T) {
	t.Parallel()
	r := parse(t).Identify(nil, time.Now())
	if q := next(t, r); q.URL.String() != "https://chat.acme.test/api/me" {
		t.Errorf("%s", q.URL)
	}
	answer(t, r, `{"id":"U1","name":"ada\u001b[31m","team":"Acme"}`)
	if id, name := r.Identity(); id != "U1" || name != "ada [31m in Acme" {
		t.Errorf("%q %q", id, name)
	}
	r = parse(t).Identify(nil, time.Now())
	next(t, r)
	if err := r.Answer(t.Context(), &connector.Answer{Status: 200, Body: []byte(`{}`)}); err == nil {
		t.Error("nobody is connected")
	}
}

// TestWhatIsNotAsDescribedSaysWhatCame also between the steps of a tool.
func TestWhatIsNotAsDescribedSaysWhatCame(t *testing.T) {
	t.Parallel()
	for slot, want := range map[string]string{
		"<html>\nSign in": `it is text/html, and begins with "<html>"`,
		"":                "it is empty (text/html)",
	} {
		r := begin(t, "upload", `{"content":"aGVsbG8="}`)
		next(t, r)
		answer(t, r, slot, "Content-Type", "text/html")
		_, err := r.Next(t.Context())
		if failure, ok := errors.AsType[*connector.Failure](err); !ok || !strings.Contains(failure.Message, want) {
			t.Errorf("%q: %v", slot, err)
		}
	}
}
