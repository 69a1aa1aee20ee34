package connection

import (
	"context"
	"errors"
	"time"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
)

// The rhythm in which a suspected connection is asked about: a minute after it was
// broken, then after twice the time each, for a day: eleven times.
const (
	firstAsk = time.Minute
	lastAsk  = 24 * time.Hour
)

// Reconsider asks the services of the connections that are broken by their word alone
// whether they know the key again, each at its time and apart from all jobs. One that
// works is active from then on; what a service says else changes nothing.
func (s *Service) Reconsider(ctx context.Context) error {
	list, err := s.Vault.Suspected(ctx)
	if err != nil {
		return err
	}
	var all []error
	for _, c := range s.due(list) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		by := hotcell.Principal{Workspace: c.Workspace, Member: c.Owner, Via: "vault"}
		_, err := s.Test(ctx, &vaultrpc.TestConnectionRequest{By: vaultrpc.As(by), ID: c.ID})
		// Whose owner is gone, or whose service nobody can ask, waits for a person.
		if !errors.Is(err, hotcell.ErrDenied) && !errors.Is(err, hotcell.ErrNotFound) && !errors.Is(err, hotcell.ErrInvalid) {
			all = append(all, err)
		}
	}
	return errors.Join(all...)
}

// due are those of the list whose time has come, and takes it as used.
func (s *Service) due(list []hotcell.Credential) (out []hotcell.Credential) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, kept := s.Now(), make(map[hotcell.CredentialID]time.Time, len(list))
	for _, c := range list {
		broken := c.Connected.Broken.At
		last := s.asked[c.ID]
		if last.Before(broken) { // of a time before
			last = broken
		}
		if now.Sub(broken) <= lastAsk && now.Sub(last) >= max(last.Sub(broken), firstAsk) {
			out, last = append(out, c), now
		}
		kept[c.ID] = last
	}
	s.asked = kept
	return out
}
