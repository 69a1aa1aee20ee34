package door

import (
	"context"
	"errors"

	"hotcell"
)

// Revocation says that a job's grant is dead, and why; or that it is widened.
type Revocation struct {
	Job    hotcell.JobID
	Reason string
	// Widened is true where the grant lives on and allows more than before.
	Widened bool
}

// Watch returns the revocations from now on, until cancel is called. A watcher
// that does not keep up loses its channel: it is closed, and whoever watched
// must ask anew and treat what it has as dead.
func (v *Vault) Watch() (revocations <-chan Revocation, cancel func()) {
	ch := make(chan Revocation, 1024)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.watchers[ch] = struct{}{}
	return ch, func() {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.drop(ch)
	}
}

// Dead says which of the jobs have no grant that lives.
func (v *Vault) Dead(ctx context.Context, jobs []hotcell.JobID) (dead []Revocation, err error) {
	err = v.store.View(ctx, func(r hotcell.VaultReader) error {
		for _, job := range jobs {
			grant, err := r.GrantOf(job)
			switch {
			case errors.Is(err, hotcell.ErrNotFound):
				dead = append(dead, Revocation{Job: job, Reason: "its grant is gone"})
			case err != nil:
				return err
			case grant.State == hotcell.GrantDead:
				dead = append(dead, Revocation{Job: job, Reason: grant.Reason})
			}
		}
		return nil
	})
	return dead, err
}

func (v *Vault) drop(ch chan Revocation) {
	if _, there := v.watchers[ch]; there {
		delete(v.watchers, ch)
		close(ch)
	}
}

func (v *Vault) announce(ended []Revocation) {
	if len(ended) == 0 {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	for ch := range v.watchers {
		for _, r := range ended {
			select {
			case ch <- r:
				continue
			default:
				v.drop(ch)
			}
			break
		}
	}
}
