package courier_test

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hotcell"
	"hotcell/internal/catalog/connector"
	"hotcell/internal/value/guard"
	"hotcell/internal/value/sensitive"
	"hotcell/internal/vault/internal/courier"
)

// token is what must be found nowhere.
const token = "xoxb-canary-7Gq2Zk9Lm4Vt8Rw1"

// document describes the service of the tests.
const document = `
slug: twin
name: Twin
category: other
about: A service of tests.
base: https://example.com
also: [https://files.example.com]
auth: {kind: key, put: {kind: bearer}}
errors:
  when: ${has(answer.ok) && !answer.ok}
  message: ${answer.error}
  unknown: ${answer.error == 'token_expired'}
tools:
- name: get
  title: Get
  about: Get a thing.
  hint: read
  input: {type: object, properties: {what: {type: string}}}
  request: {method: GET, path: /get, query: {what: "${args.?what.orValue('')}"}}
- name: put
  title: Put
  about: Put a thing.
  hint: write
  input: {type: object, required: [text], properties: {text: {type: string}}}
  request: {method: POST, path: /put, json: {text: "${args.text}"}}
- name: search
  title: Search
  about: Get things by a search that is asked for by POST.
  hint: read
  input: {type: object}
  steps:
  - {name: first, request: {method: POST, path: /search}}
  - {name: second, request: {method: POST, path: /more}}
- name: decode
  title: Decode
  about: Get a thing that is packed.
  hint: read
  input: {type: object}
  request: {method: GET, path: /get}
  result: "${{'text': string(base64.decode(string(base64.decode(answer.packed))))}}"
- name: list
  title: List
  about: List things.
  hint: read
  input: {type: object}
  request: {method: GET, path: /list}
  pages: {items: "${answer.items}", next: "${answer.next}", into: {url: true}}
  result: "${{'items': items}}"
- name: upload
  title: Upload
  about: Upload a thing.
  hint: write
  input: {type: object}
  steps:
  - name: slot
    request: {method: POST, path: /slot}
  - name: fill
    request: {method: POST, url: "${steps.slot.url}", auth: false, body: {type: text/plain, text: content}}
  - name: done
    request: {method: POST, path: /done}
  result: "${{'done': true}}"
`

// twin is a service under the names of the document, and a courier to it.
type twin struct {
	t       testing.TB
	server  *httptest.Server
	made    *connector.Connector
	courier *courier.Courier
	// elsewhere counts what arrived at other hosts.
	elsewhere atomic.Int64
	// unkeyed counts requests without the token.
	unkeyed atomic.Int64
}

func setup(t testing.TB, handler http.HandlerFunc, limits courier.Limits) *twin {
	t.Helper()
	w := &twin{t: t}
	w.server = httptest.NewTLSServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		if r.Host != "example.com" && r.Host != "files.example.com" {
			w.elsewhere.Add(1)
		}
		if r.Header.Get("Authorization") != "Bearer "+token {
			w.unkeyed.Add(1)
		}
		handler(out, r)
	}))
	t.Cleanup(w.server.Close)
	transport := w.server.Client().Transport.(*http.Transport).Clone()
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, w.server.Listener.Addr().String())
	}
	transport.DisableCompression = true
	t.Cleanup(transport.CloseIdleConnections)
	var err error
	if w.made, err = connector.Parse([]byte(document)); err != nil {
		t.Fatal(err)
	}
	w.courier = courier.New(courier.Config{Transport: transport, Reads: connector.Here, Now: time.Now, Log: slog.New(slog.DiscardHandler), Limits: limits})
	return w
}

// do calls a tool, and returns all that the agent could see of it as one text.
func (w *twin) do(ctx context.Context, tool string, arguments map[string]any) (seen string, trip courier.Trip, err error) {
	w.t.Helper()
	text, _ := json.Marshal(arguments)
	found, ok := w.made.Tool(tool)
	if !ok {
		w.t.Fatalf("there is no tool %s", tool)
	}
	if arguments == nil {
		text = []byte("{}")
	}
	args, err := found.Check(ctx, text)
	if err != nil {
		w.t.Fatal(err)
	}
	key := sensitive.Copy([]byte(token))
	defer key.Clear()
	patterns, err := courier.Patterns(guard.Label{ID: "con_1", Name: "twin"}, bearer, key)
	if err != nil {
		w.t.Fatal(err)
	}
	result, trip, err := w.courier.Do(ctx, found.Begin(w.made, connector.Input{Args: args, Now: time.Now()}), bearer, key, patterns)
	if result != nil {
		all, _ := json.Marshal(result)
		seen = string(result.JSON) + string(all)
		for _, c := range result.Content {
			seen += c.Text + string(c.Data) + c.Name
		}
	}
	return seen + fmt.Sprint(err), trip, err
}

var bearer = hotcell.Auth{Kind: "bearer"}

// clean fails the test where a text holds the token in any form.
func clean(t testing.TB, what, text string) {
	t.Helper()
	raw := []byte(token)
	forms := []string{
		token, strings.ToUpper(token), strings.ToLower(token), hex.EncodeToString(raw), strings.ToUpper(hex.EncodeToString(raw)), url.QueryEscape(token),
		backwards(token),
	}
	for offset := range 3 {
		whole := base64.StdEncoding.EncodeToString(append(make([]byte, offset), raw...))
		forms = append(forms, whole[4:len(whole)-4])
	}
	for _, form := range forms {
		if strings.Contains(text, form) {
			t.Errorf("%s: what the agent gets holds the token as %.8s…: %.200s", what, form, text)
		}
	}
}

func backwards(s string) string {
	b := []byte(s)
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	return string(b)
}
