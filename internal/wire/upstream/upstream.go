// Package upstream keeps connections to services, each for one holder alone: one
// job, one thing that is attached to it, one version of its values.
//
// It guards that what one holder sends is never followed, on the same
// connection, by what another one sends: a server that loses count of where a
// request ends would take the second for a part of the first. For the same
// reason no connection over HTTP/1.1 is used again after a request with a body,
// after an answer that is not whole, or after bytes that nobody asked for. And
// nothing that was sent, even in part, is sent a second time. What goes onto a
// request it does not know. One way to use it:
//
//	pool := upstream.New(upstream.Config{Dialer: guard, Roots: roots})
//	answer, err := pool.For(upstream.Holder{Job: job, Of: "att_1", Version: 3}).RoundTrip(request)
//	pool.End(job)
package upstream

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"hotcell"
	"hotcell/internal/line/border"
	"hotcell/internal/wire/netguard"
)

// Holder is for whom a connection is kept. Without a job, none is.
type Holder struct {
	Job hotcell.JobID
	// Of is what goes on: an attachment's or an account's id.
	Of string
	// Version is the one of its values, where Of does not say.
	Version int
}

// Config is what a pool needs.
type Config struct {
	Dialer netguard.Dialer
	// Roots verify services; nil for the system's.
	Roots *x509.CertPool
	// Idle is how long a connection is kept that nobody uses. PerHolder is how many
	// are kept for one holder and service, Total how many in all.
	Idle             time.Duration
	PerHolder, Total int
	// Caught is told of a fault; nil for nobody.
	Caught border.Caught
}

// Limits that apply where the config sets none.
const (
	defaultIdle      = 20 * time.Second
	defaultPerHolder = 64
	defaultTotal     = 1024
)

// Pool keeps connections. Its methods may be called at once from anywhere.
type Pool struct {
	Config
	two *http.Transport

	mu      sync.Mutex
	shelves map[place]*shelf
	// idle is how many lines over HTTP/1.1 are kept.
	idle int
	// sweep is nil where there is nothing to be swept.
	sweep *time.Timer
}

// place is where a holder's connections to one service are kept.
type place struct {
	holder Holder
	origin string
}

// New is a pool; Close ends it.
func New(c Config) *Pool {
	c.Idle, c.PerHolder, c.Total = cmp.Or(c.Idle, defaultIdle), cmp.Or(c.PerHolder, defaultPerHolder), cmp.Or(c.Total, defaultTotal)
	if c.Caught == nil {
		c.Caught = border.Silent
	}
	return &Pool{Config: c, two: overGiven(), shelves: map[place]*shelf{}}
}

// For is the way to services of one holder. It follows nothing.
func (p *Pool) For(h Holder) http.RoundTripper { return &way{p, h} }

// way is a holder's.
type way struct {
	pool   *Pool
	holder Holder
}

// CloseIdleConnections closes those of all holders.
func (w *way) CloseIdleConnections() { w.pool.Rest() }

// carrier does one request: a line over HTTP/1.1, or one of HTTP/2.
type carrier interface {
	// do closes the request's body, and fails with errUnsent where nothing of the
	// request has left.
	do(r *http.Request) (*http.Response, error)
	// fresh is true for a connection that was made for this request.
	fresh() bool
}

// errUnsent is a request of which nothing was sent, or nothing was looked at.
var errUnsent = errors.New("the connection ended before the request was sent")

// RoundTrip implements [http.RoundTripper]. A request of which anything was sent
// is not sent again.
func (w *way) RoundTrip(r *http.Request) (*http.Response, error) {
	origin, err := check(r)
	if err != nil {
		discard(r)
		return nil, err
	}
	for {
		c, err := w.take(r, origin)
		if err != nil {
			discard(r)
			return nil, err
		}
		answer, err := c.do(r)
		if errors.Is(err, errUnsent) && !c.fresh() && !embodied(r) && r.Context().Err() == nil {
			continue
		}
		if err != nil && r.Context().Err() != nil {
			err = context.Cause(r.Context())
		}
		return answer, err
	}
}

// take finds a connection of the holder's that is free, or makes one.
func (w *way) take(r *http.Request, origin *url.URL) (carrier, error) {
	if w.holder.Job == "" || r.Header.Get("Upgrade") != "" {
		return w.pool.make(r.Context(), origin, nil, r.Header.Get("Upgrade") != "")
	}
	at := place{w.holder, origin.String()}
	for {
		c, s, wait := w.pool.kept(at)
		switch {
		case c != nil && c.usable():
			return c, nil
		case c != nil:
			c.close()
		case wait == nil:
			return w.pool.make(r.Context(), origin, s, false)
		default:
			select {
			case <-wait:
			case <-r.Context().Done():
				w.pool.leave(s, wait)
				return nil, context.Cause(r.Context())
			}
		}
	}
}

// embodied says whether a request has a body.
func embodied(r *http.Request) bool { return r.Body != nil && r.Body != http.NoBody }

func discard(r *http.Request) {
	if r.Body != nil {
		_ = r.Body.Close()
	}
}

// End closes the connections of a job that has ended; of all, where the job is
// empty.
func (p *Pool) End(job hotcell.JobID) {
	p.drop(func(h Holder) bool { return job == "" || h.Job == job })
}

// Close closes all connections.
func (p *Pool) Close() {
	p.End("")
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.sweep != nil {
		p.sweep.Stop()
	}
}

const sweeping = "sweeping connections"

// Rest closes the connections that nobody uses.
func (p *Pool) Rest() { p.closeIdle(0) }

// swept closes what was not used for some time.
func (p *Pool) swept() {
	p.closeIdle(p.Idle)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.sweep = nil; len(p.shelves) > 0 {
		p.sweep = border.After(p.Idle/2, sweeping, p.Caught, p.swept)
	}
}

func (p *Pool) drop(which func(Holder) bool) {
	p.mu.Lock()
	var ended []closer
	for at, s := range p.shelves {
		if which(at.holder) {
			ended = append(ended, s.all()...)
			p.idle -= len(s.lines)
			s.over, s.lines, s.twos = true, nil, nil
			s.wake(len(s.waiting))
			delete(p.shelves, at)
		}
	}
	p.mu.Unlock()
	for _, c := range ended {
		c.close()
	}
}

func (p *Pool) closeIdle(least time.Duration) {
	before := time.Now().Add(-least)
	p.mu.Lock()
	var ended []closer
	for at, s := range p.shelves {
		lines, old := s.idle(before)
		p.idle -= lines
		ended = append(ended, old...)
		if s.empty(before) {
			s.over = true
			delete(p.shelves, at)
		}
	}
	p.mu.Unlock()
	for _, c := range ended {
		c.close()
	}
}

// unreached is an error of a connection that could not be made.
func unreached(err error) error {
	return fmt.Errorf("%w: no TLS with the host: %w", hotcell.ErrUnavailable, err)
}
