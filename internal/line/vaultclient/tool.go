package vaultclient

import (
	"context"

	"hotcell/internal/line/rpc"
	"hotcell/internal/line/vaultrpc"
)

// ListTools lists the tools that a job may call.
func (w *Worker) ListTools(ctx context.Context, r *vaultrpc.ListToolsRequest) (*vaultrpc.ListToolsAnswer, error) {
	return rpc.Call[vaultrpc.ListToolsRequest, vaultrpc.ListToolsAnswer](ctx, w.peer, vaultrpc.ListTools, r)
}

// CallTool calls a tool for a job.
func (w *Worker) CallTool(ctx context.Context, r *vaultrpc.CallToolRequest) (*vaultrpc.CallToolAnswer, error) {
	return rpc.CallOver[vaultrpc.CallToolRequest, vaultrpc.CallToolAnswer](ctx, w.pool, vaultrpc.CallTool, r)
}

// AwaitRequest waits until a job's request is decided.
func (w *Worker) AwaitRequest(ctx context.Context, r *vaultrpc.AwaitRequestRequest) (*vaultrpc.RequestAnswer, error) {
	return rpc.Call[vaultrpc.AwaitRequestRequest, vaultrpc.RequestAnswer](ctx, w.peer, vaultrpc.AwaitRequest, r)
}

// Prints asks anew for a job's fingerprints.
func (w *Worker) Prints(ctx context.Context, r *vaultrpc.PrintsRequest) (*vaultrpc.PrintsAnswer, error) {
	return rpc.Call[vaultrpc.PrintsRequest, vaultrpc.PrintsAnswer](ctx, w.peer, vaultrpc.Prints, r)
}
