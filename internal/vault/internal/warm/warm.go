// Package warm holds what a key service opened, for a set time and no longer.
//
// It guards that nobody gets what is held once its time is over, by whichever clock
// says so first; that it is let go of then; and that the service is asked by one call at
// a time, now and then, however often what is held is used. Half of its time before the
// end, the service is asked anew; where it does not answer, it is asked again after a
// pause that grows. It does not know what it holds. One way to use it:
//
//	h := warm.Hold(warm.Config[keys]{Open: unwrap, Drop: keys.close, For: time.Hour, …}, opened)
//	h.Keep()
//	defer h.Close()
//	k, err := h.Get()
package warm

import (
	"context"
	"fmt"
	"sync"
	"time"

	"hotcell"
	"hotcell/internal/line/border"
)

// Config is what a holder needs.
type Config[T any] struct {
	// Open asks the service. It is called by one goroutine.
	Open func(context.Context) (T, error)
	// Drop lets go of what was held to the end of its time. What was replaced is not
	// dropped: somebody may be using it.
	Drop func(T)
	// For is how long it is held after the service opened it; 0 for ever, and then the
	// service is never asked again.
	For time.Duration
	Now func() time.Time
	// After waits; nil for [time.After].
	After func(time.Duration) <-chan time.Time
	// Told hears of each change; nil for nobody.
	Told func(State)
	// Caught hears of faults.
	Caught border.Caught
}

// State is how it stands.
type State struct {
	// Warm says whether there is something to get.
	Warm bool
	// Since is when the service last opened it.
	Since time.Time
	// Problem is what it said last, where that was no yes.
	Problem error
	// Calls and Failures are how often it was asked, and how often in vain.
	Calls, Failures int64
}

// The pauses between calls in vain, and what one may take.
const (
	firstPause = time.Second
	longPause  = 30 * time.Second
	callTime   = 30 * time.Second
)

// Holder holds something. Its methods may be called at once from anywhere.
type Holder[T any] struct {
	c      Config[T]
	cancel context.CancelFunc
	ended  chan struct{}
	// turn is whose it is to put something in the place of what is held: the service's,
	// or somebody's who changes it.
	turn sync.Mutex
	// changed says that there may be something to do before what was waited for.
	changed chan struct{}

	mu    sync.RWMutex
	held  T
	state State
	// next is when the service is asked next, pause the last pause after a call in vain.
	next  time.Time
	pause time.Duration
}

// Hold holds what was just opened. [Holder.Keep] has it opened anew.
func Hold[T any](c Config[T], opened T) *Holder[T] {
	h := &Holder[T]{c: c, cancel: func() {}, ended: make(chan struct{}), changed: make(chan struct{}, 1), held: opened}
	h.state = State{Warm: true, Since: c.Now(), Calls: 1}
	close(h.ended)
	if h.c.After == nil {
		h.c.After = time.After
	}
	h.next = h.state.Since.Add(c.For / 2)
	return h
}

// Keep begins to ask the service, now and again, until Close. It is called once.
func (h *Holder[T]) Keep() {
	ctx, cancel := context.WithCancel(context.Background()) //nolint:gosec // Close calls it
	h.cancel, h.ended = cancel, make(chan struct{})
	border.Go("keeping keys warm", h.c.Caught, func() { h.run(ctx) })
}

// Get is what is held, or an [hotcell.ErrUnavailable] that says why there is nothing.
func (h *Holder[T]) Get() (T, error) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if h.state.Warm && !h.over(h.c.Now()) {
		return h.held, nil
	}
	var nothing T
	if h.state.Problem == nil {
		return nothing, fmt.Errorf("%w: the workspace's keys are closed", hotcell.ErrUnavailable)
	}
	return nothing, fmt.Errorf("%w: the workspace's keys are not open, and nothing is used or written until they are: %w", hotcell.ErrUnavailable, h.state.Problem)
}

// Alone runs fn while the service is not asked: what it opened before cannot come in
// the place of what fn changed. fn is given what is held, and what it returns is held
// instead, for the rest of its time; where it fails, nothing has changed.
func (h *Holder[T]) Alone(fn func(T) (T, error)) error {
	h.turn.Lock()
	defer h.turn.Unlock()
	held, err := h.Get()
	if err != nil {
		return err
	}
	next, err := fn(held)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.state.Warm { // else its time ended meanwhile
		h.held = next
	}
	return nil
}

// Serves changes for how long what is held serves, as if the service had opened it now:
// for who came by another key, within [Holder.Alone].
func (h *Holder[T]) Serves(d time.Duration) {
	h.mu.Lock()
	h.c.For = d
	h.state.Since, h.state.Problem, h.pause = h.c.Now(), nil, 0
	h.next = h.state.Since.Add(d / 2)
	h.mu.Unlock()
	select {
	case h.changed <- struct{}{}:
	default:
	}
}

// over says whether the time is over: by the clock that runs on whatever happens, or by
// the one on the wall, which knows of a machine that slept.
func (h *Holder[T]) over(now time.Time) bool {
	if h.c.For == 0 {
		return false
	}
	return now.Sub(h.state.Since) >= h.c.For || now.Round(0).Sub(h.state.Since.Round(0)) >= h.c.For
}

// State says how it stands.
func (h *Holder[T]) State() State {
	h.mu.RLock()
	defer h.mu.RUnlock()
	s := h.state
	s.Warm = s.Warm && !h.over(h.c.Now())
	return s
}

// Close lets go of what is held, for good. Nobody may be [Holder.Alone] any more.
func (h *Holder[T]) Close() {
	h.cancel()
	<-h.ended
	h.drop()
}

func (h *Holder[T]) run(ctx context.Context) {
	defer close(h.ended)
	for {
		// What is over goes first: a call then has all the patience that one may take.
		if h.overdue() {
			h.drop()
		}
		if h.due() {
			h.ask(ctx)
		}
		if h.overdue() {
			h.drop()
		}
		var due <-chan time.Time
		if wait, ends := h.wait(); ends {
			due = h.c.After(wait)
		}
		select {
		case <-ctx.Done():
			return
		case <-h.changed:
		case <-due:
		}
	}
}

func (h *Holder[T]) due() bool {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.c.For > 0 && !h.c.Now().Before(h.next)
}

func (h *Holder[T]) overdue() bool {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.state.Warm && h.over(h.c.Now())
}

// wait is how long there is nothing to do. A machine that slept is noticed within the
// longest pause. What is held for ever needs nothing.
func (h *Holder[T]) wait() (d time.Duration, ends bool) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if h.c.For == 0 {
		return 0, false
	}
	now := h.c.Now()
	wait := h.next.Sub(now)
	if h.state.Warm {
		wait = min(wait, h.c.For-now.Sub(h.state.Since))
	}
	return max(min(wait, longPause), 0), true
}

// ask has the service open it anew. A call that would outlast what is held is given up
// then.
func (h *Holder[T]) ask(ctx context.Context) {
	h.turn.Lock()
	defer h.turn.Unlock()
	if !h.due() {
		return // somebody changed it meanwhile
	}
	patience := callTime
	h.mu.RLock()
	if h.state.Warm {
		patience = min(patience, max(h.c.For-h.c.Now().Sub(h.state.Since), firstPause/10))
	}
	h.mu.RUnlock()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	// Its time counts from before the service was asked.
	asked := h.c.Now()
	opened, err := h.c.Open(ctx)
	h.mu.Lock()
	h.state.Calls++
	h.state.Problem = err
	if err != nil {
		h.state.Failures++
		h.pause = max(firstPause, min(2*h.pause, longPause))
		h.next = h.c.Now().Add(h.pause)
	} else {
		h.held, h.pause = opened, 0
		h.state.Warm, h.state.Since = true, asked
		h.next = asked.Add(h.c.For / 2)
	}
	told := h.state
	h.mu.Unlock()
	if h.c.Told != nil && ctx.Err() != context.Canceled {
		h.c.Told(told)
	}
}

func (h *Holder[T]) drop() {
	h.mu.Lock()
	var nothing T
	held, was := h.held, h.state.Warm
	h.held, h.state.Warm = nothing, false
	told := h.state
	h.mu.Unlock()
	if !was {
		return
	}
	h.c.Drop(held)
	if h.c.Told != nil {
		h.c.Told(told)
	}
}
