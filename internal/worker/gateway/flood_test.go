package gateway_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"hotcell"
	"hotcell/internal/line/cellrpc"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/wire/budget"
	"hotcell/internal/worker/gateway"
)

// shared has two jobs' gateways count with each other.
func shared(jobs *budget.Jobs, id hotcell.JobID) func(*world, *gateway.Config) {
	return func(_ *world, c *gateway.Config) {
		c.Budget, c.Job.ID = jobs, id
		c.Untouched = func(string, int) bool { return false }
	}
}

// inside is a client in the cell, on as many connections as it likes.
func (w *world) inside() *http.Client {
	return &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", w.line)
	}}}
}

func status(t *testing.T, answer *http.Response, err error) int {
	t.Helper()
	if err != nil {
		return 0
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	_ = answer.Body.Close()
	return answer.StatusCode
}

// sum is how many events of a kind the log tells of, counted ones too, and in how
// many rows.
func (w *world) sum(kind string) (events, rows int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.events {
		if e.Kind != kind {
			continue
		}
		rows++
		n := 1
		if at := strings.LastIndex(e.Reason, "; "); strings.HasSuffix(e.Reason, " more like it") {
			_, _ = fmt.Sscan(strings.ReplaceAll(strings.TrimSpace(e.Reason[at+1:]), ",", ""), &n)
		}
		events += n
	}
	return events, rows
}

// Refusals come as fast as a job can ask; the log has them counted.
func TestAFloodOfRefusalsIsCountedInTheLog(t *testing.T) {
	t.Parallel()
	w := start(t)
	client := w.inside()
	const names = 3000
	var asks sync.WaitGroup
	for part := range 8 {
		asks.Go(func() {
			for i := part; i < names; i += 8 {
				body := strings.NewReader(fmt.Sprintf(`{"name":"n%d.evil.test"}`, i))
				answer, err := client.Post("http://gateway"+cellrpc.PathRefused, "application/json", body)
				if code := status(t, answer, err); code != http.StatusNoContent {
					t.Errorf("a refusal was told with %d", code)
				}
			}
		})
	}
	asks.Wait()
	w.gateway.Close()
	if events, rows := w.sum("network.refuse"); events != names || rows > 400 {
		t.Errorf("of %d refusals the log tells of %d, in %d rows", names, events, rows)
	}
}

// Questions beyond a job's share are refused at once; another job's waits beside.
func TestAFloodOfQuestionsIsRefusedAndOthersAreAsked(t *testing.T) {
	t.Parallel()
	jobs := budget.New(nil)
	flood, quiet := start(t, shared(jobs, "job_flood")), start(t, shared(jobs, "job_quiet"))
	flood.decided = make(chan hotcell.RequestState)
	flood.reply = func(*vaultrpc.CallToolRequest) (*vaultrpc.CallToolAnswer, error) {
		return &vaultrpc.CallToolAnswer{Waits: "ask_a"}, nil
	}
	held, stop := context.WithCancel(t.Context())
	defer stop()
	flood.hold = held.Done()
	client := flood.inside()
	var refused atomic.Int64
	done := make(chan int, 200)
	for range 200 {
		go func() {
			r, err := http.NewRequestWithContext(held, http.MethodPost, "http://gateway"+cellrpc.PathAsk, strings.NewReader(`{"host":"wanted.test","why":"why"}`))
			if err != nil {
				t.Error(err)
				return
			}
			answer, err := client.Do(r)
			code := status(t, answer, err)
			if code == http.StatusTooManyRequests {
				refused.Add(1)
			}
			done <- code
		}()
	}
	for range 200 - 64 {
		<-done
	}
	if n := refused.Load(); n != 200-64 {
		t.Errorf("%d of 200 questions were refused", n)
	}
	answer, err := quiet.inside().Post("http://gateway"+cellrpc.PathAsk, "application/json", strings.NewReader(`{"host":"wanted.test","why":"why"}`))
	if code := status(t, answer, err); code != http.StatusOK {
		t.Errorf("another job's question: %d", code)
	}
}

// Streams of HTTP/2 that are never answered: so many lead out, however many the
// job opens, and another job's request goes through beside them.
func TestAFloodOfStreamsHoldsNoMoreThanItsShare(t *testing.T) {
	t.Parallel()
	jobs := budget.New(budget.Limits{budget.Requests: {Each: 20, Queue: 30, All: 100}})
	flood, quiet := start(t, shared(jobs, "job_flood")), start(t, shared(jobs, "job_quiet"))
	held := make(chan struct{})
	t.Cleanup(func() { close(held) })
	flood.answer = func(c net.Conn) { <-held; _ = c.Close() }
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	codes := make(chan int, 200)
	for range 2 {
		client := flood.speaks(t)
		for range 60 {
			go func() {
				r, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://api.acme.test/", nil)
				if err != nil {
					t.Error(err)
					return
				}
				answer, err := client.RoundTrip(r)
				codes <- status(t, answer, err)
			}()
		}
	}
	for range 120 - 50 {
		if code := <-codes; code != http.StatusTooManyRequests {
			t.Errorf("beyond the share and the queue: %d", code)
		}
	}
	if n := flood.dialled(); n > 20 {
		t.Errorf("%d connections lead out", n)
	}
	if n := jobs.Of("job_flood").Held(budget.Requests); n != 20 {
		t.Errorf("%d requests are under way", n)
	}
	quiet.answer = func(c net.Conn) { _ = c.Close() }
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://api.acme.test/", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := quiet.speaks(t).RoundTrip(r)
	if code := status(t, answer, err); code != http.StatusBadGateway { // its host hung up: it was reached
		t.Errorf("another job's request: %d", code)
	}
}

// speaks is one connection of HTTP/2 to the allowed host.
func (w *world) speaks(t *testing.T) *http2.ClientConn { //nolint:staticcheck // net/http has none before 1.27
	t.Helper()
	raw, _, code, _ := w.connect(t, "api.acme.test:443")
	if code != http.StatusOK {
		t.Fatalf("CONNECT: %d", code)
	}
	conn := tls.Client(raw, &tls.Config{ServerName: "api.acme.test", InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	if err := conn.Handshake(); err != nil {
		t.Fatal(err)
	}
	client, err := (&http2.Transport{}).NewClientConn(conn) //nolint:staticcheck // one connection by hand
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// Tunnels and half-said requests that nobody goes on with: the cell's line takes
// so many, and what the init has to say still gets through when they are gone.
func TestAFloodOfConnectionsWaitsOnTheCellsOwnLine(t *testing.T) {
	t.Parallel()
	w := start(t, func(_ *world, c *gateway.Config) { c.Limits.Connections = 4 })
	var conns []net.Conn
	for range 4 + 64 { // as many as may be open
		c := w.open(t)
		if _, err := io.WriteString(c, "POST /log HTTP/1.1\r\n"); err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
	}
	said := make(chan int, 1)
	go func() {
		answer, err := w.inside().Post("http://gateway"+cellrpc.PathRefused, "application/json", strings.NewReader(`{"name":"late.test"}`))
		said <- status(t, answer, err)
	}()
	for _, c := range conns {
		_ = c.Close()
	}
	if code := <-said; code != http.StatusNoContent {
		t.Errorf("afterwards: %d", code)
	}
}

// An external job whose time is over says so by itself, whatever the clock says
// meanwhile.
func TestAnExternalJobsTimeIsCountedByWhatPasses(t *testing.T) {
	t.Parallel()
	var ahead atomic.Int64
	until := time.Now().Add(time.Hour)
	w := start(t, func(w *world, c *gateway.Config) {
		w.token, w.expires = make([]byte, 32), &until
		c.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	})
	if w.gateway.Late() {
		t.Error("it is late at once")
	}
	ahead.Store(int64(2 * time.Hour))
	if !w.gateway.Late() {
		t.Error("two hours later it is not late")
	}
}
