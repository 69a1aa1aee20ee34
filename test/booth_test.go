package test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"hotcell"
	"hotcell/internal/catalog/connector"
	"hotcell/internal/line/rpc"
	"hotcell/internal/line/socketpair"
	"hotcell/internal/line/vaultclient"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/store/sqlite"
	"hotcell/internal/value/parcel"
	"hotcell/internal/vault"
	"hotcell/internal/wire/authority"
	"hotcell/internal/wire/egress"
	"hotcell/internal/wire/netguard"
	"hotcell/internal/worker/gateway"
)

// booth is a gateway on its line before a vault of its own, before an HTTPS server
// that writes down what arrives, byte by byte.
type booth struct {
	t       *testing.T
	host    string
	port    int
	control *vaultclient.Control
	worker  *vaultclient.Worker
	owner   hotcell.Principal
	key     parcel.PublicKey
	on      hotcell.AssignmentID
	job     hotcell.JobID
	// words are the job's variables: stand-ins and values.
	words map[string]string
	guard *netguard.Guard
	// dialer is the guard, or who stands before it; more is what the job may reach beside the host.
	dialer netguard.Dialer
	more   []hotcell.Allow
	roots  *x509.CertPool
	// models are the operator's word on model hosts; believed is what the gateway has
	// of it, where that is another.
	models, believed egress.Models
	// declared has connections declared to be to a model under zero data retention.
	declared bool

	line string
	ca   string

	mu      sync.Mutex
	arrived []string
	// answers are further headers of the server's answers, each a line.
	answers string
	// reply answers a request in the place of the usual answer, and says whether the
	// connection goes on; nil for the usual one.
	reply func(c net.Conn, in *bufio.Reader, r *http.Request, raw string) bool
}

// openBooth opens one whose server is at a host.
func openBooth(t *testing.T, host string) *booth {
	t.Helper()
	return openBoothOf(t, host, nil)
}

// openBoothOf is one whose vault has a connector for the server, which listens at a port.
func openBoothOf(t *testing.T, host string, document func(port int) connector.Document) *booth {
	t.Helper()
	b, _ := newBooth(t, host)
	var catalog *connector.Catalog
	if document != nil {
		shipped, err := connector.Load(connector.Options{})
		b.must(err)
		catalog, err = shipped.Plus(document(b.port))
		b.must(err)
	}
	b.open(catalog)
	return b
}

// openBoothBy is one that is changed before it opens.
func openBoothBy(t *testing.T, host string, change func(*booth, *authority.Authority)) *booth {
	t.Helper()
	b, ca := newBooth(t, host)
	change(b, ca)
	b.open(nil)
	return b
}

func newBooth(t *testing.T, host string) (*booth, *authority.Authority) {
	t.Helper()
	b := &booth{t: t, host: host, roots: x509.NewCertPool(), words: map[string]string{}}
	ca, err := authority.New("booth", time.Now(), time.Hour)
	b.must(err)
	b.roots.AppendCertsFromPEM(ca.PEM())
	certificate, err := ca.Issue(host)
	b.must(err)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12})
	b.must(err)
	t.Cleanup(func() { _ = l.Close() })
	_, port, err := net.SplitHostPort(l.Addr().String())
	b.must(err)
	b.port, err = strconv.Atoi(port)
	b.must(err)
	go b.serve(l)
	private, err := netguard.ParsePrivate(host)
	b.must(err)
	b.guard = netguard.New(netguard.Config{AllowPrivate: []netguard.Private{private}, Pins: map[string]netip.Addr{host: netip.MustParseAddr("127.0.0.1")}})
	b.dialer = b.guard
	return b, ca
}

// at is the host with its port.
func (b *booth) at() string { return net.JoinHostPort(b.host, strconv.Itoa(b.port)) }

func (b *booth) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *booth) serve(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go b.speak(c)
	}
}

// speak answers requests on one connection, and writes each down as it came.
func (b *booth) speak(c net.Conn) {
	defer func() { _ = c.Close() }()
	var raw bytes.Buffer
	in := bufio.NewReader(io.TeeReader(c, &raw))
	for {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		_, err = io.Copy(io.Discard, r.Body)
		b.mu.Lock()
		came, reply, more := raw.String(), b.reply, b.answers
		b.arrived = append(b.arrived, came)
		b.mu.Unlock()
		raw.Reset()
		if err != nil {
			return
		}
		if reply != nil {
			if !reply(c, in, r, came) {
				return
			}
			continue
		}
		if _, err := fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n%s\r\nok", more); err != nil {
			return
		}
	}
}

func (b *booth) open(catalog *connector.Catalog) {
	ctx, log, dir := b.t.Context(), slog.New(slog.DiscardHandler), b.t.TempDir()
	store, err := sqlite.OpenVault(ctx, filepath.Join(dir, "vault.db"), log)
	b.must(err)
	d, err := vault.Open(ctx, vault.Config{
		Store: store, KeyURL: "file://" + filepath.Join(dir, "local.key"), Owner: "ada", Dialer: b.dialer, Roots: b.roots, Catalog: catalog, Models: b.models, Now: time.Now, Log: log,
	})
	b.must(err)
	b.t.Cleanup(func() { _ = d.Close() })
	b.control, b.worker = vaultclient.NewControl(b.join(d.Control())), vaultclient.NewWorker(b.join(d.Worker()))
	b.owner = d.Owner()
	w, err := b.control.Workspace(ctx, &vaultrpc.WorkspaceRequest{By: vaultrpc.As(b.owner)})
	b.must(err)
	b.key, err = parcel.ParsePublic(w.PublicKey)
	b.must(err)
	a, err := b.control.CreateAssignment(ctx, &vaultrpc.CreateAssignmentRequest{By: vaultrpc.As(b.owner), Name: "booth", Work: hotcell.Work{
		Command: "true", Allow: append(b.more, hotcell.Allow{Host: b.host, Port: b.port, Protocol: hotcell.ProtocolHTTPS}),
	}})
	b.must(err)
	b.on = a.Assignment.ID
}

func (b *booth) join(h http.Handler) *rpc.Client {
	dial, listen, err := socketpair.Pair()
	b.must(err)
	l, err := socketpair.NewListener(listen)
	b.must(err)
	d, err := socketpair.NewDialer(dial)
	b.must(err)
	server := rpc.Server(h)
	go func() { _ = server.Serve(l) }()
	b.t.Cleanup(func() { _, _ = server.Close(), d.Close() })
	return rpc.NewClient(d.DialContext)
}

// secret attaches a secret of one variable, which is named as the secret is, and is
// bound to the host.
func (b *booth) secret(name, value string, as hotcell.Injection, n hotcell.Narrowing) {
	b.t.Helper()
	b.secretFor([]string{b.at()}, name, value, as, n)
}

// secretFor is secret, bound to other hosts, or to none.
func (b *booth) secretFor(hosts []string, name, value string, as hotcell.Injection, n hotcell.Narrowing) {
	b.t.Helper()
	sealed, err := parcel.Seal(b.key, parcel.Context{Workspace: string(b.owner.Workspace), Tier: "secret", Item: name, Field: name}, []byte(value))
	b.must(err)
	made, err := b.control.CreateSecret(b.t.Context(), &vaultrpc.CreateSecretRequest{
		By: vaultrpc.As(b.owner), Name: name, Hosts: hosts, Variables: []vaultrpc.SealedVariable{{Name: name, Message: sealed}},
	})
	b.must(err)
	_, err = b.control.Attach(b.t.Context(), &vaultrpc.AttachRequest{By: vaultrpc.As(b.owner), Assignment: b.on, Credential: made.Credential.ID, As: as, Narrowing: n})
	b.must(err)
}

// connection attaches a key by HTTP.
func (b *booth) connection(name, key string, auth hotcell.Auth, n hotcell.Narrowing) {
	b.t.Helper()
	sealed, err := parcel.Seal(b.key, parcel.Context{Workspace: string(b.owner.Workspace), Tier: "connection", Item: name, Field: hotcell.FieldKey}, []byte(key))
	b.must(err)
	made, err := b.control.CreateConnection(b.t.Context(), &vaultrpc.CreateConnectionRequest{
		By: vaultrpc.As(b.owner), Name: name, Key: sealed, HTTP: hotcell.HTTPAccess{Host: b.host, Port: b.port, Auth: auth}, ZeroDataRetention: b.declared,
	})
	b.must(err)
	_, err = b.control.Attach(b.t.Context(), &vaultrpc.AttachRequest{By: vaultrpc.As(b.owner), Assignment: b.on, Credential: made.Credential.ID, As: hotcell.InjectHTTP, Narrowing: n})
	b.must(err)
}

// tools attaches tools of a connector, by an account with a key.
func (b *booth) tools(connector, key string, tools ...string) {
	b.t.Helper()
	sealed, err := parcel.Seal(b.key, parcel.Context{Workspace: string(b.owner.Workspace), Tier: "connection", Item: connector, Field: hotcell.FieldKey}, []byte(key))
	b.must(err)
	made, err := b.control.CreateConnection(b.t.Context(), &vaultrpc.CreateConnectionRequest{By: vaultrpc.As(b.owner), Name: connector, Connector: connector, Key: sealed})
	b.must(err)
	_, err = b.control.Attach(b.t.Context(), &vaultrpc.AttachRequest{By: vaultrpc.As(b.owner), Assignment: b.on, Credential: made.Credential.ID, As: hotcell.InjectTools, Narrowing: hotcell.Narrowing{Tools: tools}})
	b.must(err)
}

// start starts a job, and has its variables.
func (b *booth) start() {
	b.t.Helper()
	ctx := b.t.Context()
	b.job = hotcell.JobID(hotcell.NewID(hotcell.PrefixJob))
	_, err := b.control.CreateJob(ctx, &vaultrpc.CreateJobRequest{By: vaultrpc.As(b.owner), Assignment: b.on, Job: b.job})
	b.must(err)
	_, err = b.control.StartJob(ctx, &vaultrpc.StartJobRequest{Job: b.job})
	b.must(err)
	g, err := gateway.New(gateway.Config{
		Job: hotcell.Job{ID: b.job, Work: hotcell.Work{Command: "true"}}, Vault: b.worker, Dialer: b.dialer, Roots: b.roots,
		Models: slices.Concat(b.models, b.believed), Limits: gateway.Limits{Requests: 1 << 30}, Now: time.Now, Log: slog.New(slog.DiscardHandler),
	})
	b.must(err)
	b.t.Cleanup(g.Close)
	b.line = filepath.Join(b.t.TempDir(), "line")
	l, err := net.Listen("unix", b.line)
	b.must(err)
	go func() { _ = g.Serve(l) }()
	var spec struct{ CA string }
	b.must(exchangeJSON(ctx, overLine(b.line), http.MethodGet, "http://gateway/spec", nil, &spec))
	b.ca = spec.CA
	pair, err := parcel.Generate()
	b.must(err)
	var leased struct{ Message []byte }
	b.must(exchangeJSON(ctx, overLine(b.line), http.MethodPost, "http://gateway/lease", map[string]any{"public_key": pair.Public().Bytes()}, &leased))
	if len(leased.Message) == 0 {
		return
	}
	plain, err := pair.OpenInfo(vaultrpc.LeaseInfo(b.job), leased.Message)
	b.must(err)
	b.must(plain.Use(func(text []byte) error {
		var secrets []vaultrpc.LeasedSecret
		if err := json.Unmarshal(text, &secrets); err != nil {
			return err
		}
		for _, s := range secrets {
			for _, v := range s.Variables {
				b.words[v.Name] = string(v.Value)
			}
		}
		return nil
	}))
}

// dial is a connection of the job to the host, under TLS.
func (b *booth) dial(ctx context.Context) (net.Conn, error) {
	c, err := (&net.Dialer{}).DialContext(ctx, "unix", b.line)
	if err != nil {
		return nil, err
	}
	to := net.JoinHostPort(b.host, strconv.Itoa(b.port))
	if _, err := fmt.Fprintf(c, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", to, to); err != nil {
		return nil, err
	}
	answer, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: http.MethodConnect})
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("refused with %d", answer.StatusCode)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(b.ca))
	return tls.Client(c, &tls.Config{RootCAs: roots, ServerName: b.host, MinVersion: tls.VersionTLS12}), nil
}

// send sends a request as it is written, "HOST" in it being the host, and returns
// the answer and what arrived of it.
func (b *booth) send(raw string) (answer *http.Response, text, arrived string) {
	b.t.Helper()
	b.mu.Lock()
	b.arrived = nil
	b.mu.Unlock()
	c, err := b.dial(b.t.Context())
	b.must(err)
	defer func() { _ = c.Close() }()
	// What is refused by its head is not read to its end.
	go func() {
		_, _ = io.WriteString(c, strings.ReplaceAll(raw, "HOST", net.JoinHostPort(b.host, strconv.Itoa(b.port))))
	}()
	answer, err = http.ReadResponse(bufio.NewReader(c), nil)
	b.must(err)
	body, err := io.ReadAll(answer.Body)
	b.must(err)
	_ = answer.Body.Close()
	b.mu.Lock()
	defer b.mu.Unlock()
	return answer, string(body), strings.Join(b.arrived, "\n")
}

// get is a request without a body, with headers each a line.
func get(target string, headers ...string) string { return sent("GET", target, "", headers...) }

func sent(method, target, body string, headers ...string) string {
	var out strings.Builder
	out.WriteString(method + " " + target + " HTTP/1.1\r\nHost: HOST\r\n")
	for _, h := range headers {
		out.WriteString(h + "\r\n")
	}
	if body != "" {
		fmt.Fprintf(&out, "Content-Length: %d\r\n", len(body))
	}
	return out.String() + "\r\n" + body
}

// recorded is what the log says of a job's refusals.
func (b *booth) recorded() string {
	b.t.Helper()
	answer, err := b.control.Events(b.t.Context(), &vaultrpc.EventsRequest{By: vaultrpc.As(b.owner), Filter: hotcell.EventFilter{Kind: "network.refuse"}})
	b.must(err)
	var out strings.Builder
	for _, e := range answer.Events {
		out.WriteString(e.Reason + "\n")
	}
	return out.String()
}
