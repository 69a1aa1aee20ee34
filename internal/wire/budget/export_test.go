package budget

import "runtime"

// AwaitWaiting returns once n takers of a job wait.
func (j *Jobs) AwaitWaiting(job string, k Kind, n int) {
	for {
		j.mu.Lock()
		waiting := 0
		if a := j.jobs[job]; a != nil {
			waiting = len(a.waiting[k])
		}
		j.mu.Unlock()
		if waiting >= n {
			return
		}
		runtime.Gosched()
	}
}

// Known is how many accounts are kept.
func (j *Jobs) Known() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.jobs)
}

// AwaitWaiting returns once n of a job wait for a turn.
func (t *Turns) AwaitWaiting(job string, n int) {
	for {
		t.mu.Lock()
		waiting := 0
		if q := t.jobs[job]; q != nil {
			waiting = len(q.waiting)
		}
		t.mu.Unlock()
		if waiting >= n {
			return
		}
		runtime.Gosched()
	}
}
