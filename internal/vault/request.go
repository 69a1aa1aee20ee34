package vault

import (
	"context"
	"net/http"

	"hotcell"
	"hotcell/internal/line/rpc"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/vault/internal/door"
)

// requests serves what people ask of requests, and of what a job may do.
func (d *Daemon) requests(mux *http.ServeMux) {
	handle(d, mux, vaultrpc.Requests, hotcell.ScopeReadJobs, func(ctx context.Context, r *vaultrpc.RequestsRequest) (*vaultrpc.RequestsAnswer, error) {
		list, err := d.vault.Requests(ctx, r.Principal, hotcell.RequestFilter{State: r.State, Job: r.Job}, r.Page)
		return &vaultrpc.RequestsAnswer{Requests: list}, err
	})
	handle(d, mux, vaultrpc.Request, hotcell.ScopeReadJobs, func(ctx context.Context, r *vaultrpc.RequestRequest) (*vaultrpc.RequestAnswer, error) {
		q, err := d.vault.Request(ctx, r.Principal, r.ID)
		return &vaultrpc.RequestAnswer{Request: q}, err
	})
	handle(d, mux, vaultrpc.DecideRequest, hotcell.ScopeDecide, func(ctx context.Context, r *vaultrpc.DecideRequestRequest) (*vaultrpc.RequestAnswer, error) {
		q, err := d.vault.DecideRequest(ctx, r.Principal, r.ID, door.Decision{Approve: r.Approve, Standing: r.Standing, Credential: r.Credential})
		return &vaultrpc.RequestAnswer{Request: q}, err
	})
	handle(d, mux, vaultrpc.Explain, hotcell.ScopeReadAssignments, func(ctx context.Context, r *vaultrpc.ExplainRequest) (*vaultrpc.ExplainAnswer, error) {
		var out door.Explained
		var err error
		if r.Job != "" {
			out, err = d.vault.ExplainJob(ctx, r.Principal, r.Job)
		} else {
			out, err = d.vault.ExplainAssignment(ctx, r.Principal, r.Assignment)
		}
		return &vaultrpc.ExplainAnswer{Allow: out.Allow, Uses: out.Uses, Dead: out.Dead}, err
	})
}

// asks serves what jobs ask for.
func (d *Daemon) asks(mux *http.ServeMux) {
	rpc.Handle(mux, vaultrpc.Ask, func(ctx context.Context, r *vaultrpc.AskRequest) (*vaultrpc.AskAnswer, error) {
		q, err := d.vault.Ask(ctx, r.Job, r.Allow, r.Why)
		return &vaultrpc.AskAnswer{Request: q}, d.note(vaultrpc.Ask, err)
	})
}
