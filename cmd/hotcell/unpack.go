//go:build linux

package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"hotcell"
	"hotcell/internal/store/backup"
	"hotcell/internal/store/sqlite"
	"hotcell/internal/value/sensitive"
	"hotcell/internal/vault"
)

// unpacked is what came out of a backup.
type unpacked struct {
	keyset sensitive.Bytes
	// folders and outputs are how many archives there were.
	folders, outputs int
}

// unpackBackup writes a backup's files into a folder, and says at the end that it was
// whole. Nothing of what it wrote is to be used before.
func unpackBackup(b *backup.Reader, dir string) (out unpacked, err error) {
	if err := errors.Join(os.Mkdir(filepath.Join(dir, "vault"), 0o700), os.Mkdir(filepath.Join(dir, "control"), 0o700)); err != nil {
		return out, fmt.Errorf("making the folders: %w", err)
	}
	if out.keyset, err = unpackVault(b, filepath.Join(dir, "vault")); err != nil {
		return out, err
	}
	if err := b.Control(); err != nil {
		return out, err
	}
	if err := out.control(b, filepath.Join(dir, "control")); err != nil {
		return out, err
	}
	return out, b.End()
}

func unpackVault(b *backup.Reader, dir string) (keyset sensitive.Bytes, err error) {
	name, in, err := b.Next()
	if err != nil || name != backup.EntryKeyset {
		return keyset, short(err)
	}
	text := make([]byte, 0, 64<<10) // so that it does not grow, and leave copies behind
	for err == nil && len(text) < cap(text) {
		var n int
		n, err = in.Read(text[len(text):cap(text)])
		text = text[:len(text)+n]
	}
	keyset = sensitive.New(text)
	if !errors.Is(err, io.EOF) {
		return keyset, short(err)
	}
	if name, in, err = b.Next(); err != nil || name != backup.EntryVault {
		return keyset, short(err)
	}
	return keyset, save(filepath.Join(dir, backup.EntryVault), in)
}

// short is what it means that a file is not there.
func short(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return backup.ErrChanged
	}
	return err
}

func (u *unpacked) control(b *backup.Reader, dir string) error {
	name, in, err := b.Next()
	if err != nil || name != backup.EntryControl {
		return short(err)
	}
	if err := save(filepath.Join(dir, backup.EntryControl), in); err != nil {
		return err
	}
	for {
		name, in, err := b.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := u.archive(dir, name, in); err != nil {
			return err
		}
	}
}

var (
	folderName = regexp.MustCompile(`^[0-9a-f]{64}\.tar$`)
	outputName = regexp.MustCompile(`^job_[0-9a-z]{26}\.tar$`)
)

// archive saves an archive under the name that it must have. A folder's is its content's.
func (u *unpacked) archive(dir, name string, in io.Reader) error {
	base := filepath.Base(name)
	switch {
	case name == backup.FolderFiles+base && folderName.MatchString(base):
		u.folders++
		hash := sha256.New()
		if err := saveIn(dir, name, io.TeeReader(in, hash)); err != nil {
			return err
		}
		if hex.EncodeToString(hash.Sum(nil))+".tar" != base {
			return fmt.Errorf("%w: an assignment's folder in it is not what it was", backup.ErrChanged)
		}
		return nil
	case name == backup.FolderOutputs+base && outputName.MatchString(base):
		u.outputs++
		return saveIn(dir, name, in)
	}
	return backup.ErrChanged
}

func saveIn(dir, name string, in io.Reader) error {
	if err := os.Mkdir(filepath.Join(dir, filepath.Dir(name)), 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("making the folders: %w", err)
	}
	return save(filepath.Join(dir, name), in)
}

// save writes a new file, durably.
func save(path string, in io.Reader) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("writing what is in the backup: %w", err)
	}
	if _, err := io.Copy(f, in); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("writing what is in the backup: %w", err)
	}
	return nil
}

// settleVault makes the vault's database one that can be served.
func settleVault(ctx context.Context, dir string, c vault.Config, m backup.Manifest, keyset sensitive.Bytes) (*vault.Restored, error) {
	defer keyset.Clear()
	store, err := sqlite.OpenVault(ctx, filepath.Join(dir, "vault", backup.EntryVault), c.Log)
	if err != nil {
		return nil, databaseFault(err)
	}
	c.Store = store
	return vault.Restore(ctx, c, m, keyset)
}

// databaseFault is what it means that a database of a backup cannot be opened.
func databaseFault(err error) error {
	if errors.Is(err, hotcell.ErrConflict) {
		return err // a newer program wrote it
	}
	return fmt.Errorf("opening a database of the backup: %w", err)
}

// settleControl ends the jobs that the control plane's database knows as alive: their
// grants are dead.
func settleControl(ctx context.Context, dir string, ws hotcell.WorkspaceID, log *slog.Logger) (ended int, err error) {
	store, err := sqlite.OpenControl(ctx, filepath.Join(dir, "control", backup.EntryControl), log)
	if err != nil {
		return 0, databaseFault(err)
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	for _, state := range []hotcell.JobState{hotcell.JobQueued, hotcell.JobStarting, hotcell.JobRunning, hotcell.JobWaiting} {
		for {
			list, err := store.Jobs(ctx, ws, hotcell.JobFilter{State: state}, hotcell.Page{Limit: hotcell.MaxPage})
			if err != nil {
				return ended, err
			}
			for _, j := range list {
				if err := endRestored(ctx, store, j); err != nil {
					return ended, err
				}
				ended++
			}
			if len(list) == 0 {
				break
			}
		}
	}
	return ended, nil
}

func endRestored(ctx context.Context, store hotcell.ControlStore, j hotcell.Job) error {
	now := time.Now()
	_, err := store.ChangeJob(ctx, j.ID, []hotcell.JobState{j.State}, func(j *hotcell.Job) {
		to := hotcell.JobLost
		if j.State == hotcell.JobQueued {
			to = hotcell.JobCancelled
		}
		j.State, j.Reason, j.EndedAt = to, "the server was restored from a backup", &now
	})
	return err
}

// newer says what a vault that is there has which a backup has not.
func newer(ctx context.Context, path string, m backup.Manifest) (string, error) {
	var last hotcell.Event
	var ws hotcell.WorkspaceID
	err := sqlite.ReadVault(ctx, path, func(r hotcell.VaultReader) error {
		spaces, err := r.Workspaces()
		if err != nil || len(spaces) == 0 {
			return err
		}
		ws = spaces[0].ID
		events, err := r.Events(ws, hotcell.EventFilter{Limit: 1})
		if len(events) > 0 {
			last = events[0]
		}
		return err
	})
	when := func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }
	switch {
	case errors.Is(err, hotcell.ErrConflict):
		return "a server runs on it", nil
	case err != nil:
		return "", err
	case ws == "":
		return "", nil
	case ws != m.Workspace:
		return "the vault in it is another one, " + string(ws) + ", and the backup is of " + string(m.Workspace), nil
	case last.Sequence > m.Sequence:
		return fmt.Sprintf("the vault in it is newer: its log goes on for %d events after the backup, to event %d of %s", last.Sequence-m.Sequence, last.Sequence, when(last.At)), nil
	}
	return fmt.Sprintf("the backup, of %s, is newer than the vault in it, whose log ends with event %d of %s", when(m.At), last.Sequence, when(last.At)), nil
}

// hasTrace says whether a folder has more in it than what may be there before its first
// server: its configuration and its key.
func hasTrace(dir string) (bool, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	for _, e := range entries {
		switch name := e.Name(); {
		case name == "hotcell.yaml", name == "local.key", name == "lost+found", strings.HasPrefix(name, staging):
		default:
			return true, err
		}
	}
	return false, err
}
