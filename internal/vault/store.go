package vault

import (
	"context"
	"sync/atomic"

	"hotcell"
)

// counted is the store with a count of its changes: what was read under one
// count holds as long as it does. All changes of this process come through here.
type counted struct {
	hotcell.VaultStore
	changes atomic.Int64
}

// generation is the count now. Where other processes change the store too, each
// look is a generation of its own, and nothing is found again.
func (c *counted) generation() int64 {
	if c.Shared() {
		return c.changes.Add(1)
	}
	return c.changes.Load()
}

// Update implements [hotcell.VaultStore]. The count goes up before the change
// is seen by anybody, and once more after: a reader between the two keeps
// nothing for long.
func (c *counted) Update(ctx context.Context, fn func(hotcell.VaultWriter) error) error {
	defer c.changes.Add(1)
	c.changes.Add(1)
	return c.VaultStore.Update(ctx, fn)
}
