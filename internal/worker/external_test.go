package worker_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/line/workerrpc"
)

// knock asks a job's gateway, from elsewhere, and returns the answer's status.
func (h *house) knock(t *testing.T, id hotcell.JobID, token string) int {
	t.Helper()
	body := `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}`
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://worker"+workerrpc.ToolsPath+string(id), strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json, text/event-stream"}, "Authorization": {"Bearer " + token}}
	answer, err := h.HTTP().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	_, _ = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode
}

func TestAnExternalJobIsAGatewayWithoutACell(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	j := jobOf("true")
	j.External = true
	token, until := hotcell.NewToken(j.ID), time.Now().Add(time.Hour)
	sum := sha256.Sum256([]byte(token))
	h.token, h.expires = sum[:], &until
	done := make(chan *told, 1)
	go func() {
		got, err := h.run(t.Context(), j, nil)
		if err != nil {
			t.Errorf("%v: %s", err, h.log)
		}
		done <- got
	}()
	waitFor(t, "it is open", func() bool { return h.knock(t, j.ID, token) == http.StatusOK })
	if n := len(h.driver.made()); n != 0 {
		t.Errorf("%d cells were made", n)
	}
	if status := h.knock(t, j.ID, hotcell.NewToken(j.ID)); status != http.StatusUnauthorized {
		t.Errorf("another token: %d", status)
	}
	h.deaths <- death{j.ID, "the connection was deleted"}
	if got := <-done; !got.started || got.end == nil || !got.end.Revoked || got.end.Reason != "the connection was deleted" {
		t.Errorf("%+v", got.end)
	}
	if status := h.knock(t, j.ID, token); status != http.StatusNotFound {
		t.Errorf("after its end: %d", status)
	}
}

func TestAJobInACellIsNotReachedFromElsewhere(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	j := jobOf("sleep 1000")
	token, until := hotcell.NewToken(j.ID), time.Now().Add(time.Hour)
	sum := sha256.Sum256([]byte(token))
	h.token, h.expires = sum[:], &until
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := h.run(ctx, j, nil)
		done <- err
	}()
	waitFor(t, "it runs", func() bool { return len(h.driver.made()) == 1 })
	if status := h.knock(t, j.ID, token); status != http.StatusNotFound {
		t.Errorf("%d", status)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestAnAgentFindsItsInstructions(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	j := jobOf(`cat; echo ===; cat /job/INSTRUCTIONS.md; echo "$HOTCELL_MCP_URL"`)
	j.Work.Instructions = "Post the report to #ops.\n"
	got, err := h.run(t.Context(), j, nil)
	if err != nil {
		t.Fatalf("%v: %s", err, h.log)
	}
	first, second, _ := strings.Cut(got.stdout.String(), "===\n")
	if !strings.HasSuffix(first, "\n---\n\nPost the report to #ops.\n") || !strings.Contains(first, "slack: post to #ops") || !strings.Contains(first, "Never write") || second != first+"http://127.0.0.1:3128/mcp\n" {
		t.Errorf("its input:\n%s\nits file:\n%s\n%s", first, second, got.stderr.String())
	}
}

// agent is what a command in a cell does to call a tool.
const agent = `
say() { curl -sN -D head -H 'Content-Type: application/json' -H 'Accept: application/json, text/event-stream' ${id:+-H "Mcp-Session-Id: $id"} -d "$1" "$HOTCELL_MCP_URL"; }
say '{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}'
id=$(sed -n 's/^[Mm]cp-[Ss]ession-[Ii]d: *\([^\r]*\).*/\1/p' head)
say '{"jsonrpc":"2.0","method":"notifications/initialized"}'
say '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"slack_post","arguments":{"channel":"#ops"}}}'
echo
say '{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"slack_post","arguments":{},"_meta":{"progressToken":1}}}'
say '{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"request_access","arguments":{"host":"new.acme.test","why":"x"}}}'
curl -s -o /dev/null -w 'other jobs: %{http_code}\n' -H 'Authorization: Bearer hct_x' http://127.0.0.1:3128/tools/job_other
`

func TestAnAgentInACellCallsTools(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	h.answer = &vaultrpc.CallToolAnswer{Result: json.RawMessage(`{"ts":"1.2"}`)}
	got, err := h.run(t.Context(), jobOf(agent), nil)
	if err != nil {
		t.Fatalf("%v: %s", err, h.log)
	}
	out := got.stdout.String()
	if strings.Count(out, `"structuredContent":{"ts":"1.2"}`) != 2 || strings.Count(out, "event: message") < 3 || !strings.Contains(out, `"id":3`) || !strings.Contains(out, "other jobs: 403") {
		t.Errorf("%s\n%s", out, got.stderr.String())
	}
}
