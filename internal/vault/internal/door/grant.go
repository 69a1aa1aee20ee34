package door

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"hotcell"
	"hotcell/internal/policy/access"
)

// CreateJob decides whether the caller may run the assignment, and notes a
// pending grant: what is attached now, for this job, on behalf of the caller.
// It returns the assignment as it is now; and, where the job is for an agent
// elsewhere for a time, the token of that agent.
func (v *Vault) CreateJob(ctx context.Context, p hotcell.Principal, assignment hotcell.AssignmentID, job hotcell.JobID, external time.Duration) (out hotcell.Assignment, token string, err error) {
	about := hotcell.Event{Kind: "job.create", Assignment: assignment, Job: job}
	err = v.Change(ctx, p, about, func(a *Act) error {
		found, err := a.Assignment(p.Workspace, assignment)
		if err != nil {
			return err
		}
		a.About.Name = found.Name
		if err := a.Permit(access.RunAssignment, access.OfAssignment(found)); err != nil {
			return err
		}
		if _, err := a.GrantOf(job); !errors.Is(err, hotcell.ErrNotFound) {
			return errors.Join(hotcell.ErrConflict, err)
		}
		attached, err := a.Attachments(p.Workspace, assignment, "")
		if err != nil {
			return err
		}
		grant := hotcell.Grant{
			Job: job, Workspace: p.Workspace, Assignment: assignment, Principal: p.Member,
			State: hotcell.GrantPending, Allow: found.Work.Allow, Drill: found.Work.Drill, CreatedAt: v.now(),
		}
		for _, at := range attached {
			if at.Suspended != nil {
				return suspended(a, found, at)
			}
			grant.Uses = append(grant.Uses, hotcell.Use{Attachment: at.ID, Credential: at.Credential, As: at.As, Narrowing: at.Narrowing})
		}
		if external > 0 {
			if token, err = v.openElsewhere(&grant, external, found.Work.Browser); err != nil {
				return err
			}
		}
		out = found
		return a.PutGrant(grant)
	})
	if err != nil {
		return hotcell.Assignment{}, "", err
	}
	return out, token, nil
}

// suspended says why no job is made of an assignment.
func suspended(a *Act, on hotcell.Assignment, at hotcell.Attachment) error {
	who := string(at.Suspended.By)
	if m, err := a.Member(at.Workspace, at.Suspended.By); err == nil {
		who = m.Name
	}
	what := "a credential"
	if c, err := a.Credential(at.Workspace, at.Credential); err == nil && access.Decide(a.Caller, access.SeeCredential, access.OfCredential(c)) == nil {
		what = fmt.Sprintf("the %s %q", c.Tier, c.Name)
	}
	return fmt.Errorf("%w: %s changed what %q does since %s was attached to it: whoever may attach that looks at it and confirms it (hotcell assignments confirm)", hotcell.ErrDenied, who, on.Name, what)
}

// CancelJob decides whether the caller may end the job, and ends its grant.
func (v *Vault) CancelJob(ctx context.Context, p hotcell.Principal, job hotcell.JobID) error {
	return v.Change(ctx, p, hotcell.Event{Kind: "job.cancel", Job: job}, func(a *Act) error {
		grant, err := a.Grant(p.Workspace, job)
		if err != nil {
			return err
		}
		a.About.Assignment = grant.Assignment
		if err := a.Permit(access.CancelJob, access.OfJob(grant.Principal)); err != nil {
			return err
		}
		return a.revoke(grant, "the job was cancelled")
	})
}

// StartJob makes a pending grant live: each attachment must still be there,
// each credential usable on behalf of the job's principal, and its version is
// fixed. A refusal is recorded, kills the grant and says what is missing for whom.
func (v *Vault) StartJob(ctx context.Context, job hotcell.JobID) (out hotcell.Grant, err error) {
	var about hotcell.Event
	err = v.store.Update(ctx, func(w hotcell.VaultWriter) error {
		grant, err := w.GrantOf(job)
		if err != nil {
			return err
		}
		about = v.ofGrant("job.start", grant)
		if grant.State != hotcell.GrantPending {
			return fmt.Errorf("%w: the job's grant is not waiting to start: %s", hotcell.ErrDenied, cmp.Or(grant.Reason, "it has started before"))
		}
		if err := fix(w, &grant); err != nil {
			return err
		}
		grant.State = hotcell.GrantLive
		about.Decision = hotcell.Allowed
		out = grant
		return errors.Join(w.PutGrant(grant), w.Record(about))
	})
	if err != nil && about.Job != "" {
		return out, v.refusedStart(ctx, about, err)
	}
	return out, err
}

// refusedStart records why a job may not start, and ends the grant that it
// waited with: what it lacked then must not let it start later, unasked.
func (v *Vault) refusedStart(ctx context.Context, about hotcell.Event, cause error) error {
	if !errors.Is(cause, hotcell.ErrDenied) && !errors.Is(cause, hotcell.ErrTampered) {
		return cause
	}
	about.Decision, about.Reason = hotcell.Refused, why(cause)
	err := v.store.Update(context.WithoutCancel(ctx), func(w hotcell.VaultWriter) error {
		grant, err := w.GrantOf(about.Job)
		if err == nil && grant.State == hotcell.GrantPending {
			grant.State, grant.Reason = hotcell.GrantDead, strings.TrimPrefix(about.Reason, hotcell.ErrDenied.Error()+": ")
			err = w.PutGrant(grant)
		}
		return errors.Join(err, w.Record(about))
	})
	if err != nil {
		return v.unrecorded(err)
	}
	return cause
}

// fix gives each use of a grant the version that is newest now.
func fix(r hotcell.VaultReader, grant *hotcell.Grant) error {
	names := map[string]string{}
	size := 0
	for i := range grant.Uses {
		use := &grant.Uses[i]
		c, err := usable(r, *grant, *use)
		if err != nil {
			return err
		}
		if err := newest(r, c); err != nil {
			return err
		}
		for _, variable := range c.Variables {
			if other, twice := names[variable.Name]; twice {
				return fmt.Errorf("%w: the secrets %q and %q both have the variable %s", hotcell.ErrDenied, other, c.Name, variable.Name)
			}
			names[variable.Name] = c.Name
		}
		if size += c.Size; size > hotcell.MaxAssignmentSize {
			return fmt.Errorf("%w: the attached secrets hold more than 1 MiB together", hotcell.ErrDenied)
		}
		use.Version = c.Version
		Fill(use, c)
	}
	return nil
}

// Fill puts into a use what it takes of its credential. The hosts are the
// attachment's own, else the credential's.
func Fill(use *hotcell.Use, c hotcell.Credential) {
	use.Tier, use.Name, use.HTTP, use.Model, use.Login = c.Tier, c.Name, c.HTTP, c.Model, c.Login
	if c.Connected != nil {
		use.Connector, use.Account = c.Connected.Connector, c.Connected.Account
	}
	if len(use.Hosts) == 0 {
		use.Hosts = c.Hosts
	}
}

// usable returns the credential of a use if the job may use it now.
func usable(r hotcell.VaultReader, grant hotcell.Grant, use hotcell.Use) (hotcell.Credential, error) {
	if err := held(r, grant, use); err != nil {
		return hotcell.Credential{}, err
	}
	c, err := r.Credential(grant.Workspace, use.Credential)
	if err != nil {
		return c, gone(err, "a credential that the job was made with was deleted since")
	}
	if !c.Shared && c.Owner != grant.Principal {
		name := string(grant.Principal)
		if m, err := r.Member(grant.Workspace, grant.Principal); err == nil {
			name = m.Name
		}
		return c, fmt.Errorf("%w: a %s on this assignment is personal to another member, and the job runs on behalf of %s: it must be shared, or replaced by one of theirs", hotcell.ErrDenied, c.Tier, name)
	}
	return c, broken(r, c)
}

// held is an error where what a use hangs on is gone: its attachment, or the
// request by which somebody gave it to this job.
func held(r hotcell.VaultReader, grant hotcell.Grant, use hotcell.Use) error {
	if use.Request == "" {
		_, err := r.Attachment(grant.Workspace, use.Attachment)
		return gone(err, "an access that the job was made with was detached since")
	}
	q, err := r.Request(grant.Workspace, use.Request)
	if err == nil && (q.Job != grant.Job || q.State != hotcell.RequestApproved) {
		err = hotcell.ErrNotFound
	}
	return gone(err, "what somebody gave to this job alone was taken back")
}

func gone(err error, sentence string) error {
	if errors.Is(err, hotcell.ErrNotFound) {
		return fmt.Errorf("%w: %s", hotcell.ErrDenied, sentence)
	}
	return err
}

// EndJob kills the job's grant and records how the job ended. To end it twice,
// or one that never had a grant, does nothing.
func (v *Vault) EndJob(ctx context.Context, job hotcell.JobID, state hotcell.JobState, reason string, milliseconds int64) error {
	v.settle(job)
	var ended []Revocation
	err := v.store.Update(ctx, func(w hotcell.VaultWriter) error {
		ended = nil
		grant, err := w.GrantOf(job)
		if errors.Is(err, hotcell.ErrNotFound) || err == nil && grant.EndedAt != nil {
			return nil
		}
		if err != nil {
			return err
		}
		if grant.State != hotcell.GrantDead {
			grant.State, grant.Reason = hotcell.GrantDead, "the job has ended"
			ended = append(ended, Revocation{Job: job, Reason: grant.Reason})
		}
		now := v.now()
		grant.EndedAt = &now
		about := v.ofGrant("job.end", grant)
		about.Decision, about.Name, about.Duration = hotcell.Allowed, string(state), milliseconds
		about.Reason = reason
		if err := errors.Join(w.PutGrant(grant), w.Record(about), v.expire(w, grant)); err != nil {
			return err
		}
		return v.prune(w, grant)
	})
	if err == nil {
		v.announce(ended)
	}
	return err
}

// prune destroys the versions that only this grant still needed.
func (v *Vault) prune(w hotcell.VaultWriter, grant hotcell.Grant) error {
	for _, use := range grant.Uses {
		c, err := w.Credential(grant.Workspace, use.Credential)
		if errors.Is(err, hotcell.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		if err := Prune(w, c); err != nil {
			return err
		}
	}
	return nil
}

// Prune destroys the versions of a credential that are neither the newest nor
// held by the grant of a job.
func Prune(w hotcell.VaultWriter, c hotcell.Credential) error {
	versions, err := w.Versions(c.Workspace, c.ID)
	if err != nil || len(versions) < 2 {
		return err
	}
	grants, err := w.Grants(c.Workspace, c.ID)
	if err != nil {
		return err
	}
	for _, version := range versions {
		held := version == c.Version || !c.Renewed() && slices.ContainsFunc(grants, func(g hotcell.Grant) bool {
			return slices.ContainsFunc(g.Uses, func(u hotcell.Use) bool { return u.Credential == c.ID && u.Version == version })
		})
		if held {
			continue
		}
		if err := w.DeleteVersion(c.Workspace, c.ID, version); err != nil {
			return err
		}
	}
	return nil
}

// LiveJobs lists the grants that are not dead.
func (v *Vault) LiveJobs(ctx context.Context) (grants []hotcell.Grant, err error) {
	err = v.store.View(ctx, func(r hotcell.VaultReader) (err error) {
		grants, err = r.Grants("", "")
		return err
	})
	return grants, err
}

// RevokeUses ends the grants that use the credential and match, within a change.
func (a *Act) RevokeUses(ws hotcell.WorkspaceID, credential hotcell.CredentialID, reason string, match func(hotcell.Grant) bool) error {
	grants, err := a.Grants(ws, credential)
	if err != nil {
		return err
	}
	for _, g := range grants {
		if !match(g) {
			continue
		}
		if err := a.revoke(g, reason); err != nil {
			return err
		}
	}
	return nil
}

func (a *Act) revoke(g hotcell.Grant, reason string) error {
	if g.State == hotcell.GrantDead {
		return nil
	}
	g.State, g.Reason = hotcell.GrantDead, reason
	a.ended = append(a.ended, Revocation{Job: g.Job, Reason: reason})
	if err := a.expire(g); err != nil {
		return err
	}
	return a.PutGrant(g)
}

func (v *Vault) ofGrant(kind string, g hotcell.Grant) hotcell.Event {
	return hotcell.Event{
		Workspace: g.Workspace, At: v.now(), Kind: kind, Member: g.Principal, Via: "job",
		Job: g.Job, Assignment: g.Assignment,
	}
}
