package gateway

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/value/guard"
)

// prints is how much of the job's values the guard knows.
type prints struct {
	// known counts as the vault does, from 0 at the lease.
	known atomic.Int64
	// learning is held while they are asked for anew.
	learning sync.Mutex
}

// learn has the guard know the job's values, before the cell has any. The
// patterns are replaced as a whole; a job that had some never has none.
func (g *Gateway) learn(fingerprints []byte) error {
	var prints guard.Fingerprints
	if len(fingerprints) > 0 {
		if err := prints.UnmarshalBinary(fingerprints); err != nil {
			return fmt.Errorf("reading the job's fingerprints: %w", err)
		}
	}
	if prints.Len() > 0 {
		g.patterns.Store(guard.Compile(prints))
		return nil
	}
	if g.patterns.Load() != nil {
		return fmt.Errorf("%w: the vault does not know the job's values any more", hotcell.ErrUnavailable)
	}
	return nil
}

// knowing returns what the guard looks for, once it knows the values up to
// count: nothing of an answer that could hold a newer one goes on before.
func (g *Gateway) knowing(ctx context.Context, count int64) (*guard.Patterns, error) {
	if g.prints.known.Load() >= count {
		return g.patterns.Load(), nil
	}
	g.prints.learning.Lock()
	defer g.prints.learning.Unlock()
	if g.prints.known.Load() >= count {
		return g.patterns.Load(), nil
	}
	if err := g.askPrints(ctx, count); err != nil {
		return nil, err
	}
	return g.patterns.Load(), nil
}

// askPrints asks the vault for the fingerprints as they are now.
func (g *Gateway) askPrints(ctx context.Context, least int64) error {
	answer, err := g.Vault.Prints(ctx, &vaultrpc.PrintsRequest{Job: g.Job.ID})
	if err != nil {
		return fmt.Errorf("asking for the job's fingerprints: %w", err)
	}
	if answer.Prints < least {
		return fmt.Errorf("%w: the vault knows fewer of the job's values than it said", hotcell.ErrUnavailable)
	}
	if err := g.learn(answer.Fingerprints); err != nil {
		return err
	}
	g.prints.known.Store(answer.Prints)
	return nil
}
