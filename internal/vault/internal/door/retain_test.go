package door_test

import (
	"encoding/json"
	"testing"
	"time"

	"hotcell"
	"hotcell/internal/store/audit"
	"hotcell/internal/vault/internal/door"
)

// old records n events of a day in a vault's log.
func old(t *testing.T, v *door.Vault, store hotcell.VaultStore, day time.Time, n int) {
	t.Helper()
	for i := range n {
		must(t, store.Record(t.Context(), hotcell.Event{
			Workspace: v.Local().Workspace, At: day.Add(time.Duration(i) * time.Second), Kind: "secret.create", Decision: hotcell.Allowed, Credential: "sec_1",
		}))
	}
}

func verified(t *testing.T, v *door.Vault) door.Verified {
	t.Helper()
	out, err := v.Verify(t.Context(), v.Local())
	must(t, err)
	return out
}

func list(t *testing.T, v *door.Vault, store hotcell.VaultStore) (out []hotcell.Event) {
	t.Helper()
	must(t, store.View(t.Context(), func(r hotcell.VaultReader) (err error) {
		out, err = r.Events(v.Local().Workspace, hotcell.EventFilter{Ascending: true, Limit: 10_000})
		return err
	}))
	return out
}

// What is old goes, and what is left proves itself, and that it was retention that
// removed the rest.
func TestWhatRetentionRemovesLeavesAChainThatHolds(t *testing.T) {
	t.Parallel()
	v, store := place(t).open(t)
	first := list(t, v, store) // of the vault's beginning, on 2026-11-01
	long := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	old(t, v, store, long, 1200)
	old(t, v, store, long.AddDate(0, 1, 0), 30)
	head := list(t, v, store)[len(first)+1200-1]
	n, err := v.Retain(t.Context(), long.AddDate(0, 0, 15))
	must(t, err)
	if want := int64(len(first) + 1200); n != want {
		t.Errorf("%d were removed, want %d", n, want)
	}
	left := list(t, v, store)
	if len(left) != 31 || left[0].Sequence != head.Sequence+1 || left[30].Kind != audit.KindPrune {
		t.Fatalf("%d are left, from %d on", len(left), left[0].Sequence)
	}
	out := verified(t, v)
	if out.Broken != nil || out.Removed != head.Sequence || out.Events != 31 {
		t.Errorf("verified: %+v", out)
	}
	again, err := v.Retain(t.Context(), long.AddDate(0, 0, 15))
	must(t, err)
	if again != 0 || len(list(t, v, store)) != 31 {
		t.Errorf("a second time, %d were removed", again)
	}
	_, err = v.Retain(t.Context(), long.AddDate(0, 6, 0)) // all but what tells of it
	must(t, err)
	if out := verified(t, v); out.Broken != nil || out.Removed < head.Sequence+30 {
		t.Errorf("all removed: %+v", out)
	}
}

// Who removes events, and says that it was retention, is found out: the chain does
// not say so.
func TestWhoRemovesEventsThemselvesIsFound(t *testing.T) {
	t.Parallel()
	for name, hide := range map[string]func(w hotcell.VaultWriter, ws hotcell.WorkspaceID, at hotcell.Event) error{
		"no checkpoint": func(hotcell.VaultWriter, hotcell.WorkspaceID, hotcell.Event) error { return nil },
		"a checkpoint of one's own": func(w hotcell.VaultWriter, ws hotcell.WorkspaceID, at hotcell.Event) error {
			c := audit.Checkpoint{Head: audit.Head{Sequence: at.Sequence, Hash: [32]byte(at.Hash)}, At: at.At}
			text, err := json.Marshal(c)
			if err != nil {
				return err
			}
			return w.PutBlob(ws, "audit.pruned", text)
		},
	} {
		v, store := place(t).open(t)
		ws := v.Local().Workspace
		old(t, v, store, time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC), 20)
		events := list(t, v, store)
		at := events[9]
		must(t, store.Update(t.Context(), func(w hotcell.VaultWriter) error {
			if _, err := w.DropEvents(ws, at.Sequence, 1000); err != nil {
				return err
			}
			return hide(w, ws, at)
		}))
		if out := verified(t, v); out.Broken == nil {
			t.Errorf("%s: verified: %+v", name, out)
		}
	}
}

// A log that was altered is evidence: nothing of it is removed.
func TestALogThatDoesNotVerifyIsKept(t *testing.T) {
	t.Parallel()
	v, store := place(t).open(t)
	old(t, v, store, time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC), 20)
	must(t, store.Update(t.Context(), func(w hotcell.VaultWriter) error {
		_, err := w.DropEvents(v.Local().Workspace, 3, 1000)
		return err
	}))
	before := len(list(t, v, store))
	if _, err := v.Retain(t.Context(), time.Date(2027, 12, 1, 0, 0, 0, 0, time.UTC)); err == nil {
		t.Error("it was not noticed")
	}
	if now := len(list(t, v, store)); now != before {
		t.Errorf("%d of %d events are left", now, before)
	}
}
