package storetest

import (
	"testing"
	"time"

	"hotcell"
)

func testPeople(t *testing.T, s hotcell.VaultStore) {
	ann := hotcell.Person{ID: "per_ann", Name: "ann", CreatedAt: start}
	bob := hotcell.Person{ID: "per_bob", Name: "bob", CreatedAt: start}
	write(t, s, func(w hotcell.VaultWriter) error {
		ok(t, "PutPerson", w.PutPerson(ann))
		ok(t, "PutMember", w.PutMember(hotcell.Member{ID: "mem_1", Workspace: here, Person: ann.ID, Name: "Ann"}))
		ok(t, "PutMember", w.PutMember(hotcell.Member{ID: "mem_2", Workspace: there, Person: ann.ID, Name: "Ann there"}))
		ok(t, "PutMember", w.PutMember(hotcell.Member{ID: "mem_3", Workspace: "wsp_left", Person: ann.ID, RemovedAt: start}))
		ok(t, "PutMember", w.PutMember(hotcell.Member{ID: "mem_4", Workspace: here, Name: "nobody's"}))
		return w.PutPerson(bob)
	})
	write(t, s, func(w hotcell.VaultWriter) error {
		wantError(t, "a name that is taken", w.PutPerson(hotcell.Person{ID: "per_carl", Name: "ann"}), hotcell.ErrConflict)
		bob.PasswordAt = start
		return w.PutPerson(bob)
	})
	ok(t, "View", s.View(t.Context(), func(r hotcell.VaultReader) error {
		got, err := r.Person("per_bob")
		ok(t, "Person", err)
		want(t, "person", got, bob)
		got, err = r.PersonCalled("ann")
		ok(t, "PersonCalled", err)
		want(t, "who is called ann", got, ann)
		_, err = r.PersonCalled("Ann")
		wantError(t, "another name", err, hotcell.ErrNotFound)
		members, err := r.Memberships("per_ann")
		ok(t, "Memberships", err)
		want(t, "memberships", len(members), 2)
		none, err := r.Memberships("")
		want(t, "nobody's memberships", len(none), 0)
		return err
	}))
}

func testBearers(t *testing.T, s hotcell.VaultStore) {
	one, two := [32]byte{1}, [32]byte{2}
	session := hotcell.Session{ID: "ses_1", Person: "per_ann", Device: "laptop", CreatedAt: start, SeenAt: start, ExpiresAt: start.Add(time.Hour)}
	token := hotcell.Token{ID: "pat_1", Workspace: here, Member: "mem_1", Name: "ci", Scopes: []hotcell.Scope{hotcell.ScopeRunJobs}, CreatedAt: start, ExpiresAt: start.Add(time.Hour)}
	invitation := hotcell.Invitation{ID: "inv_1", Workspace: here, Role: hotcell.RoleMember, By: "mem_1", CreatedAt: start, ExpiresAt: start.Add(time.Hour)}
	write(t, s, func(w hotcell.VaultWriter) error {
		ok(t, "PutSession", w.PutSession(one, session))
		ok(t, "PutToken", w.PutToken(one, token))
		return w.PutInvitation(one, invitation)
	})
	write(t, s, func(w hotcell.VaultWriter) error {
		wantError(t, "another bearer for the same session", w.PutSession(two, session), hotcell.ErrNotFound)
		wantError(t, "another workspace's token", w.PutToken(one, hotcell.Token{ID: "pat_1", Workspace: there}), hotcell.ErrNotFound)
		wantError(t, "another person's session", w.DeleteSession("per_bob", "ses_1"), hotcell.ErrNotFound)
		wantError(t, "another workspace's token", w.DeleteToken(there, "pat_1"), hotcell.ErrNotFound)
		wantError(t, "another workspace's invitation", w.DeleteInvitation(there, "inv_1"), hotcell.ErrNotFound)
		return nil
	})
	ok(t, "View", s.View(t.Context(), func(r hotcell.VaultReader) error {
		s, err := r.SessionOf(one)
		ok(t, "SessionOf", err)
		want(t, "session", s, session)
		k, err := r.TokenOf(one)
		ok(t, "TokenOf", err)
		want(t, "token", k, token)
		i, err := r.InvitationOf(one)
		ok(t, "InvitationOf", err)
		want(t, "invitation", i, invitation)
		_, err = r.SessionOf(two)
		wantError(t, "another bearer", err, hotcell.ErrNotFound)
		tokens, err := r.Tokens(here, "")
		ok(t, "Tokens", err)
		want(t, "tokens", len(tokens), 1)
		tokens, err = r.Tokens(here, "mem_2")
		ok(t, "Tokens", err)
		want(t, "another member's tokens", len(tokens), 0)
		sessions, err := r.Sessions("per_ann")
		ok(t, "Sessions", err)
		want(t, "sessions", len(sessions), 1)
		invitations, err := r.Invitations(there)
		want(t, "another workspace's invitations", len(invitations), 0)
		return err
	}))
	write(t, s, func(w hotcell.VaultWriter) error { return w.DropSessions(start.Add(time.Minute)) })
	want(t, "sessions that are not over", len(must(t, s, func(r hotcell.VaultReader) ([]hotcell.Session, error) { return r.Sessions("per_ann") })), 1)
	write(t, s, func(w hotcell.VaultWriter) error {
		ok(t, "DeleteToken", w.DeleteToken(here, "pat_1"))
		return w.DropSessions(start.Add(2 * time.Hour))
	})
	want(t, "sessions after their end", len(must(t, s, func(r hotcell.VaultReader) ([]hotcell.Session, error) { return r.Sessions("per_ann") })), 0)
	want(t, "invitations after their end", len(must(t, s, func(r hotcell.VaultReader) ([]hotcell.Invitation, error) { return r.Invitations(here) })), 0)
}
