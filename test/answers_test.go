package test

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// box describes a service that answers with messages, and with what it likes.
const box = `
slug: test
name: Test
category: mail
about: A service of tests.
base: %s
auth: {kind: key, put: {kind: bearer}}
tools:
- name: read
  about: Reads messages.
  hint: read
  input: {type: object, properties: {what: {type: string, description: which}}}
  request: {method: GET, path: "/${args.what}"}
  result: "${answer.messages.map(m, [mailtext(m)].map(t, {'text': t.text, 'to': others(header(m.?headers.orValue([]), 'To'), [])})[0])}"
- name: get
  about: Gets a thing as it comes.
  hint: read
  input: {type: object, properties: {what: {type: string, description: which}}}
  request: {method: GET, path: "/${args.what}"}
`

// hard are answers that would end whoever reads them as they come, and what an agent is
// told of each.
var hard = map[string]struct{ kind, body, told string }{
	"lists":    {"application/json", strings.Repeat("[", 1<<20) + strings.Repeat("]", 1<<20), "nested too deep"},
	"objects":  {"application/json", strings.Repeat(`{"messages":`, 1<<18), "nested too deep"},
	"brackets": {"application/json", `{"messages":[` + strings.Repeat("{},", 1<<20) + "{}]}", "too many values"},
	"commas":   {"application/json", letter("utf-8", "text", strings.Repeat("a@b c,", 40_000)), "not as it is described"},
	"comments": {"application/json", letter("utf-8", "text", strings.Repeat("(", 250_000)+" <ada@acme.test>"), "ada@acme.test"},
	"parts":    {"application/json", `{"messages":[{"parts":[` + strings.TrimSuffix(strings.Repeat(piece("text")+",", 20_000), ",") + `]}]}`, "texttext"},
	"levels":   {"application/json", `{"messages":[` + strings.Repeat(`{"parts":[`, 40) + strings.Repeat("]}", 40) + `]}`, `"text":""`},
	"charsets": {"application/json", letter("koi8-r", "\xf0\xd2\xc9\xd7\xc5\xd4", "=?koi8-r?B?8NLJ18XU?= <ada@acme.test>"), "Привет"},
	"page":     {"text/html; charset=shift_jis", "\x93\xfa\x96\x7b", ""},
	"unknown":  {"text/plain; charset=" + strings.Repeat("x", 1000), "\xff", ""},
}

// letter is a message to somebody, in a charset.
func letter(charset, text, to string) string {
	return `{"messages":[` + strings.TrimSuffix(piece(text), "}") + fmt.Sprintf(`,"headers":[{"name":"To","value":%q},{"name":"Content-Type","value":"text/plain; charset=%s"}]}]}`, to, charset)
}

func piece(text string) string {
	return fmt.Sprintf(`{"mimeType":"text/plain","body":{"data":%q}}`, base64.URLEncoding.EncodeToString([]byte(text)))
}

// What a service answers ends neither the vault nor the calls of others, and is told.
func TestAnswersThatWouldEndTheirReader(t *testing.T) {
	t.Parallel()
	s := serving(t, box, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if one, there := hard[strings.TrimPrefix(r.URL.Path, "/")]; there {
			w.Header().Set("Content-Type", one.kind)
			_, _ = io.WriteString(w, one.body)
			return
		}
		_, _ = io.WriteString(w, letter("windows-1252", "caf\xe9", "Ada <ada@acme.test>"))
	})
	s.OK("assignments", "create", "talk", "--command", "true")
	s.OK("assignments", "attach", "talk", "team", "--tools", "read,get")
	o := &office{Server: s, t: t}
	vault, readers := part(t, s, "part-vault"), part(t, s, "part-parser")
	_, endpoint, token := o.elsewhere("1h")
	hostile := o.agent(endpoint, token, nil)
	_, endpoint, token = o.elsewhere("1h")
	other := o.agent(endpoint, token, nil)
	var all sync.WaitGroup
	for name, c := range hard {
		all.Go(func() {
			for _, tool := range []string{"read", "get"} {
				r, err := hostile.CallTool(t.Context(), &mcp.CallToolParams{Name: "test_" + tool, Arguments: map[string]any{"what": name}})
				if err != nil {
					t.Errorf("%s of %s: %v", tool, name, err)
				} else if got := told(r); tool == "read" && !strings.Contains(got, strings.ReplaceAll(c.told, `"`, `\"`)) {
					t.Errorf("%s of %s: %.300s", tool, name, got)
				}
			}
		})
	}
	for range 20 {
		r, err := other.CallTool(t.Context(), &mcp.CallToolParams{Name: "test_read", Arguments: map[string]any{"what": "plain"}})
		if err != nil || r.IsError || !strings.Contains(told(r), "café") {
			t.Errorf("another's call: %v, %s", err, told(r))
		}
	}
	all.Wait()
	if part(t, s, "part-vault") != vault || part(t, s, "part-parser") != readers {
		t.Error("a part of the server was started again")
	}
	s.Canaries(apiKey)
}
