package toolbox

import (
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"hotcell/internal/line/border"
)

// sessionIdle is how long a session may be silent.
const sessionIdle = time.Hour

// sessions are those that are open. The library does not bound them, and hears
// of the shortcut's calls nothing.
type sessions struct {
	mu   sync.Mutex
	open map[string]*session
	// caught is told of a fault.
	caught border.Caught
}

type session struct {
	of   *mcp.ServerSession
	last time.Time
	idle *time.Timer
}

// touch notes that a session was heard of, and says whether it is open.
func (s *sessions) touch(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	one, open := s.open[id]
	if open {
		one.last = time.Now()
		one.idle.Reset(sessionIdle)
	}
	return open
}

// add notes a session that the library has opened. It goes when the library's
// does, by whomever that is ended.
func (s *sessions) add(id string, server *mcp.Server) {
	for of := range server.Sessions() {
		if of.ID() != id {
			continue
		}
		s.mu.Lock()
		if s.open == nil {
			s.open = map[string]*session{}
		}
		s.open[id] = &session{of: of, last: time.Now(), idle: border.After(sessionIdle, "the end of a silent session", s.caught, func() { _ = of.Close() })}
		s.mu.Unlock()
		border.Go("the end of a session", s.caught, func() {
			defer s.forget(id)
			_ = of.Wait()
		})
	}
}

func (s *sessions) forget(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if one, open := s.open[id]; open {
		one.idle.Stop()
		delete(s.open, id)
	}
}

// makeRoom ends the sessions that were silent longest, so that there is room for
// one more: a client that comes again and again does not lock itself out.
func (s *sessions) makeRoom(most int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.open) >= most {
		oldest := ""
		for id, one := range s.open {
			if oldest == "" || one.last.Before(s.open[oldest].last) {
				oldest = id
			}
		}
		one := s.open[oldest]
		one.idle.Stop()
		delete(s.open, oldest)
		border.Go("the end of a session", s.caught, func() { _ = one.of.Close() }) // it waits for what is under way
	}
}
