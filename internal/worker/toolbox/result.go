package toolbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/value/guard"
)

// result is an answer as an agent gets it.
func result(a *vaultrpc.CallToolAnswer, patterns *guard.Patterns) *mcp.CallToolResult {
	if a.Error != nil {
		return failure(a.Error, patterns)
	}
	out := &mcp.CallToolResult{Content: []mcp.Content{}}
	if len(a.Result) > 0 {
		clean := redact(patterns, a.Result)
		out.Content = append(out.Content, &mcp.TextContent{Text: string(clean)})
		// Structured content is an object; what is another thing, or none any more
		// where a value was taken out of it, is text alone.
		if trimmed := bytes.TrimLeft(clean, " \t\r\n"); len(trimmed) > 0 && trimmed[0] == '{' && json.Valid(clean) {
			out.StructuredContent = json.RawMessage(clean)
		}
	}
	for n, c := range a.Content {
		out.Content = append(out.Content, content(n, c, patterns))
	}
	return out
}

// redact takes values out of a text, which most often has none: to look is cheaper.
func redact(patterns *guard.Patterns, text []byte) []byte {
	if !patterns.Contains(text) {
		return text
	}
	return patterns.Redact(text)
}

// content is one piece. What is not text cannot be mended, so a piece with a
// value in it is left out whole.
func content(n int, c vaultrpc.ToolContent, patterns *guard.Patterns) mcp.Content {
	if c.Kind == "text" || len(c.Data) == 0 {
		return &mcp.TextContent{Text: string(patterns.Redact([]byte(c.Text)))}
	}
	if found := patterns.Find(c.Data); len(found) > 0 {
		return &mcp.TextContent{Text: string(patterns.Redact(fmt.Appendf(nil, "[a part was left out: it holds a value of %s]", found[0].Name)))}
	}
	kind := string(patterns.Redact([]byte(c.Type)))
	switch c.Kind {
	case "image":
		return &mcp.ImageContent{Data: c.Data, MIMEType: kind}
	case "audio":
		return &mcp.AudioContent{Data: c.Data, MIMEType: kind}
	}
	return &mcp.EmbeddedResource{Resource: &mcp.ResourceContents{URI: fmt.Sprintf("hotcell://result/%d", n+1), MIMEType: kind, Blob: c.Data}}
}

// problem is what an agent's program may read of an error.
type problem struct {
	Code       string `json:"code"`
	Message    string `json:"message"`
	Status     int    `json:"status,omitempty"`
	Retryable  bool   `json:"retryable"`
	RetryAfter int    `json:"retry_after,omitempty"`
}

// failure is an error of a tool: the agent reads it, and goes on.
func failure(e *vaultrpc.ToolError, patterns *guard.Patterns) *mcp.CallToolResult {
	p := problem{e.Code, string(patterns.Redact([]byte(e.Message))), e.Status, e.Retryable, e.RetryAfter}
	text := strings.TrimSuffix(p.Message, ".") + "."
	switch {
	case p.RetryAfter > 0:
		text += fmt.Sprintf(" Try again after %d s.", p.RetryAfter)
	case p.Retryable:
		text += " It may be tried again."
	}
	structured, _ := json.Marshal(p) // of texts and numbers
	return &mcp.CallToolResult{IsError: true, Content: []mcp.Content{&mcp.TextContent{Text: text}}, StructuredContent: json.RawMessage(structured)}
}

// codes is the one table from sentinels to what an agent is told.
var codes = []struct {
	sentinel  error
	code      string
	retryable bool
}{
	{hotcell.ErrDenied, "refused", false}, {hotcell.ErrInvalid, "invalid", false}, {hotcell.ErrNotFound, "not_found", false},
	{hotcell.ErrRateLimited, "rate_limited", true}, {hotcell.ErrNeedsReconnect, "reconnect", false}, {hotcell.ErrConflict, "refused", false},
	{hotcell.ErrUnavailable, "unavailable", true},
}

// failed is what an agent is told of an error of ours.
func (b *Box) failed(ctx context.Context, err error) *mcp.CallToolResult {
	e := &vaultrpc.ToolError{Code: "unavailable", Message: "the call could not be made", Retryable: true}
	for _, c := range codes {
		if errors.Is(err, c.sentinel) {
			e = &vaultrpc.ToolError{Code: c.code, Message: err.Error(), Retryable: c.retryable}
			if c.code == "unavailable" {
				e.Message = "a part of the server does not answer"
			}
			break
		}
	}
	patterns, unknown := b.Guard(context.WithoutCancel(ctx), 0)
	if unknown != nil {
		e.Message, patterns = "the call could not be made", nil
	}
	if e.Message == "the call could not be made" && ctx.Err() == nil {
		b.Log.Error("calling a tool", "job", b.Job, "error", err)
	}
	return failure(e, patterns)
}

// told is an error that is no tool's, as a client may see it.
func (b *Box) told(err error) error {
	for _, c := range codes {
		if errors.Is(err, c.sentinel) && c.code != "unavailable" {
			return &jsonrpc.Error{Code: jsonrpc.CodeInternalError, Message: err.Error()}
		}
	}
	if !errors.Is(err, hotcell.ErrUnavailable) {
		b.Log.Error("listing a job's tools", "job", b.Job, "error", err)
	}
	return &jsonrpc.Error{Code: jsonrpc.CodeInternalError, Message: "a part of the server does not answer"}
}
