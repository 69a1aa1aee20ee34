package people

import (
	"crypto/rand"
	"crypto/sha256"
	"sync"
	"time"

	"hotcell"
)

// idle is for how long a connection's bearer is good when nothing is asked by it.
const idle = time.Hour

// mostLocals is how many connections' bearers are known at a time; beyond, the one that
// was quiet for longest is forgotten.
const mostLocals = 4096

// Locals are those who came in by the vault's own socket, each for one connection. They
// live in memory: they end with the vault's process.
type Locals struct {
	now func() time.Time

	mu    sync.Mutex
	known map[[sha256.Size]byte]*local
}

// local is one of them: the server's owner, whoever that is when it is used, or somebody
// whom this process has judged by itself.
type local struct {
	owner bool
	who   hotcell.Principal
	seen  time.Time
}

// NewLocals knows nobody yet.
func NewLocals(now func() time.Time) *Locals {
	return &Locals{now: now, known: map[[sha256.Size]byte]*local{}}
}

// AdmitOwner makes a bearer of the server's owner.
func (l *Locals) AdmitOwner() hotcell.Bearer { return l.admit(&local{owner: true}) }

// Admit makes a bearer of somebody whom this process has judged by itself.
func (l *Locals) Admit(who hotcell.Principal) hotcell.Bearer { return l.admit(&local{who: who}) }

func (l *Locals) admit(one *local) hotcell.Bearer {
	bearer := hotcell.Bearer("hcl_" + rand.Text())
	l.mu.Lock()
	defer l.mu.Unlock()
	l.forget()
	one.seen = l.now()
	l.known[sum(bearer)] = one
	return bearer
}

// Part forgets a bearer: its connection has ended.
func (l *Locals) Part(bearer hotcell.Bearer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.known, sum(bearer))
}

// find returns who has a bearer, and nil where nobody has.
func (l *Locals) find(bearer hotcell.Bearer) *local {
	l.mu.Lock()
	defer l.mu.Unlock()
	found := l.known[sum(bearer)]
	now := l.now()
	if found == nil || now.Sub(found.seen) > idle {
		return nil
	}
	found.seen = now
	return found
}

// forget makes room, with the lock held.
func (l *Locals) forget() {
	if len(l.known) < mostLocals {
		return
	}
	var quiet [sha256.Size]byte
	var since time.Time
	for key, one := range l.known {
		if since.IsZero() || one.seen.Before(since) {
			quiet, since = key, one.seen
		}
	}
	delete(l.known, quiet)
}

func sum(b hotcell.Bearer) [sha256.Size]byte { return sha256.Sum256([]byte(b)) }
