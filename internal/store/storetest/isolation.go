package storetest

import (
	"context"
	"testing"

	"hotcell"
)

func testSnapshot(t *testing.T, s hotcell.VaultStore) {
	put := func(name string) {
		write(t, s, func(w hotcell.VaultWriter) error {
			ok(t, "Record", w.Record(event(0)))
			return w.PutMember(hotcell.Member{ID: "mem_1", Workspace: here, Name: name})
		})
	}
	put("before")
	ok(t, "View", s.View(t.Context(), func(r hotcell.VaultReader) error {
		name := func() string {
			m, err := r.Member(here, "mem_1")
			ok(t, "Member", err)
			return m.Name
		}
		want(t, "at first", name(), "before")
		put("after")
		want(t, "in the snapshot, after a write", name(), "before")
		events, err := r.Events(here, hotcell.EventFilter{})
		want(t, "the snapshot's events", len(events), 1)
		return err
	}))
	m := must(t, s, func(r hotcell.VaultReader) (hotcell.Member, error) { return r.Member(here, "mem_1") })
	want(t, "in a new snapshot", m.Name, "after")
}

func testReadYourWrites(t *testing.T, s hotcell.VaultStore) {
	write(t, s, func(w hotcell.VaultWriter) error {
		ok(t, "PutCredential", w.PutCredential(credential("sec_1", "one")))
		got, err := w.Credential(here, "sec_1")
		ok(t, "Credential", err)
		want(t, "what was just put", got, credential("sec_1", "one"))
		ok(t, "Record", w.Record(event(0)))
		ok(t, "Record", w.Record(event(1)))
		events, err := w.Events(here, hotcell.EventFilter{Job: "job_1"})
		want(t, "events just recorded", len(events), 2)
		return err
	})
	want(t, "events", len(verify(t, s, here)), 2)
}

func testFailedUpdate(t *testing.T, s hotcell.VaultStore) {
	ok(t, "Record", s.Record(t.Context(), event(0)))
	write(t, s, func(w hotcell.VaultWriter) error { return w.PutCredential(credential("sec_1", "one")) })
	err := s.Update(t.Context(), func(w hotcell.VaultWriter) error {
		ok(t, "Record", w.Record(event(1)))
		foreign := event(2)
		foreign.Workspace = there
		ok(t, "Record", w.Record(foreign))
		ok(t, "PutCredential", w.PutCredential(credential("sec_2", "two")))
		ok(t, "DeleteCredential", w.DeleteCredential(here, "sec_1"))
		return w.PutCredential(credential("sec_3", "two"))
	})
	wantError(t, "an update that ends in a conflict", err, hotcell.ErrConflict)
	list := func(r hotcell.VaultReader) ([]hotcell.Credential, error) {
		return r.Credentials(here, hotcell.CredentialFilter{}, hotcell.Page{})
	}
	want(t, "credentials after it", credentialIDs(must(t, s, list)), []string{"sec_1"})
	// A conflict that the update lives with spoils nothing.
	write(t, s, func(w hotcell.VaultWriter) error {
		wantError(t, "a name that is taken", w.PutCredential(credential("sec_2", "one")), hotcell.ErrConflict)
		return w.Record(event(3))
	})
	ok(t, "Record", s.Record(t.Context(), event(4)))
	want(t, "events", len(verify(t, s, here)), 3)
	want(t, "the other workspace's events", len(verify(t, s, there)), 0)
}

func testPanickingUpdate(t *testing.T, s hotcell.VaultStore) {
	func() {
		defer func() { want[any](t, "what was recovered", recover(), "oh") }()
		_ = s.Update(t.Context(), func(w hotcell.VaultWriter) error {
			ok(t, "Record", w.Record(event(0)))
			panic("oh") //nolint:forbidigo // it is what is tested
		})
	}()
	ok(t, "Record", s.Record(t.Context(), event(1)))
	want(t, "events after a panic", len(verify(t, s, here)), 1)
}

func testContexts(t *testing.T, s hotcell.VaultStore) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	err := s.Update(ended, func(w hotcell.VaultWriter) error { return w.Record(event(0)) })
	if err == nil {
		want(t, "events that were acknowledged", len(verify(t, s, here)), 1)
	} else {
		wantError(t, "an update after its context", err, context.Canceled)
		want(t, "events that were not", len(verify(t, s, here)), 0)
	}
	want(t, "what a failing view says", s.View(t.Context(), func(hotcell.VaultReader) error { return hotcell.ErrDenied }).Error(),
		hotcell.ErrDenied.Error())
}

// testOwnCopies spoils what was put and what was read; neither may show.
func testOwnCopies(t *testing.T, s hotcell.VaultStore) {
	blob := []byte("sealed")
	write(t, s, func(w hotcell.VaultWriter) error { return w.PutBlob(here, "key", blob) })
	clear(blob)
	get := func(r hotcell.VaultReader) ([]byte, error) { return r.Blob(here, "key") }
	first := must(t, s, get)
	want(t, "after the caller cleared its own", string(first), "sealed")
	clear(first)
	want(t, "after the reader cleared its own", string(must(t, s, get)), "sealed")
}

func testVaultClosed(t *testing.T, s hotcell.VaultStore) {
	ok(t, "Record", s.Record(t.Context(), event(0)))
	ok(t, "Close", s.Close())
	wantError(t, "Record after Close", s.Record(t.Context(), event(1)), hotcell.ErrUnavailable)
	err := s.Update(t.Context(), func(hotcell.VaultWriter) error { return nil })
	wantError(t, "Update after Close", err, hotcell.ErrUnavailable)
	err = s.View(t.Context(), func(hotcell.VaultReader) error { return nil })
	wantError(t, "View after Close", err, hotcell.ErrUnavailable)
	ok(t, "Close again", s.Close())
}

// testOtherWorkspaceWrite puts things under ids that another workspace has.
func testOtherWorkspaceWrite(t *testing.T, s hotcell.VaultStore) {
	write(t, s, func(w hotcell.VaultWriter) error {
		ok(t, "PutMember", w.PutMember(hotcell.Member{ID: "mem_1", Workspace: here}))
		ok(t, "PutAssignment", w.PutAssignment(assignment("asg_1", "one")))
		ok(t, "PutGrant", w.PutGrant(hotcell.Grant{Job: "job_1", Workspace: here, State: hotcell.GrantLive}))
		return w.PutCredential(credential("sec_1", "one"))
	})
	write(t, s, func(w hotcell.VaultWriter) error {
		c, a := credential("sec_1", "stolen"), assignment("asg_1", "stolen")
		c.Workspace, a.Workspace = there, there
		wantError(t, "a credential", w.PutCredential(c), hotcell.ErrNotFound)
		wantError(t, "an assignment", w.PutAssignment(a), hotcell.ErrNotFound)
		wantError(t, "a member", w.PutMember(hotcell.Member{ID: "mem_1", Workspace: there}), hotcell.ErrNotFound)
		wantError(t, "a grant", w.PutGrant(hotcell.Grant{Job: "job_1", Workspace: there}), hotcell.ErrNotFound)
		return nil
	})
	c := must(t, s, func(r hotcell.VaultReader) (hotcell.Credential, error) { return r.Credential(here, "sec_1") })
	want(t, "the credential", c, credential("sec_1", "one"))
}
