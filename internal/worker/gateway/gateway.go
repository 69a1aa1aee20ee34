// Package gateway is a cell's only door: what the cell is to do, its lease on
// the way in, its log, output and connections on the way out. There is one for
// each job, and the line on which the cell reaches it is the cell's identity.
//
// It guards that a connection goes to a host, a port and a protocol that the
// job's assignment allows, and that the audit log has it before anything is
// dialled. It ends TLS with an authority of the job's own, decides on each
// request, and holds it against the guard, which knows the job's values by
// fingerprints. It holds no value and cannot open a lease: what needs a
// credential goes by the vault. One way to use it:
//
//	g := gateway.New(gateway.Config{Job: job, Vault: vault, Sink: sink, Dialer: guard})
//	go g.Serve(listener)
//	defer g.Close()
package gateway

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"hotcell"
	"hotcell/internal/line/border"
	"hotcell/internal/line/cellrpc"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/store/audit"
	"hotcell/internal/value/guard"
	"hotcell/internal/wire/budget"
	"hotcell/internal/wire/egress"
	"hotcell/internal/wire/netguard"
	"hotcell/internal/wire/upstream"
	"hotcell/internal/worker/toolbox"
)

// Vault is what a gateway asks of the vault.
type Vault interface {
	// Rules returns what the job may reach and use, and whose token opens its tools.
	Rules(ctx context.Context, job hotcell.JobID) (*vaultrpc.RulesAnswer, error)
	// Lease returns the job's secrets, sealed to the key, nil where there are
	// none; and the fingerprints of all values that the job can touch.
	Lease(ctx context.Context, job hotcell.JobID, publicKey []byte) (message, fingerprints []byte, err error)
	// Forward does a request that needs a credential.
	Forward(request *http.Request) (*http.Response, error)
	// Connect makes a connection to a database that needs a credential.
	Connect(ctx context.Context, job hotcell.JobID, use hotcell.AttachmentID, open vaultrpc.DatabaseOpening) (io.ReadWriteCloser, vaultrpc.DatabaseOpened, error)
	// Ask asks a person for more, and waits.
	Ask(ctx context.Context, job hotcell.JobID, allow hotcell.Allow, why string) (hotcell.Request, error)
	// Report records events; they are durable when it returns nil.
	Report(ctx context.Context, job hotcell.JobID, events ...hotcell.Event) error
	// Prints returns the fingerprints anew: values were renewed since the lease.
	Prints(ctx context.Context, r *vaultrpc.PrintsRequest) (*vaultrpc.PrintsAnswer, error)
	toolbox.Vault
	LoginVault
}

// Sink takes what comes out of a cell.
type Sink interface {
	// Files opens the assignment's folder, a tar archive; nil where there is none.
	Files(ctx context.Context) (io.ReadCloser, error)
	// Started tells that the command is about to run.
	Started(ctx context.Context) error
	// Waiting tells that the job waits for a person, or does so no more.
	Waiting(ctx context.Context, waits bool) error
	// Log takes a piece of a stream; it keeps no hold of data.
	Log(ctx context.Context, stream string, at time.Time, data []byte) error
	// Output takes the archive of /job/out.
	Output(ctx context.Context, archive io.Reader) error
	// Cache opens what was kept by jobs that have these uses, a tar archive; nil where
	// nothing was. KeepCache keeps one for the next.
	Cache(ctx context.Context, uses []hotcell.Use) (io.ReadCloser, error)
	KeepCache(ctx context.Context, uses []hotcell.Use, archive io.Reader) error
	// Exit takes the last word.
	Exit(ctx context.Context, exit cellrpc.Exit) error
}

// Config is one gateway.
type Config struct {
	Job    hotcell.Job
	Vault  Vault
	Sink   Sink
	Dialer netguard.Dialer
	// Browsers makes the job's browser's cell when it is first used; nil where the
	// machine has no browser.
	Browsers Browsers
	// TCP says whether the operator lets an entry pass unguarded, Untouched
	// whether TLS to a host passes without interception.
	TCP       func(hotcell.Allow) bool
	Untouched func(host string, port int) bool
	// Unreadable says whether the operator lets what the guard cannot look into go to
	// a host; nil lets none.
	Unreadable func(host string, port int) bool
	Models     egress.Models
	// Path are folders of the cell that come first in its PATH.
	Path []string
	// Env are the variables of the image that is the cell's root; the assignment's own, and
	// its secrets, go before them.
	Env map[string]string
	// Bounded is true where a control group bounds what all processes of the cell use
	// together: then no process's address space is bounded besides.
	Bounded bool
	// Roots verify hosts; nil for the system's.
	Roots  *x509.CertPool
	Limits Limits
	// Budget counts what each job holds of what all jobs of this process share; nil
	// for no limits.
	Budget *budget.Jobs
	// Alone says whether no other job runs now; nil where none ever does.
	Alone func() bool
	Now   func() time.Time
	Log   *slog.Logger
}

// Gateway is one job's.
type Gateway struct {
	Config
	server    *http.Server
	inner     *interception
	transport *http.Transport
	// visits are the connections of the browser, whose sessions the cell has not.
	visits    *upstream.Pool
	authority *jobAuthority
	limits    *limits
	pace      *pace
	digest    audit.Digest
	// known are the job's rules, nil until they were asked for; patterns what the
	// guard looks for, nil until the lease.
	known    atomic.Pointer[rulebook]
	patterns atomic.Pointer[guard.Patterns]
	// asking is the request for a login that waits for a person.
	asking   atomic.Pointer[hotcell.RequestID]
	prints   prints
	waits    waits
	box      *toolbox.Box
	seen     seen
	refusals refusals
	browsing browsing
	errands  errands
	// ctx ends with the gateway: every tunnel and call ends with it.
	ctx    context.Context //nolint:containedctx // it is the gateway's life, and not a call's
	cancel context.CancelCauseFunc

	mu sync.Mutex
	// cut is closed to end the tunnels of now.
	cut     chan struct{}
	leased  bool
	started bool
	tunnels int
}

// New makes a gateway; Serve opens it.
func New(c Config) (*Gateway, error) {
	g := &Gateway{Config: c, cut: make(chan struct{}), limits: newLimits(c.Limits), pace: newPace(c.Alone)}
	var err error
	if g.authority, err = newAuthority(string(c.Job.ID), c.Now()); err != nil {
		return nil, err
	}
	if drill := c.Job.Work.Drill; drill != nil {
		g.Dialer, g.Roots = netguard.Drilled(c.Dialer, drill), netguard.DrilledRoots(c.Roots, drill)
		g.Models = slices.Clone(c.Models)
		for _, host := range drill.Models {
			g.Models = append(g.Models, egress.Model{Host: host, ZeroDataRetention: true})
		}
	}
	g.ctx, g.cancel = context.WithCancelCause(context.Background())
	g.waits.caught = border.Log(c.Log)
	g.waits.tell = func(waiting bool) error { return c.Sink.Waiting(g.ctx, waiting) }
	g.box = toolbox.New(g.tools())
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+cellrpc.PathSpec, g.spec)
	mux.HandleFunc("POST "+cellrpc.PathLease, g.lease)
	mux.HandleFunc("GET "+cellrpc.PathFiles, g.files)
	mux.HandleFunc("POST "+cellrpc.PathRefused, g.refused)
	mux.HandleFunc("POST "+cellrpc.PathStarted, g.start)
	mux.HandleFunc("POST "+cellrpc.PathLog, g.log)
	mux.HandleFunc("PUT "+cellrpc.PathOut, g.out)
	mux.HandleFunc("GET "+cellrpc.PathCache, g.cache)
	mux.HandleFunc("PUT "+cellrpc.PathCache, g.keepCache)
	mux.HandleFunc("POST "+cellrpc.PathExit, g.exit)
	mux.HandleFunc("POST "+cellrpc.PathAsk, g.ask)
	mux.HandleFunc(cellrpc.PathMCP, g.serveTools)
	mux.HandleFunc("GET "+cellrpc.PathErrand, g.giveErrand)
	mux.HandleFunc("POST "+cellrpc.PathErrand, g.takeErrand)
	g.server = &http.Server{
		ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 16 << 10,
		BaseContext: func(net.Listener) context.Context { return g.ctx },
		ErrorLog:    slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug), // what a job sends is not ours to log
		Handler: g.border("a cell's gateway", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.Method == http.MethodConnect:
				g.connect(w, r)
			case r.URL.IsAbs():
				g.paced(r, costRefusal)
				refuse(w, http.StatusForbidden, "only HTTPS leaves this cell: use https://")
			default:
				mux.ServeHTTP(w, r)
			}
		})),
	}
	g.transport = netguard.Transport(g.Dialer, g.Roots, connections)
	g.visits = upstream.New(upstream.Config{Dialer: g.Dialer, Roots: g.Roots})
	g.startInterception()
	return g, nil
}

// Serve serves the cell until Close.
func (g *Gateway) Serve(l net.Listener) error {
	if err := g.server.Serve(newBackstop(l, g.limits.Connections+lineConnections)); !errors.Is(err, http.ErrServerClosed) && g.ctx.Err() == nil {
		return fmt.Errorf("serving a cell: %w", err)
	}
	return nil
}

// Close ends the gateway and every tunnel through it, at once.
func (g *Gateway) Close() {
	g.cancel(errClosed)
	g.browsing.end()
	_ = g.server.Close()
	_ = g.inner.server.Close()
	g.box.Close()
	g.tellCounted(true)
	g.transport.CloseIdleConnections()
	g.visits.Close()
}

var errClosed = errors.New("the job has ended")

// Cut ends every tunnel, and lets the job go on.
func (g *Gateway) Cut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	close(g.cut)
	g.cut = make(chan struct{})
}

// Revoke ends every tunnel and refuses whatever comes, with a reason.
func (g *Gateway) Revoke(reason string) { g.cancel(errors.New(reason)) }

// lease hands the job's secrets over, once, before the command runs. Whoever
// asks again is the command.
func (g *Gateway) lease(w http.ResponseWriter, r *http.Request) {
	var request cellrpc.LeaseRequest
	if !read(w, r, &request) {
		return
	}
	g.mu.Lock()
	again := g.leased || g.started
	g.leased = true
	g.mu.Unlock()
	if again {
		const reason = "the lease was asked for again"
		_ = g.report(hotcell.Event{Kind: "lease.refuse", Decision: hotcell.Refused, Reason: reason})
		refuse(w, http.StatusForbidden, reason)
		return
	}
	message, fingerprints, err := g.Vault.Lease(r.Context(), g.Job.ID, request.PublicKey)
	if err == nil {
		err = g.learn(fingerprints)
	}
	if err != nil {
		g.fail(w, err)
		return
	}
	answer(w, cellrpc.LeaseAnswer{Message: message})
}

func (g *Gateway) files(w http.ResponseWriter, r *http.Request) {
	archive, err := g.Sink.Files(r.Context())
	if err != nil {
		g.fail(w, err)
		return
	}
	if archive == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	g.give(w, archive, "an assignment's files")
}

// give answers with an archive, and closes it.
func (g *Gateway) give(w http.ResponseWriter, archive io.ReadCloser, what string) {
	defer func() { _ = archive.Close() }()
	if _, err := io.Copy(w, archive); err != nil {
		g.Config.Log.Error("reading "+what, "job", g.Job.ID, "error", err)
		panic(http.ErrAbortHandler) //nolint:forbidigo // net/http's way to say that an answer is not whole
	}
}

// refused records a name or an address that was asked for in the cell and does
// not exist there.
func (g *Gateway) refused(w http.ResponseWriter, r *http.Request) {
	var request cellrpc.Refused
	if !read(w, r, &request) {
		return
	}
	if !g.paced(r, costRefusal) {
		return
	}
	reason := "the name is not in the assignment's allow-list"
	if _, err := netip.ParseAddrPort(request.Name); err == nil {
		reason = "the address is not in the assignment's allow-list"
	}
	g.unanswered(hotcell.Event{Host: printable(request.Name)}, reason)
	w.WriteHeader(http.StatusNoContent)
}

func (g *Gateway) start(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	g.started = true
	g.mu.Unlock()
	g.done(w, g.Sink.Started(r.Context()))
}

// log takes a stream for as long as the job lives.
func (g *Gateway) log(w http.ResponseWriter, r *http.Request) {
	stream := r.URL.Query().Get("stream")
	if stream != "stdout" && stream != "stderr" {
		refuse(w, http.StatusBadRequest, "no such stream")
		return
	}
	// The init has had the guard on it; this one knows also what the cell has not.
	out := g.patterns.Load().Writer(sink(func(b []byte) error {
		if err := g.pace.take(r.Context(), perKiB(costLogKiB, int64(len(b)))); err != nil {
			return err
		}
		return g.Sink.Log(r.Context(), stream, g.Now(), b)
	}), nil).Prompt()
	_, err := io.CopyBuffer(struct{ io.Writer }{out}, r.Body, make([]byte, 32<<10))
	err = errors.Join(err, out.Close())
	if err != nil && r.Context().Err() == nil {
		g.fail(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

type sink func([]byte) error

func (s sink) Write(b []byte) (int, error) { return len(b), s(b) }

func (g *Gateway) out(w http.ResponseWriter, r *http.Request) {
	g.done(w, g.Sink.Output(r.Context(), http.MaxBytesReader(w, r.Body, hotcell.MaxFiles+32<<20)))
}

func (g *Gateway) exit(w http.ResponseWriter, r *http.Request) {
	var exit cellrpc.Exit
	if read(w, r, &exit) {
		g.tellCache(exit)
		g.done(w, g.Sink.Exit(r.Context(), exit))
	}
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

// read reads a small JSON message.
func read(w http.ResponseWriter, r *http.Request, into any) bool {
	return readWithin(w, r, into, 64<<10)
}

func readWithin(w http.ResponseWriter, r *http.Request, into any, most int64) bool {
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, most)).Decode(into); err != nil {
		refuse(w, http.StatusBadRequest, "this is not understood")
		return false
	}
	return true
}

func refuse(w http.ResponseWriter, status int, reason string) {
	w.Header().Set(cellrpc.HeaderRefused, reason) // who shows no body tells of it by this
	http.Error(w, "hotcell: "+reason, status)
}

func (g *Gateway) done(w http.ResponseWriter, err error) {
	if err != nil {
		g.fail(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// fail tells the cell what it may know of an error.
func (g *Gateway) fail(w http.ResponseWriter, err error) {
	switch {
	case errors.Is(err, hotcell.ErrDenied), errors.Is(err, hotcell.ErrInvalid), errors.Is(err, hotcell.ErrConflict), errors.Is(err, hotcell.ErrTampered):
		refuse(w, http.StatusForbidden, err.Error())
	case errors.Is(err, hotcell.ErrRateLimited):
		g.tooMuch(w, err)
	case errors.Is(err, hotcell.ErrUnavailable):
		refuse(w, http.StatusServiceUnavailable, "a part of the server does not answer")
	default:
		g.Config.Log.Error("serving a cell", "job", g.Job.ID, "error", err)
		refuse(w, http.StatusInternalServerError, "internal error")
	}
}

// printable keeps what a job makes up from being more than a name in the log.
func printable(name string) string {
	const most = 253
	out := make([]byte, 0, most)
	for _, c := range []byte(name) {
		if len(out) == most {
			break
		}
		if c <= ' ' || c >= 0x7f {
			c = '?'
		}
		out = append(out, c)
	}
	return string(out)
}
