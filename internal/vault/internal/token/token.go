// Package token keeps the tokens of connections good, in the vault's process:
// it refreshes them before their end, and when a service says that it does not
// know one any more.
//
// It guards that a refresh token is sent by one at a time over all processes,
// and at most once more where it is not known what came of it: services that
// rotate refresh tokens take a second use for a theft, and end the whole grant.
// It opens no token for anybody. One way to use it:
//
//	err := keeper.Ensure(ctx, workspace, connection, 0)
package token

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"hotcell"
	"hotcell/internal/catalog/connector"
	"hotcell/internal/line/border"
	"hotcell/internal/vault/internal/door"
	"hotcell/internal/vault/internal/oauth"
)

// Config is what a keeper needs.
type Config struct {
	Vault   *door.Vault
	Catalog *connector.Catalog
	OAuth   *oauth.Service
	// Holder names this keeper among all that share the store.
	Holder string
	// Pause is how long a service has after a reply that was lost, before it is asked
	// once more; 0 is 5 s.
	Pause time.Duration
	Log   *slog.Logger
}

// Keeper keeps tokens good. It may be used at once from anywhere.
type Keeper struct {
	Config
	mu    sync.Mutex
	under map[hotcell.CredentialID]*flight
	// closed is closed when nothing more is to be begun; flights are under way.
	closed  chan struct{}
	once    sync.Once
	flights sync.WaitGroup
}

// flight is one look at a connection that many wait for.
type flight struct {
	refused int
	done    chan struct{}
	err     error
}

// New is a keeper.
func New(c Config) *Keeper {
	c.Pause = cmp.Or(c.Pause, pause)
	return &Keeper{Config: c, under: map[hotcell.CredentialID]*flight{}, closed: make(chan struct{})}
}

// closeTime is how long what was sent may take to be answered, and stored, at the end.
const closeTime = 4 * time.Second

// Close begins nothing more, and gives what was sent a moment: a new pair that is on
// its way is not to be lost.
func (k *Keeper) Close() {
	k.once.Do(func() {
		k.mu.Lock()
		close(k.closed)
		k.mu.Unlock()
	})
	done := make(chan struct{})
	border.Go("the last refreshes", border.Log(k.Log), func() { defer close(done); k.flights.Wait() })
	select {
	case <-done:
	case <-time.After(closeTime):
	}
}

// open says whether anything may be begun.
func (k *Keeper) open() error {
	select {
	case <-k.closed:
		return fmt.Errorf("%w: the vault is being stopped", hotcell.ErrUnavailable)
	default:
		return nil
	}
}

// Ensure sees to it that the newest version of a connection has a token that is
// good, and is not the version that the service refused; 0 for none. It fails
// with [hotcell.ErrNeedsReconnect] where a person must renew it, and with
// [hotcell.ErrUnavailable] where the service is not there.
func (k *Keeper) Ensure(ctx context.Context, ws hotcell.WorkspaceID, id hotcell.CredentialID, refused int) error {
	for {
		f, first, err := k.join(id, refused)
		if err != nil {
			return err
		}
		if first {
			return k.lead(ctx, f, ws, id)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-f.done:
		}
		if f.refused >= refused {
			return f.err
		}
	}
}

// Revive is [Keeper.Ensure] of a connection that is broken by its service's word alone:
// its token may be renewed, which takes nothing back of that.
func (k *Keeper) Revive(ctx context.Context, ws hotcell.WorkspaceID, id hotcell.CredentialID, refused int) error {
	f, first, err := k.join(id, refused)
	if err != nil {
		return err
	}
	busy := fmt.Errorf("%w: the connection's token is being renewed", hotcell.ErrUnavailable)
	if !first {
		return busy
	}
	f.err = busy
	defer k.leave(id, f)
	f.err = k.ensure(context.WithoutCancel(ctx), k.wish(ws, id, refused, true))
	return f.err
}

func (k *Keeper) join(id hotcell.CredentialID, refused int) (f *flight, first bool, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.open(); err != nil {
		return nil, false, err
	}
	if f := k.under[id]; f != nil {
		return f, false, nil
	}
	f = &flight{refused: refused, done: make(chan struct{})}
	k.under[id] = f
	k.flights.Add(1)
	return f, true, nil
}

// lead looks at a connection for all that wait. Whoever asked may go; the refresh
// that was begun is ended.
func (k *Keeper) lead(ctx context.Context, f *flight, ws hotcell.WorkspaceID, id hotcell.CredentialID) error {
	f.err = fmt.Errorf("%w: the connection's token was not renewed", hotcell.ErrUnavailable)
	defer k.leave(id, f) // whatever happens: nobody waits for ever
	f.err = k.ensure(context.WithoutCancel(ctx), k.wish(ws, id, f.refused, false))
	return f.err
}

func (k *Keeper) leave(id hotcell.CredentialID, f *flight) {
	k.mu.Lock()
	delete(k.under, id)
	k.mu.Unlock()
	close(f.done)
	k.flights.Done()
}

// maxWait bounds how long another's refresh is waited for.
const maxWait = 90 * time.Second

func (k *Keeper) wish(ws hotcell.WorkspaceID, id hotcell.CredentialID, refused int, suspected bool) door.RefreshWish {
	return door.RefreshWish{Workspace: ws, Credential: id, Holder: k.Holder, Refused: refused, Suspected: suspected, Attempts: k.attempts}
}

// ensure refreshes, or waits until somebody else has.
func (k *Keeper) ensure(ctx context.Context, wish door.RefreshWish) error {
	ctx, cancel := context.WithTimeout(ctx, maxWait)
	defer cancel()
	for {
		r, wait, err := k.Vault.BeginRefresh(ctx, wish)
		switch {
		case err != nil:
			return err
		case r != nil:
			again, err := k.refresh(ctx, r)
			r.Clear()
			if !again {
				return err
			}
			continue
		case wait == 0:
			return nil
		}
		select {
		case <-k.closed:
			return k.open()
		case <-ctx.Done():
			return fmt.Errorf("%w: the connection's token is being renewed, and that takes long", hotcell.ErrUnavailable)
		case <-time.After(wait):
		}
	}
}

// maxAttempts is how often one refresh token is sent in a short time: once, and once more
// where it is not known what came of that. After that, it is sent at long distances, until
// the service says whether the grant is at its end.
const maxAttempts = 2

// attempts is how often one refresh token of a connection may be sent. One that goes
// on when it was used is no theft when it comes again.
func (k *Keeper) attempts(c hotcell.Connected) int {
	of, ok := k.Catalog.Find(c.Connector)
	if !ok {
		return maxAttempts
	}
	if way, err := of.Of(&c); err == nil && way.Auth.Refresh == connector.Keeps {
		return 0
	}
	return maxAttempts
}

const (
	// pause is how long a service has after a reply that was lost; one that had a
	// fault has busyPauses of it. What is short is no end of a connection.
	pause      = 5 * time.Second
	busyPauses = 6
	// rest is how long nobody asks a service that did not take the question, and
	// refusedRest one that refuses it: that is a matter of settings, not of moments.
	rest        = 2 * time.Second
	refusedRest = 30 * time.Second
)

// refresh asks the service, and stores what it says before anybody uses it.
// Again is true where it is worth one more look: it is not known what came of it.
func (k *Keeper) refresh(ctx context.Context, r *door.Refreshing) (again bool, err error) {
	tokens, err := k.ask(ctx, r)
	if err != nil {
		return k.failed(ctx, r, err)
	}
	defer tokens.Clear()
	fields, err := next(r, tokens)
	if err != nil {
		return false, err
	}
	err = k.store(ctx, r, fields, func(c *hotcell.Connected) {
		expires := tokens.Expires
		if expires.IsZero() {
			c.Expires = nil
		} else {
			c.Expires = &expires
		}
		if tokens.Scopes != nil {
			c.Scopes = tokens.Scopes
		}
	})
	switch {
	case errors.Is(err, hotcell.ErrConflict):
		return true, nil // somebody else's version stands
	case errors.Is(err, hotcell.ErrNotFound):
		k.abandon(ctx, r, tokens)
		return false, fmt.Errorf("%w: the connection was deleted", hotcell.ErrDenied)
	case err != nil:
		return false, err
	}
	return false, nil
}

// The rhythm of storing.
const (
	firstTry = 50 * time.Millisecond
	maxTry   = 2 * time.Second
)

// store stores the new pair. A store that is busy or full is tried again as long as
// nobody else may ask the service: the old token may be no good any more.
func (k *Keeper) store(ctx context.Context, r *door.Refreshing, fields []door.Field, change func(*hotcell.Connected)) error {
	for wait := firstTry; ; wait = min(2*wait, maxTry) {
		err := k.Vault.FinishRefresh(ctx, r, fields, change)
		_, left := k.Vault.RefreshTime(r)
		if err == nil || errors.Is(err, hotcell.ErrConflict) || errors.Is(err, hotcell.ErrNotFound) || errors.Is(err, hotcell.ErrTampered) || left <= wait {
			return err
		}
		k.Log.Warn("new tokens could not be stored yet", "connection", r.Credential.ID, "error", err)
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait):
		}
	}
}

// next are the values of the next version: the new tokens, and of the old values
// what goes on.
func next(r *door.Refreshing, tokens *oauth.Tokens) ([]door.Field, error) {
	fields := make([]door.Field, 0, len(r.Fields))
	access := false
	for _, f := range r.Fields {
		switch {
		case f.Name == hotcell.FieldAccess:
			access = true
			fields = append(fields, door.Field{Name: f.Name, Value: tokens.Access})
		case f.Name == hotcell.FieldRefresh && tokens.Refresh.Len() > 0:
			fields = append(fields, door.Field{Name: f.Name, Value: tokens.Refresh})
		default:
			fields = append(fields, f)
		}
	}
	if !access {
		return nil, fmt.Errorf("%w: the connection has no place for a token", hotcell.ErrTampered)
	}
	return fields, nil
}

// failed tells the vault how a refresh failed, and says what it means for
// whoever waits: nothing, where the token lives.
func (k *Keeper) failed(ctx context.Context, r *door.Refreshing, cause error) (again bool, err error) {
	c := r.Credential
	fault, ok := errors.AsType[*oauth.Fault](cause)
	if !ok {
		k.Log.Error("refreshing a connection", "connection", c.ID, "error", cause)
		err := k.Vault.FailRefresh(ctx, r, door.RefreshFailure{Rest: rest})
		return false, errors.Join(cause, err)
	}
	k.Log.Warn("a connection was not refreshed", "connection", c.ID, "connector", c.Connected.Connector, "reason", fault.Error())
	failure := door.RefreshFailure{Rest: max(fault.After, rest)}
	switch fault.Kind {
	case oauth.Revoked:
		failure.Fault, again = door.RefreshRevoked, true // to be told as everybody is from now on
	case oauth.Ambiguous:
		failure.Fault, again = door.RefreshAmbiguous, true
		failure.Rest = max(fault.After, k.Pause)
		if fault.Status > 0 || k.Vault.RefreshLives(r) { // nobody waits for it, and it is sent once more, and then seldom
			failure.Rest = max(fault.After, busyPauses*k.Pause)
		}
	case oauth.Refused:
		failure.Rest, failure.Reason = refusedRest, fault.Error()
	case oauth.Unavailable, oauth.Waiting:
	}
	if err := k.Vault.FailRefresh(ctx, r, failure); err != nil || again {
		return again && err == nil, err
	}
	if k.Vault.RefreshLives(r) {
		return false, nil
	}
	return false, &door.NotRenewed{Name: c.Name, Reason: failure.Reason, After: failure.Rest}
}
