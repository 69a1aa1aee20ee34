package apitest

import (
	"context"

	"hotcell"
	"hotcell/internal/vaultrpc"
)

func (v *vault) Requests(context.Context, *vaultrpc.RequestsRequest) (*vaultrpc.RequestsAnswer, error) {
	leave, err := v.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	return &vaultrpc.RequestsAnswer{Requests: v.requests}, nil
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
