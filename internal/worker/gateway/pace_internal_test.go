package gateway

import (
	"context"
	"testing"
	"time"
)

// Beside others a job waits once it has cost its share; alone it never does. A wait
// that would outlast whoever asks fails at once, which shows it without a clock.
func TestAJobWaitsOnlyBesideOthers(t *testing.T) {
	t.Parallel()
	alone := true
	p := newPace(func() bool { return alone })
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cost := func(all time.Duration) (failed error) {
		for range all / costConnection {
			if err := p.take(ctx, costConnection); err != nil {
				return err
			}
		}
		return nil
	}
	const much = time.Hour // of processor time, in a minute
	if err := cost(much); err != nil {
		t.Errorf("a job alone waits: %v", err)
	}
	alone = false
	if err := p.take(ctx, 0); err != nil {
		t.Errorf("what costs nothing waits: %v", err)
	}
	p.limiter.ReserveN(time.Now(), p.limiter.Burst())
	for range 1000 { // what was asked for before it comes first
		p.limiter.ReserveN(time.Now(), p.limiter.Burst())
	}
	if err := p.take(ctx, costConnection); err == nil {
		t.Error("a job beside others does not wait")
	}
	if newPace(nil).take(ctx, much) != nil {
		t.Error("where no other job ever runs, one waits")
	}
}
