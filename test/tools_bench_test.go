package test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"hotcell"
	"hotcell/internal/catalog/connector"
	"hotcell/internal/control/api"
	jobs "hotcell/internal/control/job"
	"hotcell/internal/line/vaultclient"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/line/workerrpc"
	"hotcell/internal/store/sqlite"
	"hotcell/internal/value/parcel"
	"hotcell/internal/vault"
	"hotcell/internal/wire/netguard"
	"hotcell/internal/worker/gateway"
)

// twin is a service with one tool, as a document has it.
const twin = `
slug: twin
name: Twin
category: chat
about: A service that takes messages.
base: https://example.com:%d
auth:
  kind: key
  put: {kind: bearer}
tools:
- name: post
  title: Post a message
  about: Post a message to a channel.
  hint: write
  input:
    type: object
    required: [channel, text]
    properties:
      channel: {type: string, maxLength: 100}
      text: {type: string, maxLength: 4000}
  request:
    method: POST
    path: /chat.postMessage
    json: {channel: "${args.channel}", text: "${args.text}"}
  result: "${{'channel': answer.channel, 'ts': answer.ts}}"
`

// toolCounter is all that a tool's call goes through: the open port, a worker's
// line, a job's gateway, a vault on its line, and the service.
type toolCounter struct {
	*counter
	token string
	front *httptest.Server
}

func openToolCounter(b *testing.B) *toolCounter {
	b.Helper()
	c := &toolCounter{counter: &counter{b: b, roots: x509.NewCertPool()}}
	c.upstream = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var message struct{ Channel, Text string }
		if r.Header.Get("Authorization") != "Bearer "+apiKey || json.NewDecoder(r.Body).Decode(&message) != nil {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"ok":true,"channel":%q,"ts":"1503435956.000247","message":{"text":%q}}`, message.Channel, message.Text)
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
	c.openVault()
	c.openJob()
	return c
}

func (c *toolCounter) openVault() {
	dir, ctx, log := c.b.TempDir(), context.Background(), slog.New(slog.DiscardHandler)
	var err error
	c.store, err = sqlite.OpenVault(ctx, filepath.Join(dir, "vault.db"), log)
	c.must(err)
	catalog, err := connector.Load(connector.Options{Own: []connector.Document{{Name: "twin.yaml", Text: fmt.Appendf(nil, twin, c.port)}}})
	c.must(err)
	d, err := vault.Open(ctx, vault.Config{
		Store: c.store, KeyURL: "file://" + filepath.Join(dir, "local.key"), Owner: "ada", Dialer: c.guard, Roots: c.roots, Now: time.Now, Log: log, Catalog: catalog,
	})
	c.must(err)
	c.b.Cleanup(func() { _ = d.Close() })
	c.owner = d.Owner()
	c.control, c.worker = vaultclient.NewControl(c.serve(d.Control())), vaultclient.NewWorker(c.serve(d.Worker()))
}

func (c *toolCounter) openJob() {
	ctx := context.Background()
	owner := c.owner
	w, err := c.control.Workspace(ctx, &vaultrpc.WorkspaceRequest{By: vaultrpc.As(owner)})
	c.must(err)
	key, err := parcel.ParsePublic(w.PublicKey)
	c.must(err)
	sealed, err := parcel.Seal(key, parcel.Context{Workspace: string(owner.Workspace), Tier: "connection", Item: "team", Field: hotcell.FieldKey}, []byte(apiKey))
	c.must(err)
	made, err := c.control.CreateConnection(ctx, &vaultrpc.CreateConnectionRequest{By: vaultrpc.As(owner), Name: "team", Connector: "twin", Key: sealed})
	c.must(err)
	a, err := c.control.CreateAssignment(ctx, &vaultrpc.CreateAssignmentRequest{By: vaultrpc.As(owner), Name: "bench", Work: hotcell.Work{Command: "true"}})
	c.must(err)
	_, err = c.control.Attach(ctx, &vaultrpc.AttachRequest{
		By: vaultrpc.As(owner), Assignment: a.Assignment.ID, Credential: made.Credential.ID, As: hotcell.InjectTools,
		Narrowing: hotcell.Narrowing{Tools: []string{"post"}, Rules: []hotcell.ToolRule{{Tool: "post", When: `args.channel == "#ops"`}}},
	})
	c.must(err)
	c.job = hotcell.JobID(hotcell.NewID(hotcell.PrefixJob))
	opened, err := c.control.CreateJob(ctx, &vaultrpc.CreateJobRequest{By: vaultrpc.As(owner), Assignment: a.Assignment.ID, Job: c.job, External: time.Hour})
	c.must(err)
	c.token = opened.Token
	_, err = c.control.StartJob(ctx, &vaultrpc.StartJobRequest{Job: c.job})
	c.must(err)
	g, err := gateway.New(gateway.Config{
		Job: hotcell.Job{ID: c.job, External: true}, Vault: c.worker, Sink: quiet{}, Dialer: c.guard, Roots: c.roots, Now: time.Now, Log: slog.New(slog.DiscardHandler),
	})
	c.must(err)
	c.b.Cleanup(g.Close)
	c.must(g.Open(ctx))
	worker := http.NewServeMux()
	worker.HandleFunc(workerrpc.ToolsPath+"{job}", g.ServeElsewhere)
	c.front = httptest.NewServer(api.Public(api.Config{
		Tools: jobs.NewDoor(jobs.NewRemote(c.serve(worker))), Now: time.Now, Log: slog.New(slog.DiscardHandler),
	}))
	c.b.Cleanup(c.front.Close)
}

// quiet is a sink of which nothing is asked.
type quiet struct{ gateway.Sink }

func (quiet) Waiting(context.Context, bool) error { return nil }

// bareTools is what a call costs with the library alone, behind its own check of
// a bearer token.
func bareTools(b *testing.B) *httptest.Server {
	b.Helper()
	type in struct {
		Channel string `json:"channel"`
		Text    string `json:"text"`
	}
	type out struct {
		Channel string `json:"channel"`
		TS      string `json:"ts"`
	}
	s := mcp.NewServer(&mcp.Implementation{Name: "bare", Version: "1"}, nil)
	mcp.AddTool(s, &mcp.Tool{Name: "twin_post", Description: "Post a message to a channel."}, func(_ context.Context, _ *mcp.CallToolRequest, i in) (*mcp.CallToolResult, out, error) {
		return nil, out{i.Channel, "1503435956.000247"}, nil
	})
	verify := func(_ context.Context, token string, _ *http.Request) (*auth.TokenInfo, error) {
		if token != "bare" {
			return nil, auth.ErrInvalidToken
		}
		return &auth.TokenInfo{UserID: "ada", Expiration: time.Now().Add(time.Hour)}, nil
	}
	server := httptest.NewServer(auth.RequireBearerToken(verify, nil)(mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return s }, nil)))
	b.Cleanup(server.Close)
	return server
}

// carrier shows a token with each request.
type carrier struct {
	http.RoundTripper
	token string
}

func (c carrier) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+c.token)
	return c.RoundTripper.RoundTrip(r)
}

// agents are clients of a server, each with a session and a connection of its own.
func agents(b *testing.B, endpoint, token string, n int) (open []*mcp.ClientSession) {
	b.Helper()
	for range n {
		by := &http.Client{Transport: carrier{&http.Transport{}, token}}
		s, err := mcp.NewClient(&mcp.Implementation{Name: "agent", Version: "1"}, nil).Connect(context.Background(), &mcp.StreamableClientTransport{Endpoint: endpoint, HTTPClient: by}, nil)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = s.Close() })
		open = append(open, s)
	}
	return open
}

// callAll has the agents make n calls, and returns how many a second and how long
// each took.
func callAll(b *testing.B, open []*mcp.ClientSession, n int) (perSecond float64, took []time.Duration) {
	b.Helper()
	var mu sync.Mutex
	var wg sync.WaitGroup
	began := time.Now()
	for _, s := range open {
		wg.Go(func() {
			own := make([]time.Duration, 0, n/len(open))
			for range n / len(open) {
				at := time.Now()
				r, err := s.CallTool(context.Background(), &mcp.CallToolParams{Name: "twin_post", Arguments: map[string]any{"channel": "#ops", "text": "the report is ready"}})
				if err != nil || r.IsError {
					b.Errorf("%+v, %v", r, err)
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

// BenchmarkTools is a call of a tool by agents elsewhere, with a rule on it, each
// call audited durably and its answer scrubbed; beside a bare server of the
// library with its check of a bearer token, by the same clients in the same run.
func BenchmarkTools(b *testing.B) {
	// As in BenchmarkForward: the parts are processes of their own.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2 * runtime.NumCPU()))
	c, bare := openToolCounter(b), bareTools(b)
	ours, theirs := agents(b, c.front.URL+api.ToolsPath, c.token, 8), agents(b, bare.URL, "bare", 8)
	callAll(b, ours, 800)
	callAll(b, theirs, 800)
	for b.Loop() {
		var rates, bareRates, shares []float64
		var took, bareTook []time.Duration
		for range 5 { // by turns: whatever else the machine does meets both
			perSecond, one := callAll(b, ours, 2400)
			barePerSecond, other := callAll(b, theirs, 2400)
			rates, bareRates, shares = append(rates, perSecond), append(bareRates, barePerSecond), append(shares, 100*perSecond/barePerSecond)
			took, bareTook = append(took, one...), append(bareTook, other...)
		}
		for _, one := range []struct {
			name  string
			rates []float64
			took  []time.Duration
		}{{"hotcell", rates, took}, {"bare", bareRates, bareTook}} {
			p50, p99 := quantiles(one.took)
			b.ReportMetric(median(one.rates), one.name+"/s")
			b.ReportMetric(p50, one.name+"-p50-ms")
			b.ReportMetric(p99, one.name+"-p99-ms")
		}
		b.ReportMetric(median(shares), "%-of-bare")
	}
}

func median(of []float64) float64 {
	slices.Sort(of)
	return of[len(of)/2]
}
