package storetest

import (
	"fmt"
	"testing"
	"time"

	"hotcell"
)

func credential(id, name string) hotcell.Credential {
	return hotcell.Credential{
		ID: hotcell.CredentialID(id), Workspace: here, Tier: hotcell.TierSecret, Name: name, Owner: "mem_ann",
		Service: "acme", Version: 1, Revision: 2, Size: 3,
		Variables: []hotcell.Variable{{Name: "KEY"}, {Name: "SHORT", Unguarded: "too short"}},
		CreatedAt: start, UpdatedAt: start.Add(time.Second),
	}
}

func testCredentials(t *testing.T, s hotcell.VaultStore) {
	c := credential("sec_1", `quo"ted <ünïcode>`)
	write(t, s, func(w hotcell.VaultWriter) error { return w.PutCredential(c) })
	get := func(ws hotcell.WorkspaceID) func(hotcell.VaultReader) (hotcell.Credential, error) {
		return func(r hotcell.VaultReader) (hotcell.Credential, error) { return r.Credential(ws, "sec_1") }
	}
	want(t, "credential", must(t, s, get(here)), c)
	_, err := read(t, s, get(there))
	wantError(t, "another workspace's credential", err, hotcell.ErrNotFound)
	c.Revision, c.Variables = 3, nil
	write(t, s, func(w hotcell.VaultWriter) error { return w.PutCredential(c) })
	want(t, "replaced credential", must(t, s, get(here)), c)
}

func testCredentialNames(t *testing.T, s hotcell.VaultStore) {
	put := func(id, owner string, shared bool, ws hotcell.WorkspaceID) error {
		c := credential(id, "billing")
		c.Owner, c.Shared, c.Workspace = hotcell.MemberID(owner), shared, ws
		return s.Update(t.Context(), func(w hotcell.VaultWriter) error { return w.PutCredential(c) })
	}
	ok(t, "Ann's own", put("sec_1", "mem_ann", false, here))
	ok(t, "Bob's own", put("sec_2", "mem_bob", false, here))
	ok(t, "the team's", put("sec_3", "mem_ann", true, here))
	ok(t, "another workspace's", put("sec_4", "mem_ann", false, there))
	wantError(t, "Ann's second", put("sec_5", "mem_ann", false, here), hotcell.ErrConflict)
	wantError(t, "the team's second", put("sec_6", "mem_bob", true, here), hotcell.ErrConflict)
	wantError(t, "sharing where the team has the name", put("sec_2", "mem_bob", true, here), hotcell.ErrConflict)
	ok(t, "putting the same again", put("sec_1", "mem_ann", false, here))
	list := func(r hotcell.VaultReader) ([]hotcell.Credential, error) {
		return r.Credentials(here, hotcell.CredentialFilter{Name: "billing"}, hotcell.Page{})
	}
	want(t, "credentials after conflicts", credentialIDs(must(t, s, list)), []string{"sec_1", "sec_2", "sec_3"})
}

func credentialIDs(list []hotcell.Credential) []string {
	return names(list, func(c hotcell.Credential) string { return string(c.ID) })
}

func testCredentialPages(t *testing.T, s hotcell.VaultStore) {
	write(t, s, func(w hotcell.VaultWriter) error {
		for i := range 7 {
			// The names run against the ids, and two share one.
			c := credential(fmt.Sprintf("sec_%d", i), fmt.Sprintf("name%d", (7-i)/2))
			c.Shared, c.Owner = i%2 == 0, hotcell.MemberID(fmt.Sprintf("mem_%d", i))
			if i == 3 {
				c.Tier = hotcell.TierLogin
			}
			ok(t, "PutCredential", w.PutCredential(c))
		}
		return nil
	})
	list := func(f hotcell.CredentialFilter, p hotcell.Page) []string {
		return credentialIDs(must(t, s, func(r hotcell.VaultReader) ([]hotcell.Credential, error) { return r.Credentials(here, f, p) }))
	}
	all := []string{"sec_6", "sec_4", "sec_5", "sec_2", "sec_3", "sec_0", "sec_1"}
	want(t, "all", list(hotcell.CredentialFilter{}, hotcell.Page{}), all)
	var paged []string
	for page := (hotcell.Page{Limit: 2}); ; {
		got := list(hotcell.CredentialFilter{}, page)
		paged = append(paged, got...)
		if len(got) < 2 || len(paged) > len(all) {
			break
		}
		page.After = got[len(got)-1]
	}
	want(t, "page by page", paged, all)
	want(t, "logins", list(hotcell.CredentialFilter{Tier: hotcell.TierLogin}, hotcell.Page{}), []string{"sec_3"})
	want(t, "visible to one", list(hotcell.CredentialFilter{VisibleTo: "mem_5"}, hotcell.Page{}),
		[]string{"sec_6", "sec_4", "sec_5", "sec_2", "sec_0"})
	_, err := read(t, s, func(r hotcell.VaultReader) ([]hotcell.Credential, error) {
		return r.Credentials(here, hotcell.CredentialFilter{}, hotcell.Page{After: "sec_gone"})
	})
	wantError(t, "a page after what is gone", err, hotcell.ErrInvalid)
}

func sealed(id string, version int, names ...string) (hotcell.SealedKey, []hotcell.SealedField) {
	key := hotcell.SealedKey{Credential: hotcell.CredentialID(id), Version: version, Blob: []byte{0, byte(version)}}
	var fields []hotcell.SealedField
	for _, n := range names {
		fields = append(fields, hotcell.SealedField{Credential: key.Credential, Version: version, Name: n, Blob: []byte(n + "\x00sealed")})
	}
	return key, fields
}

func testSealed(t *testing.T, s hotcell.VaultStore) {
	key1, fields1 := sealed("sec_1", 1, "A", "B")
	key2, fields2 := sealed("sec_1", 2, "C")
	write(t, s, func(w hotcell.VaultWriter) error {
		ok(t, "PutCredential", w.PutCredential(credential("sec_1", "one")))
		ok(t, "PutSealed", w.PutSealed(here, key2, fields2))
		ok(t, "PutSealed", w.PutSealed(here, key1, append(fields1, hotcell.SealedField{Credential: "sec_1", Version: 1, Name: "GONE"})))
		return w.PutSealed(here, key1, fields1)
	})
	ok(t, "View", s.View(t.Context(), func(r hotcell.VaultReader) error {
		got, err := r.SealedKey(here, "sec_1", 1)
		ok(t, "SealedKey", err)
		want(t, "key", got, key1)
		fields, err := r.SealedFields(here, "sec_1", 1)
		ok(t, "SealedFields", err)
		want(t, "fields", fields, fields1)
		versions, err := r.Versions(here, "sec_1")
		ok(t, "Versions", err)
		want(t, "versions", versions, []int{1, 2})
		_, err = r.SealedKey(there, "sec_1", 1)
		wantError(t, "another workspace's key", err, hotcell.ErrNotFound)
		fields, err = r.SealedFields(there, "sec_1", 1)
		if err == nil {
			want(t, "another workspace's fields", len(fields), 0)
		}
		return nil
	}))
	write(t, s, func(w hotcell.VaultWriter) error {
		wantError(t, "deleting another workspace's version", w.DeleteVersion(there, "sec_1", 1), hotcell.ErrNotFound)
		return w.DeleteVersion(here, "sec_1", 1)
	})
	wantNoVersion(t, s, "sec_1", 1)
	testRewrapped(t, s, key2)
	versions := must(t, s, func(r hotcell.VaultReader) ([]int, error) { return r.Versions(here, "sec_1") })
	want(t, "versions that are left", versions, []int{2})
}

// testRewrapped goes through data keys as a rotation does; last is the one that is
// there.
func testRewrapped(t *testing.T, s hotcell.VaultStore, last hotcell.SealedKey) {
	t.Helper()
	other, none := sealed("sec_0", 7)
	last2 := last
	last2.Blob = append([]byte("wrap2"), last.Blob...)
	stale := other
	stale.Blob = []byte("what it was once")
	write(t, s, func(w hotcell.VaultWriter) error {
		ok(t, "PutSealed", w.PutSealed(here, other, none))
		n, err := w.SwapSealedKeys(here, []hotcell.SealedKey{stale, last}, []hotcell.SealedKey{other, last2})
		want(t, "swapped", n, 1)
		ok(t, "SwapSealedKeys", err)
		n, err = w.SwapSealedKeys(there, []hotcell.SealedKey{last2}, []hotcell.SealedKey{last})
		want(t, "swapped in another workspace", n, 0)
		return err
	})
	ok(t, "View", s.View(t.Context(), func(r hotcell.VaultReader) error {
		got, err := r.SealedKeys(here, hotcell.SealedKey{}, 10)
		ok(t, "SealedKeys", err)
		want(t, "keys", got, []hotcell.SealedKey{other, last2})
		got, err = r.SealedKeys(here, other, 1)
		ok(t, "SealedKeys", err)
		want(t, "keys behind one", got, []hotcell.SealedKey{last2})
		got, err = r.SealedKeys(there, hotcell.SealedKey{}, 10)
		ok(t, "SealedKeys", err)
		want(t, "another workspace's keys", len(got), 0)
		counts, err := r.SealedKeyPrefixes(here)
		ok(t, "SealedKeyPrefixes", err)
		want(t, "counts", counts, map[string]int{"wrap2": 1, string(other.Blob[:min(5, len(other.Blob))]): 1})
		return nil
	}))
	err := s.Update(t.Context(), func(w hotcell.VaultWriter) error {
		_, err := w.SwapSealedKeys(here, []hotcell.SealedKey{other}, []hotcell.SealedKey{last})
		return err
	})
	wantError(t, "a key in another's place", err, hotcell.ErrInvalid)
}

func wantNoVersion(t *testing.T, s hotcell.VaultStore, id hotcell.CredentialID, version int) {
	t.Helper()
	ok(t, "View", s.View(t.Context(), func(r hotcell.VaultReader) error {
		_, err := r.SealedKey(here, id, version)
		wantError(t, "a deleted version's key", err, hotcell.ErrNotFound)
		fields, err := r.SealedFields(here, id, version)
		ok(t, "SealedFields", err)
		want(t, "a deleted version's fields", len(fields), 0)
		return nil
	}))
}

func testDeleteCredential(t *testing.T, s hotcell.VaultStore) {
	write(t, s, func(w hotcell.VaultWriter) error {
		ok(t, "PutCredential", w.PutCredential(credential("sec_1", "one")))
		ok(t, "PutCredential", w.PutCredential(credential("sec_2", "two")))
		for _, id := range []string{"sec_1", "sec_2"} {
			for version := range 3 {
				key, fields := sealed(id, version+1, "A")
				ok(t, "PutSealed", w.PutSealed(here, key, fields))
			}
		}
		return nil
	})
	err := s.Update(t.Context(), func(w hotcell.VaultWriter) error { return w.DeleteCredential(there, "sec_1") })
	wantError(t, "deleting another workspace's credential", err, hotcell.ErrNotFound)
	write(t, s, func(w hotcell.VaultWriter) error { return w.DeleteCredential(here, "sec_1") })
	for version := range 3 {
		wantNoVersion(t, s, "sec_1", version+1)
	}
	err = s.Update(t.Context(), func(w hotcell.VaultWriter) error { return w.DeleteCredential(here, "sec_1") })
	wantError(t, "deleting twice", err, hotcell.ErrNotFound)
	left := must(t, s, func(r hotcell.VaultReader) ([]int, error) { return r.Versions(here, "sec_2") })
	want(t, "the other credential's versions", left, []int{1, 2, 3})
	write(t, s, func(w hotcell.VaultWriter) error { return w.PutCredential(credential("sec_3", "one")) })
}

func testSee(t *testing.T, s hotcell.VaultStore) {
	see := func(ws hotcell.WorkspaceID, message byte) error {
		return s.Update(t.Context(), func(w hotcell.VaultWriter) error { return w.See(ws, [32]byte{message}, start) })
	}
	ok(t, "a message", see(here, 1))
	wantError(t, "the message again", see(here, 1), hotcell.ErrConflict)
	ok(t, "another message", see(here, 2))
	ok(t, "another workspace's message", see(there, 1))
	failing := s.Update(t.Context(), func(w hotcell.VaultWriter) error {
		ok(t, "See", w.See(here, [32]byte{3}, start))
		return hotcell.ErrDenied
	})
	wantError(t, "the update that fails", failing, hotcell.ErrDenied)
	ok(t, "the message of an update that failed", see(here, 3))
}
