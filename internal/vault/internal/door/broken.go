package door

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hotcell"
)

// kindBreak is the event of a connection that a person must renew from then on.
const kindBreak = "connection.break"

// Unknown is the reason of a connection that is broken by a service's word alone, which
// the service may take back.
const Unknown = "the service does not know its key any more"

// Suspected lists the connections that are broken for the reason [Unknown].
func (v *Vault) Suspected(ctx context.Context) (out []hotcell.Credential, err error) {
	err = v.store.View(ctx, func(r hotcell.VaultReader) error {
		out = nil
		page := hotcell.Page{Limit: hotcell.MaxPage}
		for {
			list, err := r.Credentials(v.workspace, hotcell.CredentialFilter{Tier: hotcell.TierConnection}, page)
			if err != nil || len(list) == 0 {
				return err
			}
			for _, c := range list {
				if suspected(c) {
					out = append(out, c)
				}
			}
			page.After = string(list[len(list)-1].ID)
		}
	})
	return out, err
}

// suspected says whether a connection is broken by its service's word alone.
func suspected(c hotcell.Credential) bool {
	return c.Connected != nil && c.Connected.Broken != nil && c.Connected.Broken.Reason == Unknown
}

// Break marks a connection as one that a person must renew, and returns what is
// told from then on. A version that is not the newest any more breaks nothing.
func (v *Vault) Break(ctx context.Context, ws hotcell.WorkspaceID, id hotcell.CredentialID, version int, reason string) (told error) {
	err := v.store.Update(context.WithoutCancel(ctx), func(w hotcell.VaultWriter) error {
		c, err := w.Credential(ws, id)
		if err != nil || c.Connected == nil || c.Version != version {
			return err
		}
		if told = broken(w, c); told == nil {
			told, err = v.breakOff(w, c, reason)
		}
		return err
	})
	return errors.Join(err, told)
}

// breakOff breaks a connection, and returns what is told from then on.
func (v *Vault) breakOff(w hotcell.VaultWriter, c hotcell.Credential, reason string) (told, err error) {
	connected := *c.Connected
	connected.Broken = &hotcell.Broken{Reason: reason, At: v.now()}
	c.Connected = &connected
	about := v.ofConnection(kindBreak, c)
	about.Decision, about.Reason = hotcell.Refused, reason
	return broken(w, c), errors.Join(w.PutCredential(c), w.Record(about))
}

// kindMend is the event of a connection that works again.
const kindMend = "connection.mend"

// Mend takes back that a connection is broken, where its service has just taken the
// key of that version; a version that is not the newest any more mends nothing.
func (v *Vault) Mend(ctx context.Context, ws hotcell.WorkspaceID, id hotcell.CredentialID, version int) error {
	return v.store.Update(context.WithoutCancel(ctx), func(w hotcell.VaultWriter) error {
		c, err := w.Credential(ws, id)
		if err != nil || c.Connected == nil || c.Version != version || c.Connected.Broken == nil {
			return err
		}
		connected := *c.Connected
		connected.Broken, c.Connected = nil, &connected
		about := v.ofConnection(kindMend, c)
		about.Decision, about.Reason = hotcell.Allowed, "the service takes its key"
		return errors.Join(w.PutCredential(c), w.Record(about))
	})
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

// ErrYoung is a service that does not know a token which it has just given.
var ErrYoung = fmt.Errorf("%w: the service does not take a token that it gave a moment ago", hotcell.ErrUnavailable)

func errYoung(c hotcell.Credential) error {
	return fmt.Errorf("%w: that of %q", ErrYoung, c.Name)
}

// NotRenewed is why a connection's token could not be renewed now. It is a
// [hotcell.ErrUnavailable].
type NotRenewed struct {
	Name string
	// Reason is what the service refuses, which is a matter of settings and not of
	// moments; empty where it was not there.
	Reason string
	// After is when it may be tried again.
	After time.Duration
}

func (e *NotRenewed) Error() string {
	if e.Reason != "" {
		return fmt.Sprintf("the token of %q cannot be renewed: %s", e.Name, e.Reason)
	}
	return fmt.Sprintf("the token of %q cannot be renewed now: the service does not answer", e.Name)
}

// Is makes it what callers decide on.
func (e *NotRenewed) Is(target error) bool { return target == hotcell.ErrUnavailable }
