package door

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"hotcell"
)

// The events of a refresh: its intent, and what came of it.
const (
	kindRefresh   = "connection.refresh"
	kindRefreshed = "connection.refreshed"
)

const (
	// refreshLease is how long a refresh may take before another may begin, and
	// refreshReserve how much of it is kept for storing what came.
	refreshLease   = 40 * time.Second
	refreshReserve = 5 * time.Second
	// refreshWait is how soon those who wait for a refresh look again, and
	// maxRefreshRest for how long they wait where the service is given a rest.
	refreshWait    = 25 * time.Millisecond
	maxRefreshRest = 5 * time.Second
	// longRest is how long a service has its rest where it has been asked as often as
	// is due and nothing came that can be read: twice as long each time, maxDoublings
	// times, to maxLongRest.
	longRest     = 30 * time.Second
	maxDoublings = 10
	maxLongRest  = time.Hour
	// forcedAge is how old a token must be that the service made since it did not
	// know the one before, until it may not know this one either: one that knows
	// none would be asked for another at each call.
	forcedAge = 30 * time.Second
)

// RefreshWish is a wish for a connection's token to be good.
type RefreshWish struct {
	Workspace  hotcell.WorkspaceID
	Credential hotcell.CredentialID
	// Holder names who refreshes, among all that share the store.
	Holder string
	// Refused is the version that the service did not know; 0 for none.
	Refused int
	// Suspected renews one that is broken by its service's word alone, too.
	Suspected bool
	// Attempts says how often one refresh token may be sent in a short time while it is
	// not known what came of it; 0 is as often as it takes.
	Attempts func(hotcell.Connected) int
}

// Refreshing is one refresh under way: the lease is taken, the intent durable,
// the values open. Its holder clears them, and tells by [Vault.FinishRefresh] or
// [Vault.FailRefresh] how it ended.
type Refreshing struct {
	Credential hotcell.Credential
	Fields     []Field
	journal    hotcell.Refresh
	refused    int
	attempts   int
}

// Clear clears the values.
func (r *Refreshing) Clear() { ClearFields(r.Fields) }

// BeginRefresh takes the lease of a connection's refresh, unless the newest
// version's token is good: younger than the version that the service refused, and
// far from its end. Where another holder refreshes, it returns how long to wait
// before looking again. All of it is one change of the store, so that it holds
// over all processes.
func (v *Vault) BeginRefresh(ctx context.Context, wish RefreshWish) (r *Refreshing, wait time.Duration, err error) {
	var about hotcell.Event
	var ended error
	err = v.store.Update(ctx, func(w hotcell.VaultWriter) error {
		r.forget()
		r, wait, ended = nil, 0, nil
		c, err := w.Credential(wish.Workspace, wish.Credential)
		if err != nil {
			return err
		}
		about = v.ofConnection(kindRefresh, c)
		if err := newest(w, c); err != nil {
			return err
		}
		if err := broken(w, c); err != nil && (!wish.Suspected || !suspected(c)) || good(c, wish.Refused, v.now()) {
			return err
		}
		if !c.Renewed() {
			ended, err = v.breakOff(w, c, "its token has ended, and the service gave nothing to renew it with")
			return err
		}
		journal, err := w.Refresh(wish.Workspace, wish.Credential)
		if err != nil {
			return err
		}
		var now bool
		if now, wait, err = v.refreshable(c, journal, wish); now {
			r, ended, err = v.lease(w, c, journal, wish)
		}
		return err
	})
	if err != nil {
		r.forget()
		return nil, 0, v.refused(ctx, about, err)
	}
	return r, wait, ended
}

func (r *Refreshing) forget() {
	if r != nil {
		r.Clear()
	}
}

// good says whether a connection's token need not be refreshed.
func good(c hotcell.Credential, refused int, now time.Time) bool {
	switch {
	case c.Connected == nil:
		return true
	case !c.Renewed():
		return c.Connected.Expires == nil || now.Before(*c.Connected.Expires)
	case c.Connected.Expires == nil:
		return c.Version > refused
	}
	return c.Version > refused && now.Add(margin(c)).Before(*c.Connected.Expires)
}

// lives says whether a token that is to be refreshed is one that can be used yet.
func lives(c hotcell.Credential, refused int, now time.Time) bool {
	return c.Version > refused && (c.Connected.Expires == nil || now.Before(*c.Connected.Expires))
}

// margin is how long before its end a token is refreshed: a tenth of its life,
// between a second and a minute.
func margin(c hotcell.Credential) time.Duration {
	life := c.Connected.Expires.Sub(c.UpdatedAt)
	return min(max(life/10, time.Second), time.Minute)
}

// refreshable says whether a token can be refreshed now; else for how long to wait,
// or why not. A token that lives is good enough while another refreshes it, or the
// service has its rest.
func (v *Vault) refreshable(c hotcell.Credential, journal hotcell.Refresh, wish RefreshWish) (yes bool, wait time.Duration, err error) {
	now := v.now()
	rest := journal.Rest.Sub(now)
	taken := journal.Holder != "" && journal.Holder != wish.Holder && journal.Until.After(now)
	switch {
	case (taken || rest > 0) && lives(c, wish.Refused, now):
		return false, 0, nil
	case taken:
		return false, refreshWait, nil
	case wish.Refused >= c.Version && journal.Forced.Add(forcedAge).After(now):
		return false, 0, errYoung(c)
	case rest > 0 && journal.Attempts == 1 && rest <= maxRefreshRest:
		return false, rest, nil
	case rest > 0:
		return false, 0, &NotRenewed{Name: c.Name, Reason: journal.Reason, After: rest}
	}
	return true, 0, nil
}

// lease takes the lease and opens the values. One whose refresh token came out of a
// backup is broken instead, which ended says.
func (v *Vault) lease(w hotcell.VaultWriter, c hotcell.Credential, journal hotcell.Refresh, wish RefreshWish) (r *Refreshing, ended, err error) {
	fields, err := v.open(w, c, c.Version)
	if err != nil {
		return nil, nil, err
	}
	r = &Refreshing{Credential: c, Fields: fields, refused: wish.Refused, attempts: wish.Attempts(*c.Connected)}
	token := hashOf(fields)
	attempts := 1
	if bytes.Equal(journal.Token, token) {
		attempts = journal.Attempts + 1
	}
	if token != nil && r.attempts > 0 && journal.Restored != nil && bytes.Equal(journal.Token, token) {
		r.Clear()
		ended, err = v.breakOff(w, c, "it came out of a backup, and its refresh token may have been used since: to use it twice would end the whole grant at the service")
		return nil, ended, err
	}
	r.journal = hotcell.Refresh{
		Workspace: c.Workspace, Credential: c.ID, Holder: wish.Holder, Until: v.now().Add(refreshLease), Token: token, Attempts: attempts, Forced: journal.Forced,
	}
	about := v.ofConnection(kindRefresh, c)
	about.Decision = hotcell.Allowed
	if err := errors.Join(w.PutRefresh(r.journal), w.Record(about)); err != nil {
		r.Clear()
		return nil, nil, err
	}
	return r, nil, nil
}

// hashOf is the SHA-256 of the refresh token; nil where there is none.
func hashOf(fields []Field) (out []byte) {
	for _, f := range fields {
		if f.Name == hotcell.FieldRefresh {
			_ = f.Value.Use(func(b []byte) error { sum := sha256.Sum256(b); out = sum[:]; return nil })
		}
	}
	return out
}

// RefreshTime is how long the service may take for a refresh, and the lease goes on
// beyond it: what comes in time can be stored.
func (v *Vault) RefreshTime(r *Refreshing) (ask, lease time.Duration) {
	lease = r.journal.Until.Sub(v.now())
	return lease - refreshReserve, lease
}

// RefreshLives says whether the token that was to be refreshed can be used yet.
func (v *Vault) RefreshLives(r *Refreshing) bool { return lives(r.Credential, r.refused, v.now()) }

// HoldsRefresh says whether the lease is still held: to be asked in the moment
// before the token is sent. A process that was stopped in between must not send it.
func (v *Vault) HoldsRefresh(ctx context.Context, r *Refreshing) error {
	journal := hotcell.Refresh{}
	err := v.store.View(ctx, func(w hotcell.VaultReader) (err error) {
		journal, err = w.Refresh(r.journal.Workspace, r.journal.Credential)
		return err
	})
	if err != nil {
		return err
	}
	if ask, _ := v.RefreshTime(r); ask <= 0 || !r.holds(journal) {
		return fmt.Errorf("%w: renewing the token took too long, and another may have begun", hotcell.ErrUnavailable)
	}
	return nil
}

// holds says whether what is stored is this refresh.
func (r *Refreshing) holds(journal hotcell.Refresh) bool {
	return journal.Holder == r.journal.Holder && journal.Attempts == r.journal.Attempts && journal.Until.Equal(r.journal.Until) && bytes.Equal(journal.Token, r.journal.Token)
}

// FinishRefresh stores the new values as the next version, in one change with
// the end of the journal. Where the connection was destroyed meanwhile, it is
// [hotcell.ErrNotFound]; where somebody else stored a version, theirs stays, and
// it is [hotcell.ErrConflict].
func (v *Vault) FinishRefresh(ctx context.Context, r *Refreshing, fields []Field, change func(*hotcell.Connected)) error {
	return v.store.Update(context.WithoutCancel(ctx), func(w hotcell.VaultWriter) error {
		c, put, err := refreshed(w, r.Credential)
		if err != nil {
			return err
		}
		if c.Version != r.Credential.Version || c.Connected == nil {
			return hotcell.ErrConflict
		}
		connected := *c.Connected
		change(&connected)
		c.Connected, c.Version, c.UpdatedAt = &connected, c.Version+1, v.now()
		about := v.ofConnection(kindRefreshed, c)
		about.Decision = hotcell.Allowed
		if err := v.Seal(&Act{VaultWriter: w}, c, fields); err != nil {
			return err
		}
		journal := hotcell.Refresh{Workspace: c.Workspace, Credential: c.ID, Forced: r.journal.Forced}
		if r.refused >= r.Credential.Version {
			journal.Forced = v.now()
		}
		return errors.Join(put(c, journal), w.Record(about), Prune(w, c))
	})
}

// refreshed finds the connection whose tokens came, and says how it is stored with its
// journal. One that was deleted meanwhile gets them too: it may be taken back, and its old
// refresh token may be no good any more.
func refreshed(w hotcell.VaultWriter, of hotcell.Credential) (c hotcell.Credential, put func(hotcell.Credential, hotcell.Refresh) error, err error) {
	c, err = w.Credential(of.Workspace, of.ID)
	if !errors.Is(err, hotcell.ErrNotFound) {
		return c, func(c hotcell.Credential, journal hotcell.Refresh) error {
			return errors.Join(w.PutCredential(c), w.PutRefresh(journal))
		}, err
	}
	d, err := w.DeletedCredential(of.Workspace, of.ID)
	return d.Credential, func(c hotcell.Credential, journal hotcell.Refresh) error {
		d.Credential, d.Refresh = c, journal
		return w.PutDeleted(d)
	}, err
}

// RefreshFault is how a refresh failed.
type RefreshFault int

// The ways.
const (
	// RefreshUnavailable: the service did not do it, and may later.
	RefreshUnavailable RefreshFault = iota
	// RefreshAmbiguous: it may have done it.
	RefreshAmbiguous
	// RefreshRevoked: it says that the grant is no more.
	RefreshRevoked
)

// RefreshFailure is what is known of a refresh that failed.
type RefreshFailure struct {
	Fault RefreshFault
	// Rest is how long nobody tries again.
	Rest time.Duration
	// Reason says why the service refuses; empty where it was not there.
	Reason string
}

// FailRefresh gives the lease back, and keeps what is known. A connection whose
// grant is no more is broken from then on. A lease that another took meanwhile is
// left alone.
func (v *Vault) FailRefresh(ctx context.Context, r *Refreshing, failure RefreshFailure) error {
	return v.store.Update(context.WithoutCancel(ctx), func(w hotcell.VaultWriter) error {
		c, err := w.Credential(r.Credential.Workspace, r.Credential.ID)
		if errors.Is(err, hotcell.ErrNotFound) || err == nil && c.Version != r.Credential.Version {
			return nil
		}
		if err != nil {
			return err
		}
		if failure.Fault == RefreshRevoked {
			_, err := v.breakOff(w, c, "the service says that what was granted is not good any more")
			return errors.Join(err, w.PutRefresh(hotcell.Refresh{Workspace: c.Workspace, Credential: c.ID}))
		}
		stored, err := w.Refresh(c.Workspace, c.ID)
		if err != nil || !r.holds(stored) {
			return err
		}
		journal := r.journal
		journal.Holder, journal.Until, journal.Reason = "", time.Time{}, failure.Reason
		journal.Rest = v.now().Add(failure.Rest)
		switch {
		case failure.Fault == RefreshUnavailable:
			journal.Attempts--
		case r.attempts > 0 && journal.Attempts >= r.attempts:
			// What came of it may be lost. Whether the grant is, the service says by its
			// answer to the next try, which is not soon: it may take many of them for theft.
			journal.Rest = v.now().Add(max(failure.Rest, min(longRest<<min(journal.Attempts-r.attempts, maxDoublings), maxLongRest)))
		}
		return w.PutRefresh(journal)
	})
}
