package test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"strconv"
	"sync/atomic"
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
	"hotcell/internal/wire/authority"
	"hotcell/internal/wire/netguard"
	"hotcell/internal/worker/gateway"
)

// border is a vault, and gateways of jobs before it, each on lines of their own:
// all that is between a cell and a service.
type border struct {
	t       testing.TB
	ca      *authority.Authority
	roots   *x509.CertPool
	guard   *netguard.Guard
	store   *sqlite.Vault
	control *vaultclient.Control
	worker  *vaultclient.Worker
	owner   hotcell.Principal
	key     parcel.PublicKey
}

// openBorder has names that are found on this machine's loopback.
func openBorder(t testing.TB, names ...string) *border {
	t.Helper()
	b := &border{t: t, roots: x509.NewCertPool()}
	var err error
	b.ca, err = authority.New("services", time.Now(), time.Hour)
	must(t, err)
	b.roots.AppendCertsFromPEM(b.ca.PEM())
	var private []netguard.Private
	pins := map[string]netip.Addr{}
	for _, name := range names {
		one, err := netguard.ParsePrivate(name)
		must(t, err)
		private, pins[name] = append(private, one), netip.MustParseAddr("127.0.0.1")
	}
	b.guard = netguard.New(netguard.Config{AllowPrivate: private, Pins: pins})
	dir, log := t.TempDir(), slog.New(slog.DiscardHandler)
	b.store, err = sqlite.OpenVault(t.Context(), filepath.Join(dir, "vault.db"), log)
	must(t, err)
	d, err := vault.Open(t.Context(), vault.Config{
		Store: b.store, KeyURL: "file://" + filepath.Join(dir, "local.key"), Owner: "ada", Dialer: b.guard, Roots: b.roots, Now: time.Now, Log: log,
	})
	must(t, err)
	t.Cleanup(func() { _ = d.Close() })
	b.control, b.worker = vaultclient.NewControl(b.line(d.Control())), vaultclient.NewWorker(b.line(d.Worker()))
	b.owner = d.Owner()
	w, err := b.control.Workspace(t.Context(), &vaultrpc.WorkspaceRequest{By: vaultrpc.As(b.owner)})
	must(t, err)
	b.key, err = parcel.ParsePublic(w.PublicKey)
	must(t, err)
	return b
}

func (b *border) line(h http.Handler) *rpc.Client {
	dial, listen, err := socketpair.Pair()
	must(b.t, err)
	l, err := socketpair.NewListener(listen)
	must(b.t, err)
	d, err := socketpair.NewDialer(dial)
	must(b.t, err)
	server := rpc.Server(h)
	go func() { _ = server.Serve(l) }()
	b.t.Cleanup(func() { _, _ = server.Close(), d.Close() })
	return rpc.NewClient(d.DialContext)
}

// listen is a listener of a service, with a certificate for names where there are
// any.
func (b *border) listen(protocols []string, names ...string) (net.Listener, int) {
	b.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(b.t, err)
	b.t.Cleanup(func() { _ = l.Close() })
	port := l.Addr().(*net.TCPAddr).Port
	if len(names) == 0 {
		return l, port
	}
	certificate, err := b.ca.Issue(names...)
	must(b.t, err)
	return tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{certificate}, NextProtos: protocols, MinVersion: tls.VersionTLS12}), port
}

// serve is a service by net/http, over HTTP/2 too.
func (b *border) serve(h http.Handler, two bool, names ...string) int {
	b.t.Helper()
	protocols := []string{"http/1.1"}
	if two {
		protocols = []string{"h2", "http/1.1"}
	}
	l, port := b.listen(protocols, names...)
	var made atomic.Int64
	server := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug), ConnContext: func(ctx context.Context, c net.Conn) context.Context {
		return context.WithValue(ctx, connKey{}, fmt.Sprint(c.RemoteAddr(), ", number ", made.Add(1))) // ports are given out again
	}}
	go func() { _ = server.Serve(l) }()
	b.t.Cleanup(func() { _ = server.Close() })
	return port
}

// connKey is under which a request's context says which connection it came on.
type connKey struct{}

func connOf(r *http.Request) string {
	name, _ := r.Context().Value(connKey{}).(string)
	return name
}

func (b *border) sealed(tier, item, field, value string) []byte {
	b.t.Helper()
	sealed, err := parcel.Seal(b.key, parcel.Context{Workspace: string(b.owner.Workspace), Tier: tier, Item: item, Field: field}, []byte(value))
	must(b.t, err)
	return sealed
}

// account is a connection with a key, that goes onto requests to a host.
func (b *border) account(name, key, host string, port int, auth hotcell.Auth) hotcell.CredentialID {
	b.t.Helper()
	made, err := b.control.CreateConnection(b.t.Context(), &vaultrpc.CreateConnectionRequest{
		By: vaultrpc.As(b.owner), Name: name, Key: b.sealed("connection", name, hotcell.FieldKey, key),
		HTTP: hotcell.HTTPAccess{Host: host, Port: port, Auth: auth},
	})
	must(b.t, err)
	return made.Credential.ID
}

// cell is what a job's cell can do: ask its gateway.
type cell struct {
	*border
	job      hotcell.JobID
	line, ca string
	gateway  *gateway.Gateway
}

// run starts a job that may reach hosts, and has accounts as HTTP.
func (b *border) run(name string, allow []hotcell.Allow, accounts ...hotcell.CredentialID) *cell {
	b.t.Helper()
	ctx := b.t.Context()
	work := hotcell.Work{Command: "true", Allow: allow}
	a, err := b.control.CreateAssignment(ctx, &vaultrpc.CreateAssignmentRequest{By: vaultrpc.As(b.owner), Name: name, Work: work})
	must(b.t, err)
	for _, id := range accounts {
		_, err = b.control.Attach(ctx, &vaultrpc.AttachRequest{By: vaultrpc.As(b.owner), Assignment: a.Assignment.ID, Credential: id, As: hotcell.InjectHTTP})
		must(b.t, err)
	}
	return b.start(a.Assignment.ID, work)
}

// start starts a job of an assignment.
func (b *border) start(on hotcell.AssignmentID, work hotcell.Work) *cell {
	b.t.Helper()
	ctx := b.t.Context()
	c := &cell{border: b, job: hotcell.JobID(hotcell.NewID(hotcell.PrefixJob)), line: filepath.Join(b.t.TempDir(), "line")}
	_, err := b.control.CreateJob(ctx, &vaultrpc.CreateJobRequest{By: vaultrpc.As(b.owner), Assignment: on, Job: c.job})
	must(b.t, err)
	_, err = b.control.StartJob(ctx, &vaultrpc.StartJobRequest{Job: c.job})
	must(b.t, err)
	c.gateway, err = gateway.New(gateway.Config{
		Job: hotcell.Job{ID: c.job, Work: work}, Vault: b.worker, Dialer: b.guard, Roots: b.roots, Now: time.Now, Log: slog.New(slog.DiscardHandler),
	})
	must(b.t, err)
	b.t.Cleanup(c.gateway.Close)
	l, err := net.Listen("unix", c.line)
	must(b.t, err)
	go func() { _ = c.gateway.Serve(l) }()
	c.ca, err = openCell(ctx, c.line)
	must(b.t, err)
	return c
}

func (c *cell) client(host string, two bool) *http.Client {
	c.t.Helper()
	client := throughLineTo(host, c.line, c.ca, two)
	c.t.Cleanup(client.CloseIdleConnections)
	return client
}

func at(host string, port int) string {
	return "https://" + net.JoinHostPort(host, strconv.Itoa(port))
}
