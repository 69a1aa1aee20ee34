package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
)

type oneOperation struct {
	ID string `path:"id"`
}

type operationItem struct{ Body hotcell.Operation }

type confirm struct {
	ID   string `path:"id"`
	Body struct {
		Message []byte `json:"message" doc:"one's password, sealed to the server's public key for this operation and the sentence that was shown"`
	}
}

func (s *service) confirmations(api huma.API) {
	operation(s, api, http.MethodGet, "/v1/operations/{id}", "show-operation", "What waits to be confirmed", http.StatusOK,
		func(ctx context.Context, p hotcell.Principal, in *oneOperation) (*operationItem, error) {
			if err := check(in.ID, hotcell.PrefixOperation); err != nil {
				return nil, err
			}
			o, err := s.People.Operation(ctx, &vaultrpc.OperationRequest{By: vaultrpc.As(p), ID: hotcell.OperationID(in.ID)})
			if err != nil {
				return nil, err
			}
			return &operationItem{*o}, nil
		})
	operation(s, api, http.MethodPost, "/v1/operations/{id}/confirm", "confirm", "Confirm an operation: it can then be asked for again, once", http.StatusNoContent,
		func(ctx context.Context, p hotcell.Principal, in *confirm) (*empty, error) {
			if err := check(in.ID, hotcell.PrefixOperation); err != nil {
				return nil, err
			}
			return &empty{}, s.People.Confirm(ctx, &vaultrpc.ConfirmRequest{By: vaultrpc.As(p), ID: hotcell.OperationID(in.ID), Message: in.Body.Message})
		})
}
