package upstream_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hotcell/internal/wire/authority"
	"hotcell/internal/wire/upstream"
)

const host = "example.com" // which the certificate of httptest is for

// direct dials one address, whatever is asked for.
type direct struct {
	address string
	dialled atomic.Int64
}

func (d *direct) Dial(ctx context.Context, _ string, _ int) (net.Conn, error) {
	d.dialled.Add(1)
	return (&net.Dialer{}).DialContext(ctx, "tcp", d.address)
}

// service is a server that is a function of a connection, under TLS.
type service struct {
	*direct
	pool *upstream.Pool
	// requests is how many heads were read.
	requests atomic.Int64
}

func open(t *testing.T, protocol string, talk func(*service, net.Conn)) *service {
	t.Helper()
	ca, err := authority.New("test", time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := ca.Issue(host)
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{certificate}, NextProtos: []string{protocol}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	s := &service{direct: &direct{address: l.Addr().String()}}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca.PEM())
	s.pool = upstream.New(upstream.Config{Dialer: s.direct, Roots: roots})
	t.Cleanup(s.pool.Close)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = c.Close() }()
				talk(s, c)
			}()
		}
	}()
	return s
}

// head reads the head of a request, and its body where its length is told.
func (s *service) head(from *bufio.Reader) (line string, head textproto.MIMEHeader, err error) {
	reader := textproto.NewReader(from)
	if line, err = reader.ReadLine(); err != nil {
		return "", nil, err
	}
	head, err = reader.ReadMIMEHeader()
	s.requests.Add(1)
	return line, head, err
}

func get(t *testing.T, method, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "https://"+host+"/x", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// ask makes a request, and reads what is answered to its end.
func (s *service) ask(t *testing.T, h upstream.Holder, r *http.Request) (string, error) {
	t.Helper()
	answer, err := s.pool.For(h).RoundTrip(r)
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(answer.Body)
	return string(text), errors.Join(err, answer.Body.Close())
}

var anyone = upstream.Holder{Job: "job_1", Of: "att_1", Version: 1}

// TestWhenAConnectionIsUsedAgain: after an answer that was asked for, came whole,
// and stood alone.
func TestWhenAConnectionIsUsedAgain(t *testing.T) {
	t.Parallel()
	const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
	for name, c := range map[string]struct {
		method, body, answer string
		kept                 bool
	}{
		"an answer":                       {"GET", "", ok, true},
		"one in chunks":                   {"GET", "", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-T: 1\r\n\r\n", true},
		"one without a body":              {"GET", "", "HTTP/1.1 204 No Content\r\n\r\n", true},
		"a head alone":                    {"HEAD", "", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", true},
		"a post without a body":           {"POST", "", ok, true},
		"one that was announced":          {"GET", "", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + ok, true},
		"a body":                          {"POST", "hello", ok, false},
		"a body of a GET":                 {"GET", "hello", ok, false},
		"a second answer":                 {"GET", "", ok + ok, false},
		"a byte more":                     {"GET", "", ok + "\n", false},
		"more than was told":              {"GET", "", ok + "k", false},
		"a body where none is":            {"HEAD", "", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", false},
		"a body of one without":           {"GET", "", "HTTP/1.1 204 No Content\r\n\r\nok", false},
		"a server that closes":            {"GET", "", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", false},
		"the old version":                 {"GET", "", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", false},
		"a server that keeps for nothing": {"GET", "", "HTTP/1.1 200 OK\r\nKeep-Alive: timeout=0\r\nContent-Length: 2\r\n\r\nok", false},
	} {
		for _, pieces := range []int{1, 7, 1000} {
			t.Run(fmt.Sprint(name, " ", pieces), func(t *testing.T) {
				t.Parallel()
				answered := make(chan struct{}, 8)
				s := open(t, "http/1.1", func(s *service, conn net.Conn) {
					from := bufio.NewReader(conn)
					for {
						if _, _, err := s.head(from); err != nil {
							return
						}
						for rest := c.answer; rest != ""; {
							n := min(pieces, len(rest))
							if _, err := io.WriteString(conn, rest[:n]); err != nil {
								return
							}
							rest = rest[n:]
						}
						answered <- struct{}{}
					}
				})
				for range 2 {
					// What a server repeats unasked may come any time: here, before what follows.
					answer, err := s.pool.For(anyone).RoundTrip(get(t, c.method, c.body))
					if err != nil {
						t.Fatal(err)
					}
					<-answered
					_, _ = io.Copy(io.Discard, answer.Body)
					_ = answer.Body.Close()
				}
				if dialled := s.dialled.Load(); (dialled == 1) != c.kept {
					t.Errorf("%d connections for two requests", dialled)
				}
			})
		}
	}
}

// TestAConnectionIsOfOneHolder: whatever of the three differs, it is another.
func TestAConnectionIsOfOneHolder(t *testing.T) {
	t.Parallel()
	for _, two := range []bool{false, true} {
		s, seen := counting(t, two)
		holders := []upstream.Holder{anyone, {Job: "job_2", Of: "att_1", Version: 1}, {Job: "job_1", Of: "att_2", Version: 1}, {Job: "job_1", Of: "att_1", Version: 2}}
		for range 3 {
			for _, h := range holders {
				r := get(t, "GET", "")
				r.Header.Set("X-Holder", fmt.Sprint(h))
				if _, err := s.ask(t, h, r); err != nil {
					t.Fatal(err)
				}
			}
		}
		if s.dialled.Load() != 4 {
			t.Errorf("two %v: %d connections for 4 holders", two, s.dialled.Load())
		}
		for conn, who := range seen() {
			if len(who) != 1 {
				t.Errorf("%s was for %v", conn, who)
			}
		}
		// What ends with a job, ends; the others' stay.
		s.pool.End("job_1")
		for _, h := range holders {
			if _, err := s.ask(t, h, get(t, "GET", "")); err != nil {
				t.Fatal(err)
			}
		}
		if s.dialled.Load() != 7 {
			t.Errorf("two %v: %d connections in all, after the end of a job", two, s.dialled.Load())
		}
		// Nobody's is kept.
		for range 2 {
			if _, err := s.ask(t, upstream.Holder{}, get(t, "POST", "x")); err != nil {
				t.Fatal(err)
			}
		}
		if s.dialled.Load() != 9 {
			t.Errorf("two %v: %d connections in all, with two of nobody", two, s.dialled.Load())
		}
	}
}

// counting is a server by net/http, and who was seen on each of its connections.
func counting(t *testing.T, two bool) (*service, func() map[string]map[string]bool) {
	t.Helper()
	var mu sync.Mutex
	seen := map[string]map[string]bool{}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		mu.Lock()
		defer mu.Unlock()
		if seen[r.RemoteAddr] == nil {
			seen[r.RemoteAddr] = map[string]bool{}
		}
		if who := r.Header.Get("X-Holder"); who != "" {
			seen[r.RemoteAddr][who] = true
		}
		_, _ = io.WriteString(w, r.Proto)
	}))
	server.EnableHTTP2 = two
	server.StartTLS()
	t.Cleanup(server.Close)
	s := &service{direct: &direct{address: server.Listener.Addr().String()}}
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	s.pool = upstream.New(upstream.Config{Dialer: s.direct, Roots: roots})
	t.Cleanup(s.pool.Close)
	return s, func() map[string]map[string]bool {
		mu.Lock()
		defer mu.Unlock()
		return seen
	}
}

// TestNothingIsSentTwice: a server that reads a request and goes away may have done
// it; one that closes between requests has not.
func TestNothingIsSentTwice(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "POST"} {
		var answered atomic.Int64
		s := open(t, "http/1.1", func(s *service, conn net.Conn) {
			from := bufio.NewReader(conn)
			for {
				if _, _, err := s.head(from); err != nil {
					return
				}
				if s.requests.Load()%2 == 0 {
					return // read, and gone
				}
				answered.Add(1)
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			}
		})
		for i := range 20 {
			r := get(t, method, "")
			r.Header.Set("Idempotency-Key", "x")
			if _, err := s.ask(t, anyone, r); (err == nil) != (i%2 == 0) {
				t.Fatalf("%s %d: %v", method, i, err)
			}
		}
		if s.requests.Load() != 20 {
			t.Errorf("%s: 20 requests were sent as %d", method, s.requests.Load())
		}
	}
}

// TestABodyIsWholeOrBroken: a body that fails does not look whole to the server.
func TestABodyIsWholeOrBroken(t *testing.T) {
	t.Parallel()
	s, _ := counting(t, false)
	for name, c := range map[string]struct {
		body   io.Reader
		length int64
		ok     bool
	}{
		"whole": {strings.NewReader("hello"), 5, true}, "in chunks": {struct{ io.Reader }{strings.NewReader(strings.Repeat("a", 100_000))}, -1, true},
		"short": {strings.NewReader("hel"), 5, false}, "long": {strings.NewReader("hello!"), 5, false},
		"broken": {io.MultiReader(strings.NewReader("hel"), broken{}), -1, false},
	} {
		r := get(t, "POST", "")
		r.Body, r.ContentLength = io.NopCloser(c.body), c.length
		if _, err := s.ask(t, anyone, r); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("broken") }

// TestARequestThatCouldBeReadInTwoWaysIsNotSent tries what ends a line.
func TestARequestThatCouldBeReadInTwoWaysIsNotSent(t *testing.T) {
	t.Parallel()
	s, _ := counting(t, false)
	for name, change := range map[string]func(*http.Request){
		"a method": func(r *http.Request) { r.Method = "GET / HTTP/1.1\r\nX: " }, "a path": func(r *http.Request) { r.URL.Opaque = "/a b" },
		"a line in a path": func(r *http.Request) { r.URL.Opaque = "/a\r\nX: y" }, "a header": func(r *http.Request) { r.Header["X"] = []string{"a\r\nY: z"} },
		"a name": func(r *http.Request) { r.Header["X: y\r\nZ"] = []string{"a"} }, "a name with a space": func(r *http.Request) { r.Header["Content-Length "] = []string{"5"} },
		"a host": func(r *http.Request) { r.Host = "a\r\nX: y" }, "a user": func(r *http.Request) { r.URL.User = url.User("x") },
		"a trailer": func(r *http.Request) { r.Trailer = http.Header{"X\r\n": {"y"}} },
	} {
		r := get(t, "GET", "")
		change(r)
		if _, err := s.ask(t, anyone, r); err == nil {
			t.Errorf("%s was sent", name)
		}
	}
	if s.dialled.Load() > 0 {
		t.Error("something was dialled")
	}
}

func TestALimitOnWhatIsKept(t *testing.T) {
	t.Parallel()
	s, _ := counting(t, false)
	pool := upstream.New(upstream.Config{Dialer: s.direct, Roots: s.pool.Roots, Total: 3})
	t.Cleanup(pool.Close)
	for range 2 {
		for i := range 5 {
			answer, err := pool.For(upstream.Holder{Job: "job_1", Of: fmt.Sprint(i)}).RoundTrip(get(t, "GET", ""))
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, answer.Body)
			_ = answer.Body.Close()
		}
	}
	if s.dialled.Load() != 10 {
		t.Errorf("%d connections: the oldest of five was to be let go of", s.dialled.Load())
	}
}
