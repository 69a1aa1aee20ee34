package vault

import (
	"context"
	"errors"

	"hotcell"
	"hotcell/internal/access"
	"hotcell/internal/audit"
)

// maxEvents is how many events one page of the log may hold.
const maxEvents = 1000

// Events lists the log. Who may not see all of it gets what is about
// themselves: a filter on another member is refused.
func (v *Vault) Events(ctx context.Context, p hotcell.Principal, filter hotcell.EventFilter) (events []hotcell.Event, err error) {
	if filter.Limit > maxEvents {
		filter.Limit = maxEvents
	}
	err = v.Look(ctx, p, hotcell.Event{Kind: "audit.list"}, func(l *Look) (err error) {
		if access.Decide(l.Caller, access.SeeAudit, access.Resource{}) != nil {
			if filter.Member == "" {
				filter.Member = p.Member
			}
			if err := l.Permit(access.SeeAudit, access.Resource{Owner: filter.Member}); err != nil {
				return err
			}
		}
		events, err = l.VaultReader.Events(p.Workspace, filter)
		return err
	})
	return events, err
}

// Verified is how far a chain holds.
type Verified struct {
	// Events is how many fit; Head is the hash of the last of them.
	Events int64
	Head   []byte
	// Broken is the first event that does not fit, nil for none.
	Broken *audit.BrokenError
}

// Verify checks the workspace's chain from its first event on, page by page:
// events written meanwhile do not disturb it.
func (v *Vault) Verify(ctx context.Context, p hotcell.Principal) (out Verified, err error) {
	verifier := audit.NewVerifier(p.Workspace)
	after := int64(0)
	for {
		var page []hotcell.Event
		err := v.Look(ctx, p, hotcell.Event{Kind: "audit.verify"}, func(l *Look) (err error) {
			if err := l.Permit(access.SeeAudit, access.Resource{Owner: p.Member}); err != nil {
				return err
			}
			page, err = l.VaultReader.Events(p.Workspace, hotcell.EventFilter{Ascending: true, After: after, Limit: maxEvents})
			return err
		})
		if err != nil {
			return out, err
		}
		for _, e := range page {
			if err := verifier.Next(e); err != nil {
				if errors.As(err, &out.Broken) {
					return out, nil
				}
				return out, err
			}
			out.Events, out.Head, after = e.Sequence, e.Hash, e.Sequence
		}
		if len(page) < maxEvents {
			return out, nil
		}
	}
}
