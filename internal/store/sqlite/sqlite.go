// Package sqlite keeps the two stores, and the queue, in one SQLite file each:
// [Vault] for the vault's process, [Control] for the control plane's.
//
// It guards that what was acknowledged is on the disk (WAL, synchronous=FULL),
// that one process alone has a file open unless all that have it share it, that a file of a newer program is not
// touched, and that the audit log has no gap: sequence and hash of an event are
// given within the transaction that stores it. It does not guard values: it is
// never given any, only sealed bytes; and it does not decide who may do what.
//
//	v, err := sqlite.OpenVault(ctx, filepath.Join(dir, "vault.db"), log)
//	if err != nil {
//		return err
//	}
//	defer v.Close()
//
// Every write of a store goes through one goroutine, which puts all that wait
// into one transaction and one sync of the disk; reads have connections of
// their own and wait for nobody. docs/formats.md says what is in the files.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"

	_ "modernc.org/sqlite" // the driver
)

// readers is how many snapshots can be open at once; a reader more waits.
const readers = 8

// file is one open database: its lock, the one connection that writes, and
// those that read.
type file struct {
	path  string
	lock  *os.File
	write *pool
	read  *pool
	slots chan struct{}
	once  sync.Once
}

// openFile locks and opens the database at path, and creates it, readable by
// its owner alone, if there is none. It does not migrate.
func openFile(path string, shared bool, pragmas ...string) (*file, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("opening database: %w", err)
	}
	lock, err := lockFile(path+".lock", shared)
	if err != nil {
		return nil, err
	}
	f := &file{path: path, lock: lock, slots: make(chan struct{}, readers)}
	if err := f.connect(path, pragmas); err != nil {
		return nil, errors.Join(err, f.close())
	}
	return f, nil
}

func (f *file) connect(path string, pragmas []string) error {
	// SQLite gives -wal and -shm the mode of the file itself.
	made, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("creating database: %w", err)
	}
	if err := made.Close(); err != nil {
		return fmt.Errorf("creating database: %w", err)
	}
	pragmas = append([]string{
		"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)", "temp_store(2)",
	}, pragmas...)
	if f.write, err = openPool(path, 1, append(pragmas, "cache_size(-8000)", "wal_autocheckpoint(8000)"), "immediate"); err != nil {
		return err
	}
	f.read, err = openPool(path, readers, append(pragmas, "query_only(1)"), "deferred")
	return err
}

// openPool opens connections that each begin with the pragmas. What lock says
// is how a transaction begins.
func openPool(path string, size int, pragmas []string, lock string) (*pool, error) {
	query := url.Values{"_pragma": pragmas, "_txlock": {lock}}
	dsn := url.URL{Scheme: "file", Path: path, RawQuery: query.Encode()}
	db, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		return nil, fmt.Errorf("opening database: %w", err)
	}
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	return &pool{db: db, statements: map[string]*sql.Stmt{}}, nil
}

// view runs fn on one snapshot.
func (f *file) view(ctx context.Context, fn func(*session) error) error {
	select {
	case f.slots <- struct{}{}:
		defer func() { <-f.slots }()
	case <-ctx.Done():
		return ctx.Err()
	}
	// The transaction has no context: database/sql would start a goroutine for
	// it and for each statement, and what is read here is read quickly.
	tx, err := f.read.db.BeginTx(context.WithoutCancel(ctx), &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return unavailable("beginning to read", err)
	}
	s := &session{pool: f.read, tx: tx}
	defer func() {
		_ = tx.Rollback() // it wrote nothing
		f.read.learn(s.wanted)
	}()
	if err := fn(s); err != nil {
		return err
	}
	return s.failed
}

// close closes what is open. The last connection to go moves the journal into
// the database and removes it.
func (f *file) close() (err error) {
	f.once.Do(func() {
		var errs []error
		for _, p := range []*pool{f.read, f.write} {
			if p != nil {
				errs = append(errs, p.close())
			}
		}
		if errs = append(errs, f.lock.Close()); errors.Join(errs...) != nil {
			err = fmt.Errorf("closing database: %w", errors.Join(errs...))
		}
	})
	return err
}
