package people

import (
	"crypto/sha256"
	"sync"
	"time"

	"hotcell"
)

// bearer is what a bearer stands for: a session or a token, and the memberships that it is
// good for.
type bearer struct {
	session hotcell.Session
	token   *hotcell.Token
	members []hotcell.Member

	mu   sync.Mutex
	seen time.Time
}

func (b *bearer) over(now time.Time) bool {
	if b.token != nil {
		return !now.Before(b.token.ExpiresAt)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	session := b.session
	session.SeenAt = b.seen
	return session.Over(now)
}

// due says whether it is time to store that it is used, and takes that as done.
func (b *bearer) due(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now.Sub(b.seen) < touchEvery {
		return false
	}
	b.seen = now
	return true
}

// in is the principal in a workspace; in the first of theirs where none is named.
func (b *bearer) in(ws hotcell.WorkspaceID) (hotcell.Principal, error) {
	for _, m := range b.members {
		if m.Removed() || ws != "" && m.Workspace != ws {
			continue
		}
		who := hotcell.Principal{Workspace: m.Workspace, Member: m.ID, Person: m.Person}
		if b.token != nil {
			who.Via, who.Token = string(b.token.ID), b.token
		} else {
			who.Via, who.Session = string(b.session.ID), b.session.ID
		}
		return who, nil
	}
	if ws == "" {
		return hotcell.Principal{}, errOver // they are in no workspace any more
	}
	return hotcell.Principal{}, errNoWorkspace
}

// mostKnown is how many bearers are remembered at a time.
const mostKnown = 20_000

// known remembers what bearers stand for, so that a request costs no look at the store. All
// of it is forgotten at each change of people.
type known struct {
	mu    sync.RWMutex
	since uint64 // counts the times that it was forgotten
	all   map[[sha256.Size]byte]*bearer
}

func newKnown() *known { return &known{all: map[[sha256.Size]byte]*bearer{}} }

// find returns one, or nil and the time to keep it by.
func (k *known) find(sum [sha256.Size]byte) (one *bearer, at uint64) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.all[sum], k.since
}

// keep remembers what was read, unless something changed since then.
func (k *known) keep(sum [sha256.Size]byte, one *bearer, at uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.since != at {
		return
	}
	if len(k.all) >= mostKnown {
		clear(k.all)
	}
	k.all[sum] = one
}

func (k *known) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.since++
	clear(k.all)
}
