package people

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/vault/internal/door"
)

// pending are the operations that wait to be confirmed, or to be done once they are. They
// live in memory: who confirmed one before the process ended confirms it again.
type pending struct {
	mu  sync.Mutex
	all map[hotcell.OperationID]*waiting
}

// waiting is one of them.
type waiting struct {
	hotcell.Operation
	session hotcell.SessionID
	// sum is over the procedure, the message and the sentence.
	sum       [sha256.Size]byte
	confirmed bool
}

// mostPending is how many wait at a time, of one session and in all.
const (
	mostPendingEach = 16
	mostPending     = 4096
)

func newPending() *pending { return &pending{all: map[hotcell.OperationID]*waiting{}} }

// take uses a confirmation up, or returns what is to be confirmed.
func (p *pending) take(session hotcell.SessionID, sum [sha256.Size]byte, text string, now time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var oldest *waiting
	own := 0
	for id, w := range p.all {
		if !now.Before(w.ExpiresAt) {
			delete(p.all, id)
			continue
		}
		if w.session != session {
			continue
		}
		if w.sum == sum {
			if w.confirmed {
				delete(p.all, id)
				return nil
			}
			return &hotcell.ConfirmError{Operation: w.Operation}
		}
		if own++; oldest == nil || w.ExpiresAt.Before(oldest.ExpiresAt) {
			oldest = w
		}
	}
	if own >= mostPendingEach {
		delete(p.all, oldest.ID)
	}
	if len(p.all) >= mostPending {
		return fmt.Errorf("%w: too much waits to be confirmed: try again in some minutes", hotcell.ErrRateLimited)
	}
	w := &waiting{session: session, sum: sum, Operation: hotcell.Operation{ID: hotcell.OperationID(hotcell.NewID(hotcell.PrefixOperation)), Text: text, ExpiresAt: now.Add(hotcell.OperationTime)}}
	p.all[w.ID] = w
	return &hotcell.ConfirmError{Operation: w.Operation}
}

// find returns a session's operation.
func (p *pending) find(session hotcell.SessionID, id hotcell.OperationID, now time.Time) (hotcell.Operation, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := p.all[id]
	if w == nil || session == "" || w.session != session || !now.Before(w.ExpiresAt) {
		return hotcell.Operation{}, hotcell.ErrNotFound
	}
	return w.Operation, nil
}

// confirm has it done at the next time that it is asked for.
func (p *pending) confirm(id hotcell.OperationID) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := p.all[id]
	if w == nil {
		return hotcell.ErrNotFound
	}
	w.confirmed = true
	return nil
}

// Confirmed lets an operation pass once that was confirmed for this session, this message
// and this sentence; else it is a [hotcell.ConfirmError]. An API token needs none, since
// its making said what it may do; nor does the data folder's owner, whom the kernel vouches
// for.
func (s *Service) Confirmed(p hotcell.Principal, procedure, text string, message any) error {
	if p.Session == "" {
		return nil
	}
	said, err := json.Marshal([]any{procedure, text, p.Workspace, message})
	if err != nil {
		return fmt.Errorf("writing an operation down: %w", err)
	}
	return s.pending.take(p.Session, sha256.Sum256(said), text, s.now())
}

// Operation is what waits to be confirmed.
func (s *Service) Operation(p hotcell.Principal, id hotcell.OperationID) (hotcell.Operation, error) {
	return s.pending.find(p.Session, id, s.now())
}

// Confirm confirms an operation, by the password of the account, sealed for the sentence
// that the person has seen.
func (s *Service) Confirm(ctx context.Context, r *vaultrpc.ConfirmRequest) error {
	o, err := s.Operation(r.Principal, r.ID)
	if err != nil {
		return err
	}
	p, err := s.open(vaultrpc.ConfirmItem(o.ID, o.Text), vaultrpc.FieldConfirm, r.Message)
	if err != nil {
		return err
	}
	defer p.clear()
	var who hotcell.Person
	if err := s.vault.Recognise(ctx, func(v hotcell.VaultReader) (err error) {
		who, err = person(v, r.Principal)
		return err
	}); err != nil {
		return err
	}
	about := hotcell.Event{Workspace: r.Principal.Workspace, Member: r.Principal.Member, Kind: "account.confirm", Decision: hotcell.Allowed, Via: r.Principal.Via, Request: r.Principal.Request, Name: who.Name, Reason: o.Text}
	if _, _, err := s.prove(ctx, who.Name, place{session: r.Principal.Session}, p.password); errors.Is(err, errWrong) {
		about.Decision = hotcell.Refused
		return errors.Join(fmt.Errorf("%w: the password is not right", hotcell.ErrDenied), s.vault.Tell(ctx, about))
	} else if err != nil {
		return err
	}
	if err := s.vault.Enter(ctx, func(e *door.Entry) error { return errors.Join(s.vault.See(e, p.message), e.Note(about)) }); err != nil {
		return err
	}
	return s.pending.confirm(o.ID)
}
