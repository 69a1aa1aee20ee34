package budget_test

import (
	"context"
	"errors"
	"testing"

	"hotcell/internal/wire/budget"
)

// A job with a hundred waiting and one with a single one: the single one is next.
func TestWhoHadLeastGoesFirst(t *testing.T) {
	t.Parallel()
	turns := budget.NewTurns(1)
	if err := turns.Begin(t.Context(), "flood"); err != nil {
		t.Fatal(err)
	}
	order := make(chan string, 101)
	for i := range 100 {
		go func() {
			if turns.Begin(t.Context(), "flood") == nil {
				order <- "flood"
				turns.End("flood", 10)
			}
		}()
		turns.AwaitWaiting("flood", i+1)
	}
	go func() {
		if turns.Begin(t.Context(), "quiet") == nil {
			order <- "quiet"
			turns.End("quiet", 10)
		}
	}()
	turns.AwaitWaiting("quiet", 1)
	if !turns.Wanted() {
		t.Error("nobody wants a turn, and 101 wait")
	}
	turns.End("flood", 10)
	if first := <-order; first != "quiet" {
		t.Errorf("after the flood's turn comes the %s", first)
	}
	for range 100 {
		<-order
	}
}

// Two jobs that always want more get as much work as each other, whatever the
// number of their hands.
func TestWorkIsSharedByJobAndNotByHand(t *testing.T) {
	t.Parallel()
	turns := budget.NewTurns(1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if err := turns.Begin(ctx, "holder"); err != nil {
		t.Fatal(err)
	}
	done := make(chan string)
	for i := range 20 {
		job := "many"
		if i == 0 {
			job = "single"
		}
		go func() {
			for turns.Begin(ctx, job) == nil {
				select {
				case done <- job:
				case <-ctx.Done():
				}
				turns.End(job, 1)
			}
		}()
	}
	turns.AwaitWaiting("many", 19)
	turns.AwaitWaiting("single", 1)
	turns.End("holder", 0)
	had := map[string]int{}
	for range 1000 {
		had[<-done]++
	}
	if had["single"] < 250 {
		t.Errorf("of 1,000 turns, the job with one hand had %d and the one with 19 had %d", had["single"], had["many"])
	}
}

func TestATurnThatNobodyWaitsForAnyMoreGoesOn(t *testing.T) {
	t.Parallel()
	turns := budget.NewTurns(1)
	if err := turns.Begin(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	left := make(chan error)
	go func() { left <- turns.Begin(ctx, "b") }()
	turns.AwaitWaiting("b", 1)
	cancel()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	turns.End("a", 1)
	if err := turns.Begin(t.Context(), "c"); err != nil {
		t.Fatal(err)
	}
	turns.End("c", 1)
}

func TestAMeterEndsABodyThatCostsTooMuch(t *testing.T) {
	t.Parallel()
	m := budget.New(nil).Of("job").Meter(t.Context(), 100)
	if err := m.Begin(); err != nil {
		t.Fatal(err)
	}
	defer m.End()
	if err := m.Spend(100); err != nil {
		t.Errorf("all that it may: %v", err)
	}
	if err := m.Spend(1); !errors.Is(err, budget.ErrSpent) {
		t.Errorf("one more: %v", err)
	}
	var none *budget.Meter
	if err := errors.Join(none.Begin(), none.Spend(1<<40)); err != nil {
		t.Errorf("no meter: %v", err)
	}
	none.End()
}
