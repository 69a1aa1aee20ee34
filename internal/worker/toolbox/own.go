package toolbox

import (
	"context"
	"slices"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"hotcell/internal/line/vaultrpc"
)

// owns says whether a tool is one of the job's own.
func (b *Box) owns(tool string) bool {
	return b.Own != nil && slices.ContainsFunc(b.Own.Tools(), func(t vaultrpc.Tool) bool { return t.Name == tool })
}

// askOwn calls a tool of the job's own. A client that leaves takes its call with
// it: what a page shows is for who asked.
func (b *Box) askOwn(ctx context.Context, q *question) (*mcp.CallToolResult, error) {
	ctx, stop := until(ctx, q.exchange)
	defer stop()
	if q.notices != nil {
		defer q.notices(ctx, b.Own.Doing)()
	}
	answer, err := b.Own.CallTool(ctx, q.tool, q.arguments)
	if err != nil {
		return b.failed(ctx, err), nil
	}
	return b.deliver(ctx, q.tool, answer)
}
