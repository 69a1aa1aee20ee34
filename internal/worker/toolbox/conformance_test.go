package toolbox_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/value/guard"
	"hotcell/internal/worker/toolbox"
)

// applies are the scenarios of the conformance suite for servers that apply: a
// server of tools and nothing else. docs/mcp.md has the others, and why not.
var applies = []string{
	"server-initialize", "ping", "tools-list", "tools-call-simple-text", "tools-call-image", "tools-call-audio", "tools-call-embedded-resource",
	"tools-call-mixed-content", "tools-call-error", "tools-call-with-progress", "json-schema-2020-12", "server-sse-multiple-streams",
}

// suite is a vault that answers as the suite's tools are to.
type suite struct{}

func (suite) ListTools(context.Context, *vaultrpc.ListToolsRequest) (*vaultrpc.ListToolsAnswer, error) {
	out := &vaultrpc.ListToolsAnswer{}
	for name := range contents {
		out.Tools = append(out.Tools, vaultrpc.Tool{Name: name, Description: "A tool of the suite.", Input: json.RawMessage(`{"type":"object"}`)})
	}
	out.Tools = append(out.Tools, vaultrpc.Tool{Name: "json_schema_2020_12_tool", Description: "Tool with JSON Schema 2020-12 features", Input: json.RawMessage(
		`{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","$defs":{"address":{"type":"object","properties":{"street":{"type":"string"},"city":{"type":"string"}}}},` +
			`"properties":{"name":{"type":"string"},"address":{"$ref":"#/$defs/address"}},"additionalProperties":false}`)})
	return out, nil
}

var (
	picture  = vaultrpc.ToolContent{Kind: "image", Type: "image/png", Data: []byte("\x89PNG\r\n\x1a\n")}
	sound    = vaultrpc.ToolContent{Kind: "audio", Type: "audio/wav", Data: []byte("RIFF")}
	document = vaultrpc.ToolContent{Kind: "file", Type: "text/plain", Data: []byte("This is an embedded resource content.")}
	contents = map[string][]vaultrpc.ToolContent{
		"test_simple_text":            {{Kind: "text", Text: "This is a simple text response for testing."}},
		"test_image_content":          {picture},
		"test_audio_content":          {sound},
		"test_embedded_resource":      {document},
		"test_multiple_content_types": {{Kind: "text", Text: "Multiple content types test:"}, picture, document},
		"test_error_handling":         nil,
		"test_tool_with_progress":     {{Kind: "text", Text: "done"}},
	}
)

func (suite) CallTool(_ context.Context, r *vaultrpc.CallToolRequest) (*vaultrpc.CallToolAnswer, error) {
	switch {
	case r.Tool == "test_error_handling":
		return &vaultrpc.CallToolAnswer{Error: &vaultrpc.ToolError{Code: "service", Message: "This tool intentionally returns an error for testing"}}, nil
	case r.Tool == "test_tool_with_progress" && r.Approved == "": // what takes time here is a person
		return &vaultrpc.CallToolAnswer{Waits: "ask_a"}, nil
	}
	return &vaultrpc.CallToolAnswer{Content: contents[r.Tool]}, nil
}

func (suite) AwaitRequest(ctx context.Context, r *vaultrpc.AwaitRequestRequest) (*vaultrpc.RequestAnswer, error) {
	select {
	case <-ctx.Done():
	case <-time.After(300 * time.Millisecond):
	}
	return &vaultrpc.RequestAnswer{Request: hotcell.Request{ID: r.ID, State: hotcell.RequestApproved}}, nil
}

// TestConformance runs the suite @modelcontextprotocol/conformance, where it is
// there: HOTCELL_CONFORMANCE names the folder with its node_modules.
func TestConformance(t *testing.T) {
	t.Parallel()
	folder := os.Getenv("HOTCELL_CONFORMANCE")
	if folder == "" {
		t.Skip("HOTCELL_CONFORMANCE names no folder with @modelcontextprotocol/conformance: see docs/mcp.md")
	}
	box := toolbox.New(toolbox.Config{
		Job: "job_a", Vault: suite{}, Guard: func(context.Context, int64) (*guard.Patterns, error) { return nil, nil }, //nolint:nilnil // nothing to look for
		Head: func(string) string { return "head" }, Waiting: func() (func(), error) { return func() {}, nil }, Ended: t.Context(), Notices: 50 * time.Millisecond, Log: slog.New(slog.DiscardHandler),
	})
	server := httptest.NewServer(box)
	t.Cleanup(func() { box.Close(); server.Close() })
	for _, scenario := range applies {
		t.Run(scenario, func(t *testing.T) {
			t.Parallel()
			bin := filepath.Join(folder, "node_modules", ".bin")
			c := exec.CommandContext(t.Context(), filepath.Join(bin, "conformance"), "server", "--url", server.URL, "--scenario", scenario)
			c.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"))
			out, err := c.CombinedOutput()
			if err != nil || !strings.Contains(string(out), " 0 failed, 0 warnings") {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
