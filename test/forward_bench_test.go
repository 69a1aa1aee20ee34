package test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"hotcell"
	"hotcell/internal/line/rpc"
	"hotcell/internal/line/socketpair"
	"hotcell/internal/line/vaultclient"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/store/sqlite"
	"hotcell/internal/value/parcel"
	"hotcell/internal/vault"
	"hotcell/internal/wire/netguard"
	"hotcell/internal/worker/gateway"
)

// counter is a gateway on its line, before a vault on its own, before an HTTPS
// server that wants a key.
type counter struct {
	b        *testing.B
	upstream *httptest.Server
	port     int
	roots    *x509.CertPool
	guard    *netguard.Guard
	control  *vaultclient.Control
	owner    hotcell.Principal
	worker   *vaultclient.Worker
	store    *sqlite.Vault
	line     string
	ca       string
	job      hotcell.JobID
}

const benchHost = "example.com" // which the certificate of httptest is for

func openCounter(b *testing.B) *counter {
	b.Helper()
	c := &counter{b: b, roots: x509.NewCertPool()}
	c.upstream = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+apiKey && r.URL.Path != "/open" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = io.WriteString(w, `{"ok":true,"items":[1,2,3]}`)
	}))
	c.upstream.StartTLS()
	b.Cleanup(c.upstream.Close)
	c.roots.AddCert(c.upstream.Certificate())
	u, err := url.Parse(c.upstream.URL)
	c.must(err)
	c.port, err = strconv.Atoi(u.Port())
	c.must(err)
	private, err := netguard.ParsePrivate(benchHost)
	c.must(err)
	c.guard = netguard.New(netguard.Config{AllowPrivate: []netguard.Private{private}, Pins: map[string]netip.Addr{benchHost: netip.MustParseAddr("127.0.0.1")}})
	c.vault()
	return c
}

func (c *counter) must(err error) {
	c.b.Helper()
	if err != nil {
		c.b.Fatal(err)
	}
}

func (c *counter) vault() {
	dir, ctx, log := c.b.TempDir(), context.Background(), slog.New(slog.DiscardHandler)
	var err error
	c.store, err = sqlite.OpenVault(ctx, filepath.Join(dir, "vault.db"), log)
	c.must(err)
	d, err := vault.Open(ctx, vault.Config{
		Store: c.store, KeyURL: "file://" + filepath.Join(dir, "local.key"), Owner: "ada", Dialer: c.guard, Roots: c.roots, Now: time.Now, Log: log,
	})
	c.must(err)
	c.b.Cleanup(func() { _ = d.Close() })
	c.owner = d.Owner()
	c.control, c.worker = vaultclient.NewControl(c.serve(d.Control())), vaultclient.NewWorker(c.serve(d.Worker()))
	c.attach(ctx)
}

func (c *counter) serve(h http.Handler) *rpc.Client {
	dial, listen, err := socketpair.Pair()
	c.must(err)
	l, err := socketpair.NewListener(listen)
	c.must(err)
	d, err := socketpair.NewDialer(dial)
	c.must(err)
	server := rpc.Server(h)
	go func() { _ = server.Serve(l) }()
	c.b.Cleanup(func() { _, _ = server.Close(), d.Close() })
	return rpc.NewClient(d.DialContext)
}

// attach makes a connection with a key, and a job that has it as HTTP.
func (c *counter) attach(ctx context.Context) {
	owner := c.owner
	w, err := c.control.Workspace(ctx, &vaultrpc.WorkspaceRequest{By: vaultrpc.As(owner)})
	c.must(err)
	key, err := parcel.ParsePublic(w.PublicKey)
	c.must(err)
	sealed, err := parcel.Seal(key, parcel.Context{Workspace: string(owner.Workspace), Tier: "connection", Item: "api", Field: hotcell.FieldKey}, []byte(apiKey))
	c.must(err)
	made, err := c.control.CreateConnection(ctx, &vaultrpc.CreateConnectionRequest{
		By: vaultrpc.As(owner), Name: "api", Key: sealed,
		HTTP: hotcell.HTTPAccess{Host: benchHost, Port: c.port, Auth: hotcell.Auth{Kind: "bearer"}},
	})
	c.must(err)
	a, err := c.control.CreateAssignment(ctx, &vaultrpc.CreateAssignmentRequest{By: vaultrpc.As(owner), Name: "bench", Work: hotcell.Work{Command: "true"}})
	c.must(err)
	_, err = c.control.Attach(ctx, &vaultrpc.AttachRequest{By: vaultrpc.As(owner), Assignment: a.Assignment.ID, Credential: made.Credential.ID, As: hotcell.InjectHTTP})
	c.must(err)
	c.job = hotcell.JobID(hotcell.NewID(hotcell.PrefixJob))
	_, err = c.control.CreateJob(ctx, &vaultrpc.CreateJobRequest{By: vaultrpc.As(owner), Assignment: a.Assignment.ID, Job: c.job})
	c.must(err)
	_, err = c.control.StartJob(ctx, &vaultrpc.StartJobRequest{Job: c.job})
	c.must(err)
	g, err := gateway.New(gateway.Config{
		Job: hotcell.Job{ID: c.job, Work: hotcell.Work{Command: "true"}}, Vault: c.worker, Dialer: c.guard, Roots: c.roots,
		Limits: gateway.Limits{Requests: 1 << 30}, Now: time.Now, Log: slog.New(slog.DiscardHandler),
	})
	c.must(err)
	c.b.Cleanup(g.Close)
	c.line = filepath.Join(c.b.TempDir(), "line")
	l, err := net.Listen("unix", c.line)
	c.must(err)
	go func() { _ = g.Serve(l) }()
	c.ca, err = openCell(ctx, c.line)
	c.must(err)
}

// through is a client of the gateway, as a cell's.
func (c *counter) through() *http.Client { return throughLine(c.line, c.ca, false) }

func client(dial func(context.Context) (net.Conn, error), roots *x509.CertPool) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DialContext:     func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
		TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: benchHost}, MaxIdleConnsPerHost: 64,
	}}
}

func (c *counter) url() string {
	return "https://" + net.JoinHostPort(benchHost, strconv.Itoa(c.port)) + "/v1/items"
}

// load makes requests over 16 connections, and returns how many a second and
// how long each took.
func load(b *testing.B, do *http.Client, url, key string, n, connections int) (perSecond float64, took []time.Duration) {
	b.Helper()
	var mu sync.Mutex
	var wg sync.WaitGroup
	began := time.Now()
	for range connections {
		wg.Go(func() {
			own := make([]time.Duration, 0, n/connections)
			for range n / connections {
				at := time.Now()
				r, _ := http.NewRequest(http.MethodGet, url, nil)
				if key != "" {
					r.Header.Set("Authorization", "Bearer "+key)
				}
				answer, err := do.Do(r)
				if err != nil {
					b.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, answer.Body)
				_ = answer.Body.Close()
				if answer.StatusCode != http.StatusOK {
					b.Errorf("answered %d", answer.StatusCode)
					return
				}
				own = append(own, time.Since(at))
			}
			mu.Lock()
			took = append(took, own...)
			mu.Unlock()
		})
	}
	wg.Wait()
	return float64(len(took)) / time.Since(began).Seconds(), took
}

// BenchmarkForward is a request that a credential goes onto, through gateway and
// vault, each use audited durably and its answer scrubbed, over 16 connections;
// beside a bare Go proxy that ends TLS, and no proxy at all, in the same run.
func BenchmarkForward(b *testing.B) {
	// The parts are processes of their own, each with as many threads; here, all
	// are in one, and the one that waits for the disk must not hold up the others.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2 * runtime.NumCPU()))
	c := openCounter(b)
	direct := client(func(ctx context.Context) (net.Conn, error) { return c.guard.Dial(ctx, benchHost, c.port) }, c.roots)
	bare := bareProxy(b, c)
	through := c.through()
	for name, do := range map[string]struct {
		client *http.Client
		key    string
	}{"hotcell": {through, ""}, "bare": {bare, apiKey}, "direct": {direct, apiKey}} {
		load(b, do.client, c.url(), do.key, 320, 16)
		_ = name
	}
	for b.Loop() {
		for _, one := range []struct {
			name   string
			client *http.Client
			key    string
		}{{"hotcell", through, ""}, {"bare", bare, apiKey}, {"direct", direct, apiKey}} {
			perSecond, took := load(b, one.client, c.url(), one.key, 16_000, 16)
			p50, p99 := quantiles(took)
			b.ReportMetric(perSecond, one.name+"/s")
			b.ReportMetric(p50, one.name+"-p50-ms")
			b.ReportMetric(p99, one.name+"-p99-ms")
			_, took = load(b, one.client, c.url(), one.key, 1000, 1)
			p50, _ = quantiles(took)
			b.ReportMetric(p50, one.name+"-one-p50-ms")
		}
	}
}

// bareProxy is what a proxy that ends TLS costs in Go without anything of ours:
// net/http and httputil on both sides, with a pool that is large enough.
func bareProxy(b *testing.B, c *counter) *http.Client {
	b.Helper()
	proxy := bare(c.roots, func(ctx context.Context) (net.Conn, error) { return c.guard.Dial(ctx, benchHost, c.port) }, fmt.Sprintf("%s:%d", benchHost, c.port))
	server := httptest.NewUnstartedServer(proxy)
	server.StartTLS()
	b.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return client(func(ctx context.Context) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", server.Listener.Addr().String())
	}, roots)
}
