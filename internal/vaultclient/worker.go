package vaultclient

import (
	"context"

	"hotcell"
	"hotcell/internal/rpc"
	"hotcell/internal/vaultrpc"
)

// Worker is a worker's line to the vault. It can use only the grants of jobs
// that are live.
type Worker struct{ peer *rpc.Client }

// NewWorker calls the vault over a worker's line.
func NewWorker(peer *rpc.Client) *Worker { return &Worker{peer} }

// Lease asks for a job's secrets, sealed to the key that its cell made; nil
// where the job has none. The vault answers once a job.
func (w *Worker) Lease(ctx context.Context, job hotcell.JobID, publicKey []byte) ([]byte, error) {
	answer, err := rpc.Call[vaultrpc.LeaseRequest, vaultrpc.LeaseAnswer](ctx, w.peer, vaultrpc.Lease,
		&vaultrpc.LeaseRequest{Job: job, PublicKey: publicKey})
	if err != nil {
		return nil, err
	}
	return answer.Message, nil
}

// Report records what a cell does at its door; it is durable when it returns nil.
func (w *Worker) Report(ctx context.Context, job hotcell.JobID, events ...hotcell.Event) error {
	return empty(ctx, w.peer, vaultrpc.Report, &vaultrpc.ReportRequest{Job: job, Events: events})
}

// Watch hands each death of a grant to fn, those of the given jobs that are past
// first, and a sign of life, with an empty job, at least four times a second,
// until the line breaks or ctx ends.
func (w *Worker) Watch(ctx context.Context, jobs []hotcell.JobID, fn func(job hotcell.JobID, reason string)) error {
	return rpc.CallStream(ctx, w.peer, vaultrpc.Watch, &vaultrpc.WatchRequest{Jobs: jobs}, func(a *vaultrpc.WatchAnswer) error {
		fn(a.Job, a.Reason)
		return nil
	})
}
