package door

import (
	"context"
	"errors"
	"fmt"

	"hotcell"
	"hotcell/internal/policy/access"
	"hotcell/internal/text/site"
)

// CreateAnswer is [Vault.CreateCredential] of a login that answers a job's request
// for one: both happen, or neither.
func (v *Vault) CreateAnswer(ctx context.Context, p hotcell.Principal, fresh hotcell.Credential, fields []Field, see func(*Act) error, request hotcell.RequestID, standing bool) error {
	about := hotcell.Event{Kind: string(fresh.Tier) + ".create", Credential: fresh.ID, Name: fresh.Name, Version: fresh.Version}
	return v.Change(ctx, p, about, func(a *Act) error {
		if err := v.create(a, fresh, fields, see); err != nil {
			return err
		}
		decision := v.stamp(hotcell.Event{Kind: "request.approve", Decision: hotcell.Allowed}, p)
		if _, err := v.decide(a, &decision, request, Decision{Approve: true, Standing: standing, Credential: fresh.ID}); err != nil {
			return err
		}
		return a.Record(decision)
	})
}

// provide gives the login that answers a request to the job, which has it at once.
// For the assignment and its jobs to come it is attached.
func (v *Vault) provide(a *Act, about *hotcell.Event, q hotcell.Request, id hotcell.CredentialID) error {
	if id == "" {
		return hotcell.Invalid("/credential", "say which login: hotcell requests approve %s --login LOGIN", q.ID)
	}
	c, err := a.Credential(q.Workspace, id)
	if err != nil {
		return err
	}
	about.Credential, about.Name = c.ID, c.Name
	if err := mayProvide(a, q, c); err != nil {
		return err
	}
	use := hotcell.Use{Credential: c.ID, Version: c.Version, As: hotcell.InjectLogin}
	if q.Standing {
		at, err := v.attachLogin(a, q, c)
		if err != nil {
			return err
		}
		use.Attachment, use.Narrowing = at.ID, at.Narrowing
	} else {
		use.Attachment, use.Request = hotcell.AttachmentID(hotcell.NewID(hotcell.PrefixAttachment)), q.ID
	}
	return v.give(a, q, use, c)
}

// mayProvide asks whether this login may answer the request, and whether the
// caller may give it: whoever decides for a job may give it what they may use
// themselves; on the assignment it takes who may attach it there.
func mayProvide(a *Act, q hotcell.Request, c hotcell.Credential) error {
	action := access.SeeCredential
	if q.Standing {
		action = access.AttachCredential
	}
	if err := a.Permit(action, access.OfCredential(c)); err != nil {
		return err
	}
	if !c.Login.Of(q.Allow.Host, q.Allow.Port, false) {
		return hotcell.Invalid("/credential", "this is no login for the site that is asked for: %s", q.Allow.Host)
	}
	if !q.Standing {
		return nil
	}
	on, err := a.Assignment(q.Workspace, q.Assignment)
	if err != nil {
		return err
	}
	return a.Permit(access.ChangeAssignment, access.OfAssignment(on))
}

// give adds a use to the job's grant, if that lives and does not hold it yet.
func (v *Vault) give(a *Act, q hotcell.Request, use hotcell.Use, c hotcell.Credential) error {
	grant, err := a.Grant(q.Workspace, q.Job)
	if err != nil || grant.State != hotcell.GrantLive {
		return err
	}
	Fill(&use, c)
	if !c.Shared && c.Owner != grant.Principal {
		return fmt.Errorf("%w: this login is personal to another than the member on whose behalf the job runs", hotcell.ErrDenied)
	}
	for _, there := range grant.Uses {
		switch {
		case there.Attachment == use.Attachment, there.Credential == use.Credential && there.As == use.As:
			return nil
		case there.As == hotcell.InjectLogin && there.Login.Of(c.Login.Host, c.Login.Port, c.Login.Plain) && there.Login.Username == c.Login.Username:
			return sameAccount(c)
		}
	}
	grant.Uses = append(grant.Uses, use)
	a.ended = append(a.ended, Revocation{Job: q.Job, Widened: true})
	return a.PutGrant(grant)
}

func sameAccount(c hotcell.Credential) error {
	return fmt.Errorf("%w: another login of %q for %s is attached already", hotcell.ErrConflict, c.Login.Username, site.FormatLogin(*c.Login))
}

// FitsLogins refuses an attachment of a login beside those that are on the
// assignment: a second one of one account, and one by which a script of the agent's
// could read what another has typed, since all logins of a job share its browser.
func FitsLogins(r hotcell.VaultReader, on hotcell.Attachment, c hotcell.Credential) error {
	attached, err := r.Attachments(c.Workspace, on.Assignment, "")
	if err != nil {
		return err
	}
	for _, at := range attached {
		if at.As != hotcell.InjectLogin || at.Credential == c.ID {
			continue
		}
		if on.Fill && at.Evaluate || on.Evaluate && at.Fill {
			return hotcell.Invalid("/evaluate", "%s", hotcell.FillOrEvaluate)
		}
		other, err := r.Credential(c.Workspace, at.Credential)
		if err != nil {
			return err
		}
		if other.Login.Of(c.Login.Host, c.Login.Port, c.Login.Plain) && other.Login.Username == c.Login.Username {
			return sameAccount(c)
		}
	}
	return nil
}

// attachLogin is the attachment of a login, which may be there already: it came
// after the job was made.
func (v *Vault) attachLogin(a *Act, q hotcell.Request, c hotcell.Credential) (hotcell.Attachment, error) {
	attached, err := a.Attachments(q.Workspace, q.Assignment, c.ID)
	if err != nil || len(attached) > 0 {
		if err == nil {
			return attached[0], nil
		}
		return hotcell.Attachment{}, err
	}
	at := hotcell.Attachment{
		ID: hotcell.AttachmentID(hotcell.NewID(hotcell.PrefixAttachment)), Workspace: q.Workspace, Assignment: q.Assignment, Credential: c.ID,
		As: hotcell.InjectLogin, CreatedBy: a.Caller.Member, CreatedAt: v.now(),
	}
	return at, errors.Join(FitsLogins(a, at, c), a.PutAttachment(at))
}

// LinkRequest records that somebody who may decide on a request for a login makes
// a link by which it can be answered, if it waits.
func (v *Vault) LinkRequest(ctx context.Context, p hotcell.Principal, id hotcell.RequestID) error {
	return v.Change(ctx, p, hotcell.Event{Kind: "request.link"}, func(a *Act) error {
		q, err := a.Request(p.Workspace, id)
		if err != nil {
			return err
		}
		ofRequest(&a.About, q)
		if err := a.Permit(access.DecideRequest, access.OfJob(q.Member)); err != nil {
			return err
		}
		if q.Kind != hotcell.RequestLogin {
			return hotcell.Invalid("/id", "a link answers a request for a login alone")
		}
		if q = lapsed(q, v.now()); q.State != hotcell.RequestPending {
			return fmt.Errorf("%w: the request is %s already", hotcell.ErrConflict, q.State)
		}
		return nil
	})
}

// AskedLogin is a request for a login, with the names that tell a person of it.
type AskedLogin struct {
	Request            hotcell.Request
	Assignment, Member string
}

// AskedLogin reads a request for a login for whoever shows its link: nobody is
// signed in there.
func (v *Vault) AskedLogin(ctx context.Context, id hotcell.RequestID) (out AskedLogin, err error) {
	err = v.store.View(ctx, func(r hotcell.VaultReader) error {
		q, err := r.Request(v.workspace, id)
		if err != nil {
			return err
		}
		if q.Kind != hotcell.RequestLogin {
			return hotcell.ErrNotFound
		}
		on, err := r.Assignment(v.workspace, q.Assignment)
		if err != nil {
			return err
		}
		m, err := r.Member(v.workspace, q.Member)
		out = AskedLogin{lapsed(q, v.now()), on.Name, m.Name}
		return err
	})
	return out, err
}
