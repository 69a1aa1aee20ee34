package job

import (
	"context"
	"fmt"
	"io"

	"hotcell"
	"hotcell/internal/line/cellrpc"
)

// Browsers reach the browsers of jobs; [Remote] does.
type Browsers interface {
	Browser(ctx context.Context, id hotcell.JobID, hand *cellrpc.Hand) (io.ReadCloser, error)
}

// Browser shows a job's browser, or does something in it, for the job's own
// principal: it may be signed in as them, so it is nobody else's to see or to have.
func (s *Service) Browser(ctx context.Context, p hotcell.Principal, id hotcell.JobID, hand *cellrpc.Hand) (io.ReadCloser, error) {
	j, err := s.Job(ctx, p, id)
	if err != nil {
		return nil, err
	}
	browsers, ok := s.Worker.(Browsers)
	switch {
	case j.Owner != p.Member:
		return nil, fmt.Errorf("%w: a job's browser may be signed in as the member that it runs for, and is theirs alone to see", hotcell.ErrDenied)
	case j.State.Final() || !ok:
		return nil, fmt.Errorf("%w: the job has ended: %s", hotcell.ErrConflict, j.State)
	}
	return browsers.Browser(ctx, id, hand)
}
