package budget

import (
	"context"
	"fmt"
	"sync"

	"hotcell"
)

// quantum is how much work, in bytes, is done before others get a turn.
const quantum = 256 << 10

// Meter counts the work that is done for one body of a job: bytes that come out
// of unpacking, or are looked at once more. It bounds them, and lets other jobs
// have their turn. A nil Meter counts nothing.
//
// Whoever unpacks calls Spend with what came out, piece by piece. Whoever hands
// it the packed pieces wraps each piece in Begin and End, so that a turn is
// never held while a slow sender is waited for.
type Meter struct {
	// Pay is called now and then with the bytes since the last time, and may wait;
	// nil where work is not paid for.
	Pay func(worked int64) error

	ctx  context.Context //nolint:containedctx // it lives as long as its body
	jobs *Jobs
	id   string

	mu      sync.Mutex
	left    int64
	turn    int64
	working bool
}

// ErrSpent is work beyond what one body may cost.
var ErrSpent = fmt.Errorf("%w: looking at it costs more than one body may", hotcell.ErrRateLimited)

// Meter counts the work for one body, of which most bytes may be done.
func (b Job) Meter(ctx context.Context, most int64) *Meter {
	return &Meter{ctx: ctx, jobs: b.jobs, id: b.id, left: most}
}

// Begin waits for the job's turn to work.
func (m *Meter) Begin() error {
	if m == nil || m.jobs == nil {
		return nil
	}
	if err := m.jobs.turns.Begin(m.ctx, m.id); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.working, m.turn = true, 0
	return nil
}

// End ends the turn; without one it does nothing.
func (m *Meter) End() {
	if m == nil || m.jobs == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stop()
}

func (m *Meter) stop() {
	if m.working {
		m.working = false
		m.jobs.turns.End(m.id, m.turn)
	}
}

// Spend counts n bytes of work. It is [ErrSpent] beyond what the body may cost,
// and lets others have their turn where this one was long.
func (m *Meter) Spend(n int64) error {
	if m == nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.left -= n; m.left < 0 {
		return ErrSpent
	}
	m.turn += n
	if m.turn < quantum {
		return nil
	}
	if m.Pay != nil {
		return m.pay()
	}
	if !m.working || !m.jobs.turns.Wanted() {
		return nil
	}
	m.stop()
	if err := m.jobs.turns.Begin(m.ctx, m.id); err != nil {
		return err
	}
	m.working, m.turn = true, 0
	return nil
}

// pay lets others have their turn while the job pays for its own.
func (m *Meter) pay() error {
	worked, working := m.turn, m.working
	m.stop()
	m.turn = 0
	if err := m.Pay(worked); err != nil {
		return err
	}
	if !working {
		return nil
	}
	if err := m.jobs.turns.Begin(m.ctx, m.id); err != nil {
		return err
	}
	m.working = true
	return nil
}
