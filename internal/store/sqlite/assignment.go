package sqlite

import (
	"slices"
	"strings"

	"hotcell"
)

// Assignment implements [hotcell.VaultReader].
func (r *reader) Assignment(ws hotcell.WorkspaceID, id hotcell.AssignmentID) (hotcell.Assignment, error) {
	a, err := document[hotcell.Assignment](r.s, "SELECT document FROM assignments WHERE id = ?", string(id))
	return scoped(a, a.Workspace == ws, err)
}

// Assignments implements [hotcell.VaultReader].
func (r *reader) Assignments(ws hotcell.WorkspaceID, name string, p hotcell.Page) ([]hotcell.Assignment, error) {
	where, args := []string{"workspace = ?"}, []any{string(ws)}
	if p.After != "" {
		last, err := r.Assignment(ws, hotcell.AssignmentID(p.After))
		if err != nil {
			return nil, lostPage(err)
		}
		where, args = append(where, "name > ?"), append(args, last.Name)
	}
	if name != "" {
		where, args = append(where, "name = ?"), append(args, name)
	}
	return documents[hotcell.Assignment](r.s, "SELECT document FROM assignments WHERE "+
		strings.Join(where, " AND ")+" ORDER BY name LIMIT ?", append(args, p.Size())...)
}

// PutAssignment implements [hotcell.VaultWriter].
func (u *updater) PutAssignment(a hotcell.Assignment) error {
	return u.put(`INSERT INTO assignments (id, document) VALUES (?, ?)
		ON CONFLICT (id) DO UPDATE SET document = excluded.document
		WHERE assignments.workspace = excluded.document ->> 'workspace'`, string(a.ID), a)
}

// DeleteAssignment implements [hotcell.VaultWriter]; its attachments go by
// their foreign key.
func (u *updater) DeleteAssignment(ws hotcell.WorkspaceID, id hotcell.AssignmentID) error {
	return changed(u.s.exec("DELETE FROM assignments WHERE id = ? AND workspace = ?", string(id), string(ws)))
}

// Attachment implements [hotcell.VaultReader].
func (r *reader) Attachment(ws hotcell.WorkspaceID, id hotcell.AttachmentID) (hotcell.Attachment, error) {
	a, err := document[hotcell.Attachment](r.s, "SELECT document FROM attachments WHERE id = ?", string(id))
	return scoped(a, a.Workspace == ws, err)
}

// Attachments implements [hotcell.VaultReader].
func (r *reader) Attachments(ws hotcell.WorkspaceID, asg hotcell.AssignmentID, cred hotcell.CredentialID) ([]hotcell.Attachment, error) {
	where, args := []string{"workspace = ?"}, []any{string(ws)}
	if asg != "" || cred != "" {
		where[0] = "+workspace = ?" // few are of one assignment or credential
	}
	if asg != "" {
		where, args = append(where, "assignment = ?"), append(args, string(asg))
	}
	if cred != "" {
		where, args = append(where, "credential = ?"), append(args, string(cred))
	}
	out, err := documents[hotcell.Attachment](r.s,
		"SELECT document FROM attachments WHERE "+strings.Join(where, " AND "), args...)
	slices.SortFunc(out, func(a, b hotcell.Attachment) int {
		if byAge := a.CreatedAt.Compare(b.CreatedAt); byAge != 0 {
			return byAge
		}
		return strings.Compare(string(a.ID), string(b.ID))
	})
	return out, err
}

// PutAttachment implements [hotcell.VaultWriter].
func (u *updater) PutAttachment(a hotcell.Attachment) error {
	if _, err := u.Assignment(a.Workspace, a.Assignment); err != nil {
		return err
	}
	if _, err := u.Credential(a.Workspace, a.Credential); err != nil {
		return err
	}
	text, err := encode(a)
	if err != nil {
		return err
	}
	return changed(u.s.exec(`INSERT INTO attachments (id, assignment, document) VALUES (?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET document = excluded.document, assignment = excluded.assignment
		WHERE attachments.workspace = excluded.document ->> 'workspace'`, string(a.ID), string(a.Assignment), text))
}

// DeleteAttachment implements [hotcell.VaultWriter].
func (u *updater) DeleteAttachment(ws hotcell.WorkspaceID, id hotcell.AttachmentID) error {
	return changed(u.s.exec("DELETE FROM attachments WHERE id = ? AND workspace = ?", string(id), string(ws)))
}
