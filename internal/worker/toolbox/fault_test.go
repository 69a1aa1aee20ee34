package toolbox_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/value/guard"
	"hotcell/internal/worker/toolbox"
)

// trap is a vault whose calls of one tool throw what they were given.
type trap struct{ desk }

func (d *trap) CallTool(ctx context.Context, r *vaultrpc.CallToolRequest) (*vaultrpc.CallToolAnswer, error) {
	if strings.Contains(string(r.Arguments), "throw") {
		panic("with " + string(r.Arguments))
	}
	return d.desk.CallTool(ctx, r)
}

// The library calls what handles a message in a goroutine of its own, where nobody
// would catch what it throws.
func TestACallThatThrowsEndsAlone(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	box := toolbox.New(toolbox.Config{
		Job: "job_a", Vault: &trap{}, Guard: func(context.Context, int64) (*guard.Patterns, error) { return nil, nil }, //nolint:nilnil // nothing to look for
		Head: func(string) string { return "head" }, Waiting: func() (func(), error) { return func() {}, nil }, Ended: t.Context(), Log: slog.New(slog.NewTextHandler(&log, nil)),
	})
	server := httptest.NewServer(box)
	t.Cleanup(func() { box.Close(); server.Close() })
	_, header, _ := say(t, server, "", `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}`)
	session := header.Get("Mcp-Session-Id")
	for name, meta := range map[string]string{"with notices": `,"_meta":{"progressToken":"p"}`} {
		call := func(arguments string) (int, string) {
			status, _, text := say(t, server, session, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"test_simple_text","arguments":`+arguments+meta+`}}`)
			return status, text
		}
		status, text := call(`{"throw":"CANARY-of-a-call"}`)
		if strings.Contains(text, "CANARY") || status == http.StatusOK && !strings.Contains(text, "fault") {
			t.Errorf("%s: %d %s", name, status, text)
		}
		if status, text := call(`{"a":1}`); status != http.StatusOK || payload(t, text)["result"] == nil {
			t.Errorf("%s: a call beside it: %d %s", name, status, text)
		}
	}
	if said := log.String(); strings.Contains(said, "CANARY") || strings.Count(said, "a fault in the program was caught") != 1 {
		t.Errorf("the log: %s", said)
	}
}
