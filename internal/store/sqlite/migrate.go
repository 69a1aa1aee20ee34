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
	stands, err := queueVersion(ctx, db)
	if err != nil {
		return fmt.Errorf("reading the queue's version: %w", err)
	}
	all := migrator.AllVersions()
	if known := all[len(all)-1].Version; stands > known {
		return newer(int64(stands), int64(known))
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("migrating the queue: %w", err)
	}
	return nil
}

// queueVersion is the version of River's tables; 0 where there are none. River
// itself only says that it does not know a newer one.
func queueVersion(ctx context.Context, db *sql.DB) (version int, err error) {
	var tables int
	err = db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_master WHERE name = 'river_migration'").Scan(&tables)
	if err != nil || tables == 0 {
		return 0, err
	}
	err = db.QueryRowContext(ctx, "SELECT coalesce(max(version), 0) FROM river_migration").Scan(&version)
	return version, err
}

func newer(stands, known int64) error {
	return fmt.Errorf("%w: the database was written by a newer hotcell (its version is %d, this one knows %d): "+
		"run that one, or restore a copy from before the upgrade", hotcell.ErrConflict, stands, known)
}
