package door

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"golang.org/x/time/rate"

	"hotcell"
	"hotcell/internal/line/border"
	"hotcell/internal/store/audit"
)

// The budgets of what one job causes to be written: refusals, and what its gateway
// tells of, one by one; and uses of credentials, which are each on record, and are
// slowed instead. They are far above what work needs.
const (
	eventBurst = 2048
	eventRate  = 8
	useBurst   = 500_000
	useRate    = 100
	// maxFloods is how many jobs are told apart.
	maxFloods = 4096
)

// floods are what jobs cause, by job.
type floods struct {
	mu   sync.Mutex
	jobs map[hotcell.JobID]*flood
}

// flood is what one job causes.
type flood struct {
	events audit.Digest
	uses   *rate.Limiter
}

func (v *Vault) flood(job hotcell.JobID) *flood {
	f := &v.floods
	f.mu.Lock()
	defer f.mu.Unlock()
	one := f.jobs[job]
	if one == nil {
		if len(f.jobs) >= maxFloods {
			for _, old := range f.jobs {
				border.Go("counted events", border.Log(v.log), func() { v.tell(old, true) })
			}
			f.jobs = nil
		}
		if f.jobs == nil {
			f.jobs = map[hotcell.JobID]*flood{}
		}
		one = &flood{events: audit.Digest{Burst: eventBurst, Rate: eventRate}, uses: rate.NewLimiter(useRate, useBurst)}
		f.jobs[job] = one
	}
	return one
}

// counts says whether an event is only counted, and written later with those that
// are like it: a job causes more than its budget.
func (v *Vault) counts(e hotcell.Event) bool {
	caused := e.Via == "job" && (e.Decision == hotcell.Refused || strings.HasPrefix(e.Kind, "network.") || strings.HasPrefix(e.Kind, "guard."))
	if !caused || e.Job == "" {
		return false
	}
	one := v.flood(e.Job)
	single, first := one.events.Add(e, e.Reason, v.now())
	if first {
		border.After(audit.DigestPeriod, "counted events", border.Log(v.log), func() { v.tell(one, false) })
	}
	return !single
}

// tell writes what was counted.
func (v *Vault) tell(one *flood, end bool) {
	due := one.events.Due(v.now(), end)
	if len(due) == 0 {
		return
	}
	if err := v.store.Record(context.Background(), due...); err != nil {
		v.log.Error("events that were counted could not be recorded", "events", len(due), "error", err)
	}
}

// settle writes what was counted of a job that ends, and forgets it.
func (v *Vault) settle(job hotcell.JobID) {
	f := &v.floods
	f.mu.Lock()
	one := f.jobs[job]
	delete(f.jobs, job)
	f.mu.Unlock()
	if one != nil {
		v.tell(one, true)
	}
}

// settleAll does so for all, when the vault closes.
func (v *Vault) settleAll() {
	f := &v.floods
	f.mu.Lock()
	all := f.jobs
	f.jobs = nil
	f.mu.Unlock()
	for _, one := range all {
		v.tell(one, true)
	}
}

// pace slows a job that uses credentials faster than the log can be kept.
func (v *Vault) pace(ctx context.Context, job hotcell.JobID) error {
	if err := v.flood(job).uses.Wait(ctx); err != nil {
		return fmt.Errorf("%w: the job uses credentials too fast", hotcell.ErrRateLimited)
	}
	return nil
}
