package toolbox

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// headerMark is how a call finds the HTTP request that it came with: the library
// keeps the two apart. What a client sends by this name is taken off.
const headerMark = "Hotcell-Exchange"

// The header of sessions (MCP 2025-11-25, transports).
const headerSession = "Mcp-Session-Id"

// writeTime is how long a client may take to read a piece of an answer.
const writeTime = 30 * time.Second

// ServeHTTP serves one request of a client.
func (b *Box) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	select {
	case b.calls <- struct{}{}:
		defer func() { <-b.calls }()
	default:
		w.Header().Set("Retry-After", "1")
		http.Error(w, "hotcell: too many requests of this job are under way", http.StatusTooManyRequests)
		return
	}
	session := r.Header.Get(headerSession)
	if session == "" && r.Method == http.MethodPost {
		b.sessions.makeRoom(b.server, b.Sessions)
	}
	b.sessions.touch(session)
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(b.Ended, cancel)()
	mark := strconv.FormatInt(b.marks.Add(1), 10)
	b.exchanges.Store(mark, ctx)
	defer b.exchanges.Delete(mark)
	r = r.WithContext(ctx)
	r.Header.Set(headerMark, mark)
	slow := &patient{ResponseWriter: w, control: http.NewResponseController(w)}
	defer slow.done()
	b.handler.ServeHTTP(slow, r)
}

// gone returns a context that ends with the call, with the request that it came
// with, and with the job.
func (b *Box) gone(ctx context.Context, r *mcp.CallToolRequest) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	stops := []func() bool{context.AfterFunc(b.Ended, cancel)}
	if r.Extra != nil {
		if exchange, there := b.exchanges.Load(r.Extra.Header.Get(headerMark)); there {
			if of, ok := exchange.(context.Context); ok {
				stops = append(stops, context.AfterFunc(of, cancel))
			}
		}
	}
	return ctx, func() {
		for _, stop := range stops {
			stop()
		}
		cancel()
	}
}

// patient gives a client its time for each piece, and no more: one that never
// reads holds nothing for ever.
type patient struct {
	http.ResponseWriter
	control *http.ResponseController
}

func (p *patient) Write(b []byte) (int, error) {
	_ = p.control.SetWriteDeadline(time.Now().Add(writeTime))
	return p.ResponseWriter.Write(b)
}

// FlushError sends what was written.
func (p *patient) FlushError() error {
	_ = p.control.SetWriteDeadline(time.Now().Add(writeTime))
	return p.control.Flush()
}

// Unwrap gives the controller what it needs.
func (p *patient) Unwrap() http.ResponseWriter { return p.ResponseWriter }

// done leaves the connection as it was, for what comes next on it.
func (p *patient) done() { _ = p.control.SetWriteDeadline(time.Time{}) }

// sessions notes when each was last heard of.
type sessions struct {
	mu   sync.Mutex
	last map[string]time.Time
}

func (s *sessions) touch(id string) {
	if id == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.last[id]; known {
		s.last[id] = time.Now()
	}
}

// makeRoom ends the sessions that were silent longest, so that there is room for
// one more: a client that comes again and again does not lock itself out.
func (s *sessions) makeRoom(server *mcp.Server, most int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := map[string]time.Time{}
	var open []*mcp.ServerSession
	for one := range server.Sessions() {
		open = append(open, one)
		at, known := s.last[one.ID()]
		if !known {
			at = time.Now()
		}
		last[one.ID()] = at
	}
	for len(open) >= most {
		oldest := 0
		for i, one := range open {
			if last[one.ID()].Before(last[open[oldest].ID()]) {
				oldest = i
			}
		}
		delete(last, open[oldest].ID())
		go func(one *mcp.ServerSession) { _ = one.Close() }(open[oldest])
		open = append(open[:oldest], open[oldest+1:]...)
	}
	s.last = last
}
