package sqlite_test

import (
	"log/slog"
	"path/filepath"
	"testing"

	"hotcell"
	"hotcell/internal/store/sqlite"
	"hotcell/internal/store/storetest"
)

func TestVault(t *testing.T) {
	t.Parallel()
	storetest.TestVaultStore(t, func(t *testing.T) hotcell.VaultStore {
		return openVault(t, filepath.Join(t.TempDir(), "vault.db"))
	})
}

func TestControl(t *testing.T) {
	t.Parallel()
	storetest.TestControlStore(t, func(t *testing.T) (hotcell.ControlStore, hotcell.Queue) {
		c := openControl(t, filepath.Join(t.TempDir(), "control.db"))
		return c, c
	})
}

func openControl(t testing.TB, path string) *sqlite.Control {
	t.Helper()
	c, err := sqlite.OpenControl(t.Context(), path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}
