package courier

import (
	"context"
	"io"
	"math"
	"sync"

	"hotcell/internal/wire/measure"
)

// What a call may have in memory of its answers before it counts: the bytes of one, and
// what its values take. Whatever is more holds one share of what all calls have, however
// much more it is, so that no call waits for another while it holds something.
const (
	small       = 256 << 10
	smallWeight = 4 << 20
	share       = 16 << 20
)

// Hold takes a share of memory, in bytes, until release is called.
type Hold func(ctx context.Context, n int64) (release func(), err error)

// Holding is the courier whose calls count what they have in memory.
func (c *Courier) Holding(h Hold) *Courier {
	holding := *c
	holding.hold = h
	return &holding
}

// held is what one call holds.
type held struct {
	mu      sync.Mutex
	release func()
}

// large waits until the call may have large answers in memory.
func (t *trip) large(ctx context.Context) error {
	if t.hold == nil {
		return nil
	}
	t.held.mu.Lock()
	defer t.held.mu.Unlock()
	if t.held.release != nil {
		return nil
	}
	release, err := t.hold(ctx, share)
	if err == nil {
		t.held.release = release
	}
	return err
}

// weigh is large for an answer that is much, or whose values are.
func (t *trip) weigh(ctx context.Context, text []byte) error {
	if len(text) <= small && measure.JSON(text, measure.Limits{Depth: math.MaxInt, Weight: smallWeight}) == nil {
		return nil
	}
	return t.large(ctx)
}

// letGo gives back what the call holds, at its end.
func (t *trip) letGo() {
	t.held.mu.Lock()
	defer t.held.mu.Unlock()
	if t.held.release != nil {
		t.held.release()
		t.held.release = nil
	}
}

// take reads a body of at most so many bytes; one more is read of one that has more.
func (t *trip) take(ctx context.Context, from io.Reader, most int64) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(from, min(most, small)+1))
	if err != nil {
		return nil, err
	}
	if len(body) > small && most > small {
		if err := t.large(ctx); err != nil {
			return nil, err
		}
		rest, err := io.ReadAll(io.LimitReader(from, most+1-int64(len(body))))
		if err != nil {
			return nil, err
		}
		body = append(body, rest...)
	}
	return body, t.weigh(ctx, body)
}
