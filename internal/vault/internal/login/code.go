package login

import (
	"context"
	"fmt"
	"sync"
	"time"

	"hotcell"
	"hotcell/internal/value/otp"
	"hotcell/internal/value/sensitive"
	"hotcell/internal/vault/internal/door"
)

// steps remember in which time step a login's code was given last: a step has one
// code, and sites take it once (RFC 6238 section 5.2).
type steps struct {
	mu   sync.Mutex
	used map[hotcell.CredentialID]int64
	// next is when the step after the last one begins.
	next map[hotcell.CredentialID]time.Time
}

// maxStepWait is how long is waited for the next step.
const maxStepWait = 61 * time.Second

// wait waits until there is a code of the login that nobody was given.
func (s *steps) wait(ctx context.Context, of *Service, _ hotcell.JobID, use hotcell.Use) error {
	s.mu.Lock()
	until := s.next[use.Credential]
	s.mu.Unlock()
	left := until.Sub(of.Now())
	if left <= 0 {
		return nil
	}
	if left > maxStepWait {
		return fmt.Errorf("%w: a code of %s was used just now: the next one is there in %d s", hotcell.ErrRateLimited, use.Name, int(left.Seconds())+1)
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// Code makes the code of now from a login that is open, once a step.
func (s *Service) Code(used *door.Used) (code sensitive.Bytes, err error) {
	for _, f := range used.Fields {
		if f.Name != hotcell.FieldOTP {
			continue
		}
		err = f.Value.Use(func(b []byte) error {
			secret, err := otp.Parse(b)
			if err != nil {
				return fmt.Errorf("%w: the one-time-code secret of %s is none", hotcell.ErrTampered, used.Use.Name)
			}
			defer secret.Key.Clear()
			made, step := secret.Code(s.Now())
			if !s.steps.take(used.Use.Credential, step, secret.Next(step)) {
				made.Clear()
				return fmt.Errorf("%w: the code of %s for this moment was used already: wait for the next", hotcell.ErrRateLimited, used.Use.Name)
			}
			code = made
			return nil
		})
		return code, err
	}
	return code, hotcell.Invalid("/code", "the login has no one-time codes")
}

// take takes a step, where it is later than the last that was taken.
func (s *steps) take(of hotcell.CredentialID, step int64, next time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if last, there := s.used[of]; there && step <= last {
		return false
	}
	if s.next == nil {
		s.next = map[hotcell.CredentialID]time.Time{}
	}
	s.used[of], s.next[of] = step, next
	return true
}
