package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
)

type keyReport struct {
	Body hotcell.KeyReport
}

type rotateKeys struct {
	Body struct {
		What        hotcell.KeyKind `json:"what" doc:"kms, workspace, data, hpke, seeds, identity or all"`
		Compromised bool            `json:"compromised,omitempty" doc:"somebody else has the old key pair: what is sealed to it is refused at once"`
	}
}

type vouch struct {
	Body struct {
		Question []byte `json:"question" doc:"sealed to the workspace's public key, as package parcel does it"`
	}
}

type vouched struct {
	Body vaultrpc.VouchAnswer
}

type destroyKey struct {
	ID string `path:"id"`
}

// keys registers how the workspace's keys stand, and what makes them anew. No key is in
// any answer.
func (s *service) keys(api huma.API) {
	operation(s, api, http.MethodGet, "/v1/keys", "list-keys", "How the workspace's keys stand, and the rotation under way", http.StatusOK,
		func(ctx context.Context, p hotcell.Principal, _ *empty) (*keyReport, error) {
			answer, err := s.Vault.Keys(ctx, &vaultrpc.WorkspaceRequest{By: vaultrpc.As(p)})
			if err != nil {
				return nil, err
			}
			return &keyReport{answer.Report}, nil
		})
	operation(s, api, http.MethodPost, "/v1/keys/rotate", "rotate-keys", "Make keys anew, in the background; nothing stops for it", http.StatusAccepted,
		func(ctx context.Context, p hotcell.Principal, in *rotateKeys) (*empty, error) {
			return &empty{}, s.Vault.RotateKeys(ctx, &vaultrpc.RotateKeysRequest{By: vaultrpc.As(p), What: in.Body.What, Compromised: in.Body.Compromised})
		})
	operation(s, api, http.MethodPost, "/v1/workspace/vouch", "vouch", "Ask the holder of the workspace's public key whether the identity is its own", http.StatusOK,
		func(ctx context.Context, p hotcell.Principal, in *vouch) (*vouched, error) {
			answer, err := s.Vault.Vouch(ctx, &vaultrpc.VouchRequest{By: vaultrpc.As(p), Question: in.Body.Question})
			if err != nil {
				return nil, err
			}
			return &vouched{*answer}, nil
		})
	operation(s, api, http.MethodDelete, "/v1/keys/{id}", "destroy-key", "Destroy an old key of the workspace that nothing is sealed by any more", http.StatusNoContent,
		func(ctx context.Context, p hotcell.Principal, in *destroyKey) (*empty, error) {
			return &empty{}, s.Vault.DestroyKey(ctx, &vaultrpc.DestroyKeyRequest{By: vaultrpc.As(p), ID: in.ID})
		})
}
