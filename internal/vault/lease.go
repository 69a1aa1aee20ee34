package vault

import (
	"context"
	"fmt"

	"hotcell"
)

// Opened is one credential of a job, open. Its holder clears it.
type Opened struct {
	Credential hotcell.Credential
	Fields     []Field
}

// ClearOpened clears every value.
func ClearOpened(opened []Opened) {
	for _, o := range opened {
		ClearFields(o.Fields)
	}
}

// OpenForJob opens, for one delivery, the credentials of a tier that the job's
// grant holds. It answers once a job: a later call is refused and recorded.
// What is about to be opened is in the audit log, durably, before it is.
func (v *Vault) OpenForJob(ctx context.Context, job hotcell.JobID, tier hotcell.Tier) ([]Opened, error) {
	var grant hotcell.Grant
	var opened []Opened
	about := hotcell.Event{Workspace: v.workspace, At: v.now(), Kind: string(tier) + ".lease", Job: job, Via: "job"}
	err := v.store.Update(ctx, func(w hotcell.VaultWriter) (err error) {
		opened = nil
		if grant, err = w.GrantOf(job); err != nil {
			return gone(err, "there is no grant for this job")
		}
		about = v.ofGrant(about.Kind, grant)
		if err := mayLease(grant); err != nil {
			return err
		}
		for _, use := range grant.Uses {
			c, err := usable(w, grant, use)
			if err != nil {
				return err
			}
			if c.Tier != tier {
				continue
			}
			if err := existed(w, c, use.Version); err != nil {
				return err
			}
			opened = append(opened, Opened{Credential: c})
			intent := about
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
		if err := v.openLeased(ctx, grant, &opened[i]); err != nil {
			ClearOpened(opened)
			about.Credential = opened[i].Credential.ID
			return nil, v.refused(ctx, about, err)
		}
	}
	return opened, nil
}

func mayLease(grant hotcell.Grant) error {
	switch {
	case grant.State == hotcell.GrantDead:
		return fmt.Errorf("%w: the job's grant is dead: %s", hotcell.ErrDenied, grant.Reason)
	case grant.State != hotcell.GrantLive:
		return fmt.Errorf("%w: the job has not started", hotcell.ErrDenied)
	case grant.Leased:
		return fmt.Errorf("%w: the job's lease was delivered before: there is one a job", hotcell.ErrDenied)
	}
	return nil
}

// openLeased opens the version that the grant holds; no other version opens.
func (v *Vault) openLeased(ctx context.Context, grant hotcell.Grant, o *Opened) error {
	version := 0
	for _, use := range grant.Uses {
		if use.Credential == o.Credential.ID {
			version = use.Version
		}
	}
	return v.store.View(ctx, func(r hotcell.VaultReader) (err error) {
		o.Fields, err = v.open(r, o.Credential, version)
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

// Report records what a job does at its cell's door. It takes events of the
// network and of leases that were refused there, and a connection that was let
// out for a live grant only; who and for whom, the vault fills in.
func (v *Vault) Report(ctx context.Context, job hotcell.JobID, events []hotcell.Event) error {
	var grant hotcell.Grant
	err := v.store.View(ctx, func(r hotcell.VaultReader) (err error) {
		grant, err = r.GrantOf(job)
		return err
	})
	if err != nil {
		return gone(err, "there is no grant for this job")
	}
	stamped := make([]hotcell.Event, 0, len(events))
	for _, e := range events {
		whole := v.ofGrant(e.Kind, grant)
		whole.Decision, whole.Reason, whole.Host, whole.Size, whole.Duration = e.Decision, e.Reason, e.Host, e.Size, e.Duration
		if err := mayReport(grant, e); err != nil {
			return v.refused(ctx, whole, err)
		}
		stamped = append(stamped, whole)
	}
	if err := v.store.Record(ctx, stamped...); err != nil {
		return v.unrecorded(err)
	}
	return nil
}

// reportable lists the kinds that a worker tells of.
var reportable = map[string]bool{
	"network.connect": true, "network.refuse": true, "network.end": true, "lease.refuse": true,
}

func mayReport(grant hotcell.Grant, e hotcell.Event) error {
	switch {
	case !reportable[e.Kind]:
		return hotcell.Invalid("/events", "a worker may not report events of this kind")
	case e.Decision != hotcell.Allowed && e.Decision != hotcell.Refused:
		return hotcell.Invalid("/events", "an event has a decision")
	case e.Kind != "network.connect" || e.Decision == hotcell.Refused || grant.State == hotcell.GrantLive:
		return nil
	case grant.State == hotcell.GrantDead:
		return fmt.Errorf("%w: the job's grant is dead: %s", hotcell.ErrDenied, grant.Reason)
	}
	return fmt.Errorf("%w: the job has not started", hotcell.ErrDenied)
}
