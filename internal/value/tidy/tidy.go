// Package tidy clears out of a process's memory what values have gone through: the
// buffers of libraries, which nobody can wipe, and connections that are kept.
//
// Whoever opens a value, or takes one in, says so, before and after it; a few
// seconds after the last word, and under a load that never ends every half minute,
// what is not in use any more is freed, and once more a little later: what somebody
// took from a pool of buffers at that moment is back by then. It is written over only
// where the process runs with GODEBUG=clobberfree=1 (see [Forgetful]). It does not
// replace wiping: what is ours is cleared when its use is over. One way to use it:
//
//	t := tidy.New(border.Log(log), upstreams.Rest)
//	defer t.Stop()
//	t.Used()
package tidy

import (
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"hotcell/internal/line/border"
)

// Forgetful is the setting of Go's runtime that has the collector write over what it
// frees, as an entry of an environment. It is read when a process starts.
const Forgetful = "GODEBUG=clobberfree=1"

// The time from the last use to the tidying, and from the first use that was not
// tidied after.
const (
	rest   = 5 * time.Second
	atMost = 30 * time.Second
)

// Tidy waits for values to have been used. Its methods may be called from anywhere;
// a nil one does nothing.
type Tidy struct {
	mu    sync.Mutex
	timer *time.Timer
	// until is when it is tidied at the latest; zero where nothing was used since.
	until time.Time
	// again says that it is tidied once more without a word.
	again bool
	first []func()
	ended bool
}

// New is one that calls the functions in first before it frees: they let go of what
// is kept and not in use.
func New(caught border.Caught, first ...func()) *Tidy {
	t := &Tidy{first: first}
	t.timer = border.After(rest, "tidying", caught, t.now)
	t.timer.Stop()
	return t
}

// First adds a function to those that are called before anything is freed.
func (t *Tidy) First(fn func()) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.first = append(slices.Clip(t.first), fn)
}

// Used says that a value is or was in memory.
func (t *Tidy) Used() {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended {
		return
	}
	now := time.Now()
	if t.until.IsZero() {
		t.until = now.Add(atMost)
	}
	t.again = true
	t.timer.Reset(min(rest, max(t.until.Sub(now), 0)))
}

// now tidies.
func (t *Tidy) now() {
	t.mu.Lock()
	t.until = time.Time{}
	first := t.first
	if t.again && !t.ended {
		t.again = false
		t.timer.Reset(rest)
	}
	t.mu.Unlock()
	for _, fn := range first {
		fn()
	}
	runtime.GC() // what finalizers and pools held goes with the second
	debug.FreeOSMemory()
}

// Stop ends it.
func (t *Tidy) Stop() {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended = true
	t.timer.Stop()
}
