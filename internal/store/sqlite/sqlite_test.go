package sqlite_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hotcell"
	"hotcell/internal/store/sqlite"
)

const ws = hotcell.WorkspaceID("wsp_1")

var noLog = slog.New(slog.DiscardHandler)

// openAny opens either store; both must refuse alike.
var openAny = map[string]func(context.Context, string) (func() error, error){
	"vault": func(ctx context.Context, path string) (func() error, error) {
		v, err := sqlite.OpenVault(ctx, path, noLog)
		return v.Close, err
	},
	"control": func(ctx context.Context, path string) (func() error, error) {
		c, err := sqlite.OpenControl(ctx, path, noLog)
		return c.Close, err
	},
}

func TestSecondProcessIsRefused(t *testing.T) {
	t.Parallel()
	for name, open := range openAny {
		path := filepath.Join(t.TempDir(), name+".db")
		shut, err := open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		_, err = open(t.Context(), path)
		if !errors.Is(err, hotcell.ErrConflict) || !strings.Contains(err.Error(), "another hotcell serve uses this folder") {
			t.Errorf("%s: opened twice: %v", name, err)
		}
		if err := shut(); err != nil {
			t.Fatal(err)
		}
		if shut, err = open(t.Context(), path); err != nil {
			t.Fatalf("%s: opened after Close: %v", name, err)
		}
		if err := shut(); err != nil {
			t.Error(err)
		}
	}
}

// raw opens a closed store's file as anybody could.
func raw(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func TestNewerDatabaseIsRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ store, future string }{
		"vault":   {"vault", "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, true)"},
		"control": {"control", "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, true)"},
		"queue":   {"control", "INSERT INTO river_migration (line, version) VALUES ('main', 99)"},
	} {
		path := filepath.Join(t.TempDir(), "a.db")
		shut, err := openAny[test.store](t.Context(), path)
		if err != nil || shut() != nil {
			t.Fatal(err)
		}
		db := raw(t, path)
		if _, err := db.Exec(test.future); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		before, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		_, err = openAny[test.store](t.Context(), path)
		if !errors.Is(err, hotcell.ErrConflict) || !strings.Contains(err.Error(), "newer hotcell") {
			t.Errorf("%s: opened a newer database: %v", name, err)
		}
		after, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(before, after) {
			t.Errorf("%s: the newer database was changed (%v)", name, err)
		}
	}
}

func TestWhatIsNoDatabaseIsRefused(t *testing.T) {
	t.Parallel()
	for name, open := range openAny {
		path := filepath.Join(t.TempDir(), name+".db")
		if err := os.WriteFile(path, bytes.Repeat([]byte("no database "), 1000), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := open(t.Context(), path); err == nil {
			t.Errorf("%s: opened a file of something else", name)
		}
		if _, err := open(t.Context(), filepath.Join(path, "below", "a.db")); err == nil {
			t.Errorf("%s: opened a file in no folder", name)
		}
	}
}

func TestFilesAreTheOwnersAlone(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "odd ?name%20#x")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	v := openVault(t, filepath.Join(dir, "vault.db"))
	if err := v.Record(t.Context(), told("a")); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) < 4 {
		t.Fatalf("files: %v, %v; want database, lock, -wal and -shm", files, err)
	}
	for _, f := range files {
		if info, err := f.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, %v; want 0600", f.Name(), info.Mode(), err)
		}
	}
}

func told(name string) hotcell.Event {
	return hotcell.Event{Workspace: ws, At: time.Unix(1, 0), Kind: "test.tell", Decision: hotcell.Allowed, Name: name}
}

// Deleted sealed bytes must not linger in the file, and while they are there
// the test can see them: else it would prove nothing.
func TestDeletedBytesAreOverwritten(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "vault.db")
	canary := []byte("CANARY-of-sealed-bytes-7f3a")
	store := func(change func(hotcell.VaultWriter) error) {
		t.Helper()
		v := openVault(t, path)
		if err := v.Update(t.Context(), change); err != nil {
			t.Fatal(err)
		}
		if err := v.Close(); err != nil {
			t.Fatal(err)
		}
	}
	key := hotcell.SealedKey{Credential: "sec_1", Version: 1, Blob: canary}
	field := hotcell.SealedField{Credential: "sec_1", Version: 1, Name: "KEY", Blob: bytes.Repeat(canary, 1000)}
	store(func(w hotcell.VaultWriter) error {
		if err := w.PutCredential(hotcell.Credential{ID: "sec_1", Workspace: ws, Name: "n"}); err != nil {
			return err
		}
		return w.PutSealed(ws, key, []hotcell.SealedField{field})
	})
	if n := occurrences(t, path, canary); n < 900 { // some are cut by the borders of pages
		t.Fatalf("the canary is in the files %d times before it is deleted", n)
	}
	store(func(w hotcell.VaultWriter) error { return w.DeleteCredential(ws, "sec_1") })
	if n := occurrences(t, path, canary); n != 0 {
		t.Errorf("the canary is in the files %d times after it was deleted", n)
	}
}

func occurrences(t *testing.T, path string, of []byte) (n int) {
	t.Helper()
	files, err := filepath.Glob(path + "*")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		n += bytes.Count(text, of)
	}
	return n
}

// What an attacker changes in the file, the chain tells.
func TestChangedFileBreaksTheChain(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]string{
		"column":   "UPDATE events SET decision = 'allow' WHERE id & 255 = 2",
		"document": "UPDATE events SET document = replace(document, '\"two\"', '\"six\"')",
		"deleted":  "DELETE FROM events WHERE id & 255 = 2",
		"swapped":  "UPDATE events SET id = id + 100 * (1 - 2 * (id & 1)) WHERE id & 255 IN (2, 3)",
		"no JSON":  "UPDATE events SET document = '{' WHERE id & 255 = 2",
	} {
		path := filepath.Join(t.TempDir(), "vault.db")
		v := openVault(t, path)
		for _, n := range []string{"one", "two", "three"} {
			e := told(n)
			e.Decision = hotcell.Refused
			if err := v.Record(t.Context(), e); err != nil {
				t.Fatal(err)
			}
		}
		if err := v.Close(); err != nil {
			t.Fatal(err)
		}
		db := raw(t, path)
		if result, err := db.Exec(change); err != nil {
			t.Fatal(name, err)
		} else if n, _ := result.RowsAffected(); n == 0 {
			t.Fatalf("%s: changed nothing", name)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := verified(t, openVault(t, path)); !errors.Is(err, hotcell.ErrTampered) {
			t.Errorf("%s: verified: %v, want ErrTampered", name, err)
		}
	}
}
