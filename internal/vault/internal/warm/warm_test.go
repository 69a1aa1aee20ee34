package warm_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hotcell"
	"hotcell/internal/line/border"
	"hotcell/internal/vault/internal/warm"
)

// clock is a clock that a test moves. Whoever waits says for how long, and goes on when
// the test says so.
type clock struct {
	mu    sync.Mutex
	now   time.Time
	waits chan time.Duration
	on    chan time.Time
}

func newClock() *clock {
	return &clock{now: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), waits: make(chan time.Duration), on: make(chan time.Time)}
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func (c *clock) After(d time.Duration) <-chan time.Time {
	c.waits <- d
	return c.on
}

// scene is a holder of numbers, over a service that says what a test says.
type scene struct {
	*clock
	*warm.Holder[int]
	answers func() (int, error)
	dropped []int
	states  []warm.State
}

const held = time.Hour

func hold(t *testing.T) *scene {
	t.Helper()
	s := &scene{clock: newClock(), answers: func() (int, error) { return 0, errors.New("nobody asked for this") }}
	s.Holder = warm.Hold(warm.Config[int]{
		Open:   func(context.Context) (int, error) { return s.answers() },
		Drop:   func(n int) { s.dropped = append(s.dropped, n) },
		Told:   func(st warm.State) { s.states = append(s.states, st) },
		For:    held,
		Now:    s.Now,
		After:  s.After,
		Caught: border.Silent,
	}, 1)
	s.Keep()
	t.Cleanup(func() {
		go func() {
			for range s.waits {
			}
		}()
		s.Holder.Close()
	})
	return s
}

// until moves the clock from wait to wait until so much time is over.
func (s *scene) until(d time.Duration) {
	end := s.Now().Add(d)
	for {
		wait := <-s.waits
		if left := end.Sub(s.Now()); wait > left {
			s.move(left)
			// The wait goes on: whoever comes next takes it up.
			go func() { s.waits <- wait - left }()
			return
		}
		s.move(max(wait, time.Nanosecond))
		s.on <- s.Now()
	}
}

var errDown = errors.New("the service is down")

func TestWhatIsHeldServesForItsTimeAndNotASecondLonger(t *testing.T) {
	t.Parallel()
	s := hold(t)
	s.answers = func() (int, error) { return 0, errDown }
	s.until(held - time.Second)
	if n, err := s.Get(); n != 1 || err != nil {
		t.Errorf("a second before: %d, %v", n, err)
	}
	if st := s.State(); !st.Warm || !errors.Is(st.Problem, errDown) || st.Failures == 0 {
		t.Errorf("a second before: %+v", st)
	}
	s.move(time.Second) // before anybody woke
	n, err := s.Get()
	if n != 0 || !errors.Is(err, hotcell.ErrUnavailable) || !errors.Is(err, errDown) || !strings.Contains(err.Error(), "the service is down") {
		t.Errorf("when it was over: %d, %v", n, err)
	}
	if s.State().Warm {
		t.Error("it says that it is warm")
	}
	s.until(time.Second)
	if len(s.dropped) != 1 || s.dropped[0] != 1 {
		t.Errorf("dropped: %v", s.dropped)
	}
}

func TestItHealsByItselfAndAsksSeldom(t *testing.T) {
	t.Parallel()
	s := hold(t)
	down := true
	s.answers = func() (int, error) {
		if down {
			return 0, errDown
		}
		return 2, nil
	}
	s.until(2 * held)
	if _, err := s.Get(); err == nil {
		t.Error("it is warm")
	}
	// From half of its time on: pauses of 1, 2, 4, 8, 16 and then 30 seconds.
	if got := s.State().Failures; got < 100 || got > 190 {
		t.Errorf("in an hour and a half it was asked %d times in vain", got)
	}
	down = false
	s.until(31 * time.Second)
	if n, err := s.Get(); n != 2 || err != nil {
		t.Errorf("when the service was back: %d, %v", n, err)
	}
	if st := s.State(); st.Problem != nil {
		t.Errorf("%+v", st)
	}
	calls := s.State().Calls
	s.until(10 * held)
	if got := s.State().Calls - calls; got > 21 {
		t.Errorf("in ten times its time it was asked %d times", got)
	}
	if len(s.dropped) != 1 {
		t.Errorf("dropped: %v", s.dropped)
	}
}

func TestUsesAskNobody(t *testing.T) {
	t.Parallel()
	s := hold(t)
	var asked atomic.Int64
	s.answers = func() (int, error) { asked.Add(1); return 2, nil }
	var all sync.WaitGroup
	for range 64 {
		all.Go(func() {
			for range 1000 {
				if _, err := s.Get(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	if n := asked.Load(); n != 0 {
		t.Errorf("64,000 uses asked the service %d times", n)
	}
}

// A machine that slept has a monotonic clock that stood still.
func TestTheClockOnTheWallCountsToo(t *testing.T) {
	t.Parallel()
	var slept atomic.Int64
	now := func() time.Time { return time.Now().Add(0).Round(0).Add(time.Duration(slept.Load())) }
	h := warm.Hold(warm.Config[int]{
		Open: func(context.Context) (int, error) { return 0, errDown }, Drop: func(int) {}, For: held, Now: now, Caught: border.Silent,
		After: func(time.Duration) <-chan time.Time { return nil },
	}, 1)
	defer h.Close()
	if _, err := h.Get(); err != nil {
		t.Fatal(err)
	}
	slept.Store(int64(held))
	if _, err := h.Get(); err == nil {
		t.Error("it serves after an hour asleep")
	}
}

func TestWithoutATimeItIsHeldForEver(t *testing.T) {
	t.Parallel()
	c := newClock()
	dropped := 0
	h := warm.Hold(warm.Config[int]{Drop: func(int) { dropped++ }, Now: c.Now, Caught: border.Silent}, 7)
	c.move(1000 * time.Hour)
	if n, err := h.Get(); n != 7 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	h.Close()
	if _, err := h.Get(); !errors.Is(err, hotcell.ErrUnavailable) || dropped != 1 {
		t.Errorf("closed: %v, dropped %d times", err, dropped)
	}
}

// TestAServiceHasItsWholeTimeAfterTheEnd has a machine sleep beyond the end of what is
// held: that is let go of first, and the call after is not given up as one that would
// outlast it.
func TestAServiceHasItsWholeTimeAfterTheEnd(t *testing.T) {
	t.Parallel()
	c := newClock()
	dropped := make(chan int, 1)
	patience := make(chan time.Duration, 1)
	h := warm.Hold(warm.Config[int]{
		Open: func(ctx context.Context) (int, error) {
			end, _ := ctx.Deadline()
			patience <- time.Until(end)
			return 2, nil
		},
		Drop: func(n int) { dropped <- n }, For: held, Now: c.Now, After: c.After, Caught: border.Silent,
	}, 1)
	h.Keep()
	<-c.waits
	c.move(2 * held)
	c.on <- c.Now()
	if n, got := <-dropped, <-patience; n != 1 || got < 5*time.Second {
		t.Errorf("%d was let go of, and the call had %s", n, got)
	}
	<-c.waits
	if n, err := h.Get(); n != 2 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	h.Close()
}
