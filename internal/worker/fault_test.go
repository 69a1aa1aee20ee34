package worker_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"

	"hotcell/internal/cell"
	"hotcell/internal/worker"
)

// trap is a driver that throws at its first cell.
type trap struct {
	cell.Driver
	sprung atomic.Bool
}

func (d *trap) Start(ctx context.Context, c cell.Config) (*cell.Process, error) {
	if d.sprung.CompareAndSwap(false, true) {
		panic("a cell of CANARY-worker")
	}
	return d.Driver.Start(ctx, c)
}

func TestARunThatThrowsEndsAlone(t *testing.T) {
	t.Parallel()
	h := open(t, func(_ *house, c *worker.Config) { c.Driver = &trap{Driver: c.Driver}; c.Users = 0 })
	if got, err := h.run(t.Context(), jobOf("true"), nil); err == nil || strings.Contains(err.Error(), "CANARY") {
		t.Errorf("%+v, %v", got.end, err)
	}
	got, err := h.run(t.Context(), jobOf("echo well"), nil)
	if err != nil || got.end == nil || got.end.Code == nil || *got.end.Code != 0 || got.stdout.String() != "well\n" {
		t.Errorf("a job after it: %+v, %v", got.end, err)
	}
	if said := h.log.String(); strings.Contains(said, "CANARY") || !strings.Contains(said, "a fault in the program was caught") {
		t.Errorf("the log: %s", said)
	}
}
