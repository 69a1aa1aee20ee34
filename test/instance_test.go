package test

import (
	"bufio"
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"hotcell"
	"hotcell/internal/catalog/connector"
	"hotcell/internal/line/rpc"
	"hotcell/internal/line/socketpair"
	"hotcell/internal/line/vaultclient"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/store/sqlite"
	"hotcell/internal/vault"
	"hotcell/internal/wire/netguard"
)

// sharedVault is what an instance of the vault is started with: several are over
// the store in Dir.
type sharedVault struct {
	Dir, Document string
	CA            []byte
	Job           hotcell.JobID
}

// instance is a vault over a store that others have too.
type instance struct {
	control *vaultclient.Control
	worker  *vaultclient.Worker
	owner   hotcell.Principal
	store   *sqlite.Vault
	skew    atomic.Int64
	close   func()
}

func (v sharedVault) open(ctx context.Context) (*instance, error) {
	log := slog.New(slog.DiscardHandler)
	i := &instance{}
	store, err := sqlite.ShareVault(ctx, filepath.Join(v.Dir, "vault.db"), log)
	if err != nil {
		return nil, err
	}
	i.store = store
	catalog, err := connector.Load(connector.Options{Own: []connector.Document{{Name: "chat.yaml", Text: []byte(v.Document)}}})
	if err != nil {
		return nil, err
	}
	loopback, err := netguard.ParsePrivate("127.0.0.1")
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(v.CA)
	d, err := vault.Open(ctx, vault.Config{
		Store: store, KeyURL: "file://" + filepath.Join(v.Dir, "local.key"), Owner: "Olga", Catalog: catalog, Roots: roots, Log: log, Owners: vault.NewOwners(os.Geteuid(), time.Now),
		Dialer: netguard.New(netguard.Config{AllowPrivate: []netguard.Private{loopback}}),
		Now:    func() time.Time { return time.Now().Add(time.Duration(i.skew.Load())) },
	})
	if err != nil {
		return nil, err
	}
	i.owner = d.Owner()
	var servers []*http.Server
	serve := func(h http.Handler) *rpc.Client {
		dial, listen, failed := socketpair.Pair()
		if failed != nil {
			err = failed
			return nil
		}
		l, _ := socketpair.NewListener(listen)
		to, _ := socketpair.NewDialer(dial)
		server := rpc.Server(h)
		go func() { _ = server.Serve(l) }()
		servers = append(servers, server)
		return rpc.NewClient(func(ctx context.Context) (net.Conn, error) { return to.DialContext(ctx) })
	}
	i.control, i.worker = vaultclient.NewControl(serve(d.Control())), vaultclient.NewWorker(serve(d.Worker()))
	i.close = func() {
		for _, s := range servers {
			_ = s.Close()
		}
		_ = d.Close()
	}
	return i, err
}

// outcome is how a number of calls of a tool ended, by what their callers got:
// "ok", or the code of the error.
type outcome map[string]int

// calls makes n calls at once.
func (i *instance) calls(ctx context.Context, job hotcell.JobID, n int) outcome {
	out := outcome{}
	var mu sync.Mutex
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			ended := "ok"
			answer, err := i.worker.CallTool(ctx, &vaultrpc.CallToolRequest{Job: job, Tool: "chat_read", Arguments: json.RawMessage(`{}`), Shown: json.RawMessage(`{}`)})
			switch {
			case err != nil:
				ended = err.Error()
			case answer.Error != nil && answer.Error.Code == "reconnect":
				ended = "reconnect"
			case answer.Error != nil:
				ended = answer.Error.Code + ": " + answer.Error.Message
			}
			mu.Lock()
			defer mu.Unlock()
			out[ended]++
		})
	}
	all.Wait()
	return out
}

// order is what an instance in a process of its own is told to do. Skew is how far
// its clock is ahead of the machine's.
type order struct {
	Calls int
	Skew  time.Duration
}

// apart is an instance in a process of its own, that can be killed.
type apart struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *bufio.Reader
	ended chan struct{}
}

const childOf = "HOTCELL_TEST_SHARED_VAULT"

// TestAnInstance is the process of a child: it is no test of its own.
func TestAnInstance(t *testing.T) { //nolint:paralleltest // it is a process by itself
	text := os.Getenv(childOf)
	if text == "" {
		t.Skip("started by the test of three instances alone")
	}
	var v sharedVault
	must(t, json.Unmarshal([]byte(text), &v))
	i, err := v.open(t.Context())
	must(t, err)
	fmt.Println("{}")
	in := json.NewDecoder(os.Stdin)
	for {
		var o order
		if in.Decode(&o) != nil {
			return
		}
		i.skew.Store(int64(o.Skew))
		must(t, json.NewEncoder(os.Stdout).Encode(i.calls(t.Context(), v.Job, o.Calls)))
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// start starts the process and waits until it can be told what to do.
func (v sharedVault) start(t *testing.T) *apart {
	t.Helper()
	text, err := json.Marshal(v)
	must(t, err)
	c := &apart{cmd: exec.Command(os.Args[0], "-test.run=^TestAnInstance$", "-test.timeout=10m")}
	c.cmd.Env = append(os.Environ(), childOf+"="+string(text))
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	c.cmd.Stderr = os.Stderr
	c.in, err = c.cmd.StdinPipe()
	must(t, err)
	out, err := c.cmd.StdoutPipe()
	must(t, err)
	c.out = bufio.NewReader(out)
	must(t, c.cmd.Start())
	c.ended = make(chan struct{})
	go func() { _ = c.cmd.Wait(); close(c.ended) }()
	t.Cleanup(func() { c.kill(); <-c.ended })
	if _, err := c.out.ReadString('\n'); err != nil {
		t.Fatalf("the process did not start: %v", err)
	}
	return c
}

// calls has the process make n calls; what was not answered is "lost".
func (c *apart) calls(n int, skew time.Duration) outcome {
	if json.NewEncoder(c.in).Encode(order{n, skew}) != nil {
		return outcome{"lost": n}
	}
	out := outcome{}
	line, err := c.out.ReadBytes('\n')
	if err != nil || json.Unmarshal(line, &out) != nil {
		return outcome{"lost": n}
	}
	return out
}

func (c *apart) kill() { _ = c.cmd.Process.Kill() }

func (c *apart) dead() bool {
	select {
	case <-c.ended:
		return true
	default:
		return false
	}
}
