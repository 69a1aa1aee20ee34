package storetest

import (
	"testing"

	"hotcell"
)

func testMembers(t *testing.T, s hotcell.VaultStore) {
	one := hotcell.Workspace{ID: here, Name: "Acme", CreatedAt: start}
	ann := hotcell.Member{ID: "mem_ann", Workspace: here, Name: "Ann", Role: hotcell.RoleOwner, CreatedAt: start}
	bob := hotcell.Member{ID: "mem_bob", Workspace: here, Name: "Bob", Role: hotcell.RoleMember, CreatedAt: start}
	write(t, s, func(w hotcell.VaultWriter) error {
		ok(t, "PutWorkspace", w.PutWorkspace(one))
		ok(t, "PutMember", w.PutMember(bob))
		return w.PutMember(ann)
	})
	ann.Role = hotcell.RoleManager
	write(t, s, func(w hotcell.VaultWriter) error { return w.PutMember(ann) })
	want(t, "workspaces", must(t, s, hotcell.VaultReader.Workspaces), []hotcell.Workspace{one})
	ok(t, "View", s.View(t.Context(), func(r hotcell.VaultReader) error {
		got, err := r.Workspace(here)
		ok(t, "Workspace", err)
		want(t, "workspace", got, one)
		member, err := r.Member(here, "mem_ann")
		ok(t, "Member", err)
		want(t, "member", member, ann)
		members, err := r.Members(here)
		ok(t, "Members", err)
		want(t, "members", members, []hotcell.Member{ann, bob})
		_, err = r.Member(there, "mem_ann")
		wantError(t, "another workspace's member", err, hotcell.ErrNotFound)
		_, err = r.Workspace(there)
		wantError(t, "a workspace that is not there", err, hotcell.ErrNotFound)
		none, err := r.Members(there)
		ok(t, "Members", err)
		want(t, "another workspace's members", len(none), 0)
		return nil
	}))
}

func testBlobs(t *testing.T, s hotcell.VaultStore) {
	blob := []byte{0, 1, 255, 0}
	write(t, s, func(w hotcell.VaultWriter) error {
		ok(t, "PutBlob", w.PutBlob(here, "keyset", []byte("old")))
		ok(t, "PutBlob", w.PutBlob(here, "empty", nil))
		return w.PutBlob(here, "keyset", blob)
	})
	ok(t, "View", s.View(t.Context(), func(r hotcell.VaultReader) error {
		got, err := r.Blob(here, "keyset")
		ok(t, "Blob", err)
		want(t, "blob", got, blob)
		got, err = r.Blob(here, "empty")
		ok(t, "an empty blob", err)
		want(t, "an empty blob's length", len(got), 0)
		labels, err := r.Labels(here)
		ok(t, "Labels", err)
		want(t, "labels", labels, []string{"empty", "keyset"})
		none, err := r.Labels(there)
		ok(t, "Labels", err)
		want(t, "another workspace's labels", len(none), 0)
		_, err = r.Blob(there, "keyset")
		wantError(t, "another workspace's blob", err, hotcell.ErrNotFound)
		_, err = r.Blob(here, "other")
		wantError(t, "a label that is not there", err, hotcell.ErrNotFound)
		return nil
	}))
}
