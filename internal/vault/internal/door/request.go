package door

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"hotcell"
	"hotcell/internal/policy/access"
	"hotcell/internal/text/site"
	"hotcell/internal/text/words"
)

// The bounds of what a job may ask for.
const (
	maxPending = 20
	maxWhy     = 500
)

// Rules returns what a job may reach and use, while its grant lives.
func (v *Vault) Rules(ctx context.Context, job hotcell.JobID) (grant hotcell.Grant, err error) {
	err = v.store.View(ctx, func(r hotcell.VaultReader) error {
		if grant, err = r.GrantOf(job); err != nil {
			return gone(err, "there is no grant for this job")
		}
		return alive(grant, v.steady())
	})
	return grant, err
}

// Ask asks a person for a host that the job may not reach, and waits until it is
// decided or ctx ends; then it returns the request as it is. What was asked
// before in the same job is not asked again.
func (v *Vault) Ask(ctx context.Context, job hotcell.JobID, allow hotcell.Allow, why string) (hotcell.Request, error) {
	if again, err := site.ParseAllow(site.FormatAllow(allow)); err != nil || again != allow {
		return hotcell.Request{}, hotcell.Invalid("/allow", "ask for a host: HOST[:PORT][/PROTOCOL]")
	}
	q, err := v.note(ctx, job, allow, why)
	if err != nil || q.State != hotcell.RequestPending {
		return q, err
	}
	return v.follow(ctx, job, q.ID, func(r hotcell.VaultReader) (hotcell.Request, error) { return r.Request(q.Workspace, q.ID) })
}

// note finds the job's request for the host, or makes one.
func (v *Vault) note(ctx context.Context, job hotcell.JobID, allow hotcell.Allow, why string) (q hotcell.Request, err error) {
	about := hotcell.Event{Workspace: v.workspace, At: v.now(), Kind: "request.create", Job: job, Via: "job"}
	err = v.store.Update(ctx, func(w hotcell.VaultWriter) error {
		grant, err := w.GrantOf(job)
		if err != nil {
			return gone(err, "there is no grant for this job")
		}
		about = v.ofGrant(about.Kind, grant)
		about.Host = net.JoinHostPort(allow.Host, strconv.Itoa(allow.Port))
		if err := alive(grant, v.steady()); err != nil {
			return err
		}
		q = hotcell.Request{
			ID: hotcell.RequestID(hotcell.NewID(hotcell.PrefixAsk)), Workspace: grant.Workspace, Kind: hotcell.RequestAccess, Job: job,
			Assignment: grant.Assignment, Member: grant.Principal, Allow: allow, Why: plainWhy(why), State: hotcell.RequestPending, CreatedAt: v.now(),
		}
		if slices.Contains(grant.Allow, allow) {
			q.State = hotcell.RequestApproved
			return nil
		}
		asked, err := w.Requests(grant.Workspace, hotcell.RequestFilter{Job: job}, hotcell.Page{Limit: hotcell.MaxPage})
		if err != nil {
			return err
		}
		pending, hosts := 0, 0
		for _, old := range asked {
			old = lapsed(old, v.now())
			if old.Kind == hotcell.RequestAccess {
				hosts++
			}
			if old.Kind == hotcell.RequestAccess && old.Allow == allow {
				q = old
				return nil
			}
			if old.State == hotcell.RequestPending {
				pending++
			}
		}
		if pending >= maxPending || hosts >= hotcell.MaxPage {
			return fmt.Errorf("%w: the job has asked for much already: wait until somebody has decided", hotcell.ErrRateLimited)
		}
		about.Decision = hotcell.Allowed
		return errors.Join(w.PutRequest(q), w.Record(about))
	})
	if err != nil {
		return q, v.refused(ctx, about, err)
	}
	return q, nil
}

// plainWhy is text in a few lines in which all can be seen, cut to its bound.
func plainWhy(why string) string {
	return strings.TrimSpace(words.Clip(words.Plain(why), maxWhy))
}

// Decision is what somebody says to a request.
type Decision struct {
	Approve bool
	// Standing approves it for the assignment and all its jobs to come.
	Standing bool
	// Credential is the login that answers a request for one.
	Credential hotcell.CredentialID
}

// DecideRequest approves or refuses a request that waits.
func (v *Vault) DecideRequest(ctx context.Context, p hotcell.Principal, id hotcell.RequestID, d Decision) (q hotcell.Request, err error) {
	about := hotcell.Event{Kind: "request.refuse"}
	if d.Approve {
		about.Kind = "request.approve"
	}
	err = v.Change(ctx, p, about, func(a *Act) error {
		q, err = v.decide(a, &a.About, id, d)
		return err
	})
	return q, err
}

// decide is a decision within a change; about tells of it.
func (v *Vault) decide(a *Act, about *hotcell.Event, id hotcell.RequestID, d Decision) (q hotcell.Request, err error) {
	if q, err = a.Request(a.Caller.Workspace, id); err != nil {
		return q, err
	}
	ofRequest(about, q)
	if err := a.Permit(access.DecideRequest, access.OfJob(q.Member)); err != nil {
		return q, err
	}
	now := v.now()
	if q = lapsed(q, now); q.State != hotcell.RequestPending {
		return q, fmt.Errorf("%w: the request is %s already", hotcell.ErrConflict, q.State)
	}
	if d.Standing && q.Kind == hotcell.RequestCall {
		return q, hotcell.Invalid("/standing", "a call is approved once: to have calls go without, attach the connection anew with this tool unasked")
	}
	q.State, q.DecidedBy, q.DecidedAt = hotcell.RequestRefused, a.Caller.Member, &now
	if d.Approve {
		q.State, q.Standing = hotcell.RequestApproved, d.Standing
	}
	switch {
	case d.Approve && q.Kind == hotcell.RequestLogin:
		err = v.provide(a, about, q, d.Credential)
	case d.Credential != "":
		err = hotcell.Invalid("/credential", "a credential answers a request for a login alone")
	case d.Approve && q.Kind == hotcell.RequestAccess:
		err = v.widen(a, q)
	case d.Approve && q.Kind == hotcell.RequestWay:
		err = v.keepWay(a, about, q)
	}
	if err != nil {
		return q, err
	}
	stored := q
	q = shown(a, a.Caller, q, now)
	return q, a.PutRequest(stored)
}

// ofRequest has the log say what a decision is about.
func ofRequest(about *hotcell.Event, q hotcell.Request) {
	about.Job, about.Assignment = q.Job, q.Assignment
	if q.Call != nil {
		about.Credential, about.Name = q.Call.Credential, callName(q.Call.Connection, q.Call.Tool)
		return
	}
	if q.Way != nil {
		about.Credential, about.Name = q.Way.Credential, q.Way.Login
	}
	about.Host = net.JoinHostPort(q.Allow.Host, strconv.Itoa(q.Allow.Port))
}

// widen lets the job, and where it is standing its assignment, reach the host.
func (v *Vault) widen(a *Act, q hotcell.Request) error {
	grant, err := a.Grant(q.Workspace, q.Job)
	if err != nil {
		return err
	}
	if grant.State == hotcell.GrantLive && !slices.Contains(grant.Allow, q.Allow) {
		grant.Allow = append(grant.Allow, q.Allow)
		if err := a.PutGrant(grant); err != nil {
			return err
		}
		a.ended = append(a.ended, Revocation{Job: q.Job, Widened: true})
	}
	if !q.Standing {
		return nil
	}
	on, err := a.Assignment(q.Workspace, q.Assignment)
	if err != nil {
		return err
	}
	if err := a.Permit(access.ChangeAssignment, access.OfAssignment(on)); err != nil {
		return err
	}
	if slices.ContainsFunc(on.Work.Allow, func(e hotcell.Allow) bool { return e.Host == q.Allow.Host && e.Port == q.Allow.Port }) {
		return nil
	}
	on.Work.Allow = append(on.Work.Allow, q.Allow)
	on.Revision, on.UpdatedAt = on.Revision+1, v.now()
	return a.PutAssignment(on)
}

// expire ends the requests of a job that has ended.
func (v *Vault) expire(w hotcell.VaultWriter, grant hotcell.Grant) error {
	waiting, err := w.Requests(grant.Workspace, hotcell.RequestFilter{Job: grant.Job, State: hotcell.RequestPending}, hotcell.Page{Limit: hotcell.MaxPage})
	if err != nil {
		return err
	}
	now := v.now()
	for _, q := range waiting {
		if q, err = v.lapse(w, q); err != nil {
			return err
		}
		if q.State != hotcell.RequestPending {
			continue
		}
		q.State, q.DecidedAt = hotcell.RequestExpired, &now
		if err := v.expired(w, q, "the job has ended"); err != nil {
			return err
		}
	}
	return nil
}

// Request returns a request of a job that the caller may see.
func (v *Vault) Request(ctx context.Context, p hotcell.Principal, id hotcell.RequestID) (q hotcell.Request, err error) {
	err = v.Look(ctx, p, hotcell.Event{Kind: "request.show"}, func(l *Look) (err error) {
		if q, err = l.VaultReader.Request(p.Workspace, id); err != nil {
			return err
		}
		if err := l.Permit(access.SeeJob, access.OfJob(q.Member)); err != nil {
			return err
		}
		q = shown(l, l.Caller, q, v.now())
		return nil
	})
	return q, err
}

// Requests lists those of the jobs that the caller may see.
func (v *Vault) Requests(ctx context.Context, p hotcell.Principal, filter hotcell.RequestFilter, page hotcell.Page) (list []hotcell.Request, err error) {
	err = v.Look(ctx, p, hotcell.Event{Kind: "request.list"}, func(l *Look) (err error) {
		if access.Decide(l.Caller, access.SeeJob, access.Resource{}) != nil {
			filter.Member = p.Member
		}
		if list, err = l.VaultReader.Requests(p.Workspace, filter, page); err != nil {
			return err
		}
		for i := range list {
			list[i] = brief(shown(l, l.Caller, list[i], v.now()))
		}
		return nil
	})
	if filter.State == hotcell.RequestPending {
		list = slices.DeleteFunc(list, func(q hotcell.Request) bool { return q.State != filter.State })
	}
	return list, err
}

// Explained is what a job may reach and use, or why nothing.
type Explained struct {
	Allow []hotcell.Allow
	Uses  []hotcell.Use
	Dead  string
}

// ExplainJob tells what a job may reach and use.
func (v *Vault) ExplainJob(ctx context.Context, p hotcell.Principal, job hotcell.JobID) (out Explained, err error) {
	err = v.Look(ctx, p, hotcell.Event{Kind: "job.explain", Job: job}, func(l *Look) error {
		grant, err := l.Grant(p.Workspace, job)
		if err != nil {
			return err
		}
		if err := l.Permit(access.SeeJob, access.OfJob(grant.Principal)); err != nil {
			return err
		}
		out.Allow, out.Uses = grant.Allow, grant.Uses
		if grant.State == hotcell.GrantDead {
			out.Dead = grant.Reason
		}
		return nil
	})
	return out, err
}

// ExplainAssignment tells what a job of the assignment would get now, on behalf
// of the caller.
func (v *Vault) ExplainAssignment(ctx context.Context, p hotcell.Principal, id hotcell.AssignmentID) (out Explained, err error) {
	err = v.Look(ctx, p, hotcell.Event{Kind: "assignment.explain", Assignment: id}, func(l *Look) error {
		on, err := l.Assignment(p.Workspace, id)
		if err != nil {
			return err
		}
		if err := l.Permit(access.SeeAssignment, access.OfAssignment(on)); err != nil {
			return err
		}
		attached, err := l.Attachments(p.Workspace, id, "")
		if err != nil {
			return err
		}
		out.Allow = on.Work.Allow
		for _, at := range attached {
			use := hotcell.Use{Attachment: at.ID, Credential: at.Credential, As: at.As, Narrowing: at.Narrowing}
			c, err := usable(l, hotcell.Grant{Workspace: p.Workspace, Principal: p.Member}, use)
			if errors.Is(err, hotcell.ErrDenied) {
				out.Dead = strings.TrimPrefix(err.Error(), hotcell.ErrDenied.Error()+": ")
				continue
			}
			if err != nil {
				return err
			}
			Fill(&use, c)
			out.Uses = append(out.Uses, use)
		}
		return nil
	})
	return out, err
}
