package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"

	"github.com/riverqueue/river"

	"hotcell"
	"hotcell/internal/line/border"
)

// Control is the control plane's store and its queue: a [hotcell.ControlStore]
// and a [hotcell.Queue].
type Control struct {
	file    *file
	writer  *writer
	log     *slog.Logger
	driver  *driver
	entries *river.Client[*sql.Tx] // puts entries in; it works none
	working sync.Mutex             // held while [Control.Work] runs
}

var (
	_ hotcell.ControlStore = (*Control)(nil)
	_ hotcell.Queue        = (*Control)(nil)
)

// OpenControl opens the control plane's database, creates it if there is none,
// and brings it to the newest schema. It fails with [hotcell.ErrConflict] where
// another process has it open or a newer program wrote it.
func OpenControl(ctx context.Context, path string, log *slog.Logger) (*Control, error) {
	f, err := openFile(path, false)
	if err != nil {
		return nil, err
	}
	c := &Control{file: f, writer: newWriter(f.write, border.Log(log)), log: slog.New(&warnings{log.Handler()}), driver: newDriver(f.write.db)}
	if err := c.prepare(ctx); err != nil {
		return nil, errors.Join(err, f.close())
	}
	c.writer.start()
	log.DebugContext(ctx, "opened the control plane's database")
	return c, nil
}

func (c *Control) prepare(ctx context.Context) error {
	// River first: its tables refer to none of ours, and a queue that is newer
	// must be found before anything is changed.
	if err := migrateQueue(ctx, c.file.write.db, c.log); err != nil {
		return err
	}
	if err := migrate(ctx, c.file.write.db, "control"); err != nil {
		return err
	}
	entries, err := river.NewClient(c.driver, &river.Config{Logger: c.log})
	if err != nil {
		return fmt.Errorf("opening the queue: %w", err)
	}
	c.entries = entries
	return nil
}

// Copy implements [hotcell.ControlStore].
func (c *Control) Copy(ctx context.Context, begin func(size int64) (io.Writer, error)) error {
	return c.file.copy(ctx, begin)
}

// Close implements [hotcell.ControlStore]. It waits for a [Control.Work] that
// has not returned.
func (c *Control) Close() error {
	c.working.Lock()
	defer c.working.Unlock()
	c.writer.stop()
	return c.file.close()
}

// warnings lets only warnings and worse through: what River tells of its own
// day is of no use to an operator.
type warnings struct{ slog.Handler }

func (w *warnings) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && w.Handler.Enabled(ctx, level)
}

// WithAttrs implements [slog.Handler].
func (w *warnings) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &warnings{w.Handler.WithAttrs(attrs)}
}

// WithGroup implements [slog.Handler].
func (w *warnings) WithGroup(name string) slog.Handler { return &warnings{w.Handler.WithGroup(name)} }
