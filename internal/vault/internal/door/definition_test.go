package door_test

import (
	"errors"
	"testing"

	"hotcell"
	"hotcell/internal/policy/access"
	"hotcell/internal/vault/internal/door"
)

// What an earlier version wrote, before there were plain forms or after it was started
// again on a newer one's folder, does not count as plain.
func TestADefinitionIsPlainWhereThisVersionMadeItSo(t *testing.T) {
	t.Parallel()
	v, store := place(t).open(t)
	p := v.Local()
	c := hotcell.Credential{
		ID: "con_1", Workspace: p.Workspace, Tier: hotcell.TierConnection, Name: "api", Owner: p.Member, Version: 1, Revision: 1,
		Connected: &hotcell.Connected{Connector: "openapi"},
	}
	put := func(text string) {
		t.Helper()
		must(t, v.Change(t.Context(), p, hotcell.Event{Kind: "connection.create", Credential: c.ID, Version: 1}, func(a *door.Act) error {
			return errors.Join(a.Permit(access.CreateCredential, access.OfCredential(c)), a.PutCredential(c), v.PutDefinition(a, c.ID, []byte(text)))
		}))
	}
	blob := func(label string, set []byte) (old []byte) {
		t.Helper()
		must(t, store.Update(t.Context(), func(w hotcell.VaultWriter) (err error) {
			if old, err = w.Blob(p.Workspace, label); err != nil || set == nil {
				return err
			}
			return w.PutBlob(p.Workspace, label, set)
		}))
		return old
	}
	holds := func(text string, isPlain bool) {
		t.Helper()
		got, plain, err := v.Definition(t.Context(), p.Workspace, c.ID)
		if err != nil || string(got) != text || plain != isPlain {
			t.Errorf("it is %q, plain: %t, %v", got, plain, err)
		}
	}
	put("first")
	holds("first", true)
	first := blob("definition con_1", nil)
	mark := blob("plain definition con_1", nil)
	put("second")
	holds("second", true)
	blob("definition con_1", first) // as who knows no marks writes
	holds("first", false)
	must(t, v.MakePlain(t.Context(), p.Workspace, c.ID, 2, []byte("of another version")))
	holds("first", false)
	must(t, v.MakePlain(t.Context(), p.Workspace, c.ID, 1, []byte("third")))
	holds("third", true)
	blob("plain definition con_1", first) // a mark that is something else is no mark
	if _, _, err := v.Definition(t.Context(), p.Workspace, c.ID); !errors.Is(err, hotcell.ErrTampered) {
		t.Errorf("with another blob for its mark: %v", err)
	}
	blob("plain definition con_1", mark)
	holds("third", false)
	must(t, v.DestroyCredential(t.Context(), p, c.ID, 0, c.Name, func(*door.Act, hotcell.Credential) {}))
	must(t, store.View(t.Context(), func(r hotcell.VaultReader) error {
		for _, label := range []string{"definition con_1", "plain definition con_1"} {
			if _, err := r.Blob(p.Workspace, label); !errors.Is(err, hotcell.ErrNotFound) {
				t.Errorf("%s stays: %v", label, err)
			}
		}
		return nil
	}))
}
