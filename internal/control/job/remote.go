package job

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"hotcell"
	"hotcell/internal/line/cellrpc"
	"hotcell/internal/line/rpc"
	"hotcell/internal/line/workerrpc"
)

// Remote is a worker in a process of its own.
type Remote struct{ peer *rpc.Client }

// NewRemote calls a worker over the line to it.
func NewRemote(peer *rpc.Client) *Remote { return &Remote{peer} }

// Run implements [Worker].
func (r *Remote) Run(ctx context.Context, job hotcell.Job, fn func(*workerrpc.RunEvent) error) error {
	return rpc.CallStream(ctx, r.peer, workerrpc.Run, &workerrpc.RunRequest{Job: job}, fn)
}

// Health asks what keeps the worker from running jobs.
func (r *Remote) Health(ctx context.Context) (*workerrpc.HealthAnswer, error) {
	return rpc.Call[struct{}, workerrpc.HealthAnswer](ctx, r.peer, workerrpc.Health, &struct{}{})
}

// Give implements [Worker].
func (r *Remote) Give(ctx context.Context, digest string, open func() (io.ReadCloser, error)) error {
	status, err := r.send(ctx, http.MethodHead, digest, nil)
	if err != nil || status == http.StatusOK {
		return err
	}
	archive, err := open()
	if err != nil {
		return err
	}
	defer func() { _ = archive.Close() }()
	if status, err = r.send(ctx, http.MethodPut, digest, archive); err != nil {
		return err
	}
	if status != http.StatusNoContent {
		return fmt.Errorf("%w: the worker did not take the assignment's files", hotcell.ErrUnavailable)
	}
	return nil
}

func (r *Remote) send(ctx context.Context, method, digest string, body io.Reader) (int, error) {
	request, err := http.NewRequestWithContext(ctx, method, "http://worker"+workerrpc.FilesPath+digest, body)
	if err != nil {
		return 0, fmt.Errorf("asking the worker: %w", err)
	}
	response, err := r.peer.HTTP().Do(request)
	if err != nil {
		return 0, fmt.Errorf("%w: asking the worker: %w", hotcell.ErrUnavailable, err)
	}
	return response.StatusCode, response.Body.Close()
}

// Browser asks a job's browser: for its view with no hand, else to do what a person
// does. The caller closes what it returns, which is nil for the latter.
func (r *Remote) Browser(ctx context.Context, id hotcell.JobID, hand *cellrpc.Hand) (io.ReadCloser, error) {
	method, body := http.MethodGet, io.Reader(nil)
	if hand != nil {
		text, err := json.Marshal(hand)
		if err != nil {
			return nil, err
		}
		method, body = http.MethodPost, bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://worker"+workerrpc.BrowserPath+string(id), body)
	if err != nil {
		return nil, fmt.Errorf("asking the worker: %w", err)
	}
	answer, err := r.peer.HTTP().Do(request)
	if err != nil {
		return nil, fmt.Errorf("%w: asking the worker: %w", hotcell.ErrUnavailable, err)
	}
	switch {
	case answer.StatusCode == http.StatusOK:
		return answer.Body, nil
	case answer.StatusCode == http.StatusNoContent:
		return nil, answer.Body.Close()
	}
	defer func() { _ = answer.Body.Close() }()
	text, _ := io.ReadAll(io.LimitReader(answer.Body, 1024))
	return nil, fmt.Errorf("%w: %s", hotcell.ErrConflict, strings.TrimSpace(string(text)))
}
