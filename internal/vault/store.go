package vault

import (
	"context"
	"sync/atomic"

	"hotcell"
)

// counted is the store with a count of its changes: what was read under one
// count holds as long as it does. All changes of the store come through here.
type counted struct {
	hotcell.VaultStore
	generation atomic.Int64
}

// Update implements [hotcell.VaultStore]. The count goes up before the change
// is seen by anybody, and once more after: a reader between the two keeps
// nothing for long.
func (c *counted) Update(ctx context.Context, fn func(hotcell.VaultWriter) error) error {
	defer c.generation.Add(1)
	c.generation.Add(1)
	return c.VaultStore.Update(ctx, fn)
}
