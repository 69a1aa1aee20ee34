package vault

import (
	"context"
	"errors"
	"net/http"

	"hotcell"
	"hotcell/internal/line/rpc"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/vault/internal/door"
)

// asked is a message that somebody asks.
type asked[Request any] interface {
	*Request
	rpc.Bearing
	Asker() *hotcell.Principal
}

// handle serves fn to whoever proves who they are by something that is good for a scope,
// and logs what the other side must not see. fn finds in the message who asks, as the vault
// knows them.
func handle[Request, Answer any, R asked[Request]](d *Daemon, mux *http.ServeMux, procedure string, scope hotcell.Scope, fn func(context.Context, *Request) (*Answer, error)) {
	handleOpen(d, mux, procedure, func(ctx context.Context, r *Request) (*Answer, error) {
		p := R(r).Asker()
		if err := d.judge(ctx, p); err != nil {
			return nil, err
		}
		if err := within(*p, scope, r); err != nil {
			return nil, err
		}
		return fn(ctx, r)
	})
}

// about is a message about one assignment.
type about interface{ About() hotcell.AssignmentID }

// within refuses what an API token is not good for. One for a single assignment is good
// for messages about that.
func within(p hotcell.Principal, scope hotcell.Scope, message any) error {
	if err := p.May(scope); err != nil || p.Token == nil || scope == hotcell.ScopeAny {
		return err
	}
	if one, ok := message.(about); ok {
		return p.MayUse(one.About())
	}
	return p.MayUse("")
}

// handleOpen serves what nobody asks: the control plane itself, for jobs whose makers
// were judged before, and who holds the token of a link.
func handleOpen[Request, Answer any](d *Daemon, mux *http.ServeMux, procedure string, fn func(context.Context, *Request) (*Answer, error)) {
	rpc.Handle(mux, procedure, func(ctx context.Context, r *Request) (*Answer, error) {
		answer, err := fn(ctx, r)
		return answer, d.note(procedure, err)
	})
}

// judge puts who somebody is in the place of who they say they are.
func (d *Daemon) judge(ctx context.Context, p *hotcell.Principal) (err error) {
	*p, err = d.whose.Authenticate(ctx, *p)
	return err
}

// people serves what people ask of credentials and of the log.
func (d *Daemon) people(mux *http.ServeMux) {
	handleOpen(d, mux, vaultrpc.Health, func(ctx context.Context, _ *vaultrpc.Empty) (*vaultrpc.HealthAnswer, error) {
		return d.health(ctx), nil
	})
	handleOpen(d, mux, vaultrpc.Home, func(context.Context, *vaultrpc.Empty) (*vaultrpc.HomeAnswer, error) { return d.home() })
	handle(d, mux, vaultrpc.Who, hotcell.ScopeAny, func(_ context.Context, r *vaultrpc.WorkspaceRequest) (*hotcell.Principal, error) {
		return &r.Principal, nil
	})
	handleOpen(d, mux, vaultrpc.Part, func(_ context.Context, r *vaultrpc.PartRequest) (*vaultrpc.Empty, error) {
		d.owners.locals.Part(r.Principal.Bearer)
		return &vaultrpc.Empty{}, nil
	})
	handle(d, mux, vaultrpc.Workspace, hotcell.ScopeAny, d.workspace)
	handle(d, mux, vaultrpc.CreateSecret, hotcell.ScopeWriteCredentials, d.secrets.Create)
	handle(d, mux, vaultrpc.ChangeSecret, hotcell.ScopeWriteCredentials, d.secrets.Change)
	handleConfirmed(d, mux, vaultrpc.ShareCredential, hotcell.ScopeWriteCredentials, d.saySharing, func(ctx context.Context, r *vaultrpc.ShareCredentialRequest) (*vaultrpc.CredentialAnswer, error) {
		c, err := d.vault.Share(ctx, r.Principal, r.ID, r.Revision, r.Shared)
		return &vaultrpc.CredentialAnswer{Credential: c}, err
	})
	handle(d, mux, vaultrpc.DeleteCredential, hotcell.ScopeWriteCredentials, d.connections.Delete)
	handle(d, mux, vaultrpc.Deleted, hotcell.ScopeReadCredentials, func(ctx context.Context, r *vaultrpc.WorkspaceRequest) (*vaultrpc.DeletedAnswer, error) {
		list, err := d.vault.Deleted(ctx, r.Principal)
		return &vaultrpc.DeletedAnswer{Deleted: list}, err
	})
	handle(d, mux, vaultrpc.Undelete, hotcell.ScopeWriteCredentials, func(ctx context.Context, r *vaultrpc.CredentialRequest) (*vaultrpc.CredentialAnswer, error) {
		c, err := d.vault.Undelete(ctx, r.Principal, r.ID)
		return &vaultrpc.CredentialAnswer{Credential: c}, err
	})
	handle(d, mux, vaultrpc.DestroyDeleted, hotcell.ScopeWriteCredentials, d.connections.DestroyDeleted)
	handle(d, mux, vaultrpc.Credential, hotcell.ScopeReadCredentials, d.credential)
	handle(d, mux, vaultrpc.Credentials, hotcell.ScopeReadCredentials, func(ctx context.Context, r *vaultrpc.CredentialsRequest) (*vaultrpc.CredentialsAnswer, error) {
		list, err := d.vault.Credentials(ctx, r.Principal, hotcell.CredentialFilter{Tier: r.Tier, Name: r.Name}, r.Page)
		return &vaultrpc.CredentialsAnswer{Credentials: list}, err
	})
	handle(d, mux, vaultrpc.Events, hotcell.ScopeReadAudit, func(ctx context.Context, r *vaultrpc.EventsRequest) (*vaultrpc.EventsAnswer, error) {
		events, err := d.vault.Events(ctx, r.Principal, r.Filter)
		return &vaultrpc.EventsAnswer{Events: events}, err
	})
	handle(d, mux, vaultrpc.VerifyEvents, hotcell.ScopeReadAudit, d.verify)
}

// home is what anybody may know of the server.
func (d *Daemon) home() (*vaultrpc.HomeAnswer, error) {
	at := d.vault.Local().Workspace
	key, attested, err := d.vault.Attested(at)
	return &vaultrpc.HomeAnswer{Workspace: at, Fingerprint: key.Fingerprint(), IdentityFingerprint: attested.Fingerprint()}, err
}

func (d *Daemon) workspace(ctx context.Context, r *vaultrpc.WorkspaceRequest) (*vaultrpc.WorkspaceAnswer, error) {
	key, attested, err := d.vault.Attested(r.Principal.Workspace)
	if err != nil {
		return nil, err
	}
	out := &vaultrpc.WorkspaceAnswer{
		PublicKey: key.Bytes(), Fingerprint: key.Fingerprint(),
		Identity: attested.Identity, IdentityFingerprint: attested.Fingerprint(), Sequence: attested.Sequence, Signature: attested.Signature,
	}
	err = d.vault.Look(ctx, r.Principal, hotcell.Event{Kind: "workspace.show"}, func(l *door.Look) (err error) {
		if out.Workspace, err = l.Workspace(r.Principal.Workspace); err != nil {
			return err
		}
		out.Member, err = l.Member(r.Principal.Workspace, r.Principal.Member)
		return err
	})
	return out, err
}

// credential names the assignments that a credential is attached to: whoever
// may know of the one may see the other.
func (d *Daemon) credential(ctx context.Context, r *vaultrpc.CredentialRequest) (*vaultrpc.CredentialAnswer, error) {
	c, attached, err := d.vault.Credential(ctx, r.Principal, r.ID)
	if err != nil {
		return nil, err
	}
	out := &vaultrpc.CredentialAnswer{Credential: c}
	if held, err := d.vault.HeldBy(ctx, c); err == nil { // else the keys are closed
		out.Held = &held
	}
	for _, at := range attached {
		on, err := d.assignments.Get(ctx, r.Principal, at.Assignment)
		if errors.Is(err, hotcell.ErrNotFound) {
			continue // deleted since the credential was read
		}
		if err != nil {
			return nil, err
		}
		out.Attachments = append(out.Attachments, vaultrpc.AttachedAssignment{Attachment: at.ID, Assignment: at.Assignment, Name: on.Assignment.Name})
	}
	return out, nil
}

func (d *Daemon) verify(ctx context.Context, r *vaultrpc.WorkspaceRequest) (*vaultrpc.VerifyAnswer, error) {
	v, err := d.vault.Verify(ctx, r.Principal)
	out := &vaultrpc.VerifyAnswer{Events: v.Events, Head: v.Head}
	if v.Removed > 0 {
		out.Removed, out.RemovedAt = v.Removed, &v.RemovedAt
	}
	if v.Broken != nil {
		out.Broken, out.Reason = v.Broken.Sequence, v.Broken.Reason
	}
	return out, err
}
