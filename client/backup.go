package client

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"

	"hotcell"
)

// BackupDraft says what is to be in a backup, beside the two databases.
type BackupDraft struct {
	// Folders are assignments' folders, Outputs what jobs left.
	Folders bool `json:"folders"`
	Outputs bool `json:"outputs"`
}

// Backup makes a backup and returns it as it is made. One that breaks off ends with an
// error, and is none.
func (c *Client) Backup(ctx context.Context, d BackupDraft) (io.ReadCloser, error) {
	text, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	answer, err := c.do(ctx, call{method: http.MethodPost, path: "/v1/backups", body: bytes.NewReader(text), kind: "application/json"})
	if err != nil {
		return nil, err
	}
	return answer.Body, nil
}

// Backups lists the backups that were made, newest first.
func (c *Client) Backups(ctx context.Context) ([]hotcell.Backup, error) {
	return all[hotcell.Backup](ctx, c, "/v1/backups", nil)
}
