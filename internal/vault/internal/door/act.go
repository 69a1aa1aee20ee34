package door

import (
	"context"
	"errors"
	"fmt"

	"hotcell"
	"hotcell/internal/policy/access"
)

// Act is one change under way: the store's transaction, who asks, and what the
// audit log will say of it.
type Act struct {
	hotcell.VaultWriter
	Caller hotcell.Caller
	// About is recorded with the change, in the same transaction.
	About hotcell.Event
	// permitted is true once Permit said yes.
	permitted bool
	// ended are the grants that died in this change.
	ended []Revocation
	// expire ends the requests of a job whose grant died.
	expire func(hotcell.Grant) error
}

// Look is one reading under way.
type Look struct {
	hotcell.VaultReader
	Caller hotcell.Caller
	// About is recorded if the look is refused.
	About hotcell.Event
}

// errUnasked is a bug in a caller, kept from becoming a hole.
var errUnasked = errors.New("a change was made without asking whether it is allowed")

// Change runs fn in one transaction with the event that tells of it. fn must
// ask [Act.Permit] before it is done; a refusal is recorded and returned.
// fn may run more than once.
func (v *Vault) Change(ctx context.Context, p hotcell.Principal, about hotcell.Event, fn func(*Act) error) error {
	var act *Act
	err := v.store.Update(ctx, func(w hotcell.VaultWriter) error {
		caller, err := v.caller(w, p)
		if err != nil {
			return err
		}
		act = &Act{VaultWriter: w, Caller: caller, About: v.stamp(about, p)}
		act.expire = func(g hotcell.Grant) error { return v.expire(w, g) }
		if err := fn(act); err != nil {
			return err
		}
		if !act.permitted {
			return errUnasked
		}
		act.About.Decision = hotcell.Allowed
		return w.Record(act.About)
	})
	if err != nil {
		if act != nil {
			about = act.About
		}
		return v.refused(ctx, v.stamp(about, p), err)
	}
	v.announce(act.ended)
	return nil
}

// Look runs fn on one snapshot; a refusal is recorded and returned.
func (v *Vault) Look(ctx context.Context, p hotcell.Principal, about hotcell.Event, fn func(*Look) error) error {
	look := &Look{About: about}
	err := v.store.View(ctx, func(r hotcell.VaultReader) error {
		caller, err := v.caller(r, p)
		if err != nil {
			return err
		}
		look.VaultReader, look.Caller = r, caller
		return fn(look)
	})
	return v.refused(ctx, v.stamp(look.About, p), err)
}

// Permit decides, and lets the change go on.
func (a *Act) Permit(action access.Action, on access.Resource) error {
	if err := access.Decide(a.Caller, action, on); err != nil {
		return err
	}
	a.permitted = true
	return nil
}

// Permit decides.
func (l *Look) Permit(action access.Action, on access.Resource) error {
	return access.Decide(l.Caller, action, on)
}

// caller gives a principal the role that the vault's own store has for them.
func (v *Vault) caller(r hotcell.VaultReader, p hotcell.Principal) (hotcell.Caller, error) {
	m, err := r.Member(p.Workspace, p.Member)
	if errors.Is(err, hotcell.ErrNotFound) || err == nil && m.Removed() {
		return hotcell.Caller{}, fmt.Errorf("%w: you are not a member of this workspace", hotcell.ErrDenied)
	}
	return hotcell.Caller{Principal: p, Role: m.Role}, err
}

func (v *Vault) stamp(e hotcell.Event, p hotcell.Principal) hotcell.Event {
	e.Workspace, e.Member, e.Via, e.Request, e.At = p.Workspace, p.Member, p.Via, p.Request, v.now()
	return e
}

// refused records an error that is a refusal or a sign of tampering, and
// returns it; where that cannot be recorded, it says so.
func (v *Vault) refused(ctx context.Context, about hotcell.Event, err error) error {
	if err == nil {
		return nil
	}
	return v.refusedFor(ctx, about, why(err), err)
}

// refusedFor is [Vault.refused] with the words for the log.
func (v *Vault) refusedFor(ctx context.Context, about hotcell.Event, reason string, err error) error {
	if !errors.Is(err, hotcell.ErrTampered) && !errors.Is(err, hotcell.ErrDenied) {
		if _, hidden := errors.AsType[*access.Refusal](err); !hidden {
			return err
		}
	}
	about.Decision, about.Reason = hotcell.Refused, reason
	if about.Workspace != v.workspace {
		about.Workspace = v.workspace // somebody of nowhere is refused here
	}
	if !errors.Is(err, hotcell.ErrTampered) && v.counts(about) {
		return err
	}
	if failed := v.store.Record(context.WithoutCancel(ctx), about); failed != nil {
		return v.unrecorded(failed)
	}
	return err
}

// unrecorded is told where an event could not be stored; why not is for the log.
func (v *Vault) unrecorded(cause error) error {
	v.log.Error("an event could not be recorded", "error", cause)
	return fmt.Errorf("%w: the audit log cannot be written", hotcell.ErrUnavailable)
}

// why is the reason that the audit log keeps: a hidden refusal says more there
// than to the caller.
func why(err error) string {
	if r, ok := errors.AsType[*access.Refusal](err); ok {
		if r.Hidden {
			return toldNotFound + r.Reason
		}
		return r.Reason
	}
	return err.Error()
}
