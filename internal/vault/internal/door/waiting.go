package door

import (
	"context"
	"sync"
	"time"

	"hotcell"
	"hotcell/internal/line/border"
	"hotcell/internal/wire/budget"
)

// look is how often it is looked whether somebody's time is over and, where other
// processes use the store too, whether one of them has decided: once for all who
// wait, and only while somebody does.
const look = 200 * time.Millisecond

// waiting wakes those who wait for a request when it is stored anew.
type waiting struct {
	mu    sync.Mutex
	rooms map[hotcell.RequestID]*room
	// looks is true while somebody looks at the clock.
	looks bool
}

// room is those who wait for one request.
type room struct {
	n       int
	changed chan struct{}
	// end is when the request expires by itself; zero for never.
	end time.Time
}

// enter is called before a request is read for the first time, leave after the last.
func (w *waiting) enter(id hotcell.RequestID) (leave func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.rooms == nil {
		w.rooms = map[hotcell.RequestID]*room{}
	}
	if w.rooms[id] == nil {
		w.rooms[id] = &room{changed: make(chan struct{})}
	}
	w.rooms[id].n++
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if r := w.rooms[id]; r.n > 1 {
			r.n--
		} else {
			delete(w.rooms, id)
		}
	}
}

// next is closed when the request is stored after this call, or its time is over.
func (w *waiting) next(id hotcell.RequestID) <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.rooms[id].changed
}

// expires has the request's own end looked at.
func (w *waiting) expires(id hotcell.RequestID, at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rooms[id].end = at
}

// wake wakes those who wait for one of these.
func (w *waiting) wake(ids ...hotcell.RequestID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, id := range ids {
		if r := w.rooms[id]; r != nil {
			r.wake()
		}
	}
}

func (r *room) wake() {
	close(r.changed)
	r.changed = make(chan struct{})
}

// watch looks at the clock while somebody waits.
func (w *waiting) watch(now func() time.Time, all bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.looks {
		return
	}
	w.looks = true
	border.Go("the clock of questions", func(*border.Fault) { w.rest() }, func() {
		tick := time.NewTicker(look)
		defer tick.Stop()
		for range tick.C {
			if !w.due(now(), all) {
				return
			}
		}
	})
}

// rest has the clock looked at anew by whoever waits next: a fault ended the look.
func (w *waiting) rest() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.looks = false
}

// due wakes those whose time is over, or all; it returns false once nobody waits.
func (w *waiting) due(now time.Time, all bool) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range w.rooms {
		if all || !r.end.IsZero() && !now.Before(r.end) {
			r.wake()
		}
	}
	w.looks = len(w.rooms) > 0
	return w.looks
}

// follow reads a request, and again whenever it is stored anew, until it is
// decided, its time is over or ctx ends; it returns it as it is then. A job may
// have only so many questions wait.
func (v *Vault) follow(ctx context.Context, job hotcell.JobID, id hotcell.RequestID, read func(hotcell.VaultReader) (hotcell.Request, error)) (q hotcell.Request, err error) {
	release, err := v.budget.Of(string(job)).Take(budget.Questions, 1)
	if err != nil {
		return q, err
	}
	defer release()
	defer v.waiting.enter(id)()
	v.waiting.watch(v.now, v.store.Shared())
	for {
		changed := v.waiting.next(id)
		err := v.store.View(context.WithoutCancel(ctx), func(r hotcell.VaultReader) (err error) {
			q, err = read(r)
			return err
		})
		if err != nil || q.State != hotcell.RequestPending {
			return q, err
		}
		if now := lapsed(q, v.now()); now.State != q.State {
			return now, v.lapseNow(ctx, q)
		}
		if q.Kind == hotcell.RequestCall {
			v.waiting.expires(id, q.CreatedAt.Add(callWait))
		}
		select {
		case <-ctx.Done():
			return q, nil
		case <-changed:
		}
	}
}
