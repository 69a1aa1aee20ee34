package vault

import (
	"context"
	"net/http"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
)

// work serves what people ask of assignments, and the control plane of jobs.
func (d *Daemon) work(mux *http.ServeMux) {
	handle(d, mux, vaultrpc.CreateAssignment, hotcell.ScopeWriteAssignments, func(ctx context.Context, r *vaultrpc.CreateAssignmentRequest) (*vaultrpc.AssignmentAnswer, error) {
		a, err := d.assignments.Create(ctx, r)
		return &vaultrpc.AssignmentAnswer{Assignment: a}, err
	})
	handle(d, mux, vaultrpc.ChangeAssignment, hotcell.ScopeWriteAssignments, func(ctx context.Context, r *vaultrpc.ChangeAssignmentRequest) (*vaultrpc.AssignmentAnswer, error) {
		if _, err := d.assignments.Change(ctx, r); err != nil {
			return nil, err
		}
		return d.assignments.Get(ctx, r.Principal, r.ID)
	})
	handle(d, mux, vaultrpc.DeleteAssignment, hotcell.ScopeWriteAssignments, func(ctx context.Context, r *vaultrpc.AssignmentRequest) (*vaultrpc.Empty, error) {
		return &vaultrpc.Empty{}, d.assignments.Delete(ctx, r)
	})
	handle(d, mux, vaultrpc.Assignment, hotcell.ScopeReadAssignments, func(ctx context.Context, r *vaultrpc.AssignmentRequest) (*vaultrpc.AssignmentAnswer, error) {
		return d.assignments.Get(ctx, r.Principal, r.ID)
	})
	handle(d, mux, vaultrpc.Assignments, hotcell.ScopeReadAssignments, func(ctx context.Context, r *vaultrpc.AssignmentsRequest) (*vaultrpc.AssignmentsAnswer, error) {
		if one := r.About(); one != "" {
			return d.onlyAssignment(ctx, r, one)
		}
		list, err := d.assignments.List(ctx, r)
		return &vaultrpc.AssignmentsAnswer{Assignments: list}, err
	})
	handleConfirmed(d, mux, vaultrpc.Attach, hotcell.ScopeWriteAssignments, d.sayAttaching, d.attach)
	handle(d, mux, vaultrpc.ChangeAttachment, hotcell.ScopeWriteAssignments, d.changeAttachment)
	handleConfirmed(d, mux, vaultrpc.ConfirmAttachment, hotcell.ScopeWriteAssignments, d.sayConfirming, d.assignments.Confirm)
	handle(d, mux, vaultrpc.Detach, hotcell.ScopeWriteAssignments, func(ctx context.Context, r *vaultrpc.DetachRequest) (*vaultrpc.Empty, error) {
		return &vaultrpc.Empty{}, d.assignments.Detach(ctx, r)
	})
	d.jobs(mux)
}

// onlyAssignment is the list for who may know of one.
func (d *Daemon) onlyAssignment(ctx context.Context, r *vaultrpc.AssignmentsRequest, id hotcell.AssignmentID) (*vaultrpc.AssignmentsAnswer, error) {
	out := &vaultrpc.AssignmentsAnswer{}
	found, err := d.assignments.Get(ctx, r.Principal, id)
	if err == nil && (r.Name == "" || r.Name == found.Assignment.Name) {
		out.Assignments = append(out.Assignments, found.Assignment)
	}
	return out, err
}

func (d *Daemon) jobs(mux *http.ServeMux) {
	handle(d, mux, vaultrpc.CreateJob, hotcell.ScopeRunJobs, func(ctx context.Context, r *vaultrpc.CreateJobRequest) (*vaultrpc.CreateJobAnswer, error) {
		a, token, err := d.vault.CreateJob(ctx, r.Principal, r.Assignment, r.Job, r.External)
		return &vaultrpc.CreateJobAnswer{Assignment: a, Token: token}, err
	})
	handle(d, mux, vaultrpc.CancelJob, hotcell.ScopeRunJobs, func(ctx context.Context, r *vaultrpc.CancelJobRequest) (*vaultrpc.Empty, error) {
		return &vaultrpc.Empty{}, d.vault.CancelJob(ctx, r.Principal, r.Job)
	})
	handleOpen(d, mux, vaultrpc.StartJob, func(ctx context.Context, r *vaultrpc.StartJobRequest) (*vaultrpc.StartJobAnswer, error) {
		grant, err := d.vault.StartJob(ctx, r.Job)
		return &vaultrpc.StartJobAnswer{Grant: grant}, err
	})
	handleOpen(d, mux, vaultrpc.EndJob, func(ctx context.Context, r *vaultrpc.EndJobRequest) (*vaultrpc.Empty, error) {
		return &vaultrpc.Empty{}, d.vault.EndJob(ctx, r.Job, r.State, r.Reason, r.Duration)
	})
	handleOpen(d, mux, vaultrpc.LiveJobs, func(ctx context.Context, _ *vaultrpc.Empty) (*vaultrpc.LiveJobsAnswer, error) {
		grants, err := d.vault.LiveJobs(ctx)
		answer := &vaultrpc.LiveJobsAnswer{}
		for _, g := range grants {
			answer.Jobs = append(answer.Jobs, vaultrpc.LiveJob{Workspace: g.Workspace, Job: g.Job, CreatedAt: g.CreatedAt})
		}
		return answer, err
	})
}
