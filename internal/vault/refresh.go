package vault

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"hotcell"
)

// The events of a refresh: its intent, what came of it, and the end of a
// connection that cannot be refreshed any more.
const (
	kindRefresh   = "connection.refresh"
	kindRefreshed = "connection.refreshed"
	kindBreak     = "connection.break"
)

const (
	// refreshLease is how long a refresh may take before another may begin.
	refreshLease = 40 * time.Second
	// maxAttempts is how often one refresh token is sent: once, and once more
	// where it is not known what came of that.
	maxAttempts = 2
	// refreshWait is how soon those who wait for a refresh look again.
	refreshWait = 25 * time.Millisecond
)

// Refreshing is one refresh under way: the lease is taken, the intent durable,
// the values open. Its holder clears them, and tells by [Vault.FinishRefresh] or
// [Vault.FailRefresh] how it ended.
type Refreshing struct {
	Credential hotcell.Credential
	Fields     []Field
	journal    hotcell.Refresh
}

// Clear clears the values.
func (r *Refreshing) Clear() { ClearFields(r.Fields) }

// BeginRefresh takes the lease of a connection's refresh for holder, unless the
// newest version's token is good: younger than the version that the service
// refused, and far from its end. Where another holder refreshes, it returns how
// long to wait before looking again. All of it is one change of the store, so
// that it holds over all processes.
func (v *Vault) BeginRefresh(ctx context.Context, ws hotcell.WorkspaceID, id hotcell.CredentialID, holder string, refused int) (r *Refreshing, wait time.Duration, err error) {
	var about hotcell.Event
	err = v.store.Update(ctx, func(w hotcell.VaultWriter) error {
		r.forget()
		r, wait = nil, 0
		c, err := w.Credential(ws, id)
		if err != nil {
			return err
		}
		about = v.ofConnection(kindRefresh, c)
		if err := newest(w, c); err != nil {
			return err
		}
		if err := broken(w, c); err != nil || good(c, refused, v.now()) {
			return err
		}
		journal, err := w.Refresh(ws, id)
		if err != nil {
			return err
		}
		switch now := v.now(); {
		case journal.Holder != "" && journal.Holder != holder && journal.Until.After(now):
			wait = refreshWait
			return nil
		case journal.Rest.After(now):
			return fmt.Errorf("%w: the service that %q is connected to does not answer: try again in a moment", hotcell.ErrUnavailable, c.Name)
		}
		r, err = v.lease(w, c, journal, holder)
		return err
	})
	if err != nil {
		r.forget()
		return nil, 0, v.refused(ctx, about, err)
	}
	if r != nil && r.Fields == nil {
		return nil, 0, fmt.Errorf("%w: %s", hotcell.ErrNeedsReconnect, r.Credential.Connected.Broken.Reason)
	}
	return r, wait, nil
}

func (r *Refreshing) forget() {
	if r != nil {
		r.Clear()
	}
}

// good says whether a connection's token need not be refreshed.
func good(c hotcell.Credential, refused int, now time.Time) bool {
	if !c.Renewed() {
		return true
	}
	return c.Version > refused && now.Add(margin(c)).Before(*c.Connected.Expires)
}

// margin is how long before its end a token is refreshed: a tenth of its life,
// between a second and a minute.
func margin(c hotcell.Credential) time.Duration {
	life := c.Connected.Expires.Sub(c.UpdatedAt)
	return min(max(life/10, time.Second), time.Minute)
}

// lease takes the lease and opens the values; one whose refresh token was sent
// as often as it may be is broken instead, and has no fields.
func (v *Vault) lease(w hotcell.VaultWriter, c hotcell.Credential, journal hotcell.Refresh, holder string) (*Refreshing, error) {
	fields, err := v.open(w, c, c.Version)
	if err != nil {
		return nil, err
	}
	r := &Refreshing{Credential: c, Fields: fields}
	token := hashOf(fields)
	attempts := 1
	if bytes.Equal(journal.Token, token) {
		attempts = journal.Attempts + 1
	}
	if token != nil && attempts > maxAttempts {
		r.Clear()
		r.Fields = nil
		r.Credential, err = v.breakOff(w, c, "its token may have been renewed at the service, and what came of that was lost")
		return r, err
	}
	r.journal = hotcell.Refresh{Workspace: c.Workspace, Credential: c.ID, Holder: holder, Until: v.now().Add(refreshLease), Token: token, Attempts: attempts}
	about := v.ofConnection(kindRefresh, c)
	about.Decision = hotcell.Allowed
	if err := errors.Join(w.PutRefresh(r.journal), w.Record(about)); err != nil {
		r.Clear()
		return nil, err
	}
	return r, nil
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

// FinishRefresh stores the new values as the next version, in one change with
// the end of the journal. Where the connection was deleted meanwhile, it is
// [hotcell.ErrNotFound]; where somebody else stored a version, theirs stays, and
// it is [hotcell.ErrConflict].
func (v *Vault) FinishRefresh(ctx context.Context, r *Refreshing, fields []Field, change func(*hotcell.Connected)) error {
	return v.store.Update(context.WithoutCancel(ctx), func(w hotcell.VaultWriter) error {
		c, err := w.Credential(r.Credential.Workspace, r.Credential.ID)
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
		if err := errors.Join(w.PutCredential(c), v.Seal(&Act{VaultWriter: w}, c, fields)); err != nil {
			return err
		}
		return errors.Join(w.PutRefresh(hotcell.Refresh{Workspace: c.Workspace, Credential: c.ID}), w.Record(about), Prune(w, c))
	})
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

// FailRefresh gives the lease back, and keeps what is known. A connection whose
// grant is no more is broken from then on.
func (v *Vault) FailRefresh(ctx context.Context, r *Refreshing, fault RefreshFault, rest time.Duration) error {
	return v.store.Update(context.WithoutCancel(ctx), func(w hotcell.VaultWriter) error {
		c, err := w.Credential(r.Credential.Workspace, r.Credential.ID)
		if errors.Is(err, hotcell.ErrNotFound) || err == nil && c.Version != r.Credential.Version {
			return nil
		}
		if err != nil {
			return err
		}
		journal := r.journal
		journal.Holder, journal.Until = "", time.Time{}
		switch fault {
		case RefreshUnavailable:
			journal.Attempts--
			journal.Rest = v.now().Add(rest)
		case RefreshRevoked:
			if _, err := v.breakOff(w, c, "the service says that what was granted is not good any more"); err != nil {
				return err
			}
			journal = hotcell.Refresh{Workspace: c.Workspace, Credential: c.ID}
		case RefreshAmbiguous:
		}
		return w.PutRefresh(journal)
	})
}

// Break marks a connection as one that a person must renew.
func (v *Vault) Break(ctx context.Context, ws hotcell.WorkspaceID, id hotcell.CredentialID, reason string) error {
	return v.store.Update(context.WithoutCancel(ctx), func(w hotcell.VaultWriter) error {
		c, err := w.Credential(ws, id)
		if err != nil || c.Connected == nil || c.Connected.Broken != nil {
			return err
		}
		_, err = v.breakOff(w, c, reason)
		return err
	})
}

func (v *Vault) breakOff(w hotcell.VaultWriter, c hotcell.Credential, reason string) (hotcell.Credential, error) {
	connected := *c.Connected
	connected.Broken = &hotcell.Broken{Reason: reason, At: v.now()}
	c.Connected = &connected
	about := v.ofConnection(kindBreak, c)
	about.Decision, about.Reason = hotcell.Refused, reason
	return c, errors.Join(w.PutCredential(c), w.Record(about))
}

func (v *Vault) ofConnection(kind string, c hotcell.Credential) hotcell.Event {
	return hotcell.Event{Workspace: c.Workspace, At: v.now(), Kind: kind, Member: c.Owner, Via: "vault", Credential: c.ID, Version: c.Version, Name: c.Name}
}

// brokenError says whose connection is to be renewed. It denies what needs it.
type brokenError struct{ text string }

func (e *brokenError) Error() string { return e.text }

// Is makes it both what is denied and what needs a person.
func (e *brokenError) Is(target error) bool {
	return target == hotcell.ErrDenied || target == hotcell.ErrNeedsReconnect
}

// broken is why a connection cannot be used; nil where it can.
func broken(r hotcell.VaultReader, c hotcell.Credential) error {
	if c.Connected == nil || c.Connected.Broken == nil {
		return nil
	}
	whose := string(c.Owner)
	if m, err := r.Member(c.Workspace, c.Owner); err == nil {
		whose = m.Name
	}
	return &brokenError{fmt.Sprintf("the connection %q must be renewed by %s, by hotcell connections reconnect %s: %s", c.Name, whose, c.ID, c.Connected.Broken.Reason)}
}
