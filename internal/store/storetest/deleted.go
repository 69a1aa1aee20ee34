package storetest

import (
	"testing"

	"hotcell"
)

func testBury(t *testing.T, s hotcell.VaultStore) {
	c := credential("sec_1", "one")
	d := hotcell.Deleted{Credential: c, At: start, By: "mem_1", Until: start.Add(hotcell.UndeleteTime)}
	write(t, s, func(w hotcell.VaultWriter) error {
		ok(t, "PutCredential", w.PutCredential(c))
		key, fields := sealed("sec_1", 1, "A")
		ok(t, "PutSealed", w.PutSealed(here, key, fields))
		return w.Bury(d)
	})
	err := s.View(t.Context(), func(r hotcell.VaultReader) error { _, err := r.Credential(here, "sec_1"); return err })
	wantError(t, "what was buried, as a credential", err, hotcell.ErrNotFound)
	err = s.View(t.Context(), func(r hotcell.VaultReader) error { _, err := r.DeletedCredential(there, "sec_1"); return err })
	wantError(t, "what was buried, of another workspace", err, hotcell.ErrNotFound)
	list := func(ws hotcell.WorkspaceID) func(hotcell.VaultReader) ([]hotcell.Deleted, error) {
		return func(r hotcell.VaultReader) ([]hotcell.Deleted, error) { return r.Deleted(ws) }
	}
	want(t, "what was buried", must(t, s, list(here)), []hotcell.Deleted{d})
	want(t, "what another workspace has", len(must(t, s, list(there))), 0)
	versions := must(t, s, func(r hotcell.VaultReader) ([]int, error) { return r.Versions(here, "sec_1") })
	want(t, "its versions", versions, []int{1})
	err = s.Update(t.Context(), func(w hotcell.VaultWriter) error { return w.Bury(d) })
	wantError(t, "burying twice", err, hotcell.ErrNotFound)
	write(t, s, func(w hotcell.VaultWriter) error { return w.PutCredential(credential("sec_2", "one")) })
	err = s.Update(t.Context(), func(w hotcell.VaultWriter) error { return w.Unbury(c) })
	wantError(t, "back into a name that is taken", err, hotcell.ErrConflict)
	write(t, s, func(w hotcell.VaultWriter) error {
		ok(t, "DeleteCredential", w.DeleteCredential(here, "sec_2"))
		return w.Unbury(c)
	})
	want(t, "what is back", must(t, s, func(r hotcell.VaultReader) (hotcell.Credential, error) { return r.Credential(here, "sec_1") }), c)
	write(t, s, func(w hotcell.VaultWriter) error {
		ok(t, "Bury", w.Bury(d))
		return w.DeleteCredential(here, "sec_1")
	})
	wantNoVersion(t, s, "sec_1", 1)
	want(t, "what is left", len(must(t, s, list(here))), 0)
}
