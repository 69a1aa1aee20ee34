package door

import (
	"context"
	"errors"
	"strings"
	"time"

	"hotcell"
	"hotcell/internal/policy/access"
	"hotcell/internal/store/audit"
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
		if access.Decide(l.Caller, access.SeeAudit, access.Resource{}) == nil {
			events, err = l.VaultReader.Events(p.Workspace, filter)
			return err
		}
		if filter.Member == "" {
			filter.Member = p.Member
		}
		if err := l.Permit(access.SeeAudit, access.Resource{Owner: filter.Member}); err != nil {
			return err
		}
		events, err = ownEvents(l, p.Workspace, filter)
		return err
	})
	return events, err
}

// toldNotFound begins the reason of a refusal whose caller was told that there
// is no such thing.
const toldNotFound = "told not found: "

// ownEvents lists what members may see of what they did. What they were told
// is not there must not be found in the log: its name, or that there was
// anything to refuse.
func ownEvents(r hotcell.VaultReader, ws hotcell.WorkspaceID, filter hotcell.EventFilter) (out []hotcell.Event, err error) {
	if filter.Limit <= 0 {
		filter.Limit = hotcell.DefaultPage
	}
	for {
		page, err := r.Events(ws, filter)
		if err != nil {
			return nil, err
		}
		for _, e := range page {
			hidden := e.Decision == hotcell.Refused && strings.HasPrefix(e.Reason, toldNotFound)
			if !hidden && len(out) < filter.Limit {
				out = append(out, e)
			}
		}
		if len(page) < filter.Limit || len(out) == filter.Limit {
			return out, nil
		}
		last := page[len(page)-1].Sequence
		if filter.Ascending {
			filter.After = last
		} else {
			filter.Before = last
		}
	}
}

// Verified is how far a chain holds.
type Verified struct {
	// Events is how many fit; Head is the hash of the last of them.
	Events int64
	Head   []byte
	// Removed is how many events retention removed before them, at a time.
	Removed   int64
	RemovedAt time.Time
	// Broken is the first event that does not fit, nil for none.
	Broken *audit.BrokenError
}

// Verify checks the workspace's chain from its first event on, or from the first
// that retention has left, page by page: events written or removed meanwhile do
// not disturb it.
func (v *Vault) Verify(ctx context.Context, p hotcell.Principal) (out Verified, err error) {
	for {
		from, err := v.seesChain(ctx, p)
		if err != nil {
			return out, err
		}
		if out, err = v.verifyFrom(ctx, p, from); err != nil || out.Broken == nil {
			return out, err
		}
		if now, err := v.pruned(ctx); err != nil || now.Sequence == from.Sequence {
			return out, err
		}
	}
}

// seesChain is where the chain begins, for whoever may see it.
func (v *Vault) seesChain(ctx context.Context, p hotcell.Principal) (from audit.Checkpoint, err error) {
	err = v.Look(ctx, p, hotcell.Event{Kind: "audit.verify"}, func(l *Look) (err error) {
		if err := l.Permit(access.SeeAudit, access.Resource{Owner: p.Member}); err != nil {
			return err
		}
		from, err = v.checkpoint(l.VaultReader)
		return err
	})
	return from, err
}

func (v *Vault) verifyFrom(ctx context.Context, p hotcell.Principal, from audit.Checkpoint) (out Verified, err error) {
	verifier := audit.NewVerifierAfter(p.Workspace, from.Head)
	out.Removed, out.RemovedAt = from.Sequence, from.At
	after, told, named := from.Sequence, map[hotcell.CredentialID]hotcell.Event{}, from.Sequence == 0
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
			out.Events, out.Head, after = e.Sequence-from.Sequence, e.Hash, e.Sequence
			named = named || from.Told(e)
			if e.Credential != "" && e.Version > told[e.Credential].Version {
				told[e.Credential] = e
			}
		}
		if len(page) < maxEvents {
			break
		}
	}
	if !named {
		out.Broken = &audit.BrokenError{Sequence: from.Sequence, Reason: "it and all before it are gone, and no event says that retention removed them"}
		return out, nil
	}
	out.Broken, err = v.contradicted(ctx, p, told)
	return out, err
}

// contradicted holds the newest versions that the store says the log tells of
// against the log itself: that index is what a row which was put back to an
// older version is known by, and it is no part of the chain.
func (v *Vault) contradicted(ctx context.Context, p hotcell.Principal, told map[hotcell.CredentialID]hotcell.Event) (broken *audit.BrokenError, err error) {
	err = v.Look(ctx, p, hotcell.Event{Kind: "audit.verify"}, func(l *Look) error {
		for id, e := range told {
			n, err := l.NewestVersion(p.Workspace, id)
			if err != nil {
				return err
			}
			if n < e.Version && (broken == nil || e.Sequence < broken.Sequence) {
				broken = &audit.BrokenError{Sequence: e.Sequence, Reason: "the index of newest versions denies the version that it tells of"}
			}
		}
		return nil
	})
	return broken, err
}
