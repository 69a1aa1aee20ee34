// Package people knows who asks: it keeps accounts, sessions, API tokens and invitations,
// judges what a request proves itself by, and says which member of which workspace that
// is. Nobody else does: what the control plane says of a person is what it was given here.
//
// It guards that a password is held against a verifier nowhere else, that a bearer is kept
// as a hash alone, and that a wrong answer tells nothing of the account. It holds no rules
// about what somebody may do ([access] does) and opens no credential. One way to use it:
//
//	principal, err := service.Authenticate(ctx, claimed)
package people

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hotcell"
	"hotcell/internal/vault/internal/door"
)

// Service judges bearers, and keeps what they stand for.
type Service struct {
	vault     *door.Vault
	locals    *Locals
	known     *known
	throttle  *throttle
	verifiers verifiers
	pending   *pending
	now       func() time.Time
}

// New judges for a vault; locals are those whom its own socket let in.
func New(vault *door.Vault, locals *Locals, now func() time.Time) *Service {
	return &Service{vault: vault, locals: locals, known: newKnown(), throttle: newThrottle(now), verifiers: newVerifiers(), pending: newPending(), now: now}
}

// errUnknown is told of whatever is no bearer: it says no more of the one than of the other.
var errUnknown = fmt.Errorf("%w: nobody is signed in by what was sent", hotcell.ErrSignIn)

// errOver is told of what was a bearer, to who has it.
var errOver = fmt.Errorf("%w: what you were signed in by is over", hotcell.ErrSignIn)

// Authenticate says who has a bearer. Of what the asker claims, the id of the request is
// kept, and the workspace where they belong to it; all else is what the vault knows. It
// is [hotcell.ErrSignIn] for a bearer that is none, or not any more, and
// [hotcell.ErrNotFound] for a workspace that they are not in.
func (s *Service) Authenticate(ctx context.Context, claimed hotcell.Principal) (who hotcell.Principal, err error) {
	switch b := claimed.Bearer; {
	case b.Is(hotcell.BearerSession), b.Is(hotcell.BearerToken):
		who, err = s.recognise(ctx, claimed)
	default:
		who, err = s.local(claimed)
	}
	who.Request = claimed.Request
	return who, err
}

func (s *Service) local(claimed hotcell.Principal) (who hotcell.Principal, err error) {
	found := s.locals.find(claimed.Bearer)
	if found == nil {
		return who, errUnknown
	}
	who = found.who
	if found.owner {
		who = s.vault.Local()
	}
	if claimed.Workspace != "" && claimed.Workspace != who.Workspace {
		return hotcell.Principal{}, errNoWorkspace
	}
	return who, nil
}

// errNoWorkspace is told of a workspace that somebody is not in, as of one that is not there.
var errNoWorkspace = fmt.Errorf("%w: there is no such workspace, or you are not in it", hotcell.ErrNotFound)

// recognise finds out what a session's or a token's bearer stands for.
func (s *Service) recognise(ctx context.Context, claimed hotcell.Principal) (hotcell.Principal, error) {
	sum := claimed.Bearer.Sum()
	one, at := s.known.find(sum)
	if one == nil {
		var err error
		if one, err = s.read(ctx, claimed.Bearer); err != nil {
			return hotcell.Principal{}, err
		}
		if s.vault.Remembers() {
			s.known.keep(sum, one, at)
		}
	}
	now := s.now()
	if one.over(now) {
		return hotcell.Principal{}, errOver
	}
	s.touch(ctx, sum, one, now)
	return one.in(claimed.Workspace)
}

// read reads what a bearer stands for from the store.
func (s *Service) read(ctx context.Context, b hotcell.Bearer) (one *bearer, err error) {
	sum := b.Sum()
	err = s.vault.Recognise(ctx, func(r hotcell.VaultReader) error {
		one = &bearer{}
		if b.Is(hotcell.BearerToken) {
			t, err := r.TokenOf(sum)
			if err != nil {
				return err
			}
			m, err := r.Member(t.Workspace, t.Member)
			one.token, one.members, one.seen = &t, []hotcell.Member{m}, t.UsedAt
			return err
		}
		session, err := r.SessionOf(sum)
		if err != nil {
			return err
		}
		one.session, one.seen = session, session.SeenAt
		one.members, err = r.Memberships(session.Person)
		return err
	})
	if errors.Is(err, hotcell.ErrNotFound) {
		return nil, errUnknown
	}
	return one, err
}

// touchEvery is how exactly it is kept when something was used last.
const touchEvery = 5 * time.Minute

// touch notes that something is used. That is for people to see and for what ends unused:
// where it cannot be stored, the use itself cannot be recorded either, and fails there.
func (s *Service) touch(ctx context.Context, sum [32]byte, one *bearer, now time.Time) {
	if !one.due(now) {
		return
	}
	_ = s.vault.Touch(context.WithoutCancel(ctx), func(w hotcell.VaultWriter) error {
		if one.token != nil {
			t, err := w.TokenOf(sum)
			if err != nil {
				return err
			}
			t.UsedAt = now
			return w.PutToken(sum, t)
		}
		session, err := w.SessionOf(sum)
		if err != nil {
			return err
		}
		session.SeenAt = now
		return w.PutSession(sum, session)
	})
}
