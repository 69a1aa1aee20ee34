package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// copies are how files of copies that are under way are called, beside the database.
const copies = ".copy-*"

// copy writes a copy of the database, as one snapshot has it. It is made in a file
// beside the database first (VACUUM INTO, sqlite.org/lang_vacuum.html): the snapshot is
// held for that time alone, and not for as long as whoever takes it in needs. Such a file
// has what the database has, and nothing of what was deleted in it.
func (f *file) copy(ctx context.Context, begin func(size int64) (io.Writer, error)) (err error) {
	f.sweep()
	made, err := os.CreateTemp(filepath.Dir(f.path), filepath.Base(f.path)+copies)
	if err != nil {
		return fmt.Errorf("copying database: %w", err)
	}
	defer func() { err = errors.Join(err, made.Close(), os.Remove(made.Name())) }()
	conn, err := f.read.db.Conn(ctx)
	if err != nil {
		return unavailable("copying", err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	// The connection may change nothing: of another file it writes one all the same.
	if _, err := conn.ExecContext(ctx, "PRAGMA query_only = 0"); err != nil {
		return unavailable("copying", err)
	}
	_, err = conn.ExecContext(ctx, "VACUUM INTO ?", made.Name())
	_, again := conn.ExecContext(context.WithoutCancel(ctx), "PRAGMA query_only = 1")
	if err := errors.Join(err, again); err != nil {
		return unavailable("copying", err)
	}
	info, err := made.Stat()
	if err != nil {
		return fmt.Errorf("copying database: %w", err)
	}
	to, err := begin(info.Size())
	if err != nil {
		return err
	}
	if _, err := io.Copy(to, made); err != nil {
		return fmt.Errorf("copying database: %w", err)
	}
	return nil
}

// sweep removes what a process that was killed left of its copies.
func (f *file) sweep() {
	left, _ := filepath.Glob(f.path + copies)
	for _, path := range left {
		_ = os.Remove(path)
	}
}
