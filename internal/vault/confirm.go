package vault

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/policy/access"
	"hotcell/internal/vault/internal/door"
)

// handleConfirmed serves what is dangerous: whoever is signed in confirms it, for that one
// time. Say puts into a sentence what would be done, as far as the asker may know of it; an
// empty one needs no confirmation.
func handleConfirmed[Request, Answer any, R asked[Request]](d *Daemon, mux *http.ServeMux, procedure string, scope hotcell.Scope, say func(context.Context, *Request) (string, error), fn func(context.Context, *Request) (*Answer, error)) {
	handle[Request, Answer, R](d, mux, procedure, scope, func(ctx context.Context, r *Request) (*Answer, error) {
		text, err := say(ctx, r)
		if err != nil {
			return nil, err
		}
		if text != "" {
			// Who asks, and by which request, is no part of what is done.
			asker := R(r).Asker()
			who := *asker
			*asker = hotcell.Principal{}
			err = d.whose.Confirmed(who, procedure, text, r)
			*asker = who
		}
		if err != nil {
			return nil, err
		}
		return fn(ctx, r)
	})
}

// may refuses what the asker may not do in any case, so that nobody confirms in vain.
func (d *Daemon) may(ctx context.Context, p hotcell.Principal, kind string, action access.Action, on func(*door.Look) (access.Resource, error)) error {
	return d.vault.Look(ctx, p, hotcell.Event{Kind: kind}, func(l *door.Look) error {
		resource, err := on(l)
		if err != nil {
			return err
		}
		return l.Permit(action, resource)
	})
}

func nobodys(*door.Look) (access.Resource, error) { return access.Resource{}, nil }

func (d *Daemon) saySharing(ctx context.Context, r *vaultrpc.ShareCredentialRequest) (string, error) {
	if !r.Shared {
		return "", nil
	}
	c, _, err := d.vault.Credential(ctx, r.Principal, r.ID)
	if err != nil || c.Shared {
		return "", err
	}
	return fmt.Sprintf("share the %s %q with the whole workspace: whoever is in it can have it used, and who builds can attach it", c.Tier, c.Name), nil
}

// sayAttaching asks where the command is another's: they could have it print what it is given.
func (d *Daemon) sayAttaching(ctx context.Context, r *vaultrpc.AttachRequest) (string, error) {
	on, err := d.assignments.Get(ctx, r.Principal, r.Assignment)
	if errors.Is(err, hotcell.ErrNotFound) || errors.Is(err, hotcell.ErrDenied) {
		return "", nil // it is refused, and recorded, as what it is
	}
	if err != nil || on.Assignment.Owner == r.Principal.Member {
		return "", err
	}
	c, _, err := d.vault.Credential(ctx, r.Principal, r.Credential)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("attach the %s %q to the assignment %q, which somebody else wrote", c.Tier, c.Name, on.Assignment.Name), nil
}

func (d *Daemon) sayConfirming(ctx context.Context, r *vaultrpc.ConfirmAttachmentRequest) (text string, err error) {
	err = d.may(ctx, r.Principal, "attachment.confirm", access.AttachCredential, func(l *door.Look) (access.Resource, error) {
		at, err := l.Attachment(r.Principal.Workspace, r.Attachment)
		if err != nil {
			return access.Resource{}, err
		}
		c, err := l.Credential(at.Workspace, at.Credential)
		if err != nil {
			return access.Resource{}, err
		}
		on, err := l.Assignment(at.Workspace, at.Assignment)
		text = fmt.Sprintf("give the %s %q to the assignment %q as it is since somebody else changed it (revision %d)", c.Tier, c.Name, on.Name, on.Revision)
		return access.OfCredential(c), err
	})
	return text, err
}

func (d *Daemon) sayInviting(ctx context.Context, r *vaultrpc.InviteRequest) (string, error) {
	if err := d.may(ctx, r.Principal, "member.invite", access.InviteMembers, nobodys); err != nil {
		return "", err
	}
	who := "whoever has the invitation"
	if r.For != "" {
		who = "the account " + r.For
	}
	return fmt.Sprintf("invite %s into the workspace, as %s", who, r.Role), nil
}

func (d *Daemon) sayChanging(ctx context.Context, r *vaultrpc.ChangeMemberRequest) (text string, err error) {
	if r.Role == nil {
		return "", nil
	}
	err = d.may(ctx, r.Principal, "member.change", access.ChangeMember, func(l *door.Look) (access.Resource, error) {
		m, err := l.Member(r.Principal.Workspace, r.ID)
		text = fmt.Sprintf("give %s the role %s, who is %s", m.Name, *r.Role, m.Role)
		return access.OfMember(m), err
	})
	return text, err
}

func (d *Daemon) sayRemoving(ctx context.Context, r *vaultrpc.MemberRequest) (string, error) {
	gone, err := d.vault.Leaving(ctx, r.Principal, r.ID)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("remove %s from the workspace, and destroy the %d credentials that are personal to them", gone.Member.Name, len(gone.Personal)), nil
}

func (d *Daemon) sayToken(_ context.Context, r *vaultrpc.CreateTokenRequest) (string, error) {
	return fmt.Sprintf("make the API token %q, which may do in your name: %s", r.Name, words(r.Scopes)), nil
}

func words(scopes []hotcell.Scope) (out string) {
	for i, s := range scopes {
		if i > 0 {
			out += ", "
		}
		out += string(s)
	}
	return out
}

func (d *Daemon) sayDestroyingKey(ctx context.Context, r *vaultrpc.DestroyKeyRequest) (string, error) {
	return "destroy the workspace's old key " + r.ID + ": what is still sealed by it is lost", d.may(ctx, r.Principal, "key.destroy", access.ReplaceKeys, nobodys)
}

func (d *Daemon) sayRotating(ctx context.Context, r *vaultrpc.RotateKeysRequest) (string, error) {
	if r.What != hotcell.KeyIdentity && !r.Compromised {
		return "", nil // it loses nothing
	}
	return fmt.Sprintf("make %s anew at once: people's machines that know the old one will refuse it until they are told", r.What), d.may(ctx, r.Principal, "key.rotate", access.RotateKeys, nobodys)
}

func (d *Daemon) sayClient(ctx context.Context, r *vaultrpc.SetClientRequest) (string, error) {
	return fmt.Sprintf("have connections of this workspace made as the OAuth client %q", r.ID), d.may(ctx, r.Principal, "client.set", access.ChangeSettings, nobodys)
}
