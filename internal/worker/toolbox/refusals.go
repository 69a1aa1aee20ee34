package toolbox

import (
	"context"
	"encoding/json"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"hotcell/internal/line/cellrpc"
)

// refusalsName is the tool by which an agent reads what its job was refused.
const refusalsName = "list_refusals"

// house says whether a tool is one of the house's own, which no service's takes the
// name of.
func (b *Box) house(tool string) bool {
	return tool == askName && b.Ask != nil || tool == refusalsName && b.Refusals != nil
}

// refusedList is what it answers.
type refusedList struct {
	Refusals []cellrpc.Refusal `json:"refusals"`
}

func (b *Box) addRefusals() {
	no := false
	mcp.AddTool(b.server, &mcp.Tool{
		Name: refusalsName, Title: "List refusals",
		Description: "List which hosts and requests this job was refused, and why, the newest last.",
		Annotations: &mcp.ToolAnnotations{Title: "List refusals", ReadOnlyHint: true, IdempotentHint: true, OpenWorldHint: &no},
	}, func(ctx context.Context, _ *mcp.CallToolRequest, _ struct{}) (*mcp.CallToolResult, refusedList, error) {
		out := refusedList{Refusals: []cellrpc.Refusal{}}
		patterns, err := b.Guard(ctx, 0)
		if err != nil {
			return nil, out, b.told(err)
		}
		// A host and a reason hold what the job wrote.
		text, err := json.Marshal(b.Refusals())
		if err != nil {
			return nil, out, err
		}
		err = json.Unmarshal(patterns.Redact(text), &out.Refusals)
		return nil, out, err
	})
}
