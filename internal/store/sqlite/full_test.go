package sqlite

// From inside the package: a full disk is made with a setting of the one
// connection that writes, which nobody outside has.

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"hotcell"
	"hotcell/internal/store/audit"
)

func pages(t *testing.T, f *file, pragma string) int {
	t.Helper()
	var n int
	if err := f.write.db.QueryRow("PRAGMA " + pragma).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// fill lets the file grow by a few pages more and no further.
func fill(t *testing.T, f *file, more int) {
	t.Helper()
	pages(t, f, fmt.Sprintf("max_page_count = %d", pages(t, f, "page_count")+more))
}

func TestFullDisk(t *testing.T) {
	t.Parallel()
	v, err := OpenVault(t.Context(), filepath.Join(t.TempDir(), "vault.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = v.Close() }()
	event := hotcell.Event{Workspace: "wsp_1", At: time.Unix(1, 0), Kind: "k", Decision: hotcell.Allowed}
	kept := 0
	record := func() error {
		err := v.Record(t.Context(), event)
		if err == nil {
			kept++
		}
		return err
	}
	if err := record(); err != nil {
		t.Fatal(err)
	}
	fill(t, v.file, 8)
	for err = record(); err == nil; err = record() {
	}
	if !errors.Is(err, hotcell.ErrUnavailable) {
		t.Errorf("Record on a full disk: %v, want ErrUnavailable", err)
	}
	big := func(w hotcell.VaultWriter) error {
		_ = w.PutBlob("wsp_1", "big", make([]byte, 1<<20)) // even one that does not look
		return nil
	}
	if err := v.Update(t.Context(), big); !errors.Is(err, hotcell.ErrUnavailable) {
		t.Errorf("Update on a full disk: %v, want ErrUnavailable", err)
	}
	crowdOnFullDisk(t, v, event, &kept)
	pages(t, v.file, "max_page_count = 1000000")
	if err := record(); err != nil {
		t.Errorf("Record when there is room again: %v", err)
	}
	wantLog(t, v, kept)
}

// crowdOnFullDisk mixes updates that are too big with records that are not
// always: what is acknowledged counts.
func crowdOnFullDisk(t *testing.T, v *Vault, event hotcell.Event, kept *int) {
	t.Helper()
	fill(t, v.file, 4)
	var group sync.WaitGroup
	var mu sync.Mutex
	for i := range 32 {
		group.Go(func() {
			var err error
			if i%4 == 0 {
				err = v.Update(t.Context(), func(w hotcell.VaultWriter) error {
					if err := w.Record(event); err != nil {
						return err
					}
					return w.PutBlob("wsp_1", "big", make([]byte, 1<<20))
				})
			} else {
				err = v.Record(t.Context(), event)
			}
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				*kept++
			} else if !errors.Is(err, hotcell.ErrUnavailable) {
				t.Errorf("on a full disk: %v, want ErrUnavailable", err)
			}
		})
	}
	group.Wait()
}

func wantLog(t *testing.T, v *Vault, n int) {
	t.Helper()
	check := audit.NewVerifier("wsp_1")
	if err := v.View(t.Context(), func(r hotcell.VaultReader) error {
		events, err := r.Events("wsp_1", hotcell.EventFilter{Ascending: true, Limit: 1 << 30})
		if len(events) != n {
			t.Errorf("%d events in the log, %d were acknowledged", len(events), n)
		}
		for _, e := range events {
			if err := check.Next(e); err != nil {
				return err
			}
		}
		return err
	}); err != nil {
		t.Error(err)
	}
}

// The answers that look up by marks must not sort what they find: a log is long.
func TestLookUpsDoNotSort(t *testing.T) {
	t.Parallel()
	v, err := OpenVault(t.Context(), filepath.Join(t.TempDir(), "vault.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = v.Close() }()
	for _, f := range []hotcell.EventFilter{
		{}, {Job: "j"}, {Kind: "secret"}, {Decision: hotcell.Refused}, {Member: "m", Ascending: true}, {Credential: "c", Before: 9},
	} {
		query, args := eventQuery(1, f)
		rows, err := v.file.read.db.Query("EXPLAIN QUERY PLAN "+query, args...)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var id, parent, unused int
			var detail string
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				t.Fatal(err)
			}
			if len(detail) < 6 || detail[:6] != "SEARCH" {
				t.Errorf("%+v: %s", f, detail)
			}
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			t.Fatal(err)
		}
	}
}
