package call

import (
	"context"

	"hotcell"
	"hotcell/internal/catalog/connector"
	"hotcell/internal/vault/internal/courier"
	"hotcell/internal/wire/budget"
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

// holding counts what a job's calls have in memory of large answers.
func (s *Service) holding(job hotcell.JobID) courier.Hold {
	return func(ctx context.Context, n int64) (func(), error) {
		return s.Budget.Of(string(job)).Wait(ctx, budget.Buffered, n)
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
