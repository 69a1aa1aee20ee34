package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"sync"

	"hotcell"
	"hotcell/internal/line/border"
)

// maxBatch is how many writes share one transaction at the most.
const maxBatch = 1024

// writer is the one goroutine that writes: it takes all that wait, runs them
// in one transaction, and tells each after the one sync of the disk.
//
// Each update runs within a savepoint, so that one that fails takes nothing
// of the others with it. Appends have none: they fail all together or not at all.
type writer struct {
	pool  *pool
	queue chan *write
	ended chan struct{}
	// appended stores what is only to be appended; nil where there is no such thing.
	appended func(*session, []*write) error
	// settle is told how each transaction ended, before anybody who waits is.
	settle func(kept bool)
	// caught is told of a fault.
	caught border.Caught

	mu     sync.RWMutex // held for reading while something is put into queue
	closed bool
}

// write is one waiting write: an update, which has a turn, or an append.
type write struct {
	// turn hands the session to the caller's goroutine, which runs the update
	// there, so that a panic is the caller's; back brings its error.
	turn chan *session
	back chan error
	gone <-chan struct{}
	rows []row
	// err is set by the writer alone, until it sends it as the result.
	err    error
	result chan error
}

func newWriter(p *pool, caught border.Caught) *writer {
	return &writer{
		pool: p, queue: make(chan *write, maxBatch), ended: make(chan struct{}), settle: func(bool) {}, caught: caught,
	}
}

// start begins to write; stop ends it.
func (w *writer) start() {
	border.Go("writing to a database", w.caught, func() {
		defer close(w.ended)
		for first := range w.queue {
			w.guarded(w.gather(first))
		}
	})
}

// guarded commits a batch. A fault fails all of it, and the next one goes on.
func (w *writer) guarded(batch []*write) {
	err := border.Run("writing to a database", func() error { w.commit(batch); return nil })
	if f, ok := errors.AsType[*border.Fault](err); ok {
		w.caught(f)
		for _, op := range batch {
			select {
			case op.result <- unavailable("writing", f):
			default: // it was told
			}
		}
	}
}

// gather takes what waits already. Those whom the last transaction has just
// set free are on their way with the next write: it lets them run, as long as
// that brings more, and waits for nothing else.
func (w *writer) gather(first *write) []*write {
	batch := []*write{first}
	for before := 0; len(batch) > before && len(batch) < maxBatch; {
		before = len(batch)
		runtime.Gosched()
		for more := len(w.queue); more > 0; more-- {
			batch = append(batch, <-w.queue)
		}
	}
	return batch
}

// stop lets what was put in be written, and nothing more in.
func (w *writer) stop() {
	w.mu.Lock()
	if !w.closed {
		w.closed = true
		close(w.queue)
	}
	w.mu.Unlock()
	<-w.ended
}

func (w *writer) put(ctx context.Context, op *write) error {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.closed {
		return fmt.Errorf("%w: the store is closed", hotcell.ErrUnavailable)
	}
	select {
	case w.queue <- op:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

var errAborted = errors.New("the update did not return")

// update runs fn in the next transaction and waits until that is on the disk.
// Once fn has begun, the end of ctx no longer matters.
func (w *writer) update(ctx context.Context, fn func(*session) error) error {
	op := &write{
		turn: make(chan *session), back: make(chan error, 1), gone: ctx.Done(), result: make(chan error, 1),
	}
	if err := w.put(ctx, op); err != nil {
		return err
	}
	select {
	case s := <-op.turn:
		op.run(s, fn)
	case err := <-op.result: // the transaction could not begin
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
	return <-op.result
}

// run gives the writer an answer even where fn does not return.
func (op *write) run(s *session, fn func(*session) error) {
	err := errAborted
	defer func() { op.back <- err }()
	err = fn(s)
}

// add appends rows in the next transaction. When ctx ends before they are on
// the disk, they may be there or not.
func (w *writer) add(ctx context.Context, rows []row) error {
	op := &write{rows: rows, result: make(chan error, 1)}
	if err := w.put(ctx, op); err != nil {
		return err
	}
	select {
	case err := <-op.result:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// commit runs a batch in one transaction and tells everyone how it went.
func (w *writer) commit(batch []*write) {
	s := &session{pool: w.pool}
	err := w.transact(s, batch)
	w.settle(err == nil)
	for _, op := range batch {
		if op.err == nil {
			op.err = err
		}
		op.result <- op.err
	}
	w.pool.learn(s.wanted)
}

// transact leaves each write's own error in it; the error that it returns is
// everyone's: nothing of the batch was kept.
func (w *writer) transact(s *session, batch []*write) error {
	tx, err := w.pool.db.BeginTx(context.Background(), nil)
	if err != nil {
		return unavailable("beginning to write", err)
	}
	s.tx = tx
	defer func() { _ = tx.Rollback() }() // after a fault: there is one connection to write by
	if w.all(s, batch) != nil {
		_ = tx.Rollback() // SQLite may have done so already
		return s.failed
	}
	if err := tx.Commit(); err != nil && !errors.Is(err, sql.ErrTxDone) {
		return unavailable("committing", err)
	}
	return nil
}

// all runs the writes. Its error is that the transaction is lost.
func (w *writer) all(s *session, batch []*write) error {
	var appends []*write
	for _, op := range batch {
		if op.turn == nil {
			appends = append(appends, op)
		}
	}
	if len(appends) > 0 {
		if err := w.appended(s, appends); err != nil {
			return s.fail(err)
		}
	}
	for _, op := range batch {
		if op.turn == nil {
			continue
		}
		if err := w.one(s, op); err != nil {
			return err
		}
	}
	return nil
}

// one gives an update its turn, between savepoints.
func (w *writer) one(s *session, op *write) error {
	if _, err := s.exec("SAVEPOINT turn"); err != nil {
		return s.fail(err)
	}
	select {
	case op.turn <- s:
		op.err = <-op.back
	case <-op.gone:
		op.err = context.Canceled // nobody reads it
	}
	if op.err == nil {
		op.err = s.failed
	}
	if op.err != nil {
		s.failed = nil // the way back decides whether the transaction still stands
		if _, err := s.exec("ROLLBACK TO turn"); err != nil {
			return s.fail(err)
		}
	}
	if _, err := s.exec("RELEASE turn"); err != nil {
		return s.fail(err)
	}
	return nil
}

// fail makes sure that a session that is lost says so.
func (s *session) fail(err error) error {
	if s.failed == nil {
		s.failed = unavailable("using the database", err)
	}
	return s.failed
}
