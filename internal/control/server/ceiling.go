package server

import (
	"container/list"
	"encoding/json"
	"net"
	"net/http"
	"sync"
)

// What one listener bears at a time: requests under way, streams among them, and
// connections.
const (
	mostRequests    = 1024
	mostConnections = 4096
)

// ceiling lets as many requests be under way at a time. One more is refused, before it
// hurts those; how the server is can always be asked.
func ceiling(most int, next http.Handler) http.Handler {
	places := make(chan struct{}, most)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/healthz" || r.URL.Path == "/readyz" {
			next.ServeHTTP(w, r)
			return
		}
		select {
		case places <- struct{}{}:
			defer func() { <-places }()
			next.ServeHTTP(w, r)
		default:
			w.Header().Set("Content-Type", "application/problem+json")
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusServiceUnavailable)
			_ = json.NewEncoder(w).Encode(map[string]any{
				"type": "https://hotcell.dev/problems/busy", "title": "Busy", "status": http.StatusServiceUnavailable, "code": "busy",
				"detail": "there are too many requests under way: try again in a moment",
			})
		}
	})
}

// crowd closes connections that wait for nothing where there are too many: the one that
// has rested longest goes for the one that comes.
type crowd struct {
	most int

	mu sync.Mutex
	// resting are those without a request, longest first, and where each is in it; all
	// are known, with nil for those that have one.
	resting list.List
	all     map[net.Conn]*list.Element
}

func newCrowd(most int) *crowd { return &crowd{most: most, all: map[net.Conn]*list.Element{}} }

// changed is for [http.Server.ConnState].
func (c *crowd) changed(conn net.Conn, to http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at := c.all[conn]; at != nil {
		c.resting.Remove(at)
	}
	switch to {
	case http.StateActive:
		c.all[conn] = nil
	case http.StateNew, http.StateIdle:
		c.all[conn] = c.resting.PushBack(conn)
	case http.StateClosed, http.StateHijacked:
		delete(c.all, conn)
	}
	if len(c.all) <= c.most || c.resting.Len() == 0 {
		return
	}
	if oldest, ok := c.resting.Front().Value.(net.Conn); ok && oldest != conn {
		c.resting.Remove(c.all[oldest])
		delete(c.all, oldest)
		_ = oldest.Close()
	}
}
