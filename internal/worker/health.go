package worker

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// recheck is how long it is believed that cells can be made.
const recheck = 30 * time.Second

// health is whether this machine can confine jobs, as it was found last.
type health struct {
	mu       sync.Mutex
	problems []string
	at       time.Time
}

// check finds out anew where something was amiss, or the last look is old: what
// was in the way may be gone, and what was not may be.
func (w *Worker) check(ctx context.Context) []string {
	h := &w.health
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.problems) > 0 || h.at.IsZero() || time.Since(h.at) > recheck {
		h.problems, h.at = nil, time.Now()
		for _, p := range w.Driver.Check(ctx) {
			if p.Needed && !p.Met {
				h.problems = append(h.problems, p.Name+": "+p.Detail)
			}
		}
	}
	return h.problems
}

// writes says whether the worker's folder takes what jobs need.
func (w *Worker) writes() error {
	path := filepath.Join(w.Folder, ".probe")
	defer func() { _ = os.Remove(path) }()
	return os.WriteFile(path, make([]byte, 4096), 0o600)
}

// Problems are what keeps this worker from running jobs.
func (w *Worker) Problems(ctx context.Context) []string {
	problems := append([]string(nil), w.check(ctx)...)
	if err := w.writes(); err != nil {
		w.Log.Error("the worker cannot write", "error", err)
		problems = append(problems, "the worker cannot write to its folder")
	}
	return problems
}
