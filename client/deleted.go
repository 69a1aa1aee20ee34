package client

import (
	"context"
	"net/http"
	"net/url"

	"hotcell"
)

// destroying is the query of a deletion that is to destroy at once: the name, typed.
func destroying(name []string) url.Values {
	if len(name) == 0 || name[0] == "" {
		return nil
	}
	return url.Values{"destroy": {name[0]}}
}

// Deleted lists the deleted credentials that can be taken back, newest first.
func (c *Client) Deleted(ctx context.Context) ([]hotcell.Deleted, error) {
	return all[hotcell.Deleted](ctx, c, "/v1/deleted", nil)
}

// Undelete takes a deleted credential back.
func (c *Client) Undelete(ctx context.Context, id hotcell.CredentialID) (out hotcell.Credential, err error) {
	return out, c.json(ctx, http.MethodPost, "/v1/deleted/"+url.PathEscape(string(id))+"/undelete", nil, "", nil, &out)
}

// DestroyDeleted destroys a deleted credential before its time. Grant says what became,
// at the service, of what was granted; empty where nothing was.
func (c *Client) DestroyDeleted(ctx context.Context, id hotcell.CredentialID, name string) (grant string, err error) {
	var out struct {
		Grant string `json:"grant"`
	}
	err = c.json(ctx, http.MethodDelete, "/v1/deleted/"+url.PathEscape(string(id)), destroying([]string{name}), "", nil, &out)
	return out.Grant, err
}
