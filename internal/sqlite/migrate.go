package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/pressly/goose/v3"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"

	"hotcell"
)

//go:embed migrations/*/*.sql
var migrations embed.FS

// migrate brings the database to the newest schema of folder. It leaves a
// database alone that knows a newer one.
func migrate(ctx context.Context, db *sql.DB, folder string) error {
	files, err := fs.Sub(migrations, "migrations/"+folder)
	if err != nil {
		return fmt.Errorf("reading migrations: %w", err)
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("reading migrations: %w", err)
	}
	stands, known, err := provider.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("reading the database's version: %w", err)
	}
	if stands > known {
		return newer(stands, known)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrating database: %w", err)
	}
	return nil
}

// migrateQueue does the same for River's tables.
func migrateQueue(ctx context.Context, db *sql.DB, log *slog.Logger) error {
	migrator, err := rivermigrate.New(riversqlite.New(db), &rivermigrate.Config{Logger: log})
	if err != nil {
		return fmt.Errorf("reading the queue's migrations: %w", err)
	}
	stand, err := migrator.ExistingVersions(ctx)
	if err != nil {
		return fmt.Errorf("reading the queue's version: %w", err)
	}
	all := migrator.AllVersions()
	known := all[len(all)-1].Version
	for _, s := range stand {
		if s.Version > known {
			return newer(int64(s.Version), int64(known))
		}
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("migrating the queue: %w", err)
	}
	return nil
}

func newer(stands, known int64) error {
	return fmt.Errorf("%w: the database was written by a newer hotcell (its version is %d, this one knows %d): "+
		"run that one, or restore a copy from before the upgrade", hotcell.ErrConflict, stands, known)
}
