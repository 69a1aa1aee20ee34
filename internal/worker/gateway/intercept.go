package gateway

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"hotcell"
	"hotcell/internal/line/border"
)

// interception is the part of a gateway that speaks HTTPS with the cell in the
// place of the hosts that it wants to reach.
type interception struct {
	server *http.Server
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

// maxHeaders is how large the head of a request may be.
const maxHeaders = 256 << 10

// maxStreams is how many requests may be under way on one connection of HTTP/2;
// what they send is held back by its windows, so that a connection holds 256 KiB.
const maxStreams = 100

func (g *Gateway) startInterception() {
	i := &interception{conns: make(chan net.Conn), closed: make(chan struct{})}
	i.server = &http.Server{
		Handler: g.border("a request of a cell", http.HandlerFunc(g.request)), MaxHeaderBytes: maxHeaders,
		ReadHeaderTimeout: openingTime, IdleTimeout: 5 * time.Minute,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: maxStreams, MaxReadFrameSize: 64 << 10,
			MaxReceiveBufferPerConnection: 256 << 10, MaxReceiveBufferPerStream: 128 << 10,
		},
		BaseContext: func(net.Listener) context.Context { return g.ctx },
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, targetKey{}, targetOf(c))
		},
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug), // what a job sends is not ours to log
	}
	g.inner = i
	border.Go("the requests of a cell", border.Log(g.Config.Log), func() { _ = i.server.Serve(i) })
}

// Accept implements [net.Listener].
func (i *interception) Accept() (net.Conn, error) {
	select {
	case c := <-i.conns:
		return c, nil
	case <-i.closed:
		return nil, net.ErrClosed
	}
}

// Close implements [net.Listener].
func (i *interception) Close() error {
	i.once.Do(func() { close(i.closed) })
	return nil
}

// Addr implements [net.Listener].
func (i *interception) Addr() net.Addr { return &net.UnixAddr{Name: "cell", Net: "unix"} }

// target is where the requests of one connection go.
type target struct {
	host string
	port int
	tap  *tap
	// browser is true for a connection of the browser's cell.
	browser bool
}

type targetKey struct{}

func targetOf(c net.Conn) *target {
	switch c := c.(type) {
	case *tls.Conn:
		if t, ok := c.NetConn().(*targeted); ok {
			return t.target
		}
	case *tap:
		return c.target
	}
	return nil
}

// targeted is a connection of the cell, under TLS, with what it is for.
type targeted struct {
	net.Conn
	target *target
	head   *bytes.Reader
	count  func(int) error
	// tail is what the client sent last, while the handshake goes on.
	tail    []byte
	greeted bool
}

func (t *targeted) Read(b []byte) (n int, err error) {
	if t.head.Len() > 0 {
		n, err = t.head.Read(b)
	} else {
		n, err = t.Conn.Read(b)
	}
	if !t.greeted {
		t.tail = append(t.tail, b[:n]...)
		t.tail = t.tail[max(0, len(t.tail)-alertSize):]
	}
	if failed := t.count(n); failed != nil {
		return 0, failed
	}
	return n, err
}

func (t *targeted) Write(b []byte) (int, error) {
	n, err := t.Conn.Write(b)
	if failed := t.count(n); failed != nil {
		return n, failed
	}
	return n, err
}

// intercept takes a connection that was let out and shows TLS, speaks for its
// host, and has its requests decided one by one. It returns when the
// connection is closed.
func (g *Gateway) intercept(client net.Conn, head []byte, to *target) error {
	config, err := g.authority.config(to.host, "h2", "http/1.1")
	if err != nil {
		return err
	}
	closed := make(chan struct{})
	under := &targeted{Conn: &closing{Conn: client, closed: closed}, target: to, head: bytes.NewReader(head), count: g.limits.bytes}
	conn := tls.Server(under, config)
	ctx, cancel := context.WithTimeout(g.ctx, openingTime)
	defer cancel()
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		if refusesCertificate(under.tail, err) {
			return errDistrusted
		}
		return err
	}
	under.greeted, under.tail = true, nil
	var given net.Conn = conn
	if conn.ConnectionState().NegotiatedProtocol != "h2" {
		to.tap = &tap{Conn: conn, target: to}
		given = to.tap
	}
	select {
	case g.inner.conns <- given:
	case <-g.ctx.Done():
		return conn.Close()
	}
	<-closed
	return nil
}

// closing tells when a connection is closed.
type closing struct {
	net.Conn
	closed chan struct{}
	once   sync.Once
}

func (c *closing) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// maxTap is how much of what a client wrote is remembered.
const maxTap = 64 << 10

// tap remembers what a client wrote last, so that the head of a request can be
// seen as it was written: net/http repairs what two parsers could read in two
// ways, and a request that needs that is refused instead.
type tap struct {
	*tls.Conn
	target *target
	mu     sync.Mutex
	last   []byte
}

func (t *tap) Read(b []byte) (int, error) {
	n, err := t.Conn.Read(b)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.last = append(t.last, b[:n]...); len(t.last) > maxTap {
		t.last = append(t.last[:0], t.last[len(t.last)-maxTap/2:]...)
	}
	return n, err
}

// ambiguous says whether the head of a request, as it was written, says twice
// and differently how long its body is (RFC 9112 section 6.1).
func (t *tap) ambiguous(r *http.Request) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	start := bytes.LastIndex(t.last, []byte(r.Method+" "+r.RequestURI+" HTTP/1."))
	if start < 0 {
		return true
	}
	head, _, whole := bytes.Cut(t.last[start:], []byte("\r\n\r\n"))
	clear(t.last[:start])
	if !whole {
		return true
	}
	lengths, codings := 0, 0
	for line := range bytes.SplitSeq(head, []byte("\n")) {
		name, _, _ := bytes.Cut(line, []byte(":"))
		switch string(bytes.ToLower(bytes.TrimSpace(name))) {
		case "content-length":
			lengths++
		case "transfer-encoding":
			codings++
		}
	}
	return lengths > 1 || codings > 1 || lengths > 0 && codings > 0
}

// passThrough joins a connection with its host untouched: where the operator
// left the host out, and for protocols that are not HTTP.
func (g *Gateway) passThrough(client net.Conn, buffered *bufio.Reader, upstream net.Conn, head []byte, about hotcell.Event, began time.Time) {
	var sent, received int64
	done := make(chan struct{})
	counted := func(to io.Writer) io.Writer { return &limited{to: to, count: g.limits.bytes} }
	border.Go("a connection of a cell, upwards", border.Log(g.Config.Log), func() {
		defer close(done)
		defer halfClose(upstream)
		sent, _ = io.Copy(counted(upstream), io.MultiReader(bytes.NewReader(head), buffered))
	})
	received, _ = io.Copy(counted(client), upstream)
	halfClose(client)
	<-done
	g.ended(about, sent+received, began)
}

// ended tells how a connection that was let out ended.
func (g *Gateway) ended(about hotcell.Event, size int64, began time.Time) {
	about.Kind, about.Decision = "network.end", hotcell.Allowed
	about.Size, about.Duration = size, g.Now().Sub(began).Milliseconds()
	if g.ctx.Err() != nil {
		about.Reason = context.Cause(g.ctx).Error()
	}
	_ = g.report(about)
}

type limited struct {
	to    io.Writer
	count func(int) error
}

func (l *limited) Write(b []byte) (int, error) {
	if err := l.count(len(b)); err != nil {
		return 0, err
	}
	return l.to.Write(b)
}

var errBytes = errors.New("the job has moved as many bytes as it may")
