package sqlite_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"hotcell"
	"hotcell/internal/store/audit"
	"hotcell/internal/store/sqlite"
)

func TestManyShareAFileAndTheLogHasNoGap(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "vault.db")
	var stores []*sqlite.Vault
	for range 3 {
		v, err := sqlite.ShareVault(t.Context(), path, noLog)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = v.Close() })
		stores = append(stores, v)
		if !v.Shared() {
			t.Error("it does not say that it is shared")
		}
	}
	if _, err := sqlite.OpenVault(t.Context(), path, noLog); !errors.Is(err, hotcell.ErrConflict) {
		t.Errorf("one that does not share was let in: %v", err)
	}
	const each = 100
	var all sync.WaitGroup
	for n, v := range stores {
		all.Go(func() {
			for i := range each {
				e := hotcell.Event{Workspace: ws, At: time.Now(), Kind: "test.record", Name: fmt.Sprintf("%d-%d", n, i), Decision: hotcell.Allowed}
				err := v.Record(t.Context(), e)
				if i%2 == 0 {
					err = v.Update(t.Context(), func(w hotcell.VaultWriter) error { return w.Record(e) })
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	verifier, got, after := audit.NewVerifier(ws), 0, int64(0)
	for {
		var page []hotcell.Event
		if err := stores[0].View(t.Context(), func(r hotcell.VaultReader) (err error) {
			page, err = r.Events(ws, hotcell.EventFilter{Ascending: true, After: after, Limit: 100})
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, e := range page {
			if err := verifier.Next(e); err != nil {
				t.Fatal(err)
			}
			got, after = got+1, e.Sequence
		}
	}
	if want := len(stores) * (each + each/2); got != want {
		t.Errorf("%d events are in the log, want %d", got, want)
	}
}
