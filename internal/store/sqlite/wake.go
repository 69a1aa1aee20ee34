package sqlite

import (
	"context"
	"database/sql"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riversqlite"
)

// driver is River's SQLite driver with another way to tell that there is
// something in the queue. River's own is a table that it polls; since one
// process alone has the file, a channel does it at once and for nothing.
type driver struct {
	*riversqlite.Driver
	bell chan struct{}
}

func newDriver(db *sql.DB) *driver {
	return &driver{Driver: riversqlite.New(db), bell: make(chan struct{}, 1)}
}

// wake makes who works the queue look into it.
func (d *driver) wake() {
	select {
	case d.bell <- struct{}{}:
	default: // it rings already
	}
}

// SupportsListenNotify keeps River from writing to its table.
func (d *driver) SupportsListenNotify() bool { return false }

// GetListener implements riverdriver.Driver.
func (d *driver) GetListener(*riverdriver.GetListenenerParams) riverdriver.Listener {
	return &listener{bell: d.bell}
}

// topicInsert is River's name for "there is a new entry".
const topicInsert = "river_insert"

// listener hears the bell and nothing else.
type listener struct {
	bell chan struct{}
}

// The methods below implement riverdriver.Listener.

func (l *listener) Connect(context.Context) error        { return nil }
func (l *listener) Close(context.Context) error          { return nil }
func (l *listener) Ping(context.Context) error           { return nil }
func (l *listener) Schema() string                       { return "" }
func (l *listener) SetAfterConnectExec(string)           {}
func (l *listener) Listen(context.Context, string) error { return nil }

func (l *listener) Unlisten(context.Context, string) error { return nil }

func (l *listener) WaitForNotification(ctx context.Context) (*riverdriver.Notification, error) {
	select {
	case <-l.bell:
		return &riverdriver.Notification{Topic: topicInsert, Payload: `{"queue": "` + river.QueueDefault + `"}`}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
