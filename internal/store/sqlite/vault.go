package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"

	"hotcell"
	"hotcell/internal/line/border"
)

// Vault is the vault's store: a [hotcell.VaultStore].
type Vault struct {
	file   *file
	writer *writer
	chain  *chain
	shared bool
}

var _ hotcell.VaultStore = (*Vault)(nil)

// OpenVault opens the vault's database, creates it if there is none, and brings
// it to the newest schema. It fails with [hotcell.ErrConflict] where another
// process has it open or a newer program wrote it.
//
// What is deleted is overwritten in the file (secure_delete); the journal
// beside it may hold it until it is next folded in, at the latest by Close.
func OpenVault(ctx context.Context, path string, log *slog.Logger) (*Vault, error) {
	return openVault(ctx, path, false, log)
}

// ShareVault is [OpenVault] for several processes on one machine that all share
// the file; one that does not is kept out, and keeps them out. Each looks anew
// where the log ends before it writes, and writes while no other does.
func ShareVault(ctx context.Context, path string, log *slog.Logger) (*Vault, error) {
	return openVault(ctx, path, true, log)
}

func openVault(ctx context.Context, path string, shared bool, log *slog.Logger) (*Vault, error) {
	f, err := openFile(path, shared, "secure_delete(1)")
	if err != nil {
		return nil, err
	}
	if err := migrate(ctx, f.write.db, "vault"); err != nil {
		return nil, errors.Join(err, f.close())
	}
	v := &Vault{file: f, writer: newWriter(f.write, border.Log(log)), chain: newChain(), shared: shared}
	v.writer.appended, v.writer.settle = v.chain.appendAll, v.settle
	v.writer.start()
	log.DebugContext(ctx, "opened the vault's database")
	return v, nil
}

// ReadVault runs fn on one snapshot of a store that nobody has open, and neither
// migrates it nor makes one where there is none.
func ReadVault(ctx context.Context, path string, fn func(hotcell.VaultReader) error) (err error) {
	if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("opening database: %w", err)
	}
	f, err := openFile(path, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.close()) }()
	return f.view(ctx, func(s *session) error { return fn(&reader{s: s}) })
}

// View implements [hotcell.VaultStore].
func (v *Vault) View(ctx context.Context, fn func(hotcell.VaultReader) error) error {
	return v.file.view(ctx, func(s *session) error { return fn(&reader{s: s}) })
}

// Update implements [hotcell.VaultStore]. fn runs in the caller's goroutine; it
// must not call the store itself, which waits for it.
func (v *Vault) Update(ctx context.Context, fn func(hotcell.VaultWriter) error) error {
	return v.writer.update(ctx, func(s *session) error {
		u := &updater{reader: reader{s: s}, chain: v.chain, ends: ends{}}
		if err := fn(u); err != nil {
			return err
		}
		if s.failed == nil {
			maps.Copy(v.chain.pending, u.ends)
		}
		return s.failed
	})
}

// Record implements [hotcell.VaultStore].
func (v *Vault) Record(ctx context.Context, events ...hotcell.Event) error {
	if len(events) == 0 {
		return nil
	}
	rows := make([]row, len(events))
	for i, e := range events {
		var err error
		if rows[i], err = newRow(e); err != nil {
			return err
		}
	}
	if err := v.writer.add(ctx, rows); err != nil {
		return fmt.Errorf("recording: %w", err)
	}
	return nil
}

// settle lets the chain know how a transaction ended. Where others write too, it
// keeps nothing: the next transaction asks the disk.
func (v *Vault) settle(kept bool) { v.chain.settle(kept && !v.shared) }

// Shared implements [hotcell.VaultStore].
func (v *Vault) Shared() bool { return v.shared }

// Copy implements [hotcell.VaultStore].
func (v *Vault) Copy(ctx context.Context, begin func(size int64) (io.Writer, error)) error {
	return v.file.copy(ctx, begin)
}

// Close implements [hotcell.VaultStore].
func (v *Vault) Close() error {
	v.writer.stop()
	return v.file.close()
}

// reader is a snapshot, or what an update sees.
type reader struct{ s *session }

// updater is a [hotcell.VaultWriter].
type updater struct {
	reader
	chain *chain
	// ends are where the logs end after this update's own events.
	ends ends
}

// Record implements [hotcell.VaultWriter].
func (u *updater) Record(e hotcell.Event) error {
	r, err := newRow(e)
	if err != nil {
		return err
	}
	return u.chain.insert(u.s, u.ends, marked{}, insertOne, []*row{&r})
}
