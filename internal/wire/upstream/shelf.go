package upstream

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/url"
	"slices"
	"time"

	"hotcell/internal/line/border"
	"hotcell/internal/text/site"
)

// closer is a connection that can be ended.
type closer interface{ close() }

// candidate is one that may be used, if it still can be.
type candidate interface {
	carrier
	closer
	usable() bool
}

// shelf has the connections of one holder to one service.
type shelf struct {
	// lines speak HTTP/1.1 and are idle; twos speak HTTP/2 and may be shared.
	lines []*line
	twos  []*two
	// known is true once it is known whether the service speaks HTTP/2, which
	// speaks2 says. Until then, and where it does, one connection is made at a time.
	known, speaks2 bool
	// making is how many are being made, waiting who waits for one of them or for a
	// line that comes back, the first first.
	making  int
	waiting []chan struct{}
	// over is true once nothing is kept here any more; touched is when something was
	// asked for last.
	over    bool
	touched time.Time
}

// maxMaking is how many connections over HTTP/1.1 are made at once for one holder and
// service: of a thousand requests at once, most are done sooner on a line that comes
// back than after a handshake beside 999 others.
const maxMaking = 16

// wake lets in some of those who wait.
func (s *shelf) wake(n int) {
	for ; n > 0 && len(s.waiting) > 0; n-- {
		close(s.waiting[0])
		s.waiting = s.waiting[1:]
	}
}

// kept finds a connection, or what to wait for, or neither: then one has to be made
// for the shelf, and [Pool.made] called.
func (p *Pool) kept(at place) (c candidate, s *shelf, wait chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s = p.shelves[at]
	if s == nil {
		s = &shelf{}
		if p.shelves[at] = s; p.sweep == nil {
			p.sweep = border.After(p.Idle, sweeping, p.Caught, p.swept)
		}
	}
	s.touched = time.Now()
	for len(s.lines) > 0 {
		l := s.lines[len(s.lines)-1]
		s.lines[len(s.lines)-1] = nil
		s.lines = s.lines[:len(s.lines)-1]
		p.idle--
		return l, s, nil
	}
	s.twos = slices.DeleteFunc(s.twos, func(t *two) bool { return t.conn.Err() != nil })
	for _, t := range s.twos {
		if t.conn.Reserve() == nil {
			t.since = time.Now()
			return &stream{t, true}, s, nil
		}
	}
	if s.making >= s.atOnce() {
		wait = make(chan struct{})
		s.waiting = append(s.waiting, wait)
		return nil, s, wait
	}
	s.making++
	return nil, s, nil
}

// atOnce is how many connections may be made at once.
func (s *shelf) atOnce() int {
	if !s.known || s.speaks2 {
		return 1
	}
	return maxMaking
}

// leave is called by who does not wait any more; who was let in at that moment lets in
// the next.
func (p *Pool) leave(s *shelf, wait chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := slices.Index(s.waiting, wait); i >= 0 {
		s.waiting = slices.Delete(s.waiting, i, i+1)
		return
	}
	s.wake(1)
}

// made notes that a connection was made, over HTTP/2 where t is one, or could not be,
// and lets in who waits for that.
func (p *Pool) made(s *shelf, t *two) {
	if s == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	s.known, s.speaks2 = true, t != nil
	if t != nil {
		if t.alone = s.over; !t.alone {
			s.twos = append(s.twos, t)
		}
	}
	s.making--
	if s.speaks2 {
		s.wake(len(s.waiting))
		return
	}
	s.wake(maxMaking - s.making)
}

// put keeps a line for requests to come; false where it may not be kept.
func (p *Pool) put(s *shelf, l *line) bool {
	p.mu.Lock()
	if s == nil || s.over || len(s.lines) >= p.PerHolder {
		p.mu.Unlock()
		return false
	}
	l.used, l.since = true, time.Now()
	s.lines = append(s.lines, l)
	p.idle++
	s.wake(1)
	var oldest *line
	if p.idle > p.Total {
		oldest = p.oldest()
	}
	p.mu.Unlock()
	if oldest != nil {
		oldest.close()
	}
	return true
}

// oldest takes the line off its shelf that was not used for the longest time.
func (p *Pool) oldest() *line {
	var from *shelf
	for _, s := range p.shelves {
		if len(s.lines) > 0 && (from == nil || s.lines[0].since.Before(from.lines[0].since)) {
			from = s
		}
	}
	if from == nil {
		return nil
	}
	l := from.lines[0]
	from.lines = slices.Delete(from.lines, 0, 1)
	p.idle--
	return l
}

// idle takes off the shelf what was not used since then.
func (s *shelf) idle(before time.Time) (lines int, old []closer) {
	s.lines = slices.DeleteFunc(s.lines, func(l *line) bool {
		if l.since.After(before) {
			return false
		}
		lines++
		old = append(old, l)
		return true
	})
	s.twos = slices.DeleteFunc(s.twos, func(t *two) bool {
		if t.conn.Err() == nil && (t.conn.InFlight() > 0 || t.since.After(before)) {
			return false
		}
		old = append(old, t)
		return true
	})
	return lines, old
}

func (s *shelf) all() (out []closer) {
	for _, l := range s.lines {
		out = append(out, l)
	}
	for _, t := range s.twos {
		out = append(out, t)
	}
	return out
}

// empty says whether there is nothing, and nobody asked since then.
func (s *shelf) empty(since time.Time) bool {
	return len(s.lines)+len(s.twos)+len(s.waiting)+s.making == 0 && !s.touched.After(since)
}

// handshakeTime bounds the making of TLS.
const handshakeTime = 10 * time.Second

// make makes a connection, to be kept on the shelf where there is one.
func (p *Pool) make(ctx context.Context, origin *url.URL, s *shelf, upgrade bool) (carrier, error) {
	var t *two
	defer func() { p.made(s, t) }()
	w, conn, err := p.dial(ctx, origin, upgrade)
	if err != nil {
		return nil, err
	}
	if secure, ok := conn.(*tls.Conn); ok && secure.ConnectionState().NegotiatedProtocol == "h2" {
		made, err := p.overTwo(ctx, origin, secure)
		if err != nil {
			return nil, errors.Join(unreached(err), conn.Close())
		}
		made.alone = true
		t = made
		return &stream{t, false}, nil
	}
	return newLine(p, s, w, conn), nil
}

// addressOf is the host of an origin, with its port.
func addressOf(origin *url.URL) string {
	if origin.Port() != "" {
		return origin.Host
	}
	return net.JoinHostPort(origin.Hostname(), map[string]string{"https": "443", "http": "80"}[origin.Scheme])
}

// dial connects, and speaks TLS where the URL says so.
func (p *Pool) dial(ctx context.Context, origin *url.URL, upgrade bool) (*wire, net.Conn, error) {
	host, port, err := site.HostPort(addressOf(origin))
	if err != nil {
		return nil, nil, err
	}
	raw, err := p.Dialer.Dial(ctx, host, port)
	if err != nil {
		return nil, nil, err
	}
	w := &wire{Conn: raw, plain: origin.Scheme == "http"}
	if w.plain {
		return w, w, nil
	}
	config := &tls.Config{ServerName: host, RootCAs: p.Roots, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}
	if upgrade {
		config.NextProtos = []string{"http/1.1"} // what changes the protocol is of that version
	}
	conn := tls.Client(w, config)
	ctx, cancel := context.WithTimeout(ctx, handshakeTime)
	defer cancel()
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		if _, bad := errors.AsType[*tls.CertificateVerificationError](err); bad || ctx.Err() != nil {
			return nil, nil, err
		}
		return nil, nil, unreached(err)
	}
	return w, conn, nil
}
