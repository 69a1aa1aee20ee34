package apitest

import (
	"context"
	"maps"
	"time"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/text/site"
	"hotcell/internal/value/parcel"
)

// openFields opens a login's values that were sealed for an item.
func (v *vault) openFields(item string, sealed []vaultrpc.SealedVariable) (map[string]string, error) {
	out := map[string]string{}
	for _, s := range sealed {
		value, err := v.Key.Open(parcel.Context{Workspace: string(v.workspace.ID), Tier: string(hotcell.TierLogin), Item: item, Field: s.Name}, s.Message)
		if err != nil {
			return nil, hotcell.Invalid("/fields", "this value was not sealed for this login")
		}
		_ = value.Use(func(b []byte) error { out[s.Name] = string(b); return nil })
		value.Clear()
	}
	return out, nil
}

func (v *vault) CreateLogin(_ context.Context, in *vaultrpc.CreateLoginRequest) (*vaultrpc.CredentialAnswer, error) {
	leave, err := v.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	c, err := v.createLogin(in)
	return &vaultrpc.CredentialAnswer{Credential: c}, err
}

func (v *vault) createLogin(in *vaultrpc.CreateLoginRequest) (c hotcell.Credential, err error) {
	at, err := site.Login(in.Site)
	if err != nil {
		return c, err
	}
	fields, err := v.openFields(in.Name, in.Fields)
	if err != nil {
		return c, err
	}
	at.Username, at.Password, at.OTP = in.Username, fields[hotcell.FieldPassword] != "", fields[hotcell.FieldOTP] != ""
	if !at.Password && !at.OTP {
		return c, hotcell.Invalid("/fields", "a login has a password, a one-time-code secret, or both")
	}
	now := (*World)(v).tick()
	c = hotcell.Credential{
		ID: hotcell.CredentialID(hotcell.NewID(hotcell.PrefixLogin)), Workspace: v.workspace.ID, Tier: hotcell.TierLogin, Name: in.Name, Owner: v.member.ID,
		Shared: in.Shared, Login: &at, Version: 1, Revision: 1, CreatedAt: now, UpdatedAt: now,
	}
	if err := v.free(c); err != nil {
		return c, err
	}
	v.secrets, v.values[c.ID] = append(v.secrets, c), fields
	(*World)(v).record("login.create", c.Name, "")
	return c, nil
}

func (v *vault) ChangeLogin(_ context.Context, in *vaultrpc.ChangeLoginRequest) (*vaultrpc.CredentialAnswer, error) {
	leave, err := v.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	return v.changeLogin(in)
}

func (v *vault) changeLogin(in *vaultrpc.ChangeLoginRequest) (*vaultrpc.CredentialAnswer, error) {
	for i := range v.secrets {
		c := &v.secrets[i]
		if c.ID != in.ID {
			continue
		}
		fields, err := v.openFields(string(in.ID), in.Set)
		if err != nil {
			return nil, err
		}
		maps.Copy(v.values[c.ID], fields)
		for _, name := range in.Unset {
			delete(v.values[c.ID], name)
		}
		said := *c.Login
		if in.Username != nil {
			said.Username = *in.Username
		}
		if in.Name != nil {
			c.Name = *in.Name
		}
		said.Password, said.OTP = v.values[c.ID][hotcell.FieldPassword] != "", v.values[c.ID][hotcell.FieldOTP] != ""
		c.Login, c.Revision, c.Version = &said, c.Revision+1, c.Version+1
		return &vaultrpc.CredentialAnswer{Credential: *c}, nil
	}
	return nil, hotcell.ErrNotFound
}

func (v *vault) ImportLogins(_ context.Context, in *vaultrpc.ImportLoginsRequest) (*vaultrpc.ImportLoginsAnswer, error) {
	leave, err := v.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	out := &vaultrpc.ImportLoginsAnswer{}
	for i := range in.Logins {
		if one := &in.Logins[i]; one.Into != "" {
			changed, err := v.changeLogin(&vaultrpc.ChangeLoginRequest{ID: one.Into, Set: one.Fields})
			if err != nil {
				return nil, err
			}
			out.Changed = append(out.Changed, changed.Credential)
			continue
		}
		c, err := v.createLogin(&in.Logins[i])
		if err != nil {
			return nil, err
		}
		out.Made = append(out.Made, c)
	}
	return out, nil
}

// asked is the token of the only link that there is.
const asked = "ask_01.9999999999.token"

func (v *vault) LinkAsked(_ context.Context, in *vaultrpc.LinkAskedRequest) (*vaultrpc.LinkAskedAnswer, error) {
	leave, err := v.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	for _, q := range v.requests {
		if q.ID == in.ID {
			return &vaultrpc.LinkAskedAnswer{Token: asked, Expires: time.Unix(9999999999, 0)}, nil
		}
	}
	return nil, hotcell.ErrNotFound
}

func (v *vault) AskedLogin(_ context.Context, in *vaultrpc.AskedRequest) (*vaultrpc.AskedAnswer, error) {
	leave, err := v.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	if in.Token != asked {
		return nil, hotcell.ErrNotFound
	}
	return &vaultrpc.AskedAnswer{
		Site: "portal.acme.test", Assignment: "books", Member: "Olga", Why: `"><script>alert(1)</script>`,
		Workspace: v.workspace.ID, PublicKey: v.Key.Public().Bytes(), Item: "ask_01",
	}, nil
}

func (v *vault) AnswerLogin(_ context.Context, in *vaultrpc.AnswerRequest) error {
	leave, err := v.enter()
	if err != nil {
		return err
	}
	defer leave()
	switch {
	case in.Token != asked:
		return hotcell.ErrNotFound
	case len(in.Fields) == 0:
		return hotcell.Invalid("/fields", "a login has a password, a one-time-code secret, or both")
	}
	_, err = v.openFields("ask_01", in.Fields)
	return err
}
