//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"hotcell"
	"hotcell/internal/line/child"
	"hotcell/internal/store/backup"
	"hotcell/internal/value/passphrase"
	"hotcell/internal/value/sensitive"
	"hotcell/internal/vault"
)

// restoreCommand is a process of the vault's kind that opens a backup, and ends.
const restoreCommand = "part-restore"

// staging begins the name of a folder in which a backup is unpacked.
const staging = ".restoring-"

// restoreOrder is what that process is told. Files are descriptors that it inherited.
type restoreOrder struct {
	// Data is the folder to restore into; empty for a drill, which leaves nothing.
	Data string
	// Room is a folder to work in.
	Room string
	// Key is the URL of the key that the restored vault will have; of a drill, one that
	// may open the backup. OldKey is one more that may.
	Key, OldKey string
	// Backup is the file; Identities and Passphrase are files too, empty for none.
	Backup, Identities, Passphrase string
	Variables, Bundle              string
}

// restoreReport is what it found.
type restoreReport struct {
	// Problem is why it was not done, and Kind the sentinel that it is; empty for done.
	Problem, Kind string
	Manifest      backup.Manifest
	Vault         vault.Restored
	// Jobs are those that were ended; Folders and Outputs are archives.
	Jobs, Folders, Outputs int
}

// runRestore opens a backup where values may be in plain: the control plane's process
// and people's commands do not.
func runRestore(ctx context.Context, text string, log *slog.Logger) error {
	var order restoreOrder
	if err := json.Unmarshal([]byte(text), &order); err != nil {
		return fmt.Errorf("reading the order: %w", err)
	}
	var report restoreReport
	if err := order.run(ctx, slog.New(slog.DiscardHandler), &report); err != nil {
		log.Debug("restoring", "error", err)
		report.Problem, report.Kind = err.Error(), kindOf(err)
	}
	return json.NewEncoder(os.Stdout).Encode(report)
}

// kinds are the sentinels that a report tells apart.
var kinds = []error{hotcell.ErrTampered, hotcell.ErrInvalid, hotcell.ErrConflict, hotcell.ErrDenied, hotcell.ErrNotFound, hotcell.ErrUnavailable}

func kindOf(err error) string {
	for _, kind := range kinds {
		if errors.Is(err, kind) {
			return kind.Error()
		}
	}
	return ""
}

// err is the problem as an error again.
func (r *restoreReport) err() error {
	if r.Problem == "" {
		return nil
	}
	for _, kind := range kinds {
		if kind.Error() == r.Kind {
			return &restoreError{r.Problem, kind}
		}
	}
	return errors.New(r.Problem)
}

type restoreError struct {
	text string
	kind error
}

func (e *restoreError) Error() string { return e.text }
func (e *restoreError) Unwrap() error { return e.kind }

// readWhole reads an inherited file; an empty name is an empty text.
func readWhole(path string) (text sensitive.Bytes, err error) {
	if path == "" {
		return text, nil
	}
	b, err := os.ReadFile(path)
	return sensitive.New(b), err
}

func (o *restoreOrder) run(ctx context.Context, log *slog.Logger, report *restoreReport) error {
	variables, err := readVariables(o.Variables)
	if err != nil {
		return err
	}
	roots, err := readRoots(o.Bundle)
	if err != nil {
		return err
	}
	keys := vault.BackupKeys{Config: vault.Config{KeyURL: o.Key, KeyEnvironment: vault.GatherKey(o.Key, variables), Roots: roots, Now: time.Now, Log: log}}
	if keys.Identities, err = readWhole(o.Identities); err != nil {
		return err
	}
	words, err := readWhole(o.Passphrase)
	if err != nil {
		return err
	}
	_ = words.Use(func(b []byte) error { keys.Passphrase = passphrase.Line(b); return nil })
	if err := child.Harden(); err != nil {
		return err
	}
	by := keys
	if o.OldKey != "" {
		by.KeyURL, by.KeyEnvironment = o.OldKey, vault.GatherKey(o.OldKey, variables)
	}
	file, err := os.Open(o.Backup)
	if err != nil {
		return fmt.Errorf("reading the backup: %w", err)
	}
	defer func() { _ = file.Close() }()
	b, err := vault.OpenBackup(ctx, file, by)
	if err != nil {
		return err
	}
	report.Manifest = b.Manifest
	if o.Data != "" {
		if err := refuseLiving(ctx, o.Data, b.Manifest); err != nil {
			return err
		}
	}
	return o.unpack(ctx, b, keys.Config, report)
}

// refuseLiving refuses to restore over anything, and says what is newer.
func refuseLiving(ctx context.Context, data string, m backup.Manifest) error {
	full, err := hasTrace(data)
	if err != nil || !full {
		return err
	}
	said := ""
	if hasVault(data) {
		what, err := newer(ctx, vaultFile(data), m)
		if err != nil {
			what = "the vault in it cannot be read"
		}
		if what != "" {
			said = ": " + what
		}
	}
	return fmt.Errorf("%w: the folder %s is not empty, and nothing is restored over it%s. Restore into a new folder", hotcell.ErrConflict, data, said)
}

// unpack unpacks, settles, and moves the whole into its place at the very end.
func (o *restoreOrder) unpack(ctx context.Context, b *backup.Reader, c vault.Config, report *restoreReport) error {
	out, err := unpackBackup(b, o.Room)
	defer out.keyset.Clear()
	if err != nil {
		return err
	}
	report.Folders, report.Outputs = out.folders, out.outputs
	made := filepath.Join(o.Room, "local.key")
	fresh := o.Data == "" || vault.KeyFile(c.KeyURL) == filepath.Join(o.Data, "local.key") && !exists(filepath.Join(o.Data, "local.key"))
	if fresh {
		c.KeyURL = (&url.URL{Scheme: "file", Path: made}).String()
	}
	restored, err := settleVault(ctx, o.Room, c, b.Manifest, out.keyset)
	if err != nil {
		return err
	}
	report.Vault = *restored
	if report.Jobs, err = settleControl(ctx, o.Room, b.Manifest.Workspace, c.Log); err != nil || o.Data == "" {
		return err
	}
	return o.place(fresh)
}

func exists(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && (info.Size() > 0 || !info.Mode().IsRegular())
}

// place moves what was restored to where it belongs; the vault comes last.
func (o *restoreOrder) place(fresh bool) error {
	names := []string{"control", "vault"}
	if fresh {
		names = append([]string{"local.key"}, names...)
	}
	for _, dir := range []string{"vault", "control", filepath.Join("control", "files"), filepath.Join("control", "out")} {
		if err := syncDir(filepath.Join(o.Room, dir)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("writing what was restored: %w", err)
		}
	}
	for _, name := range names {
		if err := os.Rename(filepath.Join(o.Room, name), filepath.Join(o.Data, name)); err != nil {
			return fmt.Errorf("putting what was restored into its place: %w", err)
		}
	}
	// By its lock a server knows a data folder.
	lock, err := os.OpenFile(filepath.Join(o.Data, "serve.lock"), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("putting what was restored into its place: %w", err)
	}
	return errors.Join(lock.Close(), syncDir(o.Data))
}

// syncDir has the names in a folder on the disk.
func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
