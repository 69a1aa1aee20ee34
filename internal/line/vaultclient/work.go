package vaultclient

import (
	"context"

	"hotcell/internal/line/rpc"
	"hotcell/internal/line/vaultrpc"
)

// CreateAssignment makes an assignment.
func (c *Control) CreateAssignment(ctx context.Context, r *vaultrpc.CreateAssignmentRequest) (*vaultrpc.AssignmentAnswer, error) {
	return rpc.Call[vaultrpc.CreateAssignmentRequest, vaultrpc.AssignmentAnswer](ctx, c.peer, vaultrpc.CreateAssignment, r)
}

// ChangeAssignment changes what is given and leaves the rest.
func (c *Control) ChangeAssignment(ctx context.Context, r *vaultrpc.ChangeAssignmentRequest) (*vaultrpc.AssignmentAnswer, error) {
	return rpc.Call[vaultrpc.ChangeAssignmentRequest, vaultrpc.AssignmentAnswer](ctx, c.peer, vaultrpc.ChangeAssignment, r)
}

// DeleteAssignment deletes an assignment and its attachments, and ends its jobs' grants.
func (c *Control) DeleteAssignment(ctx context.Context, r *vaultrpc.AssignmentRequest) error {
	return empty(ctx, c.peer, vaultrpc.DeleteAssignment, r)
}

// Assignment is one assignment and what is attached to it.
func (c *Control) Assignment(ctx context.Context, r *vaultrpc.AssignmentRequest) (*vaultrpc.AssignmentAnswer, error) {
	return rpc.Call[vaultrpc.AssignmentRequest, vaultrpc.AssignmentAnswer](ctx, c.peer, vaultrpc.Assignment, r)
}

// Assignments lists the workspace's assignments.
func (c *Control) Assignments(ctx context.Context, r *vaultrpc.AssignmentsRequest) (*vaultrpc.AssignmentsAnswer, error) {
	return rpc.Call[vaultrpc.AssignmentsRequest, vaultrpc.AssignmentsAnswer](ctx, c.peer, vaultrpc.Assignments, r)
}

// Attach attaches a credential to an assignment.
func (c *Control) Attach(ctx context.Context, r *vaultrpc.AttachRequest) (*vaultrpc.AttachAnswer, error) {
	return rpc.Call[vaultrpc.AttachRequest, vaultrpc.AttachAnswer](ctx, c.peer, vaultrpc.Attach, r)
}

// ChangeAttachment replaces what an attachment allows.
func (c *Control) ChangeAttachment(ctx context.Context, r *vaultrpc.ChangeAttachmentRequest) (*vaultrpc.AttachAnswer, error) {
	return rpc.Call[vaultrpc.ChangeAttachmentRequest, vaultrpc.AttachAnswer](ctx, c.peer, vaultrpc.ChangeAttachment, r)
}

// ConfirmAttachment takes a suspension away.
func (c *Control) ConfirmAttachment(ctx context.Context, r *vaultrpc.ConfirmAttachmentRequest) (*vaultrpc.AttachAnswer, error) {
	return rpc.Call[vaultrpc.ConfirmAttachmentRequest, vaultrpc.AttachAnswer](ctx, c.peer, vaultrpc.ConfirmAttachment, r)
}

// Detach takes an attachment away; jobs that use it end.
func (c *Control) Detach(ctx context.Context, r *vaultrpc.DetachRequest) error {
	return empty(ctx, c.peer, vaultrpc.Detach, r)
}

// CreateJob asks whether the caller may run the assignment, and returns it.
func (c *Control) CreateJob(ctx context.Context, r *vaultrpc.CreateJobRequest) (*vaultrpc.CreateJobAnswer, error) {
	return rpc.Call[vaultrpc.CreateJobRequest, vaultrpc.CreateJobAnswer](ctx, c.peer, vaultrpc.CreateJob, r)
}

// CancelJob asks whether the caller may end the job, and ends its grant.
func (c *Control) CancelJob(ctx context.Context, r *vaultrpc.CancelJobRequest) error {
	return empty(ctx, c.peer, vaultrpc.CancelJob, r)
}

// StartJob makes a pending grant live.
func (c *Control) StartJob(ctx context.Context, r *vaultrpc.StartJobRequest) (*vaultrpc.StartJobAnswer, error) {
	return rpc.Call[vaultrpc.StartJobRequest, vaultrpc.StartJobAnswer](ctx, c.peer, vaultrpc.StartJob, r)
}

// EndJob ends a job's grant and records how it ended. To end one twice does nothing.
func (c *Control) EndJob(ctx context.Context, r *vaultrpc.EndJobRequest) error {
	return empty(ctx, c.peer, vaultrpc.EndJob, r)
}

// LiveJobs lists the jobs whose grants are not dead.
func (c *Control) LiveJobs(ctx context.Context) ([]vaultrpc.LiveJob, error) {
	answer, err := rpc.Call[vaultrpc.Empty, vaultrpc.LiveJobsAnswer](ctx, c.peer, vaultrpc.LiveJobs, &vaultrpc.Empty{})
	if err != nil {
		return nil, err
	}
	return answer.Jobs, nil
}
