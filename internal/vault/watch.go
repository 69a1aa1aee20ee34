package vault

import "hotcell"

// Revocation says that a job's grant is dead, and why.
type Revocation struct {
	Job    hotcell.JobID
	Reason string
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
