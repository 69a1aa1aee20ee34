package door

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"hotcell"
	"hotcell/internal/store/audit"
)

// blobPruned is where the checkpoint of a log is kept whose beginning was removed.
const blobPruned = "audit.pruned"

// pruneStep is how many events are removed at a time: others write in between.
const pruneStep = 500

// Retain removes the events from before a time, in small steps. The chain stays
// provable: the log itself says up to where, and with which hash, it was removed,
// durably before that. A log that does not verify is left as it is.
func (v *Vault) Retain(ctx context.Context, before time.Time) (removed int64, err error) {
	was, err := v.pruned(ctx)
	if err != nil {
		return 0, err
	}
	next, err := v.beginning(ctx, was, before)
	if err != nil {
		return 0, err
	}
	if next.Sequence > was.Sequence {
		if err := v.mark(ctx, next); err != nil {
			return 0, err
		}
	}
	for ctx.Err() == nil {
		var n int
		err := v.store.Update(ctx, func(w hotcell.VaultWriter) (err error) {
			n, err = w.DropEvents(v.workspace, next.Sequence, pruneStep)
			return err
		})
		if removed += int64(n); err != nil || n < pruneStep {
			return removed, err
		}
	}
	return removed, ctx.Err()
}

// pruned is where the log begins; the zero checkpoint's head is the chain's own.
func (v *Vault) pruned(ctx context.Context) (c audit.Checkpoint, err error) {
	err = v.store.View(ctx, func(r hotcell.VaultReader) (err error) {
		c, err = v.checkpoint(r)
		return err
	})
	return c, err
}

func (v *Vault) checkpoint(r hotcell.VaultReader) (c audit.Checkpoint, err error) {
	text, err := r.Blob(v.workspace, blobPruned)
	if errors.Is(err, hotcell.ErrNotFound) {
		return audit.Checkpoint{Head: audit.Start(v.workspace)}, nil
	}
	if err != nil {
		return c, err
	}
	if err := json.Unmarshal(text, &c); err != nil || c.Sequence < 1 {
		return c, fmt.Errorf("%w: reading where the audit log begins", hotcell.ErrTampered)
	}
	return c, nil
}

// beginning is the last event from before a time, as far as the chain holds.
func (v *Vault) beginning(ctx context.Context, from audit.Checkpoint, before time.Time) (audit.Checkpoint, error) {
	verifier := audit.NewVerifierAfter(v.workspace, from.Head)
	out := audit.Checkpoint{Head: from.Head, At: v.now()}
	for {
		var page []hotcell.Event
		err := v.store.View(ctx, func(r hotcell.VaultReader) (err error) {
			page, err = r.Events(v.workspace, hotcell.EventFilter{Ascending: true, After: out.Sequence, Limit: maxEvents})
			return err
		})
		if err != nil {
			return out, err
		}
		for _, e := range page {
			if !e.At.Before(before) {
				return out, nil
			}
			if err := verifier.Next(e); err != nil {
				return out, fmt.Errorf("old events are kept, since the log does not verify: %w", err)
			}
			out.Head = verifier.Head()
		}
		if len(page) < maxEvents {
			return out, nil
		}
	}
}

// mark has the log say that what is old is about to be removed.
func (v *Vault) mark(ctx context.Context, c audit.Checkpoint) error {
	text, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return v.store.Update(ctx, func(w hotcell.VaultWriter) error {
		return errors.Join(w.PutBlob(v.workspace, blobPruned, text), w.Record(c.Event(v.workspace)))
	})
}
