package gateway

import (
	"cmp"
	"sync/atomic"

	"golang.org/x/time/rate"
)

// Limits bound what one job does on the network.
type Limits struct {
	// Connections is how many may be open at once.
	Connections int
	// Requests is how many a second, with as many at once; 0 is the default.
	Requests int
	// Bytes is how many it may send and receive in all, under TLS; 0 for any.
	Bytes int64
}

// The limits of who sets none.
const (
	defaultConnections = 256
	defaultRequests    = 20_000
)

// limits keeps count.
type limits struct {
	Limits
	requests *rate.Limiter
	moved    atomic.Int64
}

func newLimits(l Limits) *limits {
	l.Connections = cmp.Or(l.Connections, defaultConnections)
	l.Requests = cmp.Or(l.Requests, defaultRequests)
	return &limits{Limits: l, requests: rate.NewLimiter(rate.Limit(l.Requests), l.Requests)}
}

// bytes counts n more; it fails once there are too many.
func (l *limits) bytes(n int) error {
	if l.moved.Add(int64(n)) > l.Bytes && l.Bytes > 0 {
		return errBytes
	}
	return nil
}

// spent says whether the job may move nothing more.
func (l *limits) spent() bool { return l.Bytes > 0 && l.moved.Load() > l.Bytes }
