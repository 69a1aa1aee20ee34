package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
)

type deletedList struct {
	Body struct {
		Items []hotcell.Deleted `json:"items"`
	}
}

type destroyDeleted struct {
	ID      string `path:"id"`
	Destroy string `query:"destroy" required:"true" doc:"its name, typed"`
}

func (s *service) deleted(api huma.API) {
	operation(s, api, http.MethodGet, "/v1/deleted", "list-deleted", "The deleted credentials that can be taken back, newest first", http.StatusOK,
		func(ctx context.Context, p hotcell.Principal, _ *empty) (*deletedList, error) {
			answer, err := s.Vault.Deleted(ctx, &vaultrpc.WorkspaceRequest{By: vaultrpc.As(p)})
			if err != nil {
				return nil, err
			}
			out := &deletedList{}
			if out.Body.Items = answer.Deleted; answer.Deleted == nil {
				out.Body.Items = []hotcell.Deleted{}
			}
			return out, nil
		})
	operation(s, api, http.MethodPost, "/v1/deleted/{id}/undelete", "undelete", "Take a deleted credential back; it is attached to nothing", http.StatusOK,
		func(ctx context.Context, p hotcell.Principal, in *credentialID) (*item[credentialBody], error) {
			if err := checkCredential(in.ID); err != nil {
				return nil, err
			}
			return credentialItem(s.Vault.Undelete(ctx, &vaultrpc.CredentialRequest{By: vaultrpc.As(p), ID: hotcell.CredentialID(in.ID)}))
		})
	operation(s, api, http.MethodDelete, "/v1/deleted/{id}", "destroy-deleted", "Destroy a deleted credential before its time", http.StatusOK,
		func(ctx context.Context, p hotcell.Principal, in *destroyDeleted) (*deletedConnection, error) {
			if err := checkCredential(in.ID); err != nil {
				return nil, err
			}
			answer, err := s.Vault.DestroyDeleted(ctx, &vaultrpc.CredentialRequest{By: vaultrpc.As(p), ID: hotcell.CredentialID(in.ID), Destroy: in.Destroy})
			if err != nil {
				return nil, err
			}
			return &deletedConnection{*answer}, nil
		})
}

// checkCredential takes the id of a credential of any tier.
func checkCredential(id string) (err error) {
	for _, prefix := range []string{hotcell.PrefixSecret, hotcell.PrefixLogin, hotcell.PrefixConnection} {
		if err = check(id, prefix); err == nil {
			return nil
		}
	}
	return err
}
