package door

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"hotcell"
	"hotcell/internal/policy/access"
)

// callWait is how long a call waits for a person.
const callWait = time.Hour

// AskCall returns the request for a call that needs a person's word: one that
// waits, was refused, or was approved and not made yet; else it makes one. What
// was asked before in the same job is not asked again. Where a request is named,
// it is that one or none.
func (v *Vault) AskCall(ctx context.Context, job hotcell.JobID, named hotcell.RequestID, call hotcell.AskedCall) (q hotcell.Request, err error) {
	about := hotcell.Event{Workspace: v.workspace, At: v.now(), Kind: "request.create", Job: job, Via: "job"}
	err = v.store.Update(ctx, func(w hotcell.VaultWriter) error {
		grant, err := w.GrantOf(job)
		if err != nil {
			return gone(err, "there is no grant for this job")
		}
		about = v.ofGrant(about.Kind, grant)
		about.Credential, about.Name = call.Credential, callName(call.Connection, call.Tool)
		if err := alive(grant, v.steady()); err != nil {
			return err
		}
		if named != "" {
			q, err = v.named(w, grant, named, call)
			return err
		}
		found, err := v.asked(w, grant, call)
		if err != nil || found != nil {
			if found != nil {
				q = *found
			}
			return err
		}
		q = hotcell.Request{
			ID: hotcell.RequestID(hotcell.NewID(hotcell.PrefixAsk)), Workspace: grant.Workspace, Kind: hotcell.RequestCall, Job: job,
			Assignment: grant.Assignment, Member: grant.Principal, Call: &call, State: hotcell.RequestPending, CreatedAt: v.now(),
		}
		about.Decision, about.Request = hotcell.Allowed, string(q.ID)
		return errors.Join(w.PutRequest(q), w.Record(about))
	})
	if err != nil {
		return q, v.refused(ctx, about, err)
	}
	return q, nil
}

// asked finds the job's request for a call; nil where there is none that counts.
// Those that nobody decided on in time expire on the way.
func (v *Vault) asked(w hotcell.VaultWriter, grant hotcell.Grant, call hotcell.AskedCall) (*hotcell.Request, error) {
	list, err := w.Requests(grant.Workspace, hotcell.RequestFilter{Job: grant.Job}, hotcell.Page{Limit: hotcell.MaxPage})
	if err != nil {
		return nil, err
	}
	pending := 0
	var found *hotcell.Request
	for i := range list {
		q, err := v.lapse(w, list[i])
		if err != nil {
			return nil, err
		}
		if q.State == hotcell.RequestPending {
			pending++
		}
		if found == nil && counts(q, call) {
			found = &q
		}
	}
	if found == nil && pending >= maxPending {
		return nil, fmt.Errorf("%w: %d calls of this job wait for a person already: wait until somebody has decided", hotcell.ErrRateLimited, pending)
	}
	return found, nil
}

// named is the job's request of that id, if it is for this call and was not made.
func (v *Vault) named(w hotcell.VaultWriter, grant hotcell.Grant, id hotcell.RequestID, call hotcell.AskedCall) (hotcell.Request, error) {
	q, err := ofJob(w, grant, id)
	switch {
	case err != nil:
		return q, err
	case q.Call == nil || !same(*q.Call, call):
		return q, fmt.Errorf("%w: the approval is for another call", hotcell.ErrDenied)
	case q.Call.Used:
		return q, fmt.Errorf("%w: the approved call was made already: call again without it to ask anew", hotcell.ErrConflict)
	}
	return v.lapse(w, q)
}

// counts says whether a request is for exactly this call, and still says
// something about it.
func counts(q hotcell.Request, call hotcell.AskedCall) bool {
	return q.Call != nil && q.State != hotcell.RequestExpired && !q.Call.Used && same(*q.Call, call)
}

// same says whether two are one call: the same tool of the same connection with
// the same arguments.
func same(a, b hotcell.AskedCall) bool {
	return a.Attachment == b.Attachment && a.Credential == b.Credential && a.Tool == b.Tool && len(a.Hash) > 0 && bytes.Equal(a.Hash, b.Hash)
}

// lapsed is a request as it is at a time: a call that nobody decided on in time
// has expired.
func lapsed(q hotcell.Request, now time.Time) hotcell.Request {
	if end := q.CreatedAt.Add(callWait); q.Kind == hotcell.RequestCall && q.State == hotcell.RequestPending && !now.Before(end) {
		q.State, q.DecidedAt = hotcell.RequestExpired, &end
	}
	return q
}

// lapse is a request as it is now. One that has expired since is stored so, and is
// on record.
func (v *Vault) lapse(w hotcell.VaultWriter, q hotcell.Request) (hotcell.Request, error) {
	now := lapsed(q, v.now())
	if now.State == q.State {
		return q, nil
	}
	return now, v.expired(w, now, "nobody decided in time")
}

// expired stores and records that a request has expired.
func (v *Vault) expired(w hotcell.VaultWriter, q hotcell.Request, reason string) error {
	about := hotcell.Event{
		Workspace: q.Workspace, At: v.now(), Kind: "request.expire", Decision: hotcell.Refused, Reason: reason, Member: q.Member, Via: "vault", Request: string(q.ID),
	}
	ofRequest(&about, q)
	return errors.Join(w.PutRequest(q), w.Record(about))
}

// TakeCall takes what a person approved, for exactly this call: once, durably.
// It is [hotcell.ErrConflict] where it was taken before, and [hotcell.ErrDenied]
// where it was not approved, or for another call.
func (v *Vault) TakeCall(ctx context.Context, job hotcell.JobID, id hotcell.RequestID, call hotcell.AskedCall) error {
	about := hotcell.Event{Workspace: v.workspace, At: v.now(), Kind: kindCall, Job: job, Via: "job", Credential: call.Credential, Name: callName(call.Connection, call.Tool)}
	err := v.store.Update(ctx, func(w hotcell.VaultWriter) error {
		grant, err := w.GrantOf(job)
		if err != nil {
			return gone(err, "there is no grant for this job")
		}
		about.Member, about.Assignment = grant.Principal, grant.Assignment
		if err := alive(grant, v.steady()); err != nil {
			return err
		}
		q, err := v.named(w, grant, id, call)
		if err != nil {
			return err
		}
		if q.State != hotcell.RequestApproved {
			return fmt.Errorf("%w: the call is not approved: the request is %s", hotcell.ErrDenied, q.State)
		}
		q.Call.Used = true
		return w.PutRequest(q)
	})
	return v.refused(ctx, about, err)
}

// ofJob reads a request of a job; that of another is not found.
func ofJob(r hotcell.VaultReader, grant hotcell.Grant, id hotcell.RequestID) (hotcell.Request, error) {
	q, err := r.Request(grant.Workspace, id)
	if err == nil && q.Job != grant.Job {
		err = hotcell.ErrNotFound
	}
	return q, gone(err, "there is no such request of this job")
}

// AwaitRequest waits until a job's request is decided or ctx ends, and returns
// it as it is then.
func (v *Vault) AwaitRequest(ctx context.Context, job hotcell.JobID, id hotcell.RequestID) (q hotcell.Request, err error) {
	return v.follow(ctx, job, id, func(r hotcell.VaultReader) (hotcell.Request, error) {
		grant, err := r.GrantOf(job)
		if err != nil {
			return hotcell.Request{}, gone(err, "there is no grant for this job")
		}
		return ofJob(r, grant, id)
	})
}

// lapseNow stores that a request has expired, for who waited for it.
func (v *Vault) lapseNow(ctx context.Context, q hotcell.Request) error {
	return v.store.Update(context.WithoutCancel(ctx), func(w hotcell.VaultWriter) error {
		stored, err := w.Request(q.Workspace, q.ID)
		if err == nil {
			_, err = v.lapse(w, stored)
		}
		return err
	})
}

// shown is a request as a person may see it: of a personal connection of
// somebody else, neither name nor account.
func shown(r hotcell.VaultReader, caller hotcell.Caller, q hotcell.Request, now time.Time) hotcell.Request {
	q = lapsed(q, now)
	if q.Call == nil {
		return q
	}
	c, err := r.Credential(q.Workspace, q.Call.Credential)
	if err != nil && q.Member == caller.Member || err == nil && access.Decide(caller, access.SeeCredential, access.OfCredential(c)) == nil {
		return q
	}
	call := *q.Call
	call.Connection, call.Account = "a personal connection", ""
	q.Call = &call
	return q
}
