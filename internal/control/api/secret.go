package api

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/value/parcel"
)

// sealedVariable is a variable whose value only the vault can open.
type sealedVariable struct {
	Name   string `json:"name" doc:"the variable's name"`
	Sealed []byte `json:"sealed" doc:"the value, sealed to the workspace's public key (HPKE); docs/formats.md has the form"`
}

type createSecret struct {
	Body struct {
		Name      string            `json:"name"`
		Service   string            `json:"service,omitempty"`
		Shared    bool              `json:"shared,omitempty"`
		Hosts     []string          `json:"hosts,omitempty" doc:"the hosts that the values may leave a cell for: HOST, HOST:PORT, or *.HOST for one label more; none binds to none"`
		Variables []sealedVariable  `json:"variables,omitempty"`
		Values    map[string]string `json:"values,omitempty" doc:"values in plain, sealed when they arrive: they pass through this process's memory"`
	}
}

type changeSecret struct {
	Known
	ID   string `path:"id"`
	Body struct {
		Name    *string           `json:"name,omitempty"`
		Service *string           `json:"service,omitempty"`
		Hosts   *[]string         `json:"hosts,omitempty" doc:"an empty list unbinds the values"`
		Replace bool              `json:"replace,omitempty" doc:"what is set is all there is afterwards"`
		Set     []sealedVariable  `json:"set,omitempty"`
		Values  map[string]string `json:"values,omitempty" doc:"as set, in plain"`
		Rename  map[string]string `json:"rename,omitempty"`
		Unset   []string          `json:"unset,omitempty"`
	}
}

func (s *service) secrets(api huma.API) {
	operation(s, api, http.MethodPost, "/v1/secrets", "create-secret", "Create a secret", http.StatusCreated, s.createSecret)
	operation(s, api, http.MethodPatch, "/v1/secrets/{id}", "change-secret", "Change some of a secret", http.StatusOK, s.changeSecret)
	s.credentials(api, "/v1/secrets", hotcell.TierSecret, hotcell.PrefixSecret, "values")
}

func (s *service) createSecret(ctx context.Context, p hotcell.Principal, in *createSecret) (*item[credentialBody], error) {
	b := in.Body
	variables, err := s.seal(ctx, p, b.Name, b.Variables, b.Values)
	if err != nil {
		return nil, err
	}
	return credentialItem(s.Vault.CreateSecret(ctx, &vaultrpc.CreateSecretRequest{By: vaultrpc.As(p), Name: b.Name, Service: b.Service, Shared: b.Shared, Hosts: b.Hosts, Variables: variables}))
}

func (s *service) changeSecret(ctx context.Context, p hotcell.Principal, in *changeSecret) (*item[credentialBody], error) {
	revision, err := in.revision()
	if err == nil {
		err = check(in.ID, hotcell.PrefixSecret)
	}
	if err != nil {
		return nil, err
	}
	b := in.Body
	set, err := s.seal(ctx, p, in.ID, b.Set, b.Values)
	if err != nil {
		return nil, err
	}
	return credentialItem(s.Vault.ChangeSecret(ctx, &vaultrpc.ChangeSecretRequest{
		By: vaultrpc.As(p), ID: hotcell.CredentialID(in.ID), Revision: revision,
		Name: b.Name, Service: b.Service, Hosts: b.Hosts, Replace: b.Replace, Set: set, Rename: b.Rename, Unset: b.Unset,
	}))
}

// seal seals values that came in plain; from here on only the vault can read them.
func (s *service) seal(ctx context.Context, p hotcell.Principal, of string, sealed []sealedVariable, plain map[string]string) ([]vaultrpc.SealedVariable, error) {
	var out []vaultrpc.SealedVariable
	for _, v := range sealed {
		out = append(out, vaultrpc.SealedVariable{Name: v.Name, Message: v.Sealed})
	}
	if len(plain) == 0 {
		return out, nil
	}
	seal, err := s.sealer(ctx, p, hotcell.TierSecret, of)
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(plain)) {
		message, err := seal(name, plain[name])
		if err != nil {
			return nil, err
		}
		out = append(out, vaultrpc.SealedVariable{Name: name, Message: message})
	}
	return out, nil
}

// sealer returns what seals values of one item, field by field, to the
// workspace's key.
func (s *service) sealer(ctx context.Context, p hotcell.Principal, tier hotcell.Tier, of string) (func(field, value string) ([]byte, error), error) {
	w, err := s.Vault.Workspace(ctx, &vaultrpc.WorkspaceRequest{By: vaultrpc.As(p)})
	if err != nil {
		return nil, err
	}
	key, err := parcel.ParsePublic(w.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("reading the vault's key: %w", err)
	}
	return func(field, value string) ([]byte, error) {
		in := parcel.Context{Workspace: string(p.Workspace), Tier: string(tier), Item: of, Field: field}
		return parcel.Seal(key, in, []byte(value))
	}, nil
}
