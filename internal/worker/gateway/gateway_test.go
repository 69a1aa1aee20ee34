package gateway_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hotcell"
	"hotcell/internal/line/cellrpc"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/value/guard"
	"hotcell/internal/worker/gateway"
)

const payload = "CANARY-payload-7q4vXr9k"

// world is what a gateway stands between.
type world struct {
	mu sync.Mutex
	// steps are those by which a login may be sent.
	steps   []hotcell.WayStep
	events  []hotcell.Event
	dials   []string
	log     bytes.Buffer
	exit    *cellrpc.Exit
	leases  int
	deaf    error // what Report fails with
	answer  func(net.Conn)
	gateway *gateway.Gateway
	line    string

	allow     []hotcell.Allow
	uses      []hotcell.Use
	builder   *guard.Builder
	forwarded []string
	fault     string
	forward   func() *http.Response
	asked     []string
	// hold keeps questions waiting until it is closed.
	hold <-chan struct{}

	toolWorld
}

func (w *world) Lease(_ context.Context, _ hotcell.JobID, key []byte) (message, fingerprints []byte, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.leases++
	fingerprints, err = w.builder.Fingerprints().MarshalBinary()
	return append([]byte("sealed to "), key...), fingerprints, err
}

func (w *world) Rules(context.Context, hotcell.JobID) (*vaultrpc.RulesAnswer, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return &vaultrpc.RulesAnswer{Allow: w.allow, Uses: w.uses, Token: w.token, Expires: w.expires}, nil
}

// Forward answers as the vault would: here by repeating what it was asked.
func (w *world) Forward(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.forwarded = append(w.forwarded, r.Header.Get(vaultrpc.HeaderUse)+" "+r.Method+" "+r.Header.Get(vaultrpc.HeaderTarget))
	if w.fault != "" {
		header := http.Header{vaultrpc.HeaderFault: {"refused"}}
		return &http.Response{StatusCode: http.StatusForbidden, Header: header, Body: io.NopCloser(strings.NewReader(w.fault))}, nil
	}
	if w.forward != nil {
		return w.forward(), nil
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("by the vault"))}, nil
}

func (w *world) Connect(context.Context, hotcell.JobID, hotcell.AttachmentID, vaultrpc.DatabaseOpening) (io.ReadWriteCloser, vaultrpc.DatabaseOpened, error) {
	return nil, vaultrpc.DatabaseOpened{}, hotcell.ErrDenied
}

func (w *world) Ask(ctx context.Context, _ hotcell.JobID, a hotcell.Allow, why string) (hotcell.Request, error) {
	if w.hold != nil { // nobody decides
		select {
		case <-w.hold:
		case <-ctx.Done():
		}
		return hotcell.Request{ID: "ask_a", State: hotcell.RequestPending}, nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = append(w.asked, why)
	w.allow = append(w.allow, a)
	return hotcell.Request{ID: "ask_a", State: hotcell.RequestApproved, Allow: a}, nil
}

func (w *world) Report(_ context.Context, _ hotcell.JobID, events ...hotcell.Event) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.deaf != nil {
		return w.deaf
	}
	w.events = append(w.events, events...)
	return nil
}

func (w *world) Files(context.Context) (io.ReadCloser, error) {
	return nil, nil //nolint:nilnil // the contract of the sink: nil where there is none
}
func (w *world) Cache(context.Context, []hotcell.Use) (io.ReadCloser, error) {
	return nil, nil //nolint:nilnil // the contract of the sink: nil where there is none
}
func (w *world) KeepCache(context.Context, []hotcell.Use, io.Reader) error { return nil }
func (w *world) Started(context.Context) error                             { return nil }
func (w *world) Output(_ context.Context, r io.Reader) error {
	_, err := io.Copy(io.Discard, r)
	return err
}

func (w *world) Log(_ context.Context, stream string, _ time.Time, data []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	fmt.Fprintf(&w.log, "%s:%s;", stream, data)
	return nil
}

func (w *world) Exit(_ context.Context, e cellrpc.Exit) error {
	w.exit = &e
	return nil
}

// Dial counts, and connects to what the test answers with.
func (w *world) Dial(_ context.Context, host string, port int) (net.Conn, error) {
	w.mu.Lock()
	w.dials = append(w.dials, fmt.Sprintf("%s:%d", host, port))
	answer := w.answer
	w.mu.Unlock()
	here, there := net.Pipe()
	go answer(there)
	return here, nil
}

func (w *world) kinds() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []string
	for _, e := range w.events {
		out = append(out, e.Kind+" "+e.Host)
	}
	return out
}

// recorded are the reasons of the events of a kind.
func (w *world) recorded(kind string) (reasons []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.events {
		if e.Kind == kind {
			reasons = append(reasons, e.Reason)
		}
	}
	return reasons
}

func (w *world) dialled() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.dials)
}

func start(t *testing.T, changes ...func(*world, *gateway.Config)) *world {
	t.Helper()
	w := &world{line: filepath.Join(t.TempDir(), "line"), builder: guard.NewBuilder(), answer: func(c net.Conn) { _, _ = io.Copy(c, c); _ = c.Close() }}
	w.allow = []hotcell.Allow{
		{Host: "api.acme.test", Port: 443, Protocol: hotcell.ProtocolHTTPS}, {Host: "192.0.2.1", Port: 443, Protocol: hotcell.ProtocolHTTPS},
		{Host: "db.acme.test", Port: 5432, Protocol: hotcell.ProtocolPostgres}, {Host: "raw.acme.test", Port: 22, Protocol: hotcell.ProtocolTCP}, {Host: "open.acme.test", Port: 22, Protocol: hotcell.ProtocolTCP},
	}
	c := gateway.Config{
		Job: hotcell.Job{ID: "job_a", Arguments: []string{"x"}, Work: hotcell.Work{Command: "true", Allow: w.allow}}, Vault: w, Sink: w, Dialer: w,
		TCP:       func(a hotcell.Allow) bool { return a.Host == "open.acme.test" },
		Untouched: func(host string, _ int) bool { return host == "api.acme.test" },
		Now:       time.Now, Log: slog.New(slog.DiscardHandler),
	}
	for _, change := range changes {
		change(w, &c)
	}
	var err error
	if w.gateway, err = gateway.New(c); err != nil {
		t.Fatal(err)
	}
	if err := w.gateway.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", w.line)
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = w.gateway.Serve(l) }()
	t.Cleanup(w.gateway.Close)
	t.Cleanup(func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if text, _ := json.Marshal(w.events); bytes.Contains(text, []byte(payload)) {
			t.Errorf("an event holds what was sent: %s", text)
		}
	})
	return w
}

func (w *world) open(t *testing.T) net.Conn {
	t.Helper()
	c, err := net.Dial("unix", w.line)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// say sends raw bytes on a fresh connection and returns the status line's code.
func (w *world) say(t *testing.T, raw string) (int, string) {
	t.Helper()
	c := w.open(t)
	if _, err := io.WriteString(c, raw); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return 0, err.Error()
	}
	text, _ := io.ReadAll(io.LimitReader(answer.Body, 4000))
	return answer.StatusCode, string(text)
}

// connect opens a tunnel.
func (w *world) connect(t *testing.T, target string) (net.Conn, *bufio.Reader, int, string) {
	t.Helper()
	c := w.open(t)
	if _, err := fmt.Fprintf(c, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", target, target); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(c)
	answer, err := http.ReadResponse(r, &http.Request{Method: http.MethodConnect})
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	if answer.StatusCode != http.StatusOK {
		b, _ := io.ReadAll(answer.Body)
		text = string(b)
	}
	return c, r, answer.StatusCode, text
}

func TestOnlyWhatIsAllowedIsDialled(t *testing.T) {
	t.Parallel()
	w := start(t)
	for _, target := range []string{
		"evil.example:443", "api.acme.test:444", "api.acme.test:22", "sub.api.acme.test:443", "acme.test:443", "192.0.2.2:443", "[::ffff:192.0.2.2]:443", "127.0.0.1:443", "localhost:443",
		"raw.acme.test:22", "api.acme.test", "api.acme.test:", "api.acme.test:0", "api.acme.test:0443", "user@api.acme.test:443", "api.acme.test:443/", "0x7f.1:443", "api.acme.test%00:443",
	} {
		if _, _, status, text := w.connect(t, target); status/100 == 2 {
			t.Errorf("%s: %d %s", target, status, text)
		}
	}
	if n := w.dialled(); n != 0 {
		t.Errorf("%d connections were dialled", n)
	}
	if events := w.kinds(); len(events) < 12 || slices.ContainsFunc(events, func(e string) bool { return !strings.HasPrefix(e, "network.refuse ") }) {
		t.Errorf("events: %q", events)
	}
	for _, target := range []string{"api.acme.test:443", "API.acme.test.:443", "192.0.2.1:443", "db.acme.test:5432", "open.acme.test:22"} {
		if _, _, status, text := w.connect(t, target); status != 200 {
			t.Errorf("%s: %d %s", target, status, text)
		}
	}
}

func TestWhatCannotBeRecordedIsNotDialled(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.deaf = errors.New("the disk is full")
	if _, _, status, text := w.connect(t, "api.acme.test:443"); status != 503 || w.dialled() != 0 {
		t.Errorf("%d %s, %d dialled", status, text, w.dialled())
	}
}

func hello(t *testing.T, name string, most uint16) []byte {
	t.Helper()
	here, there := net.Pipe()
	go func() {
		_ = tls.Client(here, &tls.Config{ServerName: name, InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: most}).Handshake()
	}()
	buf := make([]byte, 16<<10)
	n, err := there.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	_ = here.Close()
	return buf[:n]
}

func TestATunnelForHTTPSCarriesTLSForThatHostOnly(t *testing.T) {
	t.Parallel()
	good := hello(t, "api.acme.test", tls.VersionTLS13)
	for name, c := range map[string]struct {
		head []byte
		may  bool
	}{
		"its name":       {good, true},
		"in small steps": {good, true},
		"another's name": {hello(t, "evil.example", tls.VersionTLS13), false},
		"no name":        {hello(t, "", tls.VersionTLS13), false},
		"TLS 1.1":        {hello(t, "api.acme.test", tls.VersionTLS11), false},
		"plain HTTP":     {[]byte("GET /" + payload + " HTTP/1.1\r\nHost: api.acme.test\r\n\r\n"), false},
		"SSH":            {[]byte("SSH-2.0-" + payload + "\r\n"), false},
		"an alert":       {[]byte{21, 3, 3, 0, 2, 1, 0}, false},
		"a lie in it":    {append(append([]byte{}, good[:40]...), make([]byte, 200)...), false},
	} {
		w := start(t)
		seen := make(chan []byte, 1)
		w.answer = func(c net.Conn) {
			buf := make([]byte, 16<<10)
			n, _ := c.Read(buf)
			seen <- buf[:n]
			_ = c.Close()
		}
		conn, r, status, text := w.connect(t, "api.acme.test:443")
		if status != 200 {
			t.Fatalf("%s: %d %s", name, status, text)
		}
		step := len(c.head)
		if name == "in small steps" {
			step = 7
		}
		for part := range slices.Chunk(c.head, step) {
			_, _ = conn.Write(part)
		}
		if !c.may {
			_ = conn.(*net.UnixConn).CloseWrite()
		}
		rest, _ := io.ReadAll(r)
		got := <-seen
		if c.may != (len(got) > 0) || !bytes.HasPrefix(c.head, got) {
			t.Errorf("%s: %d bytes arrived", name, len(got))
		}
		if name == "plain HTTP" && !bytes.Contains(rest, []byte("is allowed for HTTPS only")) {
			t.Errorf("%s: it is told %q", name, rest)
		}
	}
}

func TestATunnelForADatabaseCarriesThatOnly(t *testing.T) {
	t.Parallel()
	ask := []byte{0, 0, 0, 8, 4, 210, 22, 47} // SSLRequest
	plain := append([]byte{0, 0, 0, 20, 0, 3, 0, 0}, "user\x00report\x00\x00"...)
	for name, c := range map[string]struct {
		first  []byte
		answer byte
		may    bool
	}{
		"TLS that the server gives":   {ask, 'S', true},
		"TLS that the server refuses": {ask, 'N', false},
		"plain":                       {plain, 'S', false},
		"something else":              {[]byte("GET / HTTP/1.1\r\n\r\n"), 'S', false},
	} {
		w := start(t)
		after, says := make(chan int, 1), c.answer
		w.answer = func(c net.Conn) {
			buf := make([]byte, 100)
			n, _ := io.ReadFull(c, buf[:8])
			if n == 8 {
				_, _ = c.Write([]byte{says})
			}
			n, _ = c.Read(buf)
			after <- n
			_ = c.Close()
		}
		conn, r, status, _ := w.connect(t, "db.acme.test:5432")
		if status != 200 {
			t.Fatal(status)
		}
		_, _ = conn.Write(c.first)
		first, err := r.ReadByte()
		if c.may {
			if err != nil || first != 'S' {
				t.Errorf("%s: %c, %v", name, first, err)
			}
			_, _ = conn.Write([]byte("more"))
		}
		if n := <-after; c.may != (n > 0) {
			t.Errorf("%s: %d more bytes arrived", name, n)
		}
	}
}

func TestTheLeaseIsAskedForOnceAndBeforeTheStart(t *testing.T) {
	t.Parallel()
	lease := "POST /lease HTTP/1.1\r\nHost: g\r\nContent-Length: 21\r\n\r\n" + `{"public_key":"a2V5"}`
	w := start(t)
	if status, text := w.say(t, lease); status != 200 || !strings.Contains(text, "message") {
		t.Fatalf("%d %s", status, text)
	}
	if status, _ := w.say(t, lease); status != 403 || w.leases != 1 {
		t.Errorf("asked again: %d, %d leases", status, w.leases)
	}
	if !slices.Contains(w.kinds(), "lease.refuse ") {
		t.Errorf("events: %q", w.kinds())
	}
	late := start(t)
	if status, _ := late.say(t, "POST /started HTTP/1.1\r\nHost: g\r\nContent-Length: 2\r\n\r\n{}"); status != 204 {
		t.Fatal(status)
	}
	if status, _ := late.say(t, lease); status != 403 || late.leases != 0 {
		t.Errorf("asked after the start: %d, %d leases", status, late.leases)
	}
}

func TestNothingElseIsUnderstood(t *testing.T) {
	t.Parallel()
	w := start(t)
	for raw, want := range map[string]int{
		"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n":                                    403,
		"POST http://gateway/lease HTTP/1.1\r\nHost: gateway\r\nContent-Length: 2\r\n\r\n{}":                 403,
		"GET /secrets HTTP/1.1\r\nHost: g\r\n\r\n":                                                           404,
		"GET /lease HTTP/1.1\r\nHost: g\r\n\r\n":                                                             405,
		"POST /log?stream=audit HTTP/1.1\r\nHost: g\r\nContent-Length: 0\r\n\r\n":                            400,
		"POST /lease HTTP/1.1\r\nHost: g\r\nContent-Length: 5\r\n\r\n[1,2]":                                  400,
		"GET / HTTP/1.1\r\nHost: g\r\nX: " + strings.Repeat("x", 64<<10) + "\r\n\r\n":                        431,
		"CONNECT evil.example:443 HTTP/1.1\r\nHost: api.acme.test:443\r\n\r\n":                               403,
		"CONNECT /lease HTTP/1.1\r\nHost: api.acme.test:443\r\n\r\n":                                         403,
		"POST /exit HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n": 400,
	} {
		if status, text := w.say(t, raw); status != want {
			t.Errorf("%.60q: %d %s, want %d", raw, status, text, want)
		}
	}
	// What the browser's cell may ask, a job's own may not: the way to a login, and to
	// files, is that cell's line alone.
	for _, path := range []string{cellrpc.PathLogins, cellrpc.PathArm, cellrpc.PathAwaitArm, cellrpc.PathFill, cellrpc.PathAskLogin, cellrpc.PathAskWay, cellrpc.PathSession, cellrpc.PathFile} {
		for _, method := range []string{"GET", "POST", "PUT"} {
			if status, text := w.say(t, method+" "+path+" HTTP/1.1\r\nHost: g\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"); status != 404 {
				t.Errorf("%s %s: %d %s, want 404", method, path, status, text)
			}
		}
	}
	if w.dialled() != 0 || w.leases != 0 {
		t.Errorf("%d dialled, %d leases", w.dialled(), w.leases)
	}
}

func TestTheEndOfTheGatewayIsTheEndOfItsTunnels(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*gateway.Gateway){
		"closed": (*gateway.Gateway).Close, "revoked": func(g *gateway.Gateway) { g.Revoke("the secret was deleted") }, "cut": (*gateway.Gateway).Cut,
	} {
		w := start(t)
		conn, r, status, _ := w.connect(t, "open.acme.test:22")
		if status != 200 {
			t.Fatal(status)
		}
		_, _ = conn.Write([]byte("x"))
		if b, err := r.ReadByte(); err != nil || b != 'x' {
			t.Fatalf("%s: the tunnel does not work: %v", name, err)
		}
		end(w.gateway)
		if _, err := r.ReadByte(); err == nil {
			t.Errorf("%s: the tunnel lives on", name)
		}
		if name == "revoked" {
			if _, _, status, text := w.connect(t, "open.acme.test:22"); status != 403 || !strings.Contains(text, "deleted") {
				t.Errorf("%s: a new one: %d %s", name, status, text)
			}
		}
		if name == "cut" {
			if _, _, status, _ := w.connect(t, "open.acme.test:22"); status != 200 {
				t.Errorf("%s: a new one: %d", name, status)
			}
		}
	}
}

func TestLogsArriveAsTheyAreWritten(t *testing.T) {
	t.Parallel()
	w := start(t)
	c := w.open(t)
	_, _ = io.WriteString(c, "POST /log?stream=stderr HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n")
	for range 200 {
		w.mu.Lock()
		text := w.log.String()
		w.mu.Unlock()
		if text == "stderr:one;" {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("the first piece never arrived")
}
