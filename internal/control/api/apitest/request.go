package apitest

import (
	"context"
	"slices"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
)

func (v *vault) Requests(_ context.Context, in *vaultrpc.RequestsRequest) (*vaultrpc.RequestsAnswer, error) {
	leave, err := v.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	found := slices.DeleteFunc(slices.Clone(v.requests), func(q hotcell.Request) bool {
		return in.State != "" && q.State != in.State || in.Job != "" && q.Job != in.Job
	})
	return &vaultrpc.RequestsAnswer{Requests: found}, nil
}

func (v *vault) Request(_ context.Context, in *vaultrpc.RequestRequest) (*vaultrpc.RequestAnswer, error) {
	leave, err := v.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	for _, q := range v.requests {
		if q.ID == in.ID {
			return &vaultrpc.RequestAnswer{Request: q}, nil
		}
	}
	return nil, hotcell.ErrNotFound
}

func (v *vault) DecideRequest(_ context.Context, in *vaultrpc.DecideRequestRequest) (*vaultrpc.RequestAnswer, error) {
	leave, err := v.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	for i := range v.requests {
		q := &v.requests[i]
		switch {
		case q.ID != in.ID:
			continue
		case q.State != hotcell.RequestPending:
			return nil, hotcell.ErrConflict
		}
		q.State, q.Standing = hotcell.RequestRefused, in.Standing
		if in.Approve {
			q.State = hotcell.RequestApproved
		}
		(*World)(v).wake()
		return &vaultrpc.RequestAnswer{Request: *q}, nil
	}
	return nil, hotcell.ErrNotFound
}

func (v *vault) Explain(_ context.Context, in *vaultrpc.ExplainRequest) (*vaultrpc.ExplainAnswer, error) {
	leave, err := v.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	for _, a := range v.assignments {
		if a.ID == in.Assignment {
			return &vaultrpc.ExplainAnswer{Allow: a.Work.Allow}, nil
		}
	}
	return nil, hotcell.ErrNotFound
}

// ask asks a person for a host, and waits until somebody has decided.
func (w *jobs) ask(j hotcell.Job, host string) {
	q := hotcell.Request{
		ID: hotcell.RequestID(hotcell.NewID(hotcell.PrefixAsk)), Workspace: j.Workspace, Kind: hotcell.RequestAccess, Job: j.ID, Assignment: j.Assignment, Member: j.Owner,
		Allow: hotcell.Allow{Host: host, Port: 443, Protocol: hotcell.ProtocolHTTPS}, State: hotcell.RequestPending, CreatedAt: j.CreatedAt,
	}
	w.mu.Lock()
	w.requests = append(w.requests, q)
	w.mu.Unlock()
	w.change(j.ID, func(j *hotcell.Job) { j.State = hotcell.JobWaiting })
	w.until(j.ID, func(hotcell.Job) bool {
		return w.over || slices.ContainsFunc(w.requests, func(r hotcell.Request) bool { return r.ID == q.ID && r.State != hotcell.RequestPending })
	})
	w.change(j.ID, func(j *hotcell.Job) { j.State = hotcell.JobRunning })
}
