package job

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/store/backup"
)

// BackupVault is what a backup asks of the vault.
type BackupVault interface {
	Backup(context.Context, *vaultrpc.BackupRequest) (part io.ReadCloser, recipient string, err error)
}

// Backups makes backups: the vault's part, which this process cannot read, and behind it
// what the control plane keeps, encrypted so that it cannot read that again either.
type Backups struct {
	Vault  BackupVault
	Store  hotcell.ControlStore
	Files  *Files
	Output *Outputs
}

// Backup begins a backup: the vault has said yes. Whoever gets it copies or closes it.
type Backup struct {
	of        *Backups
	wish      vaultrpc.BackupRequest
	part      io.ReadCloser
	recipient string
}

// Begin has the vault begin a backup.
func (b *Backups) Begin(ctx context.Context, wish vaultrpc.BackupRequest) (*Backup, error) {
	part, recipient, err := b.Vault.Backup(ctx, &wish)
	if err != nil {
		return nil, err
	}
	return &Backup{b, wish, part, recipient}, nil
}

// Close gives a backup up.
func (b *Backup) Close() error { return b.part.Close() }

// CopyTo writes the backup and closes it. The vault's copy is made first: an assignment's
// folder that it names is kept by its content, and is there for as long as the server is.
// A job that is newer than that copy has no grant in it, and is ended by a restore.
func (b *Backup) CopyTo(ctx context.Context, w io.Writer) error {
	_, err := io.Copy(w, b.part)
	if err := errors.Join(err, b.part.Close()); err != nil {
		return fmt.Errorf("%w: the vault's part of the backup broke off: %w", hotcell.ErrUnavailable, err)
	}
	part, err := backup.NewControl(w, b.recipient)
	if err != nil {
		return err
	}
	err = b.of.Store.Copy(ctx, func(size int64) (io.Writer, error) { return part.Create(backup.EntryControl, size) })
	if err == nil && b.wish.Folders {
		err = putAll(ctx, part, b.of.Files.dir, backup.FolderFiles)
	}
	if err == nil && b.wish.Outputs {
		err = putAll(ctx, part, b.of.Output.dir, backup.FolderOutputs)
	}
	if err != nil {
		return err
	}
	return part.Close()
}

// putAll writes the archives of a folder. One that is gone by now was removed by
// retention.
func putAll(ctx context.Context, part *backup.Part, dir, to string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("reading what to back up: %w", err)
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".tar") || !e.Type().IsRegular() {
			continue
		}
		if err := errors.Join(ctx.Err(), put(part, filepath.Join(dir, e.Name()), to+e.Name())); err != nil {
			return err
		}
	}
	return nil
}

func put(part *backup.Part, path, name string) error {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading what to back up: %w", err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("reading what to back up: %w", err)
	}
	return part.Put(name, info.Size(), f)
}
