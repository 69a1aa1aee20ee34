package cell_test

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"hotcell"
	"hotcell/internal/cell"
	"hotcell/internal/line/cellrpc"
	"hotcell/internal/line/socketpair"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/value/parcel"
)

// TestMain lets the test's own binary be what runs first in a cell.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case cell.InitCommand:
			os.Exit(cell.InitMain())
		case cell.ExecCommand:
			os.Exit(cell.ExecMain())
		case cell.BrowserCommand:
			os.Exit(browse())
		case probeCommand:
			os.Exit(probe())
		case dialCommand:
			os.Exit(dialAll(os.Args[2:]))
		case sayCommand:
			os.Exit(say(os.Args[2], os.Stdin, os.Stdout))
		case serveCommand:
			os.Exit(serve())
		}
	}
	os.Exit(m.Run())
}

const bundle = "/etc/ssl/certs/ca-certificates.crt"

// fake is a gateway that grants everything and notes what it was told.
type fake struct {
	spec    cellrpc.Spec
	secrets []vaultrpc.LeasedSecret
	files   []byte
	// lease and connect replace the answers where they are set.
	lease   http.HandlerFunc
	connect func(target string, c net.Conn)
	// onLog is called with each piece of the log.
	onLog func(stream, text string)

	mu      sync.Mutex
	leases  int
	calls   []string
	targets []string
	refused []string
	logs    map[string]*bytes.Buffer
	out     []byte
	exit    *cellrpc.Exit
	ended   chan struct{}
}

func (f *fake) handler(t testing.TB) http.Handler {
	f.logs, f.ended = map[string]*bytes.Buffer{"stdout": {}, "stderr": {}}, make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("GET /spec", func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(f.spec) })
	mux.HandleFunc("GET /browser", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(browserSpec(f.spec)) })
	mux.HandleFunc("POST /lease", f.answerLease)
	mux.HandleFunc("GET /files", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(f.files) })
	mux.HandleFunc("POST /refused", func(w http.ResponseWriter, r *http.Request) {
		var asked cellrpc.Refused
		_ = json.NewDecoder(r.Body).Decode(&asked)
		f.mu.Lock()
		f.refused = append(f.refused, asked.Name)
		f.mu.Unlock()
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("POST /log", f.takeLog)
	mux.HandleFunc("PUT /out", func(w http.ResponseWriter, r *http.Request) {
		out, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		f.out = out
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("POST /started", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("POST /exit", func(w http.ResponseWriter, r *http.Request) {
		f.exit = &cellrpc.Exit{}
		if err := json.NewDecoder(r.Body).Decode(f.exit); err != nil {
			t.Errorf("reading the exit: %v", err)
		}
		w.WriteHeader(http.StatusNoContent)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		f.calls = append(f.calls, r.Method+" "+r.URL.Path)
		f.mu.Unlock()
		if r.Method == http.MethodConnect {
			f.tunnel(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func (f *fake) answerLease(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.leases++
	f.mu.Unlock()
	if f.lease != nil {
		f.lease(w, r)
		return
	}
	if f.secrets == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	message, err := f.seal(r.Body, f.spec.Job)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_ = json.NewEncoder(w).Encode(cellrpc.LeaseAnswer{Message: message})
}

func (f *fake) seal(body io.Reader, job string) ([]byte, error) {
	var request cellrpc.LeaseRequest
	err := json.NewDecoder(body).Decode(&request)
	key, parse := parcel.ParsePublic(request.PublicKey)
	plain, marshal := json.Marshal(f.secrets)
	if err := errors.Join(err, parse, marshal); err != nil {
		return nil, err
	}
	return parcel.SealInfo(key, vaultrpc.LeaseInfo(hotcell.JobID(job)), plain)
}

func (f *fake) takeLog(w http.ResponseWriter, r *http.Request) {
	stream, b := r.URL.Query().Get("stream"), make([]byte, 32<<10)
	for {
		n, err := r.Body.Read(b)
		f.mu.Lock()
		f.logs[stream].Write(b[:n])
		f.mu.Unlock()
		if n > 0 && f.onLog != nil {
			f.onLog(stream, string(b[:n]))
		}
		if err != nil {
			break
		}
	}
	w.WriteHeader(http.StatusNoContent)
}

func (f *fake) tunnel(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.targets = append(f.targets, r.RequestURI)
	f.mu.Unlock()
	if f.connect == nil {
		http.Error(w, "refused by the test", http.StatusForbidden)
		return
	}
	c, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer func() { _ = c.Close() }()
	_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
	f.connect(r.RequestURI, c)
}

func (f *fake) stdout() string { return f.log("stdout") }

func (f *fake) log(stream string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.logs[stream].String()
}

// running is a cell that runs, with its gateway.
type running struct {
	*cell.Process
	stderr *bytes.Buffer
	// hangUp takes the gateway away.
	hangUp func()
}

// start starts a cell at the fake gateway.
func start(t testing.TB, f *fake, change func(*cell.Config)) *running {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return startWith(t, f, self, change)
}

// startWith starts a cell of the given program.
func startWith(t testing.TB, f *fake, program string, change func(*cell.Config)) *running {
	t.Helper()
	dial, listen, err := socketpair.Pair()
	if err != nil {
		t.Fatal(err)
	}
	listener, err := socketpair.NewListener(listen)
	if err != nil {
		t.Fatal(err)
	}
	if err := listen.Close(); err != nil {
		t.Fatal(err)
	}
	if f.spec.Job == "" {
		f.spec.Job = "job_test"
	}
	server := &http.Server{Handler: f.handler(t), ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }()
	r := &running{stderr: &bytes.Buffer{}, hangUp: sync.OnceFunc(func() { _ = server.Close() })}
	config := cell.Config{Gateway: dial, Disk: 64 << 20, Stderr: r.stderr}
	if change != nil {
		change(&config)
	}
	r.Process, err = cell.NewBubblewrap(cell.Options{Binary: program, Bundle: bundle}).Start(context.Background(), config)
	if err := errors.Join(err, dial.Close()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Kill(); _ = r.Wait(); r.hangUp() })
	return r
}

// run runs a command in a cell to its end.
func run(t testing.TB, f *fake) cellrpc.Exit {
	t.Helper()
	r := start(t, f, nil)
	if err := r.Wait(); err != nil {
		t.Fatalf("the cell: %v: %s", err, r.stderr)
	}
	if f.exit == nil {
		t.Fatal("the cell did not tell how it ended")
	}
	return *f.exit
}

// sh runs a script and returns what it said and how it ended.
func sh(t testing.TB, script string) (string, cellrpc.Exit) {
	t.Helper()
	f := &fake{spec: cellrpc.Spec{Command: script}}
	exit := run(t, f)
	return f.stdout() + f.log("stderr"), exit
}

// secret is a bundle of one variable.
func secret(name, value string) []vaultrpc.LeasedSecret {
	return []vaultrpc.LeasedSecret{{Credential: "billing", Variables: []vaultrpc.LeasedVariable{{Name: name, Value: []byte(value)}}}}
}

// archive is a tar archive of the given entries.
func archive(t testing.TB, entries ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range entries {
		content := fmt.Sprintf("content of %s\n", h.Name)
		if h.Typeflag == tar.TypeReg {
			h.Size = int64(len(content))
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			_, _ = io.WriteString(w, content)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func has(t testing.TB, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q is missing in:\n%s", part, text)
		}
	}
}

func hasNot(t testing.TB, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if strings.Contains(text, part) {
			t.Errorf("%q is in:\n%s", part, text)
		}
	}
}

// bare is what a cell is compared with: `true` in bwrap's namespaces.
func bare() *exec.Cmd {
	return exec.Command("bwrap", "--unshare-all", "--ro-bind", "/usr", "/usr", "--symlink", "usr/bin", "/bin", "--symlink", "usr/lib", "/lib",
		"--symlink", "usr/lib64", "/lib64", "--proc", "/proc", "--dev", "/dev", "true")
}
