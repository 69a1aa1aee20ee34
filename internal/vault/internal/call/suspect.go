package call

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"hotcell"
	"hotcell/internal/catalog/connector"
	"hotcell/internal/value/guard"
	"hotcell/internal/vault/internal/book"
	"hotcell/internal/vault/internal/door"
)

// A service's 401 is a suspicion: it may be of the one operation, which wants another
// key or another person. Whether the key is known the account's own probe decides, with
// the same key. Where there is none, one operation's word is not enough.
const (
	// knownTime is how long a probe's yes holds, so that a flood of refusals asks no
	// service as often again.
	knownTime = time.Minute
	// maxMute is after how many refusals in a row a connection without a probe is
	// broken.
	maxMute = 3
)

// suspects remember what probes said.
type suspects struct {
	mu    sync.Mutex
	known map[version]suspect
}

type suspect struct {
	good  time.Time
	count int
	// tools are those that were refused.
	tools []string
}

// suspect asks the account itself with the key that a call was not let through with.
func (s *Service) suspect(ctx context.Context, a *attempt, used *door.Used, patterns *guard.Patterns) {
	key := version{used.Use.Credential, used.Use.Version}
	if a.good, a.told, a.unsaid = s.suspects.good(key, s.Now()), true, false; a.good {
		return
	}
	o := a.offer
	var err error
	if o.connector.Definition == book.MCP {
		_, err = s.Courier.Discover(ctx, o.settings[settingURL], o.auth, keyOf(used))
	} else {
		run := o.connector.Identify(o.settings, s.Now())
		if run == nil || run.AsksAs() != "" {
			a.told = false
			s.suspects.count(key, o.tool.Name)
			return
		}
		_, _, err = s.Courier.Do(ctx, run, o.auth, keyOf(used), patterns)
	}
	failure, said := errors.AsType[*connector.Failure](err)
	switch {
	case err == nil:
		a.good = true
		s.suspects.remember(key, s.Now())
	case !said || silent(failure.Status):
		a.told, a.unsaid = false, true
	default: // only its own 401 says that it does not know the key
		a.good = failure.Status != http.StatusUnauthorized
	}
}

// silent says whether a probe's answer of that status says nothing of the key: the
// service is away, or has enough of being asked.
func silent(status int) bool {
	return status == 0 || status >= http.StatusInternalServerError || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout
}

func (s *suspects) good(key version, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.known[key].good
	return !at.IsZero() && now.Sub(at) < knownTime
}

func (s *suspects) remember(key version, now time.Time) { s.put(key, suspect{good: now}) }

func (s *suspects) count(key version, tool string) {
	s.mu.Lock()
	one := s.known[key]
	s.mu.Unlock()
	tools := one.tools
	if !slices.Contains(tools, tool) {
		tools = append(slices.Clone(tools), tool)
	}
	s.put(key, suspect{count: one.count + 1, tools: tools})
}

func (s *suspects) put(key version, one suspect) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil || len(s.known) >= maxPatterns {
		s.known = map[version]suspect{}
	}
	s.known[key] = one
}

// clear forgets what was counted of a connection that works.
func (s *suspects) clear(id hotcell.CredentialID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key := range s.known {
		if key.credential == id {
			delete(s.known, key)
		}
	}
}

// guilty says whether enough was said for a connection to be broken: by its probe, or
// often enough where it has none, and then not by one of several operations alone. A
// probe that brought no answer is no word of either kind.
func (s *suspects) guilty(a *attempt, of int) bool {
	if a.unsaid || a.told {
		return a.told
	}
	s.mu.Lock()
	one := s.known[version{a.offer.held.Credential.ID, of}]
	s.mu.Unlock()
	if len(one.tools) < min(len(a.offer.connector.Tools), 2) {
		return false
	}
	return a.offer.held.Credential.Renewed() || one.count >= maxMute // one that it has just given is refused
}
