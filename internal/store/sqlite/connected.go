package sqlite

import (
	"errors"
	"time"

	"hotcell"
)

// Refresh implements [hotcell.VaultReader].
func (r *reader) Refresh(ws hotcell.WorkspaceID, id hotcell.CredentialID) (hotcell.Refresh, error) {
	f, err := document[hotcell.Refresh](r.s, "SELECT document FROM refreshes WHERE credential = ?", string(id))
	if errors.Is(err, hotcell.ErrNotFound) {
		return hotcell.Refresh{Workspace: ws, Credential: id}, nil
	}
	return scoped(f, f.Workspace == ws, err)
}

// PutRefresh implements [hotcell.VaultWriter].
func (u *updater) PutRefresh(f hotcell.Refresh) error {
	return u.put(`INSERT INTO refreshes (credential, document) VALUES (?, ?)
		ON CONFLICT (credential) DO UPDATE SET document = excluded.document
		WHERE refreshes.workspace = excluded.document ->> 'workspace'`, string(f.Credential), f)
}

// Client implements [hotcell.VaultReader].
func (r *reader) Client(ws hotcell.WorkspaceID, connector string) (hotcell.Client, error) {
	return document[hotcell.Client](r.s, "SELECT document FROM clients WHERE workspace = ? AND connector = ?", string(ws), connector)
}

// Clients implements [hotcell.VaultReader].
func (r *reader) Clients(ws hotcell.WorkspaceID) ([]hotcell.Client, error) {
	return documents[hotcell.Client](r.s, "SELECT document FROM clients WHERE workspace = ? ORDER BY connector", string(ws))
}

// PutClient implements [hotcell.VaultWriter].
func (u *updater) PutClient(c hotcell.Client) error {
	text, err := encode(c)
	if err != nil {
		return err
	}
	return changed(u.s.exec(`INSERT INTO clients (workspace, connector, document) VALUES (?, ?, ?)
		ON CONFLICT (workspace, connector) DO UPDATE SET document = excluded.document`, string(c.Workspace), c.Connector, text))
}

// DeleteClient implements [hotcell.VaultWriter].
func (u *updater) DeleteClient(ws hotcell.WorkspaceID, connector string) error {
	return changed(u.s.exec("DELETE FROM clients WHERE workspace = ? AND connector = ?", string(ws), connector))
}

// Link implements [hotcell.VaultReader].
func (r *reader) Link(ws hotcell.WorkspaceID, id hotcell.LinkID) (hotcell.Link, error) {
	l, err := document[hotcell.Link](r.s, "SELECT document FROM links WHERE id = ?", string(id))
	return scoped(l, l.Workspace == ws, err)
}

// DropLinks implements [hotcell.VaultWriter].
func (u *updater) DropLinks(ws hotcell.WorkspaceID, before time.Time) error {
	_, err := u.s.exec("DELETE FROM links WHERE workspace = ? AND unixepoch(document ->> 'expires') < ?", string(ws), before.Unix())
	return err
}

// PutLink implements [hotcell.VaultWriter].
func (u *updater) PutLink(l hotcell.Link) error {
	return u.put(`INSERT INTO links (id, document) VALUES (?, ?)
		ON CONFLICT (id) DO UPDATE SET document = excluded.document
		WHERE links.workspace = excluded.document ->> 'workspace'`, string(l.ID), l)
}
