package forward

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"hotcell"
	"hotcell/internal/line/border"
	"hotcell/internal/wire/budget"
)

// copies is how many of a body there are at once: as it came, and as it goes on.
const copies = 2

// unsaid is how much of a body that does not say how long it is may be held
// before room for the largest is waited for.
const unsaid = 64 << 10

// whole reads a request's body as a whole, of at most maxSwapped bytes, once the
// job may hold as much in memory; until ctx ends, which is the request's life.
// Somebody who sends slowly holds the job's own room, and nobody else's.
func (s *Service) whole(ctx context.Context, job hotcell.JobID, r *http.Request) ([]byte, error) {
	size := r.ContentLength
	if size > maxSwapped {
		return nil, errLarge
	}
	if size < 0 {
		size = unsaid
	}
	if err := s.hold(ctx, job, size*copies); err != nil {
		return nil, err
	}
	text := bytes.NewBuffer(make([]byte, 0, size+bytes.MinRead))
	_, err := io.CopyN(text, r.Body, size)
	if err == nil && r.ContentLength < 0 {
		if err = s.hold(ctx, job, (maxSwapped-size)*copies); err == nil {
			_, err = io.Copy(text, io.LimitReader(r.Body, maxSwapped+1-size))
		}
	}
	switch {
	case errors.Is(err, hotcell.ErrRateLimited):
		return nil, err
	case err != nil && (!errors.Is(err, io.EOF) || r.ContentLength > 0):
		return nil, fmt.Errorf("%w: reading the body: %w", hotcell.ErrUnavailable, err)
	case text.Len() > maxSwapped:
		return nil, errLarge
	}
	return text.Bytes(), nil
}

var errLarge = fmt.Errorf("%w: values are put into bodies of at most %d MiB", hotcell.ErrDenied, maxSwapped>>20)

func (s *Service) hold(ctx context.Context, job hotcell.JobID, n int64) error {
	release, err := s.Budget.Of(string(job)).Wait(ctx, budget.Buffered, n)
	if err == nil {
		border.WithEnd(ctx, "the end of a request", border.Log(s.Log), release)
	}
	return err
}

// underway has a request of a job wait until one more may be under way. It
// answers, and returns false, where too many wait already.
func (s *Service) underway(w http.ResponseWriter, r *http.Request, job hotcell.JobID) (over func(), ok bool) {
	over, err := s.Budget.Of(string(job)).Wait(r.Context(), budget.Requests, 1)
	if err != nil {
		s.fault(w, err)
		return nil, false
	}
	return over, true
}
