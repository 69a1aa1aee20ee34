package sqlite

import (
	"strings"

	"hotcell"
)

// Request implements [hotcell.VaultReader].
func (r *reader) Request(ws hotcell.WorkspaceID, id hotcell.RequestID) (hotcell.Request, error) {
	q, err := document[hotcell.Request](r.s, "SELECT document FROM requests WHERE id = ?", string(id))
	return scoped(q, q.Workspace == ws, err)
}

// Requests implements [hotcell.VaultReader].
func (r *reader) Requests(ws hotcell.WorkspaceID, f hotcell.RequestFilter, p hotcell.Page) ([]hotcell.Request, error) {
	where, args := []string{"workspace = ?"}, []any{string(ws)}
	if p.After != "" {
		if _, err := r.Request(ws, hotcell.RequestID(p.After)); err != nil {
			return nil, lostPage(err)
		}
		where, args = append(where, "id < ?"), append(args, p.After)
	}
	for _, narrow := range []struct{ column, value string }{{"state", string(f.State)}, {"job", string(f.Job)}, {"member", string(f.Member)}} {
		if narrow.value != "" {
			where, args = append(where, narrow.column+" = ?"), append(args, narrow.value)
		}
	}
	return documents[hotcell.Request](r.s, "SELECT document FROM requests WHERE "+
		strings.Join(where, " AND ")+" ORDER BY id DESC LIMIT ?", append(args, p.Size())...)
}

// PutRequest implements [hotcell.VaultWriter].
func (u *updater) PutRequest(q hotcell.Request) error {
	return u.put(`INSERT INTO requests (id, document) VALUES (?, ?)
		ON CONFLICT (id) DO UPDATE SET document = excluded.document
		WHERE requests.workspace = excluded.document ->> 'workspace'`, string(q.ID), q)
}
