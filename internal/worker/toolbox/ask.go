package toolbox

import (
	"context"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"hotcell/internal/line/border"
	"hotcell/internal/line/cellrpc"
)

// askName is the one tool that is ours.
const askName = "request_access"

// askArguments are its arguments.
type askArguments struct {
	Host string `json:"host" jsonschema:"what you want to reach: HOST, HOST:PORT or HOST:PORT/PROTOCOL, where PROTOCOL is https, postgres or tcp"`
	Why  string `json:"why" jsonschema:"why you need it, in a sentence or two, for the person who decides; never put a credential here"`
}

// addAsk lets the agent ask a person for a host.
func (b *Box) addAsk() {
	no := false
	mcp.AddTool(b.server, &mcp.Tool{
		Name: askName, Title: "Ask for access",
		Description: "Ask a person for access to a host that is refused. Waits until somebody decides, up to ten minutes; call it again to go on waiting.",
		Annotations: &mcp.ToolAnnotations{Title: "Ask for access", DestructiveHint: &no, IdempotentHint: true, OpenWorldHint: &no},
	}, func(ctx context.Context, r *mcp.CallToolRequest, in askArguments) (*mcp.CallToolResult, cellrpc.Asked, error) {
		ctx, stop := until(ctx, b.exchangeOf(r))
		defer stop()
		defer border.WithEnd(b.Ended, "the end of a question", border.Log(b.Log), stop)()
		defer b.notices(ctx, r, saying("a person is asked; see hotcell requests"))()
		out, err := b.Ask(ctx, cellrpc.Ask{Host: in.Host, Why: in.Why})
		return nil, out, err
	})
}
