//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"hotcell/internal/config"
	"hotcell/internal/control/job"
	"hotcell/internal/line/vaultrpc"
)

// backupName is how backups are called that are made by themselves. Retention removes
// nothing else.
var backupName = regexp.MustCompile(`^hotcell-(\d{8}T\d{6}Z)\.backup$`)

const backupTime = "20060102T150405Z"

// retryBackup is how soon, after a backup that failed, the next is tried.
const retryBackup = 10 * time.Minute

// backUp makes backups as the configuration says, until ctx ends. What was missed while
// the server was down is made at its start.
func (h *house) backUp(ctx context.Context, by *job.Backups) {
	c := h.config.Backup
	if c.Folder == "" {
		return
	}
	for {
		wait := time.Until(lastBackup(c.Folder).Add(c.Every))
		if wait <= 0 {
			wait = c.Every
			if err := backUpOnce(ctx, by, c, time.Now()); err != nil && ctx.Err() == nil {
				h.log.Error("the backup that was due was not made", "folder", c.Folder, "error", err)
				wait = min(wait, retryBackup)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// scheduled lists the backups of a folder by their names, which are in order of time.
func scheduled(folder string) (names []string) {
	entries, _ := os.ReadDir(folder)
	for _, e := range entries {
		if backupName.MatchString(e.Name()) && e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names
}

// lastBackup is when the newest one was made; the zero time for none.
func lastBackup(folder string) (at time.Time) {
	if names := scheduled(folder); len(names) > 0 {
		at, _ = time.Parse(backupTime, backupName.FindStringSubmatch(names[len(names)-1])[1])
	}
	return at
}

// backUpOnce makes a backup, whole or not at all, and then removes what is too old.
func backUpOnce(ctx context.Context, by *job.Backups, c config.Backup, now time.Time) error {
	if err := os.MkdirAll(c.Folder, 0o700); err != nil {
		return fmt.Errorf("making the folder of backups: %w", err)
	}
	made, err := by.Begin(ctx, vaultrpc.BackupRequest{Scheduled: true, Folders: c.WithFolders(), Outputs: c.Outputs})
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(c.Folder, ".hotcell-*")
	if err != nil {
		return errors.Join(fmt.Errorf("writing a backup: %w", err), made.Close())
	}
	defer func() { _ = os.Remove(f.Name()) }()
	if err := errors.Join(made.CopyTo(ctx, f), f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), filepath.Join(c.Folder, "hotcell-"+now.UTC().Format(backupTime)+".backup")); err != nil {
		return fmt.Errorf("writing a backup: %w", err)
	}
	return retainBackups(c.Folder, c.Keep)
}

// retainBackups removes the oldest, beyond as many as are kept; 0 keeps all.
func retainBackups(folder string, keep int) error {
	names := scheduled(folder)
	for keep > 0 && len(names) > keep {
		if err := os.Remove(filepath.Join(folder, names[0])); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("removing an old backup: %w", err)
		}
		names = names[1:]
	}
	return syncDir(folder)
}
