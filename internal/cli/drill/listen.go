package drill

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path"
	"strconv"
	"sync"
	"time"

	"hotcell/internal/wire/authority"
)

// canary is a fresh value that is worth nothing.
func canary(prefix string) string {
	b := make([]byte, 36)
	_, _ = rand.Read(b) // never fails
	return prefix + base64.RawURLEncoding.EncodeToString(b)
}

// listeners are the hosts of one hand, and the authority that they are under.
type listeners struct {
	ca                     string
	evil, home, model, api *listener
}

// listener is a host that keeps all that arrives, as it arrives under TLS.
type listener struct {
	port   int
	server *http.Server
	mu     sync.Mutex
	got    bytes.Buffer
	// open is how many connections there are, and fewer is closed when there is one less.
	open  int
	fewer chan struct{}
}

// maxSeen is how much of what arrives is kept.
const maxSeen = 16 << 20

func (l *listener) note(b []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.got.Len() < maxSeen {
		l.got.Write(b)
	}
}

func (l *listener) seen() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Clone(l.got.Bytes())
}

func listen() (*listeners, error) {
	own, err := authority.New("Hotcell drill", time.Now(), 24*time.Hour)
	if err != nil {
		return nil, err
	}
	certificate, err := own.Issue(evilHost, homeHost, modelHost, apiHost)
	if err != nil {
		return nil, err
	}
	out := &listeners{ca: string(own.PEM())}
	for _, one := range []**listener{&out.evil, &out.home, &out.model, &out.api} {
		if *one, err = start(certificate); err != nil {
			return nil, errors.Join(err, out.close())
		}
	}
	return out, nil
}

func start(certificate tls.Certificate) (*listener, error) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listening for the drill: %w", err)
	}
	l := &listener{fewer: make(chan struct{})}
	if address, ok := inner.Addr().(*net.TCPAddr); ok {
		l.port = address.Port
	}
	l.server = &http.Server{
		Handler: l, ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 1 << 20, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
	}
	recorded := &recorder{tls.NewListener(inner, &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}), l}
	go func() { _ = l.server.Serve(recorded) }()
	return l, nil
}

type recorder struct {
	net.Listener
	to *listener
}

// Accept implements [net.Listener].
func (r *recorder) Accept() (net.Conn, error) {
	c, err := r.Listener.Accept()
	if err != nil {
		return nil, err
	}
	r.to.mu.Lock()
	r.to.open++
	r.to.mu.Unlock()
	return &recorded{Conn: c, to: r.to}, nil
}

type recorded struct {
	net.Conn
	to     *listener
	closed sync.Once
}

// Close implements [net.Conn].
func (r *recorded) Close() error {
	r.closed.Do(func() {
		r.to.mu.Lock()
		defer r.to.mu.Unlock()
		r.to.open--
		close(r.to.fewer)
		r.to.fewer = make(chan struct{})
	})
	return r.Conn.Close()
}

// settle waits until all that was sent to the hosts has arrived: until their connections
// are over, which they are soon after the end of the job that has them.
func (l *listeners) settle(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, maxSettle)
	defer cancel()
	for _, one := range []*listener{l.evil, l.home, l.model, l.api} {
		one.settle(ctx)
	}
}

// maxSettle is for how long connections are waited for that outlive their job.
const maxSettle = 5 * time.Second

func (l *listener) settle(ctx context.Context) {
	for {
		l.mu.Lock()
		open, fewer := l.open, l.fewer
		l.mu.Unlock()
		if open == 0 {
			return
		}
		select {
		case <-fewer:
		case <-ctx.Done():
			return
		}
	}
}

func (r *recorded) Read(b []byte) (int, error) {
	n, err := r.Conn.Read(b)
	r.to.note(b[:n])
	return n, err
}

func (l *listeners) forget() {
	for _, one := range []*listener{l.evil, l.home, l.model, l.api} {
		one.mu.Lock()
		one.got.Reset()
		one.mu.Unlock()
	}
}

func (l *listeners) close() error {
	var errs []error
	for _, one := range []*listener{l.evil, l.home, l.model, l.api} {
		if one != nil {
			errs = append(errs, one.server.Close())
		}
	}
	return errors.Join(errs...)
}

// ServeHTTP answers as a host of the kind that repeats what it was sent.
func (l *listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/ws":
		l.websocket(w, r)
		return
	case "/redirect":
		status, err := strconv.Atoi(r.URL.Query().Get("status"))
		if err != nil || status < http.StatusMultipleChoices || status > http.StatusPermanentRedirect {
			status = http.StatusFound
		}
		http.Redirect(w, r, r.URL.Query().Get("to"), status) //nolint:gosec // a hostile host, which redirects anywhere
		return
	case "/unread": // it answers before it has read the body
		_, _ = io.WriteString(w, "{}")
		return
	}
	body, _ := io.ReadAll(io.LimitReader(r.Body, maxSeen))
	l.note(body) // once more, without its chunks
	if path.Base(r.URL.Path) != "echo" {
		_, _ = io.WriteString(w, "{}")
		return
	}
	l.echo(w, r, body)
}

// websocket takes whatever comes, and notes it unmasked.
func (l *listener) websocket(w http.ResponseWriter, r *http.Request) {
	c, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer func() { _ = c.Close() }()
	_, _ = fmt.Fprintf(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: %s\r\nConnection: Upgrade\r\n\r\n", r.Header.Get("Upgrade"))
	_ = c.SetReadDeadline(time.Now().Add(3 * time.Second))
	for {
		var head [14]byte
		if _, err := io.ReadFull(buffered, head[:2]); err != nil {
			return
		}
		n := uint64(head[1] & 0x7f)
		switch n {
		case 126:
			_, err = io.ReadFull(buffered, head[2:4])
			n = uint64(binary.BigEndian.Uint16(head[2:4]))
		case 127:
			_, err = io.ReadFull(buffered, head[2:10])
			n = binary.BigEndian.Uint64(head[2:10])
		}
		var mask [4]byte
		if err == nil && head[1]&0x80 != 0 {
			_, err = io.ReadFull(buffered, mask[:])
		}
		if err != nil || n > maxSeen {
			return
		}
		payload := make([]byte, n)
		if _, err := io.ReadFull(buffered, payload); err != nil {
			return
		}
		for i := range payload {
			payload[i] ^= mask[i%4]
		}
		l.note(payload)
		if head[0]&0x0f == 8 {
			return
		}
		if said := credential(r); head[0]&0x0f == 1 && len(said) < 126 {
			_, _ = c.Write(append([]byte{0x81, byte(len(said))}, said...))
		}
	}
}
