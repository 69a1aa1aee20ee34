package door

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"hotcell"
	"hotcell/internal/line/border"
)

// maxOutcomes is how many outcomes may wait; beyond that, uses wait for them.
const maxOutcomes = 4096

// outcomes writes down how uses ended: many at once, a moment after.
type outcomes struct {
	events chan hotcell.Event
	ended  chan struct{}
	mu     sync.RWMutex // held for reading while something is put in
	closed bool
	// closing is closed when nothing more is put in.
	closing chan struct{}
}

func startOutcomes(store hotcell.VaultStore, log *slog.Logger) *outcomes {
	o := &outcomes{events: make(chan hotcell.Event, maxOutcomes), ended: make(chan struct{}), closing: make(chan struct{})}
	const at = "recording how uses ended"
	border.Go(at, border.Log(log), func() {
		defer close(o.ended)
		for first := range o.events {
			batch := []hotcell.Event{first}
			o.wait()
			for more := len(o.events); more > 0; more-- {
				batch = append(batch, <-o.events)
			}
			err := border.Run(at, func() error { return store.Record(context.Background(), batch...) })
			if err != nil && !border.Tell(log, err) {
				log.Error("how uses ended could not be recorded", "uses", len(batch), "error", err)
			}
		}
	})
	return o
}

// outcomeDelay is how long outcomes wait for others: each batch is a write to
// the disk that the intents, which somebody waits for, would wait behind.
const outcomeDelay = 50 * time.Millisecond

// wait gives others time, unless there are many already, or it is the end.
func (o *outcomes) wait() {
	timer := time.NewTimer(outcomeDelay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-o.closing:
	}
}

func (o *outcomes) add(e hotcell.Event) {
	o.mu.RLock()
	defer o.mu.RUnlock()
	if !o.closed {
		o.events <- e
	}
}

func (o *outcomes) close() {
	o.mu.Lock()
	if !o.closed {
		o.closed = true
		close(o.closing)
		close(o.events)
	}
	o.mu.Unlock()
	<-o.ended
}
