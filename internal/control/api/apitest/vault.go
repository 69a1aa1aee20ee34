package apitest

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/value/parcel"
)

// vault is the world as the API's vault. It keeps a few of its rules, enough
// for each kind of refusal to happen.
type vault World

// enter takes the lock, or fails as the test wants it.
func (v *vault) enter() (func(), error) {
	v.mu.Lock()
	if v.fail != nil {
		defer v.mu.Unlock()
		return nil, v.fail
	}
	return v.mu.Unlock, nil
}

func (v *vault) Workspace(context.Context, *vaultrpc.WorkspaceRequest) (*vaultrpc.WorkspaceAnswer, error) {
	leave, err := v.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	public := v.Key.Public()
	out := &vaultrpc.WorkspaceAnswer{Workspace: v.workspace, Member: v.member, PublicKey: public.Bytes(), Fingerprint: public.Fingerprint()}
	if a := v.attested; a.Identity != nil {
		out.Identity, out.IdentityFingerprint, out.Sequence, out.Signature = a.Identity, a.Fingerprint(), a.Sequence, a.Signature
	}
	return out, nil
}

func (v *vault) Keys(context.Context, *vaultrpc.WorkspaceRequest) (*vaultrpc.KeysAnswer, error) {
	leave, err := v.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	report := hotcell.KeyReport{Rotation: v.rotation, Calls: 1, WarmSince: v.workspace.CreatedAt}
	report.Keys = append(report.Keys,
		hotcell.Key{Kind: hotcell.KeyKMS, ID: "local:fake", State: hotcell.KeyInUse, MadeAt: v.workspace.CreatedAt, Holds: 1},
		hotcell.Key{Kind: hotcell.KeyWorkspace, ID: "0000000b", State: hotcell.KeyInUse, WrappedBy: "local:fake", MadeAt: v.workspace.CreatedAt},
	)
	if v.rotation != nil && !v.destroyed {
		report.Keys = append(report.Keys, hotcell.Key{Kind: hotcell.KeyWorkspace, ID: "0000000a", State: hotcell.KeyOld, WrappedBy: "local:fake", MadeAt: v.workspace.CreatedAt})
	}
	return &vaultrpc.KeysAnswer{Report: report}, nil
}

func (v *vault) Vouch(_ context.Context, r *vaultrpc.VouchRequest) (*vaultrpc.VouchAnswer, error) {
	leave, err := v.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	answer, err := v.Key.Vouch(r.Question, v.attested.Identity)
	return &vaultrpc.VouchAnswer{Answer: answer}, err
}

func (v *vault) RotateKeys(_ context.Context, r *vaultrpc.RotateKeysRequest) error {
	leave, err := v.enter()
	if err != nil {
		return err
	}
	defer leave()
	now := v.workspace.CreatedAt
	v.rotation = &hotcell.Rotation{What: r.What, Step: "done", Done: 3, Total: 3, StartedAt: now, EndedAt: &now}
	return nil
}

func (v *vault) DestroyKey(_ context.Context, r *vaultrpc.DestroyKeyRequest) error {
	leave, err := v.enter()
	if err != nil {
		return err
	}
	defer leave()
	if v.rotation == nil || v.destroyed || r.ID != "0000000a" {
		return hotcell.ErrNotFound
	}
	v.destroyed = true
	return nil
}

// open opens what was sealed for an item, and refuses what was sealed for another.
func (v *vault) open(item string, sealed []vaultrpc.SealedVariable) (map[string]string, error) {
	out := map[string]string{}
	for i, s := range sealed {
		at := fmt.Sprintf("/variables/%d", i)
		if _, reserved := hotcell.ReservedVariable(s.Name); reserved || s.Name == "" {
			return nil, hotcell.Invalid(at+"/name", "this name is reserved")
		}
		value, err := v.Key.Open(parcel.Context{Workspace: string(v.workspace.ID), Tier: string(hotcell.TierSecret), Item: item, Field: s.Name}, s.Message)
		if err != nil {
			return nil, hotcell.Invalid(at+"/sealed", "this value was not sealed for this variable of this secret")
		}
		_ = value.Use(func(b []byte) error { out[s.Name] = string(b); return nil })
		value.Clear()
	}
	return out, nil
}

func variablesOf(values map[string]string) []hotcell.Variable {
	var out []hotcell.Variable
	for _, name := range slices.Sorted(maps.Keys(values)) {
		variable := hotcell.Variable{Name: name}
		if len(values[name]) < 6 {
			variable.Unguarded = "it is shorter than 6 bytes"
		}
		out = append(out, variable)
	}
	return out
}

// free says whether a secret may have its name in its group.
func (v *vault) free(c hotcell.Credential) error {
	for _, other := range v.secrets {
		if other.ID != c.ID && other.Name == c.Name && other.Group() == c.Group() {
			return fmt.Errorf("%w: there is one of this name already", hotcell.ErrConflict)
		}
	}
	return nil
}

func (v *vault) CreateSecret(_ context.Context, in *vaultrpc.CreateSecretRequest) (*vaultrpc.CredentialAnswer, error) {
	leave, err := v.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	if in.Name == "" || len(in.Name) > hotcell.MaxName {
		return nil, hotcell.Invalid("/name", "a name has 1 to 128 characters")
	}
	values, err := v.open(in.Name, in.Variables)
	if err != nil {
		return nil, err
	}
	now := (*World)(v).tick()
	c := hotcell.Credential{
		ID: hotcell.CredentialID(hotcell.NewID(hotcell.PrefixSecret)), Workspace: v.workspace.ID, Tier: hotcell.TierSecret, Name: in.Name, Owner: v.member.ID,
		Shared: in.Shared, Service: in.Service, Hosts: in.Hosts, Version: 1, Revision: 1, Variables: variablesOf(values), CreatedAt: now, UpdatedAt: now,
	}
	if err := v.free(c); err != nil {
		return nil, err
	}
	v.secrets, v.values[c.ID] = append(v.secrets, c), values
	(*World)(v).record("secret.create", c.Name, "")
	return &vaultrpc.CredentialAnswer{Credential: c}, nil
}

// secret finds a secret at the revision. The lock is held.
func (v *vault) secret(id hotcell.CredentialID, revision int) (*hotcell.Credential, error) {
	i := slices.IndexFunc(v.secrets, func(c hotcell.Credential) bool { return c.ID == id })
	if i < 0 {
		return nil, hotcell.ErrNotFound
	}
	if revision != 0 && revision != v.secrets[i].Revision {
		return nil, &hotcell.StaleError{Current: v.secrets[i].Revision}
	}
	return &v.secrets[i], nil
}

func (v *vault) ChangeSecret(_ context.Context, in *vaultrpc.ChangeSecretRequest) (*vaultrpc.CredentialAnswer, error) {
	leave, err := v.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	c, err := v.secret(in.ID, in.Revision)
	if err != nil {
		return nil, err
	}
	set, err := v.open(string(in.ID), in.Set)
	if err != nil {
		return nil, err
	}
	values := maps.Clone(v.values[c.ID])
	if in.Replace {
		values = map[string]string{}
	}
	for _, name := range in.Unset {
		if _, there := values[name]; !there {
			return nil, hotcell.Invalid("/unset", "there is no variable of this name")
		}
		delete(values, name)
	}
	for from, to := range in.Rename {
		values[to] = values[from]
		delete(values, from)
	}
	maps.Copy(values, set)
	if c.Hosts = deref(in.Hosts, c.Hosts); slices.Contains(c.Hosts, "*") {
		return nil, hotcell.Invalid("/hosts/0", "write HOST, HOST:PORT, *.HOST or *.HOST:PORT")
	}
	c.Name, c.Service = deref(in.Name, c.Name), deref(in.Service, c.Service)
	c.Version, c.Revision, c.Variables, c.UpdatedAt = c.Version+1, c.Revision+1, variablesOf(values), (*World)(v).tick()
	v.values[c.ID] = values
	return &vaultrpc.CredentialAnswer{Credential: *c}, nil
}

func deref[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}

func (v *vault) ShareCredential(_ context.Context, in *vaultrpc.ShareCredentialRequest) (*vaultrpc.CredentialAnswer, error) {
	leave, err := v.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	c, err := v.secret(in.ID, in.Revision)
	if err != nil {
		return nil, err
	}
	c.Shared, c.Revision = in.Shared, c.Revision+1
	return &vaultrpc.CredentialAnswer{Credential: *c}, nil
}

func (v *vault) Deleted(context.Context, *vaultrpc.WorkspaceRequest) (*vaultrpc.DeletedAnswer, error) {
	return &vaultrpc.DeletedAnswer{}, nil
}

func (v *vault) Undelete(context.Context, *vaultrpc.CredentialRequest) (*vaultrpc.CredentialAnswer, error) {
	return nil, hotcell.ErrNotFound
}

func (v *vault) DestroyDeleted(context.Context, *vaultrpc.CredentialRequest) (*vaultrpc.DeleteAnswer, error) {
	return nil, hotcell.ErrNotFound
}

func (v *vault) Backups(context.Context, *vaultrpc.WorkspaceRequest) (*vaultrpc.BackupsAnswer, error) {
	return &vaultrpc.BackupsAnswer{}, nil
}

func (v *vault) DeleteConnection(ctx context.Context, in *vaultrpc.CredentialRequest) (*vaultrpc.DeleteAnswer, error) {
	out := &vaultrpc.DeleteAnswer{}
	if answer, err := v.Credential(ctx, in); err == nil && answer.Credential.Connected != nil && len(answer.Credential.Connected.Scopes) > 0 {
		out.Revoked, out.Grant = true, "it was revoked at the service"
	}
	return out, v.DeleteCredential(ctx, in)
}

func (v *vault) DeleteCredential(_ context.Context, in *vaultrpc.CredentialRequest) error {
	leave, err := v.enter()
	if err != nil {
		return err
	}
	defer leave()
	if _, err := v.secret(in.ID, in.Revision); err != nil {
		return err
	}
	v.secrets = slices.DeleteFunc(v.secrets, func(c hotcell.Credential) bool { return c.ID == in.ID })
	v.attachments = slices.DeleteFunc(v.attachments, func(a hotcell.Attachment) bool { return a.Credential == in.ID })
	return nil
}

func (v *vault) Credential(_ context.Context, in *vaultrpc.CredentialRequest) (*vaultrpc.CredentialAnswer, error) {
	leave, err := v.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	c, err := v.secret(in.ID, 0)
	if err != nil {
		return nil, err
	}
	answer := &vaultrpc.CredentialAnswer{Credential: *c}
	for _, a := range v.attachments {
		if a.Credential == in.ID {
			on, _ := v.assignment(a.Assignment, 0)
			answer.Attachments = append(answer.Attachments, vaultrpc.AttachedAssignment{Attachment: a.ID, Assignment: a.Assignment, Name: on.Name})
		}
	}
	return answer, nil
}

func (v *vault) Credentials(_ context.Context, in *vaultrpc.CredentialsRequest) (*vaultrpc.CredentialsAnswer, error) {
	leave, err := v.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	found := slices.DeleteFunc(slices.Clone(v.secrets), func(c hotcell.Credential) bool {
		return in.Name != "" && c.Name != in.Name || in.Tier != "" && c.Tier != in.Tier
	})
	slices.SortFunc(found, func(a, b hotcell.Credential) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
	page, err := pageOf(found, in.Page, func(c hotcell.Credential) string { return string(c.ID) })
	return &vaultrpc.CredentialsAnswer{Credentials: page}, err
}

// pageOf cuts a page out of a list.
func pageOf[T any](items []T, page hotcell.Page, id func(T) string) ([]T, error) {
	if page.After != "" {
		i := slices.IndexFunc(items, func(item T) bool { return id(item) == page.After })
		if i < 0 {
			return nil, hotcell.Invalid("/after", "the page's first item is gone")
		}
		items = items[i+1:]
	}
	return items[:min(len(items), page.Size())], nil
}
