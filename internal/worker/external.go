package worker

import (
	"context"
	"net/http"
	"sync"
	"time"

	"hotcell"
	"hotcell/internal/line/workerrpc"
)

// elsewhere is the life of an external job: a gateway without a cell, until the
// control plane or the vault ends it.
func (r *run) elsewhere(ctx context.Context) error {
	if _, err := r.worker.enter(r); err != nil {
		return err
	}
	defer r.worker.leave(r, 0)
	ended := make(chan struct{})
	r.killable(sync.OnceFunc(func() { close(ended) }))
	if err := r.gateway.Open(ctx); err != nil {
		return err
	}
	if err := r.Started(ctx); err != nil {
		return err
	}
	if err := r.outlast(ctx, ended); err != nil {
		return err
	}
	r.mu.Lock()
	end := &workerrpc.End{Revoked: true, Late: r.revoked == late, Reason: r.revoked}
	r.mu.Unlock()
	return r.tell(&workerrpc.RunEvent{Kind: workerrpc.Ended, At: r.worker.Now(), End: end})
}

// late is why an external job ends whose token is good no more: they live and die
// together.
const late = "its time is over"

// outlast returns when the job is to end: at somebody's word, or since its time,
// as the vault counts it, is over.
func (r *run) outlast(ctx context.Context, ended <-chan struct{}) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ended:
			return nil
		case <-tick.C:
			if r.gateway.Late() {
				r.revoke(late)
			}
		}
	}
}

// tools serves a request of an agent elsewhere at the gateway of its job, which
// knows whether it may.
func (w *Worker) tools(rw http.ResponseWriter, request *http.Request) {
	w.mu.Lock()
	r := w.runs[hotcell.JobID(request.PathValue("job"))]
	w.mu.Unlock()
	if r == nil || !r.job.External {
		rw.WriteHeader(http.StatusNotFound)
		return
	}
	r.gateway.ServeElsewhere(rw, request)
}
