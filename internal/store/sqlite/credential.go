package sqlite

import (
	"errors"
	"strings"

	"hotcell"
)

// Credential implements [hotcell.VaultReader].
func (r *reader) Credential(ws hotcell.WorkspaceID, id hotcell.CredentialID) (hotcell.Credential, error) {
	c, err := document[hotcell.Credential](r.s, "SELECT document FROM credentials WHERE id = ?", string(id))
	return scoped(c, c.Workspace == ws, err)
}

// Credentials implements [hotcell.VaultReader].
func (r *reader) Credentials(ws hotcell.WorkspaceID, f hotcell.CredentialFilter, p hotcell.Page) ([]hotcell.Credential, error) {
	where, args := []string{"workspace = ?"}, []any{string(ws)}
	if p.After != "" {
		last, err := r.Credential(ws, hotcell.CredentialID(p.After))
		if err != nil {
			return nil, lostPage(err)
		}
		where, args = append(where, "(name, id) > (?, ?)"), append(args, last.Name, string(last.ID))
	}
	if f.Tier != "" {
		where, args = append(where, "tier = ?"), append(args, string(f.Tier))
	}
	if f.Name != "" {
		where, args = append(where, "name = ?"), append(args, f.Name)
	}
	if f.VisibleTo != "" {
		where, args = append(where, "(shared OR owner = ?)"), append(args, string(f.VisibleTo))
	}
	return documents[hotcell.Credential](r.s, "SELECT document FROM credentials WHERE "+
		strings.Join(where, " AND ")+" ORDER BY name, id LIMIT ?", append(args, p.Size())...)
}

// lostPage says what it means when the item that a page begins after is gone.
func lostPage(err error) error {
	if errors.Is(err, hotcell.ErrNotFound) {
		return hotcell.Invalid("/after", "the item to go on after is gone: begin the list anew")
	}
	return err
}

// PutCredential implements [hotcell.VaultWriter].
func (u *updater) PutCredential(c hotcell.Credential) error {
	return u.put(`INSERT INTO credentials (id, document) VALUES (?, ?)
		ON CONFLICT (id) DO UPDATE SET document = excluded.document
		WHERE credentials.workspace = excluded.document ->> 'workspace'`, string(c.ID), c)
}

// DeleteCredential implements [hotcell.VaultWriter].
func (u *updater) DeleteCredential(ws hotcell.WorkspaceID, id hotcell.CredentialID) error {
	if err := u.dropRow(ws, id); err != nil {
		return err
	}
	if _, err := u.s.exec("DELETE FROM sealed_keys WHERE workspace = ? AND credential = ?", string(ws), string(id)); err != nil {
		return err
	}
	_, err := u.s.exec("DELETE FROM sealed_fields WHERE workspace = ? AND credential = ?", string(ws), string(id))
	return err
}
