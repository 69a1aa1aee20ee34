package sqlite

import (
	"errors"

	"hotcell"
)

// Deleted implements [hotcell.VaultReader].
func (r *reader) Deleted(ws hotcell.WorkspaceID) ([]hotcell.Deleted, error) {
	return documents[hotcell.Deleted](r.s, "SELECT document FROM deleted WHERE workspace = ? ORDER BY unixepoch(at, 'subsec') DESC, id", string(ws))
}

// DeletedCredential implements [hotcell.VaultReader].
func (r *reader) DeletedCredential(ws hotcell.WorkspaceID, id hotcell.CredentialID) (hotcell.Deleted, error) {
	d, err := document[hotcell.Deleted](r.s, "SELECT document FROM deleted WHERE id = ?", string(id))
	return scoped(d, d.Credential.Workspace == ws, err)
}

// Bury implements [hotcell.VaultWriter].
func (u *updater) Bury(d hotcell.Deleted) error {
	c := d.Credential
	if err := changed(u.s.exec("DELETE FROM credentials WHERE id = ? AND workspace = ?", string(c.ID), string(c.Workspace))); err != nil {
		return err
	}
	return u.PutDeleted(d)
}

// PutDeleted implements [hotcell.VaultWriter].
func (u *updater) PutDeleted(d hotcell.Deleted) error {
	return u.put(`INSERT INTO deleted (id, document) VALUES (?, ?)
		ON CONFLICT (id) DO UPDATE SET document = excluded.document
		WHERE deleted.workspace = excluded.document ->> '$.credential.workspace'`, string(d.Credential.ID), d)
}

// Unbury implements [hotcell.VaultWriter].
func (u *updater) Unbury(c hotcell.Credential) error {
	if err := changed(u.s.exec("DELETE FROM deleted WHERE id = ? AND workspace = ?", string(c.ID), string(c.Workspace))); err != nil {
		return err
	}
	return u.PutCredential(c)
}

// dropRow deletes the row of a credential, wherever it is.
func (u *updater) dropRow(ws hotcell.WorkspaceID, id hotcell.CredentialID) error {
	err := changed(u.s.exec("DELETE FROM credentials WHERE id = ? AND workspace = ?", string(id), string(ws)))
	if !errors.Is(err, hotcell.ErrNotFound) {
		return err
	}
	return changed(u.s.exec("DELETE FROM deleted WHERE id = ? AND workspace = ?", string(id), string(ws)))
}
