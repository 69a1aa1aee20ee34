package gateway_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/wire/netguard"
	"hotcell/internal/worker/gateway"
)

// said is a log that may be read while it is written.
type said struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *said) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(b)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// faulty is a world in which some part throws what it was given.
type faulty struct {
	*world
	at string
	// to is where a site is; nil for what the world answers.
	to netguard.Dialer
}

func (f *faulty) throw(at string) {
	if at == f.at {
		panic(at + " of " + payload)
	}
}

func (f *faulty) Lease(ctx context.Context, j hotcell.JobID, key []byte) (message, prints []byte, err error) {
	f.throw("lease")
	return f.world.Lease(ctx, j, key)
}

func (f *faulty) Forward(r *http.Request) (*http.Response, error) {
	f.throw("forward")
	if f.at == "answer" {
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, ContentLength: -1, Body: &late{}}, nil
	}
	return f.world.Forward(r)
}

func (f *faulty) Log(ctx context.Context, stream string, at time.Time, data []byte) error {
	f.throw("log")
	return f.world.Log(ctx, stream, at, data)
}

func (f *faulty) Output(ctx context.Context, r io.Reader) error {
	f.throw("output")
	return f.world.Output(ctx, r)
}

func (f *faulty) Files(ctx context.Context) (io.ReadCloser, error) {
	f.throw("files")
	return f.world.Files(ctx)
}

func (f *faulty) ListTools(ctx context.Context, r *vaultrpc.ListToolsRequest) (*vaultrpc.ListToolsAnswer, error) {
	f.throw("tools")
	return f.world.ListTools(ctx, r)
}

func (f *faulty) Dial(ctx context.Context, host string, port int) (net.Conn, error) {
	f.throw("dial")
	if f.to != nil {
		return f.to.Dial(ctx, host, port)
	}
	c, err := f.world.Dial(ctx, host, port)
	if f.at == "tunnel" {
		c = &cracked{c}
	}
	return c, err
}

// late is a body that throws after its first bytes, cracked a connection that throws
// when it is written to.
type late struct{ begun bool }

func (l *late) Read(b []byte) (int, error) {
	if l.begun {
		panic("a body of " + payload)
	}
	l.begun = true
	return copy(b, "a part"), nil
}

func (l *late) Close() error { return nil }

type cracked struct{ net.Conn }

func (c *cracked) Write([]byte) (int, error) { panic("a connection of " + payload) }

// TestAFaultAtAnyBorderEndsOneStream throws at each border of a gateway, and then has a
// bystander at the same gateway do the same without a fault.
func TestAFaultAtAnyBorderEndsOneStream(t *testing.T) {
	t.Parallel()
	post := func(method, path, body string) func(*testing.T, *world) bool {
		return func(t *testing.T, w *world) bool {
			t.Helper()
			status, text := w.say(t, method+" "+path+" HTTP/1.1\r\nHost: g\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\nConnection: close\r\nContent-Length: "+
				strconv.Itoa(len(body))+"\r\n\r\n"+body)
			if strings.Contains(text, payload) {
				t.Errorf("%s tells what was thrown: %s", path, text)
			}
			return status/100 == 2 && !strings.Contains(text, `"error"`)
		}
	}
	tunnel := func(target string) func(*testing.T, *world) bool {
		return func(t *testing.T, w *world) bool {
			t.Helper()
			c, r, status, _ := w.connect(t, target)
			if status != 200 {
				return false
			}
			_, _ = io.WriteString(c, "hello")
			_ = c.(*net.UnixConn).CloseWrite()
			b, _ := io.ReadAll(r)
			return string(b) == "hello"
		}
	}
	for at, do := range map[string]func(*testing.T, *world) bool{
		"lease":  post("POST", "/lease", `{"public_key":"AAAA"}`),
		"log":    post("POST", "/log?stream=stdout", payload),
		"output": post("PUT", "/out", "x"),
		"files":  post("GET", "/files", ""),
		"tools":  post("POST", "/mcp", `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}`),
		"dial":   tunnel("open.acme.test:22"),
		"tunnel": tunnel("open.acme.test:22"),
	} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			f, log := &faulty{at: at}, &said{}
			w := start(t, func(w *world, c *gateway.Config) {
				f.world = w
				c.Vault, c.Sink, c.Dialer, c.Log = f, f, f, slog.New(slog.NewTextHandler(log, nil))
			})
			if do(t, w) {
				t.Error("it went as if nothing had been thrown")
			}
			if text := log.String(); !strings.Contains(text, "a fault in the program was caught") || strings.Contains(text, payload) {
				t.Errorf("the log: %s", text)
			}
			f.at = ""
			if at != "lease" && !do(t, w) { // a lease is given once
				t.Error("a bystander does not go on")
			}
		})
	}
}

// TestAFaultInARequestOfTheCellIsRefused throws in what a request of the cell goes by:
// the way to the vault, its answer, and the dial, which a transport makes in a
// goroutine of its own.
func TestAFaultInARequestOfTheCellIsRefused(t *testing.T) {
	t.Parallel()
	for at, uses := range map[string][]hotcell.Use{
		"forward": {{Attachment: "att_a", Credential: "con_a", Name: "billing", As: hotcell.InjectHTTP, HTTP: &hotcell.HTTPAccess{Host: "example.com", Port: 443}}},
		"answer":  {{Attachment: "att_a", Credential: "con_a", Name: "billing", As: hotcell.InjectHTTP, HTTP: &hotcell.HTTPAccess{Host: "example.com", Port: 443}}},
		"dial":    nil,
	} {
		f, log := &faulty{}, &said{}
		want := "by the host"
		if uses != nil {
			want = "by the vault"
		}
		s := openSiteWith(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, want) }, func(w *world, c *gateway.Config) {
			f.world, f.to = w, c.Dialer
			c.Vault, c.Dialer, c.Log = f, f, slog.New(slog.NewTextHandler(log, nil))
		}, uses...)
		get := func() (int, string, error) {
			answer, err := s.client(t, false).Get("https://example.com/x")
			if err != nil {
				return 0, "", err
			}
			defer func() { _ = answer.Body.Close() }()
			b, err := io.ReadAll(answer.Body)
			return answer.StatusCode, string(b), err
		}
		f.at = at
		status, text, err := get()
		if err == nil && status < 500 || strings.Contains(text, payload) {
			t.Errorf("%s: %d %q %v", at, status, text, err)
		}
		if text := log.String(); !strings.Contains(text, "a fault in the program was caught") || strings.Contains(text, payload) {
			t.Errorf("%s: the log: %s", at, text)
		}
		f.at = ""
		if status, text, err := get(); status != 200 || text != want {
			t.Errorf("%s: a bystander: %d %q %v", at, status, text, err)
		}
	}
}
