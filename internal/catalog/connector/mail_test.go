package connector_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-message/mail"
	"github.com/google/go-cmp/cmp"

	"hotcell/internal/catalog/connector"
)

const post = `
slug: post
name: Post
category: mail
about: For tests.
base: https://post.acme.test
advise: {hosts: [post.acme.test]}
auth: {kind: key}
tools:
- name: send
  about: Sends a message of all its parts.
  hint: write
  input: {type: object, properties: {mail: {type: object, description: all of it}}}
  request: {method: POST, path: /send, body: {type: message/rfc822, base64: "${mail(args.mail)}"}}
- name: read
  about: Reads a message of a mailbox by its id.
  hint: read
  request: {method: GET, path: /read}
  result: "${mailtext(answer)}"
`

// written is what a library reads of a message.
type written struct {
	Texts map[string]string
	Files map[string]string
}

func send(t *testing.T, arguments any) *connector.Request {
	t.Helper()
	c, err := connector.Parse([]byte(post))
	if err != nil {
		t.Fatal(err)
	}
	tool, _ := c.Tool("send")
	text, err := json.Marshal(map[string]any{"mail": arguments})
	if err != nil {
		t.Fatal(err)
	}
	args, err := tool.Check(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	r := tool.Begin(c, connector.Input{Args: args, Now: time.Now()})
	r.Reads(connector.Here)
	return next(t, r)
}

func readMessage(t *testing.T, text string) (mail.Header, written) {
	t.Helper()
	r, err := mail.CreateReader(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	out := written{map[string]string{}, map[string]string{}}
	for {
		p, err := r.NextPart()
		if err == io.EOF {
			return r.Header, out
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(p.Body)
		if err != nil {
			t.Fatal(err)
		}
		switch h := p.Header.(type) {
		case *mail.InlineHeader:
			kind, _, _ := h.ContentType()
			out.Texts[kind] = string(body)
		case *mail.AttachmentHeader:
			name, _ := h.Filename()
			out.Files[name] = string(body)
		}
	}
}

func TestAMessageIsWrittenWhole(t *testing.T) {
	t.Parallel()
	for i, text := range []string{
		"", "x", "hi", "no newline at the end", "one\ntwo", "one\r\ntwo\r\n", "Größe: 3 m² — 日本語 🙂", strings.Repeat("long ", 400) + "end", strings.Repeat("x", 5000),
		strings.Repeat("ü", 3000), "trailing space \nand = equals =3D", ".\n..\n.", "From here\nFrom there",
	} {
		for j, html := range []string{"", "<p>" + text + "</p>"} {
			for k, files := range [][]any{nil, {
				map[string]any{"name": "größe.bin", "type": "application/pdf", "base64": base64.StdEncoding.EncodeToString([]byte("\x00\xff\r\n" + text))},
				map[string]any{"name": "plain.txt", "type": "text/plain", "base64": base64.StdEncoding.EncodeToString([]byte(text))},
			}} {
				t.Run(fmt.Sprintf("%d %d %d", i, j, k), func(t *testing.T) {
					t.Parallel()
					q := send(t, map[string]any{"to": "ada@acme.test", "subject": "s", "text": text, "html": html, "attachments": files})
					_, got := readMessage(t, string(q.Body))
					want := written{map[string]string{"text/plain": lines(text)}, map[string]string{}}
					if html != "" {
						want.Texts["text/html"] = lines(html)
						if text == "" {
							delete(want.Texts, "text/plain")
						}
					}
					if files != nil {
						want.Files = map[string]string{"größe.bin": "\x00\xff\r\n" + text, "plain.txt": lines(text)}
					}
					for kind, body := range got.Texts {
						got.Texts[kind] = lines(body)
					}
					if files != nil {
						got.Files["plain.txt"] = lines(got.Files["plain.txt"])
					}
					if diff := cmp.Diff(want, got); diff != "" {
						t.Errorf("%s\n%s", diff, q.Body)
					}
				})
			}
		}
	}
}

// lines has the ends of lines that a message has on its way.
func lines(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\n", "\r\n")
}

func TestAnswersGoToWhoeverWrote(t *testing.T) {
	t.Parallel()
	for to, want := range map[string]string{
		`Ada <ada@acme.test>`:                                  `Ada <ada@acme.test>`,
		`Doe, Jane <jane@acme.test>`:                           `Doe, Jane <jane@acme.test>`,
		`Doe, Jane (Sales) <jane@acme.test>, bob@acme.test`:    `Doe, Jane (Sales) <jane@acme.test>; <bob@acme.test>`,
		`"Doe, Jane" <jane@acme.test>, Bob <bob@acme.test>`:    `Doe, Jane <jane@acme.test>; Bob <bob@acme.test>`,
		`=?windows-1252?Q?Gr=F6=DFe=2C_Jos=E9?= <j@acme.test>`: `Größe, José <j@acme.test>`,
		`=?koi8-r?B?8NLJ18XU?= <k@acme.test>`:                  `Привет <k@acme.test>`,
		`Jane @ Acme, Inc. [EU] <jane@acme.test>`:              `Jane @ Acme, Inc. [EU] <jane@acme.test>`,
		`Größe: Jane <jane@acme.test>`:                         `Größe: Jane <jane@acme.test>`,
	} {
		h, _ := readMessage(t, string(send(t, map[string]any{"to": to, "subject": "s", "text": "t"}).Body))
		list, err := h.AddressList("To")
		var got []string
		for _, a := range list {
			got = append(got, strings.TrimSpace(a.Name+" <"+a.Address+">"))
		}
		if strings.Join(got, "; ") != want || err != nil {
			t.Errorf("%s: %q, %v", to, got, err)
		}
	}
}

func TestNobodyElseGetsAMessage(t *testing.T) {
	t.Parallel()
	c, err := connector.Parse([]byte(post))
	if err != nil {
		t.Fatal(err)
	}
	tool, _ := c.Tool("send")
	for _, to := range []any{
		"nobody", "Ada <nobody>", "a@acme.test Ada", "<a@acme.test> <b@evil.test>", "a <b@evil.test> c <d@acme.test>", "<b@evil.test> a@acme.test", "Ada, Bob",
		[]any{"a@acme.test, b@evil.test"}, []any{"b@evil.test,<a@acme.test>"}, []any{"x: b@evil.test, a@acme.test;"}, []any{""}, []any{5}, 5, map[string]any{"a": 1},
	} {
		if q, err := tool.Begin(c, connector.Input{Args: map[string]any{"mail": map[string]any{"to": to, "text": "t"}}}).Next(t.Context()); err == nil {
			t.Errorf("%v: %s", to, q.Body)
		}
	}
}

func TestTextsAndFilesOfAMessage(t *testing.T) {
	t.Parallel()
	coded := func(s string) string { return base64.URLEncoding.EncodeToString([]byte(s)) }
	part := func(kind, charset, name, data string) string {
		return fmt.Sprintf(`{"mimeType":%q,"filename":%q,"headers":[{"name":"content-type","value":"%s; charset=\"%s\""}],"body":{"size":%d,"data":%q}}`, kind, name, kind, charset, len(data), coded(data))
	}
	payload := `{"mimeType":"multipart/mixed","filename":"","parts":[` + strings.Join([]string{
		part("text/plain", "windows-1252", "", "Gr\xf6\xdfe\n"), part("text/plain", "iso-8859-1", "", "schon UTF-8: ß\n"), part("text/plain", "iso-2022-jp", "", "\x1b$BF|K\\\x1b(B"),
		part("text/html", "utf-8", "", "<p>é</p>"), part("text/plain", "windows-1252", "notes.txt", "caf\xe9"), part("application/pdf", "", "a.pdf", "%PDF\xff"),
		`{"mimeType":"image/png","filename":"","body":{"attachmentId":"A1","size":9}}`, part("text/plain", "no-such", "", "\xff"),
	}, ",") + `]}`
	c, err := connector.Parse([]byte(post))
	if err != nil {
		t.Fatal(err)
	}
	tool, _ := c.Tool("read")
	r := tool.Begin(c, connector.Input{})
	r.Reads(connector.Here)
	next(t, r)
	answer(t, r, payload)
	var got, want any
	unmarshal(t, result(t, r), &got)
	unmarshal(t, `{"text":"Größe\nschon UTF-8: ß\n日本\ufffd","html":"<p>é</p>","attachments":[
		{"id":"","name":"notes.txt","type":"text/plain","size":4,"text":"café"},{"id":"","name":"a.pdf","type":"application/pdf","size":5,"base64":"JVBERv8="},
		{"id":"A1","name":"","type":"image/png","size":9}]}`, &want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
