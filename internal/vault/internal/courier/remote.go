package courier

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"hotcell"
	"hotcell/internal/catalog/connector"
	"hotcell/internal/value/guard"
	"hotcell/internal/value/sensitive"
)

// Remote is one call of a tool of an MCP server.
type Remote struct {
	// URL is where the server is.
	URL  string
	Tool string
	Args map[string]any
}

// maxTools is how many tools of a server are listed.
const maxTools = 500

// Ask calls a tool of an MCP server (Streamable HTTP), as [Courier.Do] makes the
// requests of a document. What the server asks back is declined.
func (c *Courier) Ask(ctx context.Context, r Remote, auth hotcell.Auth, key sensitive.Bytes, patterns *guard.Patterns) (*connector.Result, Trip, error) {
	var result *connector.Result
	trip, err := c.session(ctx, r.URL, auth, key, patterns, func(ctx context.Context, s *mcp.ClientSession) error {
		came, err := s.CallTool(ctx, &mcp.CallToolParams{Name: r.Tool, Arguments: r.Args})
		if err == nil {
			result, err = resultOf(came)
		}
		return err
	})
	if err != nil {
		return nil, trip.Trip, err
	}
	trip.scrub(result)
	return result, trip.Trip, nil
}

// Discover lists the tools of an MCP server.
func (c *Courier) Discover(ctx context.Context, server string, auth hotcell.Auth, key sensitive.Bytes) (tools []connector.RemoteTool, err error) {
	patterns, err := Patterns(guard.Label{ID: "mcp", Name: "mcp"}, auth, key)
	if err != nil {
		return nil, err
	}
	_, err = c.session(ctx, server, auth, key, patterns, func(ctx context.Context, s *mcp.ClientSession) error {
		for tool, err := range s.Tools(ctx, nil) {
			if err != nil {
				return err
			}
			if len(tools) == maxTools {
				return nil
			}
			tools = append(tools, remoteTool(tool))
		}
		return nil
	})
	return tools, err
}

func remoteTool(t *mcp.Tool) connector.RemoteTool {
	out := connector.RemoteTool{Name: t.Name, Title: t.Title, Description: t.Description}
	out.Input, _ = json.Marshal(t.InputSchema) // of what came as JSON
	if t.OutputSchema != nil {
		out.Output, _ = json.Marshal(t.OutputSchema)
	}
	if a := t.Annotations; a != nil {
		out.ReadOnly, out.Idempotent = a.ReadOnlyHint, a.IdempotentHint
		out.Destructive = !a.ReadOnlyHint && (a.DestructiveHint == nil || *a.DestructiveHint)
	}
	return out
}

// session runs fn with a session of an MCP server.
func (c *Courier) session(ctx context.Context, server string, auth hotcell.Auth, key sensitive.Bytes, patterns *guard.Patterns, fn func(context.Context, *mcp.ClientSession) error) (*trip, error) {
	ctx, cancel := context.WithTimeout(ctx, c.Limits.Whole)
	defer cancel()
	t := &trip{Courier: c, auth: auth, key: key, patterns: patterns}
	defer t.letGo()
	to, err := url.Parse(server)
	if err != nil {
		return t, hotcell.Invalid("/settings/url", "this is no URL")
	}
	m := &messenger{trip: t, ctx: ctx, to: to}
	client := mcp.NewClient(&mcp.Implementation{Name: "hotcell", Version: "1"}, &mcp.ClientOptions{Capabilities: &mcp.ClientCapabilities{}})
	s, err := client.Connect(ctx, &mcp.StreamableClientTransport{
		Endpoint: server, HTTPClient: &http.Client{Transport: m}, MaxRetries: -1, DisableStandaloneSSE: true, MaxEventSize: int(c.Limits.Page),
	}, nil)
	if err == nil {
		err = fn(ctx, s)
	}
	if err != nil {
		err = t.plain(m.told(err))
	}
	end := m.leave(s)
	return &trip{Courier: c, patterns: patterns, Trip: end}, err
}

// told makes of an error of the library one that may be told.
func (m *messenger) told(err error) error {
	if failure, ok := errors.AsType[*connector.Failure](err); ok {
		return failure
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	said, is := errors.AsType[*jsonrpc.Error](err)
	m.Lost = m.Lost || m.changed && m.fault == nil && !is
	switch cause := context.Cause(m.ctx); {
	case cause != nil:
		return m.broken(m.ctx, cause)
	case m.fault != nil:
		return m.fault
	case is:
		return &connector.Failure{Status: m.Status, Message: "the server says: " + said.Message}
	case m.Lost:
		return fmt.Errorf("%w: the server does not answer as an MCP server should", ErrLost)
	}
	return &connector.Failure{Status: m.Status, Message: "the server does not answer as an MCP server should"}
}

// maxText bounds, in bytes, the text of a result.
const maxText = 256 << 10

// resultOf is what an agent gets of a server's result.
func resultOf(came *mcp.CallToolResult) (*connector.Result, error) {
	out := &connector.Result{}
	for _, piece := range came.Content {
		if c, ok := contentOf(piece); ok {
			out.Content = append(out.Content, c)
		}
	}
	if came.IsError {
		return nil, &connector.Failure{Status: http.StatusOK, Message: "the server says: " + textOf(out.Content)}
	}
	if came.StructuredContent != nil {
		text, err := json.Marshal(came.StructuredContent)
		if err != nil {
			return nil, err
		}
		if len(text) <= maxText {
			// Texts beside it repeat it, as the protocol has it.
			out.JSON = text
			kept := out.Content[:0]
			for _, c := range out.Content {
				if c.Kind != kindText {
					kept = append(kept, c)
				}
			}
			out.Content = kept
		}
	}
	left := maxText
	for i := range out.Content {
		c := &out.Content[i]
		if len(c.Text) > left {
			c.Text, out.Cut = strings.ToValidUTF8(c.Text[:left], "")+fmt.Sprintf("\n… cut: a result has at most %d bytes. Ask for less.", maxText), true
		}
		left = max(left-len(c.Text), 0)
	}
	return out, nil
}

// kindText is the kind of a content that is text.
const kindText = "text"

func contentOf(piece mcp.Content) (connector.Content, bool) {
	switch c := piece.(type) {
	case *mcp.TextContent:
		return connector.Content{Kind: kindText, Text: c.Text}, true
	case *mcp.ImageContent:
		return connector.Content{Kind: "image", Data: c.Data, Type: c.MIMEType}, true
	case *mcp.AudioContent:
		return connector.Content{Kind: "audio", Data: c.Data, Type: c.MIMEType}, true
	case *mcp.ResourceLink:
		return connector.Content{Kind: kindText, Text: strings.TrimSpace(c.Name + " " + c.URI)}, true
	case *mcp.EmbeddedResource:
		switch {
		case c.Resource == nil:
		case len(c.Resource.Blob) > 0:
			return connector.Content{Kind: "file", Data: c.Resource.Blob, Type: c.Resource.MIMEType, Name: c.Resource.URI}, true
		default:
			return connector.Content{Kind: kindText, Text: c.Resource.Text, Type: c.Resource.MIMEType, Name: c.Resource.URI}, true
		}
	}
	return connector.Content{}, false
}

// textOf joins the texts of a result.
func textOf(content []connector.Content) string {
	var out []string
	for _, c := range content {
		if c.Text != "" {
			out = append(out, c.Text)
		}
	}
	text := strings.Join(out, " ")
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "")
	}
	return text
}
