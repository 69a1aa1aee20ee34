package budget_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"hotcell"
	"hotcell/internal/wire/budget"
	"hotcell/test/prove"
)

func small() *budget.Jobs {
	return budget.New(budget.Limits{
		budget.Requests: {Each: 100, Queue: 3, All: 100},
		budget.Buffered: {Each: 4, All: 100},
	})
}

// The rule itself: one job alone gets half, two a third each, and there is always
// something left for whoever comes next.
func TestAFloodLeavesAShareForWhoeverComesLater(t *testing.T) {
	t.Parallel()
	for floods := 1; floods <= 20; floods++ {
		jobs := small()
		for range 200 {
			for f := range floods {
				_, _ = jobs.Of(fmt.Sprint("flood", f)).Take(budget.Requests, 1)
			}
		}
		for f := range floods {
			if held := jobs.Of(fmt.Sprint("flood", f)).Held(budget.Requests); held > int64(100/(floods+1))+1 {
				t.Errorf("%d floods: one holds %d of 100", floods, held)
			}
		}
		if _, err := jobs.Of("quiet").Take(budget.Requests, 1); err != nil {
			t.Errorf("%d floods: another job gets nothing: %v", floods, err)
		}
	}
}

func TestAJobHoldsNoMoreThanItsLimit(t *testing.T) {
	t.Parallel()
	b := small().Of("job")
	release, err := b.Take(budget.Buffered, 3)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Take(budget.Buffered, 2); !errors.Is(err, hotcell.ErrRateLimited) {
		t.Errorf("a fifth of four: %v", err)
	}
	release()
	release() // twice counts once
	if held := b.Held(budget.Buffered); held != 0 {
		t.Errorf("%d are held after all was given back", held)
	}
	if _, err := b.Wait(t.Context(), budget.Buffered, 5); !errors.Is(err, hotcell.ErrRateLimited) {
		t.Errorf("more than it may ever hold: %v, want a refusal and no wait", err)
	}
}

// Whoever waits is served in order, and no more may wait than the queue takes.
func TestWaitersAreServedInOrder(t *testing.T) {
	t.Parallel()
	jobs := budget.New(budget.Limits{budget.Requests: {Each: 1, Queue: 3, All: 10}})
	b := jobs.Of("job")
	release, err := b.Wait(t.Context(), budget.Requests, 1)
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan int, 3)
	for i := range 3 {
		waits := make(chan struct{})
		go func() {
			close(waits)
			next, err := b.Wait(t.Context(), budget.Requests, 1)
			if err != nil {
				t.Error(err)
				return
			}
			served <- i
			next()
		}()
		<-waits
		jobs.AwaitWaiting("job", budget.Requests, i+1)
	}
	if _, err := b.Wait(t.Context(), budget.Requests, 1); !errors.Is(err, hotcell.ErrRateLimited) {
		t.Errorf("a fourth waits: %v", err)
	}
	release()
	for want := range 3 {
		if got := <-served; got != want {
			t.Errorf("served %d, want %d", got, want)
		}
	}
}

func TestAWaiterThatLeavesTakesNothing(t *testing.T) {
	t.Parallel()
	jobs := budget.New(budget.Limits{budget.Requests: {Each: 1, Queue: 3, All: 10}})
	b := jobs.Of("job")
	release, _ := b.Take(budget.Requests, 1)
	ctx, cancel := context.WithCancel(t.Context())
	left := make(chan error)
	go func() {
		_, err := b.Wait(ctx, budget.Requests, 1)
		left <- err
	}()
	jobs.AwaitWaiting("job", budget.Requests, 1)
	cancel()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("it left with %v", err)
	}
	release()
	if held := jobs.Held(budget.Requests); held != 0 {
		t.Errorf("%d are held by nobody", held)
	}
	if n := jobs.Known(); n != 0 {
		t.Errorf("%d accounts are kept of jobs that hold nothing", n)
	}
}

// Random takers of random jobs: never over a limit, nothing lost, nobody stuck.
func TestProveNothingIsLostOrOverdrawn(t *testing.T) {
	t.Parallel()
	trials := prove.Trials(200, 20_000)
	for trial := range trials {
		random := rand.New(rand.NewPCG(1, uint64(trial)))
		each, all := 1+random.Int64N(20), 2+random.Int64N(60)
		jobs := budget.New(budget.Limits{budget.Requests: {Each: each, Queue: 1000, All: all}})
		var running sync.WaitGroup
		for n := range 4 + random.IntN(12) {
			seed := random.Uint64()
			running.Go(func() { take(t, jobs.Of(fmt.Sprint(n%4)), each, all, seed) })
		}
		running.Wait()
		if held, known := jobs.Held(budget.Requests), jobs.Known(); held != 0 || known != 0 {
			t.Fatalf("trial %d: %d held, %d accounts at the end", trial, held, known)
		}
	}
}

func take(t *testing.T, b budget.Job, each, all int64, seed uint64) {
	random := rand.New(rand.NewPCG(2, seed))
	for range 10 {
		n := 1 + random.Int64N(each)
		release, err := b.Wait(t.Context(), budget.Requests, n)
		if err != nil {
			if !errors.Is(err, hotcell.ErrRateLimited) || n <= min(each, all/2) {
				t.Errorf("waiting for %d of %d, %d: %v", n, each, all, err)
			}
			continue
		}
		if held := b.Held(budget.Requests); held > each {
			t.Errorf("a job holds %d of %d", held, each)
		}
		release()
	}
}
