package door

import (
	"context"
	"errors"

	"hotcell"
	"hotcell/internal/policy/access"
)

// The events of a connect link that did not lead to a connection.
const (
	kindReturn = "link.return"
	kindFail   = "link.fail"
)

// Link reads a connect link for whoever shows its token or its state: nobody is
// signed in there.
func (v *Vault) Link(ctx context.Context, id hotcell.LinkID) (l hotcell.Link, err error) {
	err = v.store.View(ctx, func(r hotcell.VaultReader) error {
		l, err = r.Link(v.workspace, id)
		return err
	})
	return l, err
}

// OfLink is on whose behalf a link's browser acts: its owner's.
func OfLink(l hotcell.Link) hotcell.Principal {
	return hotcell.Principal{Workspace: l.Workspace, Member: l.Owner, Via: "link"}
}

// RefuseLink records that a browser was refused, and returns why.
func (v *Vault) RefuseLink(ctx context.Context, l hotcell.Link, why error) error {
	return v.refused(ctx, v.stamp(hotcell.Event{Kind: kindReturn, Name: l.Name, Credential: l.Renews}, OfLink(l)), why)
}

// FailLink ends a link without a connection and records why. One that has come
// to its end already stays as it is.
func (v *Vault) FailLink(ctx context.Context, l hotcell.Link, reason string) error {
	return v.store.Update(context.WithoutCancel(ctx), func(w hotcell.VaultWriter) error {
		now, err := w.Link(l.Workspace, l.ID)
		if err != nil || now.State != hotcell.LinkWaiting && now.State != hotcell.LinkOpened {
			return err
		}
		now.State, now.Reason, now.Browser = hotcell.LinkFailed, reason, nil
		about := v.stamp(hotcell.Event{Kind: kindFail, Name: l.Name, Credential: l.Renews, Decision: hotcell.Refused, Reason: reason}, OfLink(l))
		return errors.Join(w.PutLink(now), w.Record(about))
	})
}

// Borrow opens a credential of a tier for what the vault's own process does with
// it, on behalf of somebody who may change it; may has the last word before it
// is opened. It is recorded before it returns, as kind, and the caller clears
// what it gets.
func (v *Vault) Borrow(ctx context.Context, p hotcell.Principal, tier hotcell.Tier, id hotcell.CredentialID, kind string, may func(*Act, hotcell.Credential) error) (out hotcell.Credential, fields []Field, err error) {
	err = v.Change(ctx, p, hotcell.Event{Kind: kind, Credential: id}, func(a *Act) error {
		ClearFields(fields)
		fields = nil
		if out, err = a.Credential(p.Workspace, id); err != nil {
			return err
		}
		if out.Tier != tier {
			return hotcell.ErrNotFound
		}
		a.About.Name = out.Name
		if err := a.Permit(access.ChangeCredential, access.OfCredential(out)); err != nil {
			return err
		}
		if err := may(a, out); err != nil {
			return err
		}
		fields, err = v.Reopen(a, out)
		return err
	})
	if err != nil {
		ClearFields(fields)
		return out, nil, err
	}
	return out, fields, nil
}
