package worker_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"hotcell"
	"hotcell/internal/cell"
	"hotcell/internal/line/rpc"
	"hotcell/internal/line/socketpair"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/line/workerrpc"
	"hotcell/internal/worker"
	"hotcell/internal/worker/gateway"
)

// TestMain lets the test's own binary be what runs first in a cell.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case cell.InitCommand:
			os.Exit(cell.InitMain())
		case cell.ExecCommand:
			os.Exit(cell.ExecMain())
		}
	}
	os.Exit(m.Run())
}

// death is what the vault says of a grant; one without a job is a sign of life.
type death struct {
	job    hotcell.JobID
	reason string
}

// house is a worker on its line, between a scripted vault and the world.
type house struct {
	*rpc.Client
	deaths chan death
	deny   error
	driver *spy
	folder string
	log    *words

	mu     sync.Mutex
	events []hotcell.Event
	allow  map[hotcell.JobID][]hotcell.Allow
	asked  [][]hotcell.JobID
	// token and expires are of an external job.
	token   []byte
	expires *time.Time
	answer  *vaultrpc.CallToolAnswer
	broken  int // how often Watch breaks off at first
}

func (h *house) Lease(context.Context, hotcell.JobID, []byte) (message, fingerprints []byte, err error) {
	return nil, nil, h.deny
}

func (h *house) Rules(_ context.Context, job hotcell.JobID) (*vaultrpc.RulesAnswer, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return &vaultrpc.RulesAnswer{Allow: h.allow[job], Token: h.token, Expires: h.expires}, nil
}

func (h *house) ListTools(context.Context, *vaultrpc.ListToolsRequest) (*vaultrpc.ListToolsAnswer, error) {
	return &vaultrpc.ListToolsAnswer{Access: "slack: post to #ops"}, nil
}

func (h *house) CallTool(context.Context, *vaultrpc.CallToolRequest) (*vaultrpc.CallToolAnswer, error) {
	if h.answer != nil {
		return h.answer, nil
	}
	return nil, hotcell.ErrDenied
}

func (h *house) Logins(context.Context, *vaultrpc.LoginsRequest) (*vaultrpc.LoginsAnswer, error) {
	return &vaultrpc.LoginsAnswer{}, nil
}

func (h *house) ArmLogin(context.Context, *vaultrpc.ArmLoginRequest) (*vaultrpc.ArmLoginAnswer, error) {
	return nil, hotcell.ErrDenied
}

func (h *house) AwaitArm(context.Context, *vaultrpc.AwaitArmRequest) (*vaultrpc.AwaitArmAnswer, error) {
	return nil, hotcell.ErrDenied
}

func (h *house) FillLogin(context.Context, *vaultrpc.FillLoginRequest) (*vaultrpc.FillLoginAnswer, error) {
	return nil, hotcell.ErrDenied
}

func (h *house) AskWay(context.Context, *vaultrpc.AskWayRequest) (*vaultrpc.AskLoginAnswer, error) {
	return nil, hotcell.ErrDenied
}

func (h *house) AskLogin(context.Context, *vaultrpc.AskLoginRequest) (*vaultrpc.AskLoginAnswer, error) {
	return nil, hotcell.ErrDenied
}

func (h *house) AwaitRequest(context.Context, *vaultrpc.AwaitRequestRequest) (*vaultrpc.RequestAnswer, error) {
	return nil, hotcell.ErrDenied
}

func (h *house) Prints(context.Context, *vaultrpc.PrintsRequest) (*vaultrpc.PrintsAnswer, error) {
	return &vaultrpc.PrintsAnswer{}, nil
}

func (h *house) Forward(*http.Request) (*http.Response, error) { return nil, hotcell.ErrDenied }

func (h *house) Connect(context.Context, hotcell.JobID, hotcell.AttachmentID, vaultrpc.DatabaseOpening) (io.ReadWriteCloser, vaultrpc.DatabaseOpened, error) {
	return nil, vaultrpc.DatabaseOpened{}, hotcell.ErrDenied
}

func (h *house) Ask(context.Context, hotcell.JobID, hotcell.Allow, string) (hotcell.Request, error) {
	return hotcell.Request{}, hotcell.ErrDenied
}

func (h *house) Report(_ context.Context, _ hotcell.JobID, events ...hotcell.Event) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.events = append(h.events, events...)
	return nil
}

func (h *house) Watch(ctx context.Context, jobs []hotcell.JobID, fn func(vaultrpc.WatchAnswer)) error {
	h.mu.Lock()
	h.asked = append(h.asked, jobs)
	h.broken--
	broken := h.broken >= 0
	h.mu.Unlock()
	if broken {
		return hotcell.ErrUnavailable
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case d := <-h.deaths:
			fn(vaultrpc.WatchAnswer{Job: d.job, Reason: d.reason})
		}
	}
}

// Dial answers every connection with what it sends.
func (h *house) Dial(context.Context, string, int) (net.Conn, error) {
	here, there := net.Pipe()
	go func() { _, _ = io.Copy(there, there); _ = there.Close() }()
	return here, nil
}

// spy notes which cells are made.
type spy struct {
	cell.Driver
	fail error
	lack []cell.Precondition

	mu    sync.Mutex
	cells []cell.Config
}

func (s *spy) Check(ctx context.Context) []cell.Precondition {
	if s.lack != nil {
		return s.lack
	}
	return s.Driver.Check(ctx)
}

func (s *spy) Start(ctx context.Context, c cell.Config) (*cell.Process, error) {
	s.mu.Lock()
	s.cells = append(s.cells, c)
	s.mu.Unlock()
	if s.fail != nil {
		return nil, s.fail
	}
	return s.Driver.Start(ctx, c)
}

func (s *spy) made() []cell.Config {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cells
}

type words struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (w *words) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.Write(b)
}

func (w *words) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.String()
}

// open opens a worker whose jobs run in real cells.
func open(t *testing.T, change func(*house, *worker.Config)) *house {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	h := &house{allow: map[hotcell.JobID][]hotcell.Allow{}, deaths: make(chan death), folder: t.TempDir(), log: &words{}}
	h.driver = &spy{Driver: cell.NewBubblewrap(cell.Options{Binary: self, Bundle: "/etc/ssl/certs/ca-certificates.crt"})}
	c := worker.Config{
		Vault: h, Driver: h.driver,
		Door:   gateway.Config{Dialer: h, TCP: func(hotcell.Allow) bool { return true }},
		Folder: h.folder, Now: time.Now, Log: slog.New(slog.NewTextHandler(h.log, nil)),
	}
	if change != nil {
		change(h, &c)
	}
	w, err := worker.New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	dial, listen, err := socketpair.Pair()
	if err != nil {
		t.Fatal(err)
	}
	listener, err := socketpair.NewListener(listen)
	if err != nil {
		t.Fatal(err)
	}
	server := rpc.Server(w.Handler())
	go func() { _ = server.Serve(listener) }()
	d, err := socketpair.NewDialer(dial)
	if err != nil {
		t.Fatal(err)
	}
	h.Client = rpc.NewClient(d.DialContext)
	ctx, cancel := context.WithCancel(context.Background())
	watched := make(chan struct{})
	go func() { defer close(watched); w.Watch(ctx) }()
	t.Cleanup(func() {
		cancel()
		<-watched
		_ = server.Close()
		_, _, _ = d.Close(), dial.Close(), listen.Close()
	})
	return h
}

// told is what came of a run.
type told struct {
	stdout, stderr strings.Builder
	out            bytes.Buffer
	started        bool
	end            *workerrpc.End
}

func jobOf(command string, allow ...hotcell.Allow) hotcell.Job {
	return hotcell.Job{
		ID: hotcell.JobID(hotcell.NewID(hotcell.PrefixJob)), Name: "report",
		Work: hotcell.Work{Command: command, Allow: allow, Limits: hotcell.Limits{Memory: 512 << 20, Disk: 64 << 20, Pids: 64}},
	}
}

// run runs a job to its end; said, if there, hears each piece of its stdout.
func (h *house) run(ctx context.Context, j hotcell.Job, said func(string)) (*told, error) {
	h.mu.Lock()
	h.allow[j.ID] = j.Work.Allow
	h.mu.Unlock()
	var got told
	err := rpc.CallStream(ctx, h.Client, workerrpc.Run, &workerrpc.RunRequest{Job: j}, func(e *workerrpc.RunEvent) error {
		switch e.Kind {
		case workerrpc.Started:
			got.started = true
		case workerrpc.Output:
			got.out.Write(e.Data)
		case workerrpc.Ended:
			got.end = e.End
		case workerrpc.Log:
			if e.Stream == "stderr" {
				got.stderr.Write(e.Data)
				return nil
			}
			got.stdout.Write(e.Data)
			if said != nil {
				said(string(e.Data))
			}
		}
		return nil
	})
	return &got, err
}

// put hands over a folder, and returns the answer's status.
func (h *house) put(t *testing.T, method, digest string, body io.Reader) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://worker"+workerrpc.FilesPath+digest, body)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := h.HTTP().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	return answer.StatusCode
}

// living are the processes of this machine whose arguments hold the mark.
func living(t *testing.T, mark string) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, f := range files {
		if b, err := os.ReadFile(f); err == nil && strings.Contains(string(b), mark) {
			out = append(out, fmt.Sprintf("%s %q", f, b))
		}
	}
	return out
}

// waitFor waits until fn is true, and returns how long that took.
func waitFor(t *testing.T, what string, fn func() bool) time.Duration {
	t.Helper()
	began := time.Now()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for time.Since(began) < 20*time.Second {
		if fn() {
			return time.Since(began)
		}
		<-tick.C
	}
	t.Fatalf("%s: it never happened", what)
	return 0
}
