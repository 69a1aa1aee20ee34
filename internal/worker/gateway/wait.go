package gateway

import (
	"sync"
	"time"

	"hotcell/internal/line/border"
)

// soon is how long a wait may last that nobody is told of.
const soon = 200 * time.Millisecond

// waits counts what waits for a person: the job does, while anything does.
type waits struct {
	mu sync.Mutex
	n  int
	// told is what was told last.
	told bool
	tell func(waiting bool) error
	// caught is told of a fault.
	caught border.Caught
}

// waiting says that something waits, until over is called.
func (w *waits) waiting() (over func()) {
	w.mu.Lock()
	w.n++
	w.mu.Unlock()
	timer := border.After(soon, "telling that a job waits", w.caught, w.settle)
	return func() {
		timer.Stop()
		w.mu.Lock()
		w.n--
		w.mu.Unlock()
		w.settle()
	}
}

// settle tells what is so now, where that is news. What cannot be told ends the
// run elsewhere.
func (w *waits) settle() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if waits := w.n > 0; waits != w.told {
		w.told = waits
		_ = w.tell(waits)
	}
}
