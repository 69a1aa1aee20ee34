package vault

import (
	"context"
	"errors"
	"net/http"

	"hotcell"
	"hotcell/internal/line/rpc"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/vault/internal/book"
)

// tools serves the tool calls of jobs.
func (d *Daemon) tools(mux *http.ServeMux) {
	rpc.Handle(mux, vaultrpc.ListTools, func(ctx context.Context, r *vaultrpc.ListToolsRequest) (*vaultrpc.ListToolsAnswer, error) {
		answer, err := d.calls.List(ctx, r.Job)
		return answer, d.note(vaultrpc.ListTools, err)
	})
	rpc.HandleOver(mux, vaultrpc.CallTool, func(ctx context.Context, r *vaultrpc.CallToolRequest) (*vaultrpc.CallToolAnswer, error) {
		answer, err := d.calls.Call(ctx, r)
		return answer, d.note(vaultrpc.CallTool, err)
	})
	rpc.Handle(mux, vaultrpc.AwaitRequest, func(ctx context.Context, r *vaultrpc.AwaitRequestRequest) (*vaultrpc.RequestAnswer, error) {
		q, err := d.calls.Await(ctx, r.Job, r.ID)
		return &vaultrpc.RequestAnswer{Request: q}, d.note(vaultrpc.AwaitRequest, err)
	})
}

// attach attaches a credential.
func (d *Daemon) attach(ctx context.Context, r *vaultrpc.AttachRequest) (*vaultrpc.AttachAnswer, error) {
	r.Narrowing = d.connections.Named(ctx, r.Principal, r.Credential, r.Narrowing)
	return d.attached(ctx, r.Principal, func() (*vaultrpc.AttachAnswer, error) { return d.assignments.Attach(ctx, r) })
}

// changeAttachment replaces what an attachment allows.
func (d *Daemon) changeAttachment(ctx context.Context, r *vaultrpc.ChangeAttachmentRequest) (*vaultrpc.AttachAnswer, error) {
	credential, err := d.assignments.Attached(ctx, r.Principal, r.Attachment)
	if err != nil {
		return nil, err
	}
	r.Narrowing = d.connections.Named(ctx, r.Principal, credential, r.Narrowing)
	return d.attached(ctx, r.Principal, func() (*vaultrpc.AttachAnswer, error) { return d.assignments.ChangeAttachment(ctx, r) })
}

// attached makes or changes an attachment, and warns of its rules. What a connection
// describes itself is read first where it was not yet: within the change it cannot be.
func (d *Daemon) attached(ctx context.Context, p hotcell.Principal, change func() (*vaultrpc.AttachAnswer, error)) (*vaultrpc.AttachAnswer, error) {
	answer, err := change()
	if unread, is := errors.AsType[*book.Unread](err); is {
		if _, err := d.book.Of(ctx, p.Workspace, unread.Credential); err != nil {
			return nil, err
		}
		answer, err = change()
	}
	if err == nil && answer.Attachment.As == hotcell.InjectTools {
		answer.Warnings = d.connections.Warnings(ctx, p, answer.Attachment)
	}
	return answer, err
}
