package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
)

// credentialBody is a credential as it is shown: never a value.
type credentialBody struct {
	hotcell.Credential
	Attachments []vaultrpc.AttachedAssignment `json:"attachments,omitempty"`
	Held        *hotcell.Holding              `json:"held,omitempty" doc:"by which key its values are held"`
	Advice      []vaultrpc.Advice             `json:"advice,omitempty" doc:"of a new one: that there is a more protected way"`
}

type credentialID struct {
	ID string `path:"id"`
}

type knownCredential struct {
	Known
	ID string `path:"id"`
}

func (in *knownCredential) request(p hotcell.Principal, prefix string) (*vaultrpc.CredentialRequest, error) {
	revision, err := in.revision()
	if err == nil {
		err = check(in.ID, prefix)
	}
	return &vaultrpc.CredentialRequest{By: vaultrpc.As(p), ID: hotcell.CredentialID(in.ID), Revision: revision}, err
}

// deletable is a credential that is to be deleted.
type deletable struct {
	Known
	ID      string `path:"id"`
	Destroy string `query:"destroy" doc:"its name: it is destroyed at once, and cannot be taken back"`
}

func (in *deletable) request(p hotcell.Principal, prefix string) (*vaultrpc.CredentialRequest, error) {
	r, err := (&knownCredential{in.Known, in.ID}).request(p, prefix)
	r.Destroy = in.Destroy
	return r, err
}

type listCredentials struct {
	Paging
	Name string `query:"name"`
}

func credentialItem(answer *vaultrpc.CredentialAnswer, err error) (*item[credentialBody], error) {
	if err != nil {
		return nil, err
	}
	return itemOf(credentialBody{answer.Credential, answer.Attachments, answer.Held, answer.Advice}, answer.Credential.Revision), nil
}

// credentials registers what is alike for the credentials of every tier: to
// list, show and delete them, to give them to the workspace and to take them
// back. Without is what is not shown.
func (s *service) credentials(api huma.API, path string, tier hotcell.Tier, prefix, without string) {
	noun := string(tier)
	operation(s, api, http.MethodGet, path, "list-"+noun+"s", "List the "+noun+"s that you may know of", http.StatusOK,
		func(ctx context.Context, p hotcell.Principal, in *listCredentials) (*list[hotcell.Credential], error) {
			answer, err := s.Vault.Credentials(ctx, &vaultrpc.CredentialsRequest{By: vaultrpc.As(p), Tier: tier, Name: in.Name, Page: in.page()})
			if err != nil {
				return nil, err
			}
			return listOf(answer.Credentials, in.page(), func(c hotcell.Credential) string { return string(c.ID) }), nil
		})
	operation(s, api, http.MethodGet, path+"/{id}", "show-"+noun, "Show a "+noun+", without "+without, http.StatusOK,
		func(ctx context.Context, p hotcell.Principal, in *credentialID) (*item[credentialBody], error) {
			if err := check(in.ID, prefix); err != nil {
				return nil, err
			}
			return credentialItem(s.Vault.Credential(ctx, &vaultrpc.CredentialRequest{By: vaultrpc.As(p), ID: hotcell.CredentialID(in.ID)}))
		})
	if tier != hotcell.TierConnection { // it has something to say of its grant
		operation(s, api, http.MethodDelete, path+"/{id}", "delete-"+noun, "Delete a "+noun+", so that it can be taken back for 7 days, or destroy it; jobs that use it end", http.StatusNoContent,
			func(ctx context.Context, p hotcell.Principal, in *deletable) (*empty, error) {
				request, err := in.request(p, prefix)
				if err != nil {
					return nil, err
				}
				return &empty{}, s.Vault.DeleteCredential(ctx, request)
			})
	}
	for _, shared := range []bool{true, false} {
		verb, summary := "share", "Share a "+noun+" with the workspace: all may use it, nobody can view it"
		if !shared {
			verb, summary = "unshare", "Make a "+noun+" personal again; others' jobs that use it end"
		}
		operation(s, api, http.MethodPost, path+"/{id}/"+verb, verb+"-"+noun, summary, http.StatusOK,
			func(ctx context.Context, p hotcell.Principal, in *credentialID) (*item[credentialBody], error) {
				if err := check(in.ID, prefix); err != nil {
					return nil, err
				}
				return credentialItem(s.Vault.ShareCredential(ctx, &vaultrpc.ShareCredentialRequest{By: vaultrpc.As(p), ID: hotcell.CredentialID(in.ID), Shared: shared}))
			})
	}
}
