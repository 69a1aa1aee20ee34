package sqlite

import (
	"database/sql"

	"hotcell"
)

// Workspaces implements [hotcell.VaultReader].
func (r *reader) Workspaces() ([]hotcell.Workspace, error) {
	return documents[hotcell.Workspace](r.s, "SELECT document FROM workspaces ORDER BY id")
}

// Workspace implements [hotcell.VaultReader].
func (r *reader) Workspace(id hotcell.WorkspaceID) (hotcell.Workspace, error) {
	return document[hotcell.Workspace](r.s, "SELECT document FROM workspaces WHERE id = ?", string(id))
}

// Members implements [hotcell.VaultReader].
func (r *reader) Members(ws hotcell.WorkspaceID) ([]hotcell.Member, error) {
	return documents[hotcell.Member](r.s, "SELECT document FROM members WHERE workspace = ? ORDER BY id", string(ws))
}

// Member implements [hotcell.VaultReader].
func (r *reader) Member(ws hotcell.WorkspaceID, id hotcell.MemberID) (hotcell.Member, error) {
	m, err := document[hotcell.Member](r.s, "SELECT document FROM members WHERE id = ?", string(id))
	return scoped(m, m.Workspace == ws, err)
}

// scoped makes what is of another workspace look as if it did not exist.
func scoped[T any](found T, here bool, err error) (T, error) {
	if err == nil && here {
		return found, nil
	}
	if err == nil {
		err = hotcell.ErrNotFound
	}
	return *new(T), err
}

// Blob implements [hotcell.VaultReader].
func (r *reader) Blob(ws hotcell.WorkspaceID, label string) ([]byte, error) {
	var blob []byte
	err := r.s.one([]any{&blob}, "SELECT blob FROM blobs WHERE workspace = ? AND label = ?", string(ws), label)
	return blob, err
}

// Labels implements [hotcell.VaultReader].
func (r *reader) Labels(ws hotcell.WorkspaceID) ([]string, error) {
	var out []string
	err := r.s.each(func(rows *sql.Rows) error {
		var label string
		err := rows.Scan(&label)
		out = append(out, label)
		return err
	}, "SELECT label FROM blobs WHERE workspace = ? ORDER BY label", string(ws))
	return out, err
}

// PutWorkspace implements [hotcell.VaultWriter].
func (u *updater) PutWorkspace(w hotcell.Workspace) error {
	return u.put(`INSERT INTO workspaces (id, document) VALUES (?, ?)
		ON CONFLICT (id) DO UPDATE SET document = excluded.document`, string(w.ID), w)
}

// PutMember implements [hotcell.VaultWriter].
func (u *updater) PutMember(m hotcell.Member) error {
	return u.put(`INSERT INTO members (id, document) VALUES (?, ?)
		ON CONFLICT (id) DO UPDATE SET document = excluded.document
		WHERE members.workspace = excluded.document ->> 'workspace'`, string(m.ID), m)
}

// put inserts or replaces a document; an id that another workspace has is
// [hotcell.ErrNotFound].
func (u *updater) put(query, id string, value any) error {
	text, err := encode(value)
	if err != nil {
		return err
	}
	return changed(u.s.exec(query, id, text))
}

// PutBlob implements [hotcell.VaultWriter].
func (u *updater) PutBlob(ws hotcell.WorkspaceID, label string, blob []byte) error {
	_, err := u.s.exec(`INSERT INTO blobs (workspace, label, blob) VALUES (?, ?, ?)
		ON CONFLICT (workspace, label) DO UPDATE SET blob = excluded.blob`, string(ws), label, whole(blob))
	return err
}

// whole keeps an empty blob from becoming NULL.
func whole(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// DeleteBlob implements [hotcell.VaultWriter].
func (u *updater) DeleteBlob(ws hotcell.WorkspaceID, label string) error {
	_, err := u.s.exec("DELETE FROM blobs WHERE workspace = ? AND label = ?", string(ws), label)
	return err
}
