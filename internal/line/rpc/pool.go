package rpc

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"hotcell/internal/line/border"
)

// maxIdle is how many connections are kept for requests to come.
const maxIdle = 256

// Pool does requests over kept connections of a line, each in the goroutine that
// asks: a [http.Transport] hands every one to two others.
type Pool struct {
	peer *Client
	mu   sync.Mutex
	idle []*pooled
}

// NewPool makes a pool of connections to a peer.
func NewPool(peer *Client) *Pool { return &Pool{peer: peer} }

// pooled is one connection.
type pooled struct {
	net.Conn
	from *bufio.Reader
	to   *bufio.Writer
	used bool
	// since is when it was last used.
	since time.Time
}

// Once does a request that is sent once, whatever comes of it: what was sent in
// part may have been done. A connection that was kept is looked at before: one
// that the peer has closed is not used.
func (p *Pool) Once(r *http.Request) (*http.Response, error) {
	for {
		c, err := p.take(r.Context())
		if err != nil {
			return nil, err
		}
		if c.used && !c.alive() {
			_ = c.Close()
			continue
		}
		answer, err := p.do(c, r)
		if err != nil {
			_ = c.Close()
		}
		return answer, err
	}
}

// alive says whether the peer has neither closed the connection nor said
// anything unasked.
func (c *pooled) alive() bool {
	conn, ok := c.Conn.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return false
	}
	quiet := false
	err = raw.Read(func(fd uintptr) bool {
		var b [1]byte
		_, _, err := unix.Recvfrom(int(fd), b[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
		quiet = errors.Is(err, unix.EAGAIN)
		return true
	})
	return err == nil && quiet
}

func (p *Pool) take(ctx context.Context) (*pooled, error) {
	if c := p.last(); c != nil {
		return c, nil
	}
	c, err := p.peer.Dial(ctx)
	if err != nil {
		return nil, err
	}
	return &pooled{Conn: c, from: bufio.NewReaderSize(c, 4096), to: bufio.NewWriterSize(c, 4096)}, nil
}

// last takes the connection that was used last. Where that is too long ago, so it
// is for all of them.
func (p *Pool) last() *pooled {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.idle)
	if n == 0 {
		return nil
	}
	c := p.idle[n-1]
	if time.Since(c.since) < kept {
		p.idle = p.idle[:n-1]
		return c
	}
	for _, old := range p.idle {
		_ = old.Close()
	}
	clear(p.idle)
	p.idle = p.idle[:0]
	return nil
}

func (p *Pool) put(c *pooled) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) >= maxIdle || c.from.Buffered() > 0 {
		_ = c.Close()
		return
	}
	c.used, c.since = true, time.Now()
	p.idle = append(p.idle, c)
}

func (p *Pool) do(c *pooled, r *http.Request) (*http.Response, error) {
	stop := border.WithEnd(r.Context(), "the end of a call", border.Silent, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	fail := func(err error) (*http.Response, error) {
		stop()
		return nil, err
	}
	if err := r.Write(c.to); err != nil {
		return fail(err)
	}
	if err := c.to.Flush(); err != nil {
		return fail(err)
	}
	answer, err := http.ReadResponse(c.from, r)
	if err != nil {
		return fail(err)
	}
	answer.Body = &lent{ReadCloser: answer.Body, pool: p, conn: c, stop: stop, keep: !answer.Close}
	return answer, nil
}

// lent is the body of an answer; at its end its connection goes back.
type lent struct {
	io.ReadCloser
	pool  *Pool
	conn  *pooled
	stop  func() bool
	keep  bool
	ended bool
	gone  bool
}

// Read implements [io.Reader].
func (l *lent) Read(b []byte) (int, error) {
	n, err := l.ReadCloser.Read(b)
	l.ended = l.ended || errors.Is(err, io.EOF)
	return n, err
}

// Close gives the connection back, or closes it where something was left unread.
func (l *lent) Close() error {
	if l.gone {
		return nil
	}
	l.gone = true
	undisturbed := l.stop()
	if l.ended && l.keep && undisturbed {
		l.pool.put(l.conn)
		return nil
	}
	return l.conn.Close()
}
