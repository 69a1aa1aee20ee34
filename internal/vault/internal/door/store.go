package door

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
	// stored is told of the requests that a change has stored, once it is durable.
	stored func(...hotcell.RequestID)
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
	var requests []hotcell.RequestID
	err := c.VaultStore.Update(ctx, func(w hotcell.VaultWriter) error {
		requests = nil // it may run again
		return fn(&telling{w, &requests})
	})
	if err == nil && c.stored != nil {
		c.stored(requests...)
	}
	return err
}

// telling notes which requests are stored.
type telling struct {
	hotcell.VaultWriter
	requests *[]hotcell.RequestID
}

// PutRequest implements [hotcell.VaultWriter].
func (t *telling) PutRequest(q hotcell.Request) error {
	*t.requests = append(*t.requests, q.ID)
	return t.VaultWriter.PutRequest(q)
}
