package door

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"

	"hotcell"
	"hotcell/internal/policy/access"
)

// withWay is a login as its grant has it, with the way in that people have said yes to
// until now.
func withWay(use hotcell.Use, c hotcell.Credential) hotcell.Use {
	if use.Login == nil || c.Login == nil {
		return use
	}
	now := *use.Login
	now.Way, now.Start = c.Login.Way, c.Login.Start
	use.Login = &now
	return use
}

// AskWay asks people whether a login may be sent by a step, and returns at once. One
// that they have said yes to is approved; what was asked before in the same job is not
// asked again while it waits, and what was refused there stays so.
func (v *Vault) AskWay(ctx context.Context, job hotcell.JobID, attachment hotcell.AttachmentID, at hotcell.Login, step hotcell.WayStep, start bool) (q hotcell.Request, err error) {
	if err := step.Check(); err != nil {
		return q, err
	}
	use, err := v.CheckLogin(ctx, job, attachment, at)
	if err != nil {
		return q, err
	}
	about := hotcell.Event{Workspace: v.workspace, At: v.now(), Kind: "request.create", Job: job, Via: "job"}
	err = v.store.Update(ctx, func(w hotcell.VaultWriter) error {
		grant, err := w.GrantOf(job)
		if err != nil {
			return gone(err, "there is no grant for this job")
		}
		about = v.ofGrant(about.Kind, grant)
		about.Host, about.Credential, about.Name = net.JoinHostPort(at.Host, strconv.Itoa(at.Port)), use.Credential, use.Name
		if err := alive(grant, v.now()); err != nil {
			return err
		}
		q = hotcell.Request{
			ID: hotcell.RequestID(hotcell.NewID(hotcell.PrefixAsk)), Workspace: grant.Workspace, Kind: hotcell.RequestWay, Job: job, Assignment: grant.Assignment,
			Member: grant.Principal, Allow: hotcell.Allow{Host: at.Host, Port: at.Port, Protocol: hotcell.ProtocolHTTPS}, State: hotcell.RequestPending, CreatedAt: v.now(),
			Way: &hotcell.AskedWay{Attachment: attachment, Credential: use.Credential, Login: use.Name, Step: step, Known: use.Login.Way.Of(step.Fill), Start: start},
		}
		if use.Login.Way.Has(&step) {
			q.State = hotcell.RequestApproved
			return nil
		}
		old, err := v.askedWay(w, q)
		if err != nil || old.ID != "" {
			q = old
			return err
		}
		about.Decision, about.Reason = hotcell.Allowed, "whether it signs in by "+StepText(&step)
		return errors.Join(w.PutRequest(q), w.Record(about))
	})
	if err != nil {
		return q, v.refused(ctx, about, err)
	}
	return q, nil
}

// askedWay is what the job has asked of the same before; it is an error where it has
// asked for much.
func (v *Vault) askedWay(w hotcell.VaultWriter, q hotcell.Request) (found hotcell.Request, err error) {
	asked, err := w.Requests(q.Workspace, hotcell.RequestFilter{Job: q.Job}, hotcell.Page{Limit: hotcell.MaxPage})
	if err != nil {
		return found, err
	}
	pending, refused := 0, 0
	for _, old := range asked {
		old = lapsed(old, v.now())
		if old.State == hotcell.RequestPending {
			pending++
		}
		if old.Kind == hotcell.RequestWay && old.State == hotcell.RequestRefused {
			refused++
		}
		same := old.Kind == hotcell.RequestWay && old.Way != nil && old.Way.Credential == q.Way.Credential && old.Way.Step.Is(&q.Way.Step)
		if same && (old.State == hotcell.RequestPending || old.State == hotcell.RequestRefused) {
			return old, nil
		}
	}
	if pending >= maxPending || refused >= maxPending || len(asked) >= hotcell.MaxPage {
		return found, fmt.Errorf("%w: the job has asked for much already: wait until somebody has decided", hotcell.ErrRateLimited)
	}
	return found, nil
}

// StepText says in a line which request a step is.
func StepText(s *hotcell.WayStep) string {
	if s.Fill {
		return "the form on " + PathText(s.Page) + " that sends to " + PathText(s.Path)
	}
	return s.Method + " " + PathText(s.Path)
}

// keepWay keeps a step that somebody has said yes to with its login.
func (v *Vault) keepWay(a *Act, about *hotcell.Event, q hotcell.Request) error {
	if q.Standing {
		return hotcell.Invalid("/standing", "a way in is kept with its login: it is for all jobs")
	}
	c, err := a.Credential(q.Workspace, q.Way.Credential)
	if err != nil {
		return gone(err, "the login was deleted since")
	}
	about.Name, about.Credential, about.Reason = c.Name, c.ID, "it signs in by "+StepText(&q.Way.Step)
	if err := a.Permit(access.ChangeCredential, access.OfCredential(c)); err != nil {
		return err
	}
	if c.Login == nil || c.Login.Host != q.Allow.Host || c.Login.Port != q.Allow.Port {
		return fmt.Errorf("%w: the login is for another site", hotcell.ErrConflict)
	}
	said := *c.Login
	if said.Way, err = said.Way.With(q.Way.Step); err != nil {
		return err
	}
	c.Login, c.Revision, c.UpdatedAt = &said, c.Revision+1, v.now()
	return a.PutCredential(c)
}
