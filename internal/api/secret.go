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
	for _, shared := range []bool{true, false} {
		verb, summary := "share", "Share a secret with the workspace: all may use it, nobody can view it"
		if !shared {
			verb, summary = "unshare", "Make a secret personal again; others' jobs that use it end"
		}
		operation(s, api, http.MethodPost, "/v1/secrets/{id}/"+verb, verb+"-secret", summary, http.StatusOK,
			func(ctx context.Context, p hotcell.Principal, in *secretID) (*item[secretBody], error) {
				if err := check(in.ID, hotcell.PrefixSecret); err != nil {
					return nil, err
				}
				answer, err := s.Vault.ShareCredential(ctx, &vaultrpc.ShareCredentialRequest{Principal: p, ID: hotcell.CredentialID(in.ID), Shared: shared})
				return secretItem(answer, err)
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
	return secretItem(s.Vault.CreateSecret(ctx, &vaultrpc.CreateSecretRequest{Principal: p, Name: b.Name, Service: b.Service, Shared: b.Shared, Variables: variables}))
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
		Name: b.Name, Service: b.Service, Replace: b.Replace, Set: set, Rename: b.Rename, Unset: b.Unset,
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
	w, err := s.Vault.Workspace(ctx, &vaultrpc.WorkspaceRequest{Principal: p})
	if err != nil {
		return nil, err
	}
	key, err := parcel.ParsePublic(w.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("reading the vault's key: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(plain)) {
		in := parcel.Context{Workspace: string(p.Workspace), Tier: string(hotcell.TierSecret), Item: of, Field: name}
		message, err := parcel.Seal(key, in, []byte(plain[name]))
		if err != nil {
			return nil, err
		}
		out = append(out, vaultrpc.SealedVariable{Name: name, Message: message})
	}
	return out, nil
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
