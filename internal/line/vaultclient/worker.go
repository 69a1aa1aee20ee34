package vaultclient

import (
	"context"

	"hotcell"
	"hotcell/internal/line/rpc"
	"hotcell/internal/line/vaultrpc"
)

// Worker is a worker's line to the vault. It can use only the grants of jobs
// that are live.
type Worker struct {
	peer *rpc.Client
	pool *rpc.Pool
}

// NewWorker calls the vault over a worker's line.
func NewWorker(peer *rpc.Client) *Worker { return &Worker{peer: peer, pool: rpc.NewPool(peer)} }

// Rules returns what a job may reach and use, while its grant lives.
func (w *Worker) Rules(ctx context.Context, job hotcell.JobID) (*vaultrpc.RulesAnswer, error) {
	return rpc.Call[vaultrpc.RulesRequest, vaultrpc.RulesAnswer](ctx, w.peer, vaultrpc.Rules, &vaultrpc.RulesRequest{Job: job})
}

// Lease asks for a job's secrets, sealed to the key that its cell made, nil
// where the job has none, and for the fingerprints of all its values. The vault
// answers once a job.
func (w *Worker) Lease(ctx context.Context, job hotcell.JobID, publicKey []byte) (message, fingerprints []byte, err error) {
	answer, err := rpc.Call[vaultrpc.LeaseRequest, vaultrpc.LeaseAnswer](ctx, w.peer, vaultrpc.Lease,
		&vaultrpc.LeaseRequest{Job: job, PublicKey: publicKey})
	if err != nil {
		return nil, nil, err
	}
	return answer.Message, answer.Fingerprints, nil
}

// Report records what a cell does at its door; it is durable when it returns nil.
func (w *Worker) Report(ctx context.Context, job hotcell.JobID, events ...hotcell.Event) error {
	return empty(ctx, w.peer, vaultrpc.Report, &vaultrpc.ReportRequest{Job: job, Events: events})
}

// Watch hands each change of a grant to fn, the deaths of the given jobs that
// are past first, and a sign of life, with an empty job, at least four times a
// second, until the line breaks or ctx ends.
func (w *Worker) Watch(ctx context.Context, jobs []hotcell.JobID, fn func(vaultrpc.WatchAnswer)) error {
	return rpc.CallStream(ctx, w.peer, vaultrpc.Watch, &vaultrpc.WatchRequest{Jobs: jobs}, func(a *vaultrpc.WatchAnswer) error {
		fn(*a)
		return nil
	})
}

// Ask asks a person for a host that the job may not reach, and waits until it is
// decided or ctx ends; to ask again goes on waiting.
func (w *Worker) Ask(ctx context.Context, job hotcell.JobID, allow hotcell.Allow, why string) (hotcell.Request, error) {
	answer, err := rpc.Call[vaultrpc.AskRequest, vaultrpc.AskAnswer](ctx, w.peer, vaultrpc.Ask, &vaultrpc.AskRequest{Job: job, Allow: allow, Why: why})
	if err != nil {
		return hotcell.Request{}, err
	}
	return answer.Request, nil
}
