package door

import (
	"context"
	"fmt"
	"time"

	"hotcell"
)

// Opened is one credential of a job, open. Its holder clears it.
type Opened struct {
	Use        hotcell.Use
	Credential hotcell.Credential
	Fields     []Field
}

// ClearOpened clears every value.
func ClearOpened(opened []Opened) {
	for _, o := range opened {
		ClearFields(o.Fields)
	}
}

// OpenForJob opens, for one delivery, the credentials that the job's grant
// holds: those that its cell gets, and those that the guard must know. It
// answers once a job: a later call is refused and recorded. What is about to be
// opened is in the audit log, durably, before it is.
func (v *Vault) OpenForJob(ctx context.Context, job hotcell.JobID) ([]Opened, error) {
	if _, err := v.keys.Get(); err != nil {
		return nil, err // the one delivery is not used up
	}
	var grant hotcell.Grant
	var opened []Opened
	about := hotcell.Event{Workspace: v.workspace, At: v.now(), Kind: "secret.lease", Job: job, Via: "job"}
	err := v.store.Update(ctx, func(w hotcell.VaultWriter) (err error) {
		opened = nil
		if grant, err = w.GrantOf(job); err != nil {
			return gone(err, "there is no grant for this job")
		}
		about = v.ofGrant(about.Kind, grant)
		if err := mayLease(grant, v.steady()); err != nil {
			return err
		}
		for _, use := range grant.Uses {
			c, err := usable(w, grant, use)
			if err != nil {
				return err
			}
			use.Version = versionOf(use, c)
			if err := existed(w, c, use.Version); err != nil {
				return err
			}
			opened = append(opened, Opened{Use: use, Credential: c})
			intent := about
			intent.Kind = leasing(use, c)
			intent.Decision, intent.Credential, intent.Version, intent.Name = hotcell.Allowed, c.ID, use.Version, c.Name
			if err := w.Record(intent); err != nil {
				return err
			}
		}
		grant.Leased = true
		return w.PutGrant(grant)
	})
	if err != nil {
		return nil, v.refused(ctx, about, err)
	}
	for i := range opened {
		if err := v.openLeased(ctx, &opened[i]); err != nil {
			ClearOpened(opened)
			about.Credential = opened[i].Credential.ID
			return nil, v.refused(ctx, about, err)
		}
	}
	return opened, nil
}

// leasing is the kind of the event: what leaves the vault in a lease, or is
// only shown to the guard.
func leasing(use hotcell.Use, c hotcell.Credential) string {
	if use.As == hotcell.InjectEnvironment {
		return string(c.Tier) + ".lease"
	}
	return string(c.Tier) + ".guard"
}

func mayLease(grant hotcell.Grant, now time.Time) error {
	if err := alive(grant, now); err != nil {
		return err
	}
	if grant.Leased {
		return fmt.Errorf("%w: the job's lease was delivered before: there is one a job", hotcell.ErrDenied)
	}
	return nil
}

// openLeased opens the version that the grant holds; no other version opens.
func (v *Vault) openLeased(ctx context.Context, o *Opened) error {
	return v.store.View(ctx, func(r hotcell.VaultReader) (err error) {
		o.Fields, err = v.open(r, o.Credential, o.Use.Version)
		return err
	})
}

// existed refuses a version that the log does not know, before the log tells
// of its use: it would be the newest from then on.
func existed(r hotcell.VaultReader, c hotcell.Credential, version int) error {
	n, err := r.NewestVersion(c.Workspace, c.ID)
	if err != nil {
		return err
	}
	if version < 1 || version > n {
		return fmt.Errorf("%w: the grant holds version %d of %s %q, whose newest is %d", hotcell.ErrTampered, version, c.Tier, c.Name, n)
	}
	return nil
}
