package toolbox_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/value/guard"
	"hotcell/internal/worker/toolbox"
)

// desk is a vault that notes what it is asked.
type desk struct {
	suite
	mu    sync.Mutex
	calls []vaultrpc.CallToolRequest
	// busy holds a call until it is given up.
	busy chan struct{}
}

func (d *desk) CallTool(ctx context.Context, r *vaultrpc.CallToolRequest) (*vaultrpc.CallToolAnswer, error) {
	d.mu.Lock()
	d.calls = append(d.calls, *r)
	busy := d.busy
	d.mu.Unlock()
	if busy != nil {
		close(busy)
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return &vaultrpc.CallToolAnswer{Result: json.RawMessage(`{"n":1}`)}, nil
}

func (d *desk) last() vaultrpc.CallToolRequest {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.calls[len(d.calls)-1]
}

func open(t testing.TB, d *desk) (*httptest.Server, string) {
	t.Helper()
	box := toolbox.New(toolbox.Config{
		Job: "job_a", Vault: d, Guard: func(context.Context, int64) (*guard.Patterns, error) { return nil, nil }, //nolint:nilnil // nothing to look for
		Head: func(string) string { return "head" }, Waiting: func() (func(), error) { return func() {}, nil }, Ended: t.Context(), Log: slog.New(slog.DiscardHandler),
	})
	server := httptest.NewServer(box)
	t.Cleanup(func() { box.Close(); server.Close() })
	status, header, text := say(t, server, "", `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}`)
	if status != http.StatusOK || !strings.Contains(text, "head") {
		t.Fatalf("%d %s", status, text)
	}
	return server, header.Get("Mcp-Session-Id")
}

func say(t testing.TB, server *httptest.Server, session, body string, headers ...string) (int, http.Header, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json, text/event-stream"}}
	if session != "" {
		r.Header.Set("Mcp-Session-Id", session)
	}
	for pair := range slices.Chunk(headers, 2) {
		r.Header.Set(pair[0], pair[1])
	}
	answer, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, _ := io.ReadAll(answer.Body)
	return answer.StatusCode, answer.Header, string(text)
}

// payload is the JSON of an answer, however it came.
func payload(t *testing.T, text string) (out map[string]any) {
	t.Helper()
	if _, after, found := strings.Cut(text, "data: "); found {
		text = after
	}
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return out
}

func TestTheShortcutAnswersAsTheLibraryDoes(t *testing.T) {
	t.Parallel()
	d := &desk{}
	server, session := open(t, d)
	for name, params := range map[string]string{
		"plain":             `{"name":"test_simple_text","arguments":{"a":[1,{"b":"\u0000"}],"n":9007199254740993}}`,
		"without arguments": `{"name":"test_simple_text"}`,
		"empty meta":        `{"name":"test_simple_text","arguments":{},"_meta":{}}`,
		"notices":           `{"name":"test_simple_text","arguments":{"x":1},"_meta":{"progressToken":"p"}}`,
	} {
		_, header, text := say(t, server, session, `{"jsonrpc":"2.0","id":"x`+name+`","method":"tools/call","params":`+params+`}`)
		short := header.Get("Content-Type") == "application/json"
		if short != (name != "notices") {
			t.Errorf("%s: answered as %s", name, header.Get("Content-Type"))
		}
		got := payload(t, text)
		result, _ := got["result"].(map[string]any)
		if got["id"] != "x"+name || result["structuredContent"] == nil || result["content"] == nil || got["error"] != nil {
			t.Errorf("%s: %s", name, text)
		}
		var sent struct{ Arguments json.RawMessage }
		if err := json.Unmarshal([]byte(params), &sent); err != nil || !bytes.Equal(sent.Arguments, d.last().Arguments) {
			t.Errorf("%s: the vault got %s, %v", name, d.last().Arguments, err)
		}
	}
}

func TestWhatTheShortcutLeavesIsTheLibrarys(t *testing.T) {
	t.Parallel()
	d := &desk{}
	server, session := open(t, d)
	const call = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"test_simple_text"}}`
	for name, c := range map[string]struct {
		body    string
		headers []string
	}{
		"no JSON":            {`{"jsonrpc"`, nil},
		"no id":              {`{"jsonrpc":"2.0","id":null,"method":"tools/call","params":{"name":"test_simple_text"}}`, nil},
		"an id of its own":   {`{"jsonrpc":"2.0","id":{"a":1},"method":"tools/call","params":{"name":"test_simple_text"}}`, nil},
		"another version":    {`{"jsonrpc":"1.0","id":1,"method":"tools/call","params":{"name":"test_simple_text"}}`, nil},
		"another session":    {call, []string{"Mcp-Session-Id", "made-up"}},
		"another protocol":   {call, []string{"Mcp-Protocol-Version", "1999-01-01"}},
		"a newer protocol":   {call, []string{"Mcp-Protocol-Version", "2026-07-28"}},
		"another type":       {call, []string{"Content-Type", "text/plain"}},
		"it takes no stream": {call, []string{"Accept", "application/json"}},
	} {
		if status, _, text := say(t, server, session, c.body, c.headers...); status/100 != 4 {
			t.Errorf("%s: %d %s", name, status, text)
		}
	}
	if len(d.calls) != 0 {
		t.Errorf("the vault was asked for %+v", d.calls)
	}
}

func TestACallCanBeGivenUp(t *testing.T) {
	t.Parallel()
	d := &desk{busy: make(chan struct{})}
	server, session := open(t, d)
	done := make(chan string)
	go func() {
		_, _, text := say(t, server, session, `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"test_simple_text"}}`)
		done <- text
	}()
	<-d.busy
	if status, _, text := say(t, server, session, `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}`); status != http.StatusAccepted {
		t.Fatalf("%d %s", status, text)
	}
	result, _ := payload(t, <-done)["result"].(map[string]any)
	if result["isError"] != true {
		t.Errorf("%v", result)
	}
}

func FuzzMessages(f *testing.F) {
	d := &desk{}
	server, session := open(f, d)
	for _, seed := range []string{
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"test_simple_text","arguments":{"a":1}}}`,
		`{"jsonrpc":"2.0","id":"a\"b","method":"tools/call","params":{"name":"x"}}`, `[]`, `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`,
		`{"JSONRPC":"2.0","ID":-1e999,"method":"tools/call","params":{"Name":"x","arguments":null}}`, `{"jsonrpc":"2.0","id":1,"method":"ping"}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		if strings.Contains(body, "initialize") || strings.Contains(body, "listen") {
			t.Skip("it would go on")
		}
		status, header, text := say(t, server, session, body)
		if status == http.StatusOK && header.Get("Content-Type") == "application/json" && !json.Valid([]byte(text)) {
			t.Errorf("%q is answered with %q", body, text)
		}
	})
}

func TestACallWithoutASessionIsAnsweredByItself(t *testing.T) {
	t.Parallel()
	d := &desk{}
	server, _ := open(t, d)
	for name, body := range map[string]string{
		"call": `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"test_simple_text"}}`,
		"list": `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`, "ping": `{"jsonrpc":"2.0","id":1,"method":"ping"}`,
	} {
		status, header, text := say(t, server, "", body)
		if got := payload(t, text); status != http.StatusOK || got["result"] == nil || header.Get("Mcp-Session-Id") != "" {
			t.Errorf("%s: %d %s", name, status, text)
		}
	}
	if status, _, text := say(t, server, "", `{"jsonrpc":"2.0","id":1,"method":"ping"}`+strings.Repeat(" ", 5<<20)); status != http.StatusRequestEntityTooLarge && status != http.StatusBadRequest {
		t.Errorf("5 MiB: %d %s", status, text)
	}
}
