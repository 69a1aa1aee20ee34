package sqlite

import (
	"slices"

	"hotcell"
)

// GrantOf implements [hotcell.VaultReader].
func (r *reader) GrantOf(id hotcell.JobID) (hotcell.Grant, error) {
	return document[hotcell.Grant](r.s, "SELECT document FROM grants WHERE id = ?", string(id))
}

// Grant implements [hotcell.VaultReader].
func (r *reader) Grant(ws hotcell.WorkspaceID, id hotcell.JobID) (hotcell.Grant, error) {
	g, err := r.GrantOf(id)
	return scoped(g, g.Workspace == ws, err)
}

// Grants implements [hotcell.VaultReader].
func (r *reader) Grants(ws hotcell.WorkspaceID, credential hotcell.CredentialID) ([]hotcell.Grant, error) {
	query, args := "SELECT document FROM grants WHERE state <> 'dead' ORDER BY workspace, id", []any{}
	if ws != "" {
		query = "SELECT document FROM grants WHERE state <> 'dead' AND workspace = ? ORDER BY id"
		args = append(args, string(ws))
	}
	out, err := documents[hotcell.Grant](r.s, query, args...)
	if credential == "" {
		return out, err
	}
	return slices.DeleteFunc(out, func(g hotcell.Grant) bool {
		return !slices.ContainsFunc(g.Uses, func(u hotcell.Use) bool { return u.Credential == credential })
	}), err
}

// PutGrant implements [hotcell.VaultWriter].
func (u *updater) PutGrant(g hotcell.Grant) error {
	return u.put(`INSERT INTO grants (id, document) VALUES (?, ?)
		ON CONFLICT (id) DO UPDATE SET document = excluded.document
		WHERE grants.workspace = excluded.document ->> 'workspace'`, string(g.Job), g)
}
