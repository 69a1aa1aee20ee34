package call

import (
	"context"

	"hotcell"
	"hotcell/internal/budget"
	"hotcell/internal/connector"
)

// reading begins to read for a job, which has few readers at once: another's text waits
// for none of them.
func (s *Service) reading(job hotcell.JobID) connector.Opener {
	return func(ctx context.Context) (connector.Reader, error) {
		release, err := s.Budget.Of(string(job)).Wait(ctx, budget.Reading, 1)
		if err != nil {
			return nil, err
		}
		by, err := s.Reads(ctx)
		if err != nil {
			release()
			return nil, err
		}
		return &counted{by, release}, nil
	}
}

// counted is a reader that is given back when it is closed.
type counted struct {
	connector.Reader
	release func()
}

// Close implements [connector.Reader].
func (c *counted) Close() {
	c.Reader.Close()
	c.release()
}
