package sqlite

import (
	"fmt"
	"time"

	"hotcell"
)

// Memberships implements [hotcell.VaultReader].
func (r *reader) Memberships(id hotcell.PersonID) (out []hotcell.Member, err error) {
	all, err := documents[hotcell.Member](r.s, "SELECT document FROM members WHERE person = ? ORDER BY id", string(id))
	for _, m := range all {
		if !m.Removed() {
			out = append(out, m)
		}
	}
	return out, err
}

// Person implements [hotcell.VaultReader].
func (r *reader) Person(id hotcell.PersonID) (hotcell.Person, error) {
	return document[hotcell.Person](r.s, "SELECT document FROM people WHERE id = ?", string(id))
}

// PersonCalled implements [hotcell.VaultReader].
func (r *reader) PersonCalled(name string) (hotcell.Person, error) {
	return document[hotcell.Person](r.s, "SELECT document FROM people WHERE name = ?", name)
}

// SessionOf implements [hotcell.VaultReader].
func (r *reader) SessionOf(sum [32]byte) (hotcell.Session, error) {
	return document[hotcell.Session](r.s, "SELECT document FROM sessions WHERE sum = ?", sum[:])
}

// TokenOf implements [hotcell.VaultReader].
func (r *reader) TokenOf(sum [32]byte) (hotcell.Token, error) {
	return document[hotcell.Token](r.s, "SELECT document FROM tokens WHERE sum = ?", sum[:])
}

// InvitationOf implements [hotcell.VaultReader].
func (r *reader) InvitationOf(sum [32]byte) (hotcell.Invitation, error) {
	return document[hotcell.Invitation](r.s, "SELECT document FROM invitations WHERE sum = ?", sum[:])
}

// Sessions implements [hotcell.VaultReader].
func (r *reader) Sessions(id hotcell.PersonID) ([]hotcell.Session, error) {
	return documents[hotcell.Session](r.s, "SELECT document FROM sessions WHERE person = ? ORDER BY id DESC", string(id))
}

// Tokens implements [hotcell.VaultReader].
func (r *reader) Tokens(ws hotcell.WorkspaceID, member hotcell.MemberID) ([]hotcell.Token, error) {
	return documents[hotcell.Token](r.s, "SELECT document FROM tokens WHERE workspace = ?1 AND (?2 = '' OR member = ?2) ORDER BY id DESC", string(ws), string(member))
}

// Invitations implements [hotcell.VaultReader].
func (r *reader) Invitations(ws hotcell.WorkspaceID) ([]hotcell.Invitation, error) {
	return documents[hotcell.Invitation](r.s, "SELECT document FROM invitations WHERE workspace = ? ORDER BY id DESC", string(ws))
}

// PutPerson implements [hotcell.VaultWriter].
func (u *updater) PutPerson(p hotcell.Person) error {
	return u.put(`INSERT INTO people (id, document) VALUES (?, ?)
		ON CONFLICT (id) DO UPDATE SET document = excluded.document`, string(p.ID), p)
}

// PutSession implements [hotcell.VaultWriter].
func (u *updater) PutSession(sum [32]byte, s hotcell.Session) error {
	return u.putSummed(`INSERT INTO sessions (id, sum, document) VALUES (?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET document = excluded.document
		WHERE sessions.sum = excluded.sum AND sessions.person = excluded.document ->> 'person'`, string(s.ID), sum, s)
}

// PutToken implements [hotcell.VaultWriter].
func (u *updater) PutToken(sum [32]byte, t hotcell.Token) error {
	return u.putSummed(`INSERT INTO tokens (id, sum, document) VALUES (?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET document = excluded.document
		WHERE tokens.sum = excluded.sum AND tokens.workspace = excluded.document ->> 'workspace'`, string(t.ID), sum, t)
}

// PutInvitation implements [hotcell.VaultWriter].
func (u *updater) PutInvitation(sum [32]byte, i hotcell.Invitation) error {
	return u.putSummed(`INSERT INTO invitations (id, sum, document) VALUES (?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET document = excluded.document
		WHERE invitations.sum = excluded.sum AND invitations.workspace = excluded.document ->> 'workspace'`, string(i.ID), sum, i)
}

// putSummed is [updater.put] for what a bearer stands for.
func (u *updater) putSummed(query, id string, sum [32]byte, value any) error {
	text, err := encode(value)
	if err != nil {
		return err
	}
	return changed(u.s.exec(query, id, sum[:], text))
}

// DeleteSession implements [hotcell.VaultWriter].
func (u *updater) DeleteSession(person hotcell.PersonID, id hotcell.SessionID) error {
	return changed(u.s.exec("DELETE FROM sessions WHERE id = ? AND person = ?", string(id), string(person)))
}

// DeleteToken implements [hotcell.VaultWriter].
func (u *updater) DeleteToken(ws hotcell.WorkspaceID, id hotcell.TokenID) error {
	return changed(u.s.exec("DELETE FROM tokens WHERE id = ? AND workspace = ?", string(id), string(ws)))
}

// DeleteInvitation implements [hotcell.VaultWriter].
func (u *updater) DeleteInvitation(ws hotcell.WorkspaceID, id hotcell.InvitationID) error {
	return changed(u.s.exec("DELETE FROM invitations WHERE id = ? AND workspace = ?", string(id), string(ws)))
}

// DropSessions implements [hotcell.VaultWriter].
func (u *updater) DropSessions(before time.Time) error {
	at, idle := before.Unix(), before.Add(-hotcell.SessionIdle).Unix()
	if _, err := u.s.exec("DELETE FROM sessions WHERE unixepoch(document ->> 'expires_at') < ? OR unixepoch(document ->> 'seen_at') < ?", at, idle); err != nil {
		return fmt.Errorf("dropping sessions: %w", err)
	}
	_, err := u.s.exec("DELETE FROM invitations WHERE unixepoch(document ->> 'expires_at') < ?", at)
	return err
}
