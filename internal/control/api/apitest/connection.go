package apitest

import (
	"cmp"
	"context"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/value/parcel"
)

// openKey opens a connection's key that was sealed for an item.
func (v *vault) openKey(item string, message []byte) (string, error) {
	value, err := v.Key.Open(parcel.Context{Workspace: string(v.workspace.ID), Tier: string(hotcell.TierConnection), Item: item, Field: hotcell.FieldKey}, message)
	if err != nil {
		return "", hotcell.Invalid("/key", "this key was not sealed for this connection")
	}
	defer value.Clear()
	var key string
	_ = value.Use(func(b []byte) error { key = string(b); return nil })
	if len(key) < 6 {
		return "", hotcell.Invalid("/key", "this key cannot be taken out of what the service answers, so it is not kept: it has fewer than 6 bytes")
	}
	return key, nil
}

func (v *vault) CreateConnection(_ context.Context, in *vaultrpc.CreateConnectionRequest) (*vaultrpc.CredentialAnswer, error) {
	leave, err := v.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	if in.Connector == key.Slug || in.Connector == desk.Slug {
		in.HTTP = hotcell.HTTPAccess{Host: "api." + in.Connector + ".test", Auth: hotcell.Auth{Kind: "bearer"}}
	}
	kinds := map[string]bool{"bearer": true, "basic": true, "header": true, "query": true, "cookie": true, "sigv4": true}
	if in.Name == "" || in.HTTP.Host == "" || in.HTTP.Host == "*" || !kinds[in.HTTP.Auth.Kind] {
		return nil, hotcell.Invalid("/http/host", "a connection is to one host")
	}
	key, there := v.values[in.FromSecret][in.FromVariable]
	if in.FromSecret == "" {
		if key, err = v.openKey(in.Name, in.Key); err != nil {
			return nil, err
		}
	} else if !there {
		return nil, hotcell.Invalid("/from_secret", "there is no such secret")
	}
	now := (*World)(v).tick()
	http := in.HTTP
	http.Port = cmp.Or(http.Port, 443)
	c := hotcell.Credential{
		ID: hotcell.CredentialID(hotcell.NewID(hotcell.PrefixConnection)), Workspace: v.workspace.ID, Tier: hotcell.TierConnection, Name: in.Name, Owner: v.member.ID,
		Shared: in.Shared, Service: in.Service, HTTP: &http, Version: 1, Revision: 1, CreatedAt: now, UpdatedAt: now,
	}
	if err := v.free(c); err != nil {
		return nil, err
	}
	v.secrets, v.values[c.ID] = append(v.secrets, c), map[string]string{hotcell.FieldKey: key}
	(*World)(v).record("connection.create", c.Name, "")
	return &vaultrpc.CredentialAnswer{Credential: c}, nil
}

func (v *vault) ChangeConnection(_ context.Context, in *vaultrpc.ChangeConnectionRequest) (*vaultrpc.CredentialAnswer, error) {
	leave, err := v.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	c, err := v.secret(in.ID, in.Revision)
	if err != nil {
		return nil, err
	}
	if len(in.Key) > 0 {
		key, err := v.openKey(string(in.ID), in.Key)
		if err != nil {
			return nil, err
		}
		v.values[c.ID] = map[string]string{hotcell.FieldKey: key}
		c.Version++
	}
	c.Name, c.Service, c.Revision, c.UpdatedAt = deref(in.Name, c.Name), deref(in.Service, c.Service), c.Revision+1, (*World)(v).tick()
	return &vaultrpc.CredentialAnswer{Credential: *c}, nil
}
