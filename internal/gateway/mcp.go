package gateway

import (
	"context"
	"net/http"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"hotcell/internal/cellrpc"
)

// askArguments are those of the tool request_access.
type askArguments struct {
	Host string `json:"host" jsonschema:"what you want to reach: HOST, HOST:PORT or HOST:PORT/PROTOCOL, where PROTOCOL is https, postgres or tcp"`
	Why  string `json:"why" jsonschema:"why you need it, in a sentence or two, for the person who decides; never put a credential here"`
}

// newMCP serves the cell's tools (Model Context Protocol, streamable HTTP).
func (g *Gateway) newMCP() http.Handler {
	server := mcp.NewServer(&mcp.Implementation{Name: "hotcell", Version: "1"}, &mcp.ServerOptions{
		Instructions: "You work in a cell. Only the hosts of an allow-list can be reached, and credentials are put on for you where they are attached. " +
			"What is refused can be asked for with request_access: a person decides. Never write a credential's value anywhere.",
	})
	mcp.AddTool(server, &mcp.Tool{
		Name:        "request_access",
		Description: "Ask a person for access to a host that is refused. Waits until somebody decides, up to ten minutes; call it again to go on waiting.",
	}, func(ctx context.Context, _ *mcp.CallToolRequest, in askArguments) (*mcp.CallToolResult, cellrpc.Asked, error) {
		out, err := g.askFor(ctx, cellrpc.Ask{Host: in.Host, Why: in.Why})
		return nil, out, err
	})
	return mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, &mcp.StreamableHTTPOptions{Stateless: true, JSONResponse: true})
}
