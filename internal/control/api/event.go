package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
)

type listEvents struct {
	Kind       string `query:"kind" doc:"a whole kind such as secret.create, or a noun such as secret"`
	Decision   string `query:"decision" enum:"allow,refuse"`
	Member     string `query:"member"`
	Job        string `query:"job"`
	Credential string `query:"credential"`
	Assignment string `query:"assignment"`
	Before     int64  `query:"before" minimum:"0"`
	After      int64  `query:"after" minimum:"0"`
	Ascending  bool   `query:"ascending"`
	Limit      int    `query:"limit" minimum:"1" maximum:"1000" default:"50"`
}

type eventList struct {
	Body struct {
		Items []hotcell.Event `json:"items"`
	}
}

type verified struct {
	Body vaultrpc.VerifyAnswer
}

type workspaceItem struct {
	Body vaultrpc.WorkspaceAnswer
}

func (s *service) events(api huma.API) {
	operation(s, api, http.MethodGet, "/v1/events", "list-events", "The audit log", http.StatusOK,
		func(ctx context.Context, p hotcell.Principal, in *listEvents) (*eventList, error) {
			answer, err := s.Vault.Events(ctx, &vaultrpc.EventsRequest{By: vaultrpc.As(p), Filter: hotcell.EventFilter{
				Kind: in.Kind, Decision: hotcell.Decision(in.Decision), Member: hotcell.MemberID(in.Member), Job: hotcell.JobID(in.Job),
				Credential: hotcell.CredentialID(in.Credential), Assignment: hotcell.AssignmentID(in.Assignment),
				Before: in.Before, After: in.After, Ascending: in.Ascending, Limit: in.Limit,
			}})
			if err != nil {
				return nil, err
			}
			out := &eventList{}
			out.Body.Items = answer.Events
			if answer.Events == nil {
				out.Body.Items = []hotcell.Event{}
			}
			return out, nil
		})
	operation(s, api, http.MethodGet, "/v1/events/verify", "verify-events", "Check the audit log's chain from its first event on", http.StatusOK,
		func(ctx context.Context, p hotcell.Principal, _ *empty) (*verified, error) {
			answer, err := s.Vault.VerifyEvents(ctx, &vaultrpc.WorkspaceRequest{By: vaultrpc.As(p)})
			if err != nil {
				return nil, err
			}
			return &verified{*answer}, nil
		})
}

func (s *service) workspace(api huma.API) {
	operation(s, api, http.MethodGet, "/v1/workspace", "workspace", "Your workspace, who you are in it, and the key that values are sealed to", http.StatusOK,
		func(ctx context.Context, p hotcell.Principal, _ *empty) (*workspaceItem, error) {
			answer, err := s.Vault.Workspace(ctx, &vaultrpc.WorkspaceRequest{By: vaultrpc.As(p)})
			if err != nil {
				return nil, err
			}
			return &workspaceItem{*answer}, nil
		})
}
