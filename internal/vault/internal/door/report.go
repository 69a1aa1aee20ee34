package door

import (
	"context"
	"time"

	"hotcell"
	"hotcell/internal/store/audit"
)

// Report records what a job does at its cell's door. It takes events of the
// network, of the guard and of leases that were refused there, and a connection
// that was let out for a live grant only; who and for whom, the vault fills in.
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
		whole.Credential, whole.Name = ofGuard(grant, e.Credential)
		if err := mayReport(grant, e, v.steady()); err != nil {
			return v.refused(ctx, whole, err)
		}
		if !v.counts(whole) {
			stamped = append(stamped, whole)
		}
	}
	if len(stamped) == 0 {
		return nil
	}
	if err := v.store.Record(ctx, stamped...); err != nil {
		return v.unrecorded(err)
	}
	return nil
}

// ofGuard names the credential that the guard found, where the grant holds it.
func ofGuard(grant hotcell.Grant, id hotcell.CredentialID) (hotcell.CredentialID, string) {
	for _, u := range grant.Uses {
		if u.Credential == id && id != "" {
			return id, u.Name
		}
	}
	return "", ""
}

// reportable lists the kinds that a worker tells of.
var reportable = map[string]bool{
	"network.connect": true, "network.refuse": true, "network.end": true, "lease.refuse": true, audit.KindMore: true,
	"guard.refuse": true, "guard.redact": true, "browser.start": true, "browser.call": true, "browser.view": true, "browser.take": true, "browser.give": true, "login.learn": true,
}

func mayReport(grant hotcell.Grant, e hotcell.Event, now time.Time) error {
	switch {
	case !reportable[e.Kind]:
		return hotcell.Invalid("/events", "a worker may not report events of this kind")
	case e.Decision != hotcell.Allowed && e.Decision != hotcell.Refused:
		return hotcell.Invalid("/events", "an event has a decision")
	case e.Kind != "network.connect" || e.Decision == hotcell.Refused:
		return nil
	}
	return alive(grant, now)
}
