package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"hotcell"
	"hotcell/internal/control/job"
	"hotcell/internal/line/vaultrpc"
)

// Backups makes backups, and knows of those that were made.
type Backups interface {
	Begin(context.Context, vaultrpc.BackupRequest) (*job.Backup, error)
}

type createBackup struct {
	Body struct {
		Folders *bool `json:"folders,omitempty" doc:"assignments' folders as well, which is so without a word"`
		Outputs bool  `json:"outputs,omitempty" doc:"what jobs left in /job/out as well"`
	}
}

type backupList struct {
	Body struct {
		Items []hotcell.Backup `json:"items"`
	}
}

func (s *service) backups(api huma.API) {
	operation(s, api, http.MethodPost, "/v1/backups", "create-backup", "Make a backup, sealed to the recipients of the configuration and under the vault's key", http.StatusOK, s.createBackup)
	operation(s, api, http.MethodGet, "/v1/backups", "list-backups", "The backups that were made, newest first, and by which key each is opened", http.StatusOK,
		func(ctx context.Context, p hotcell.Principal, _ *empty) (*backupList, error) {
			answer, err := s.Vault.Backups(ctx, &vaultrpc.WorkspaceRequest{By: vaultrpc.As(p)})
			if err != nil {
				return nil, err
			}
			out := &backupList{}
			if out.Body.Items = answer.Backups; answer.Backups == nil {
				out.Body.Items = []hotcell.Backup{}
			}
			return out, nil
		})
}

func (s *service) createBackup(ctx context.Context, p hotcell.Principal, in *createBackup) (*huma.StreamResponse, error) {
	made, err := s.Backups.Begin(ctx, vaultrpc.BackupRequest{By: vaultrpc.As(p), Folders: in.Body.Folders == nil || *in.Body.Folders, Outputs: in.Body.Outputs})
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		hc.SetHeader("Content-Type", "application/octet-stream")
		if err := made.CopyTo(hc.Context(), hc.BodyWriter()); err != nil {
			s.tell(hc.Context(), "create-backup", err)
			panic(http.ErrAbortHandler) //nolint:forbidigo // so that nobody takes what came for whole
		}
	}}, nil
}
