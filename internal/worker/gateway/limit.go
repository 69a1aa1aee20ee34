package gateway

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"

	"golang.org/x/time/rate"

	"hotcell"
	"hotcell/internal/line/border"
	"hotcell/internal/wire/budget"
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

// budget is what the job holds of what all jobs of this process share.
func (g *Gateway) budget() budget.Job { return g.Budget.Of(string(g.Job.ID)) }

// underway has a request wait until the job may have one more under way. It
// answers, and returns false, where too many wait already.
func (g *Gateway) underway(w http.ResponseWriter, r *http.Request) (over func(), ok bool) {
	over, err := g.budget().Wait(r.Context(), budget.Requests, 1)
	if err != nil {
		g.fail(w, err)
		return nil, false
	}
	return over, true
}

// bound has what is looked at of a request's body count as the job's.
func (x *exchange) bound(r *http.Request) {
	b := x.gateway.budget()
	x.inspect.meter = b.Meter(r.Context(), maxDecoded)
	x.inspect.meter.Pay = func(worked int64) error { return x.gateway.pace.take(r.Context(), perKiB(costUnpackedKiB, worked)) }
	x.inspect.room = func() (leave func(), err error) {
		if leave, err = b.Wait(r.Context(), budget.Unpacking, 1); err != nil {
			return nil, err
		}
		leave = sync.OnceFunc(leave)
		border.WithEnd(r.Context(), "the end of a request", border.Log(x.gateway.Config.Log), leave)
		return leave, nil
	}
}

// hold waits until the job may hold a request's body in memory, for as long as
// the request is under way.
func (x *exchange) hold(r *http.Request) error {
	release, err := x.gateway.budget().Wait(r.Context(), budget.Buffered, r.ContentLength)
	if err == nil {
		border.WithEnd(r.Context(), "the end of a request", border.Log(x.gateway.Config.Log), release)
	}
	return err
}

// maxMessage is how long a message to the tools may be, in bytes.
const maxMessage = 4 << 20

// heard has a message to the tools count as what the job holds in memory, until it
// is answered. One that does not say how long it is, is read to find out. It
// answers, and returns false, where there is no room for it.
func (g *Gateway) heard(w http.ResponseWriter, r *http.Request) bool {
	size := r.ContentLength
	if size < 0 {
		release, err := g.budget().Wait(r.Context(), budget.Buffered, maxMessage)
		if err != nil {
			g.fail(w, err)
			return false
		}
		text, err := io.ReadAll(io.LimitReader(r.Body, maxMessage+1))
		release()
		if err != nil {
			refuse(w, http.StatusBadRequest, "the message broke off")
			return false
		}
		size, r.Body = int64(len(text)), io.NopCloser(bytes.NewReader(text))
	}
	if size > maxMessage {
		refuse(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("a message has at most %d MiB", maxMessage>>20))
		return false
	}
	release, err := g.budget().Wait(r.Context(), budget.Buffered, size)
	if err != nil {
		g.fail(w, err)
		return false
	}
	border.WithEnd(r.Context(), "the end of a message", border.Log(g.Config.Log), release)
	return true
}

// asks counts a question that is about to wait for a person.
func (g *Gateway) asks() (over func(), err error) {
	release, err := g.budget().Take(budget.Questions, 1)
	if err != nil {
		return nil, err
	}
	answered := g.waits.waiting()
	return func() { answered(); release() }, nil
}

// lineConnections is how many connections a cell may have open to its gateway:
// as many as may lead out of it, and some for what its init says.
const lineConnections = 64

// backstop is a listener that takes no more connections than it may have open at
// once. The next one waits on the cell's own line, which the kernel bounds.
type backstop struct {
	net.Listener
	places chan struct{}
	closed chan struct{}
	once   sync.Once
}

func newBackstop(l net.Listener, most int) *backstop {
	return &backstop{Listener: l, places: make(chan struct{}, most), closed: make(chan struct{})}
}

// Accept implements [net.Listener].
func (b *backstop) Accept() (net.Conn, error) {
	select {
	case b.places <- struct{}{}:
	case <-b.closed:
		return nil, net.ErrClosed
	}
	c, err := b.Listener.Accept()
	if err != nil {
		<-b.places
		return nil, err
	}
	return &placed{Conn: c, leave: sync.OnceFunc(func() { <-b.places })}, nil
}

// Close implements [net.Listener].
func (b *backstop) Close() error {
	b.once.Do(func() { close(b.closed) })
	return b.Listener.Close()
}

// placed is a connection that gives its place back.
type placed struct {
	net.Conn
	leave func()
}

// Close implements [net.Conn].
func (p *placed) Close() error {
	defer p.leave()
	return p.Conn.Close()
}

// CloseWrite ends one direction, for what is passed through.
func (p *placed) CloseWrite() error {
	if half, ok := p.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// tooMuch tells the cell that its job does too much at once.
func (g *Gateway) tooMuch(w http.ResponseWriter, err error) {
	w.Header().Set("Retry-After", "1")
	refuse(w, http.StatusTooManyRequests, plain(err))
}

// plain is an error's text without the sentinel in front, which the status says.
func plain(err error) string {
	text := err.Error()
	if prefix := fmt.Sprint(hotcell.ErrRateLimited, ": "); len(text) > len(prefix) && text[:len(prefix)] == prefix {
		return text[len(prefix):]
	}
	return text
}
