package api

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"hotcell"
	"hotcell/internal/parcel"
	"hotcell/internal/vaultrpc"
)

// sealedVariable is a variable whose value only the vault can open.
type sealedVariable struct {
	Name   string `json:"name" doc:"the variable's name"`
	Sealed []byte `json:"sealed" doc:"the value, sealed to the workspace's public key (HPKE); docs/formats.md has the form"`
}

// secretBody is a secret as it is shown: never a value.
type secretBody struct {
	hotcell.Credential
	Attachments []vaultrpc.AttachedAssignment `json:"attachments,omitempty"`
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

type secretID struct {
	ID string `path:"id"`
}

type knownSecret struct {
	Known
	ID string `path:"id"`
}

type listSecrets struct {
	Paging
	Name string `query:"name"`
}

func (s *service) secrets(api huma.API) {
	operation(s, api, http.MethodPost, "/v1/secrets", "create-secret", "Create a secret", http.StatusCreated, s.createSecret)
	operation(s, api, http.MethodGet, "/v1/secrets", "list-secrets", "List the secrets that you may know of", http.StatusOK, s.listSecrets)
	operation(s, api, http.MethodGet, "/v1/secrets/{id}", "show-secret", "Show a secret, without values", http.StatusOK, s.showSecret)
	operation(s, api, http.MethodPatch, "/v1/secrets/{id}", "change-secret", "Change some of a secret", http.StatusOK, s.changeSecret)
	operation(s, api, http.MethodDelete, "/v1/secrets/{id}", "delete-secret", "Delete a secret; jobs that use it end", http.StatusNoContent, s.deleteSecret)
	share(s, api, "/v1/secrets", "secret", hotcell.PrefixSecret, secretItem)
}

// share registers the two operations by which a credential of a tier is given
// to the workspace and taken back.
func share[T any](s *service, api huma.API, path, tier, prefix string, answer func(*vaultrpc.CredentialAnswer, error) (*item[T], error)) {
	for _, shared := range []bool{true, false} {
		verb, summary := "share", "Share a "+tier+" with the workspace: all may use it, nobody can view it"
		if !shared {
			verb, summary = "unshare", "Make a "+tier+" personal again; others' jobs that use it end"
		}
		operation(s, api, http.MethodPost, path+"/{id}/"+verb, verb+"-"+tier, summary, http.StatusOK,
			func(ctx context.Context, p hotcell.Principal, in *secretID) (*item[T], error) {
				if err := check(in.ID, prefix); err != nil {
					return nil, err
				}
				return answer(s.Vault.ShareCredential(ctx, &vaultrpc.ShareCredentialRequest{Principal: p, ID: hotcell.CredentialID(in.ID), Shared: shared}))
			})
	}
}

func secretItem(answer *vaultrpc.CredentialAnswer, err error) (*item[secretBody], error) {
	if err != nil {
		return nil, err
	}
	return itemOf(secretBody{answer.Credential, answer.Attachments}, answer.Credential.Revision), nil
}

func (s *service) createSecret(ctx context.Context, p hotcell.Principal, in *createSecret) (*item[secretBody], error) {
	b := in.Body
	variables, err := s.seal(ctx, p, b.Name, b.Variables, b.Values)
	if err != nil {
		return nil, err
	}
	return secretItem(s.Vault.CreateSecret(ctx, &vaultrpc.CreateSecretRequest{Principal: p, Name: b.Name, Service: b.Service, Shared: b.Shared, Hosts: b.Hosts, Variables: variables}))
}

func (s *service) changeSecret(ctx context.Context, p hotcell.Principal, in *changeSecret) (*item[secretBody], error) {
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
	return secretItem(s.Vault.ChangeSecret(ctx, &vaultrpc.ChangeSecretRequest{
		Principal: p, ID: hotcell.CredentialID(in.ID), Revision: revision,
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
	w, err := s.Vault.Workspace(ctx, &vaultrpc.WorkspaceRequest{Principal: p})
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

func (s *service) listSecrets(ctx context.Context, p hotcell.Principal, in *listSecrets) (*list[hotcell.Credential], error) {
	answer, err := s.Vault.Credentials(ctx, &vaultrpc.CredentialsRequest{Principal: p, Tier: hotcell.TierSecret, Name: in.Name, Page: in.page()})
	if err != nil {
		return nil, err
	}
	return listOf(answer.Credentials, in.page(), func(c hotcell.Credential) string { return string(c.ID) }), nil
}

func (s *service) showSecret(ctx context.Context, p hotcell.Principal, in *secretID) (*item[secretBody], error) {
	if err := check(in.ID, hotcell.PrefixSecret); err != nil {
		return nil, err
	}
	return secretItem(s.Vault.Credential(ctx, &vaultrpc.CredentialRequest{Principal: p, ID: hotcell.CredentialID(in.ID)}))
}

func (s *service) deleteSecret(ctx context.Context, p hotcell.Principal, in *knownSecret) (*empty, error) {
	revision, err := in.revision()
	if err == nil {
		err = check(in.ID, hotcell.PrefixSecret)
	}
	if err != nil {
		return nil, err
	}
	return &empty{}, s.Vault.DeleteCredential(ctx, &vaultrpc.CredentialRequest{Principal: p, ID: hotcell.CredentialID(in.ID), Revision: revision})
}
