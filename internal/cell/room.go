package cell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"hotcell/internal/line/border"
	"hotcell/internal/line/cellrpc"
	"hotcell/internal/line/socketpair"
	"hotcell/internal/value/guard"
)

// Room is the inside of a browser's cell, seen from its init.
type Room struct {
	// Spec is what the cell is to do.
	Spec cellrpc.BrowserSpec
	// Calls is where the gateway asks.
	Calls net.Listener

	initial *initial
	ending  *atomic.Bool
}

// EnterRoom makes the cell ready: closed off, with its names and its files. It is
// for process 1 of a browser's cell.
func EnterRoom(ctx context.Context) (*Room, error) {
	g, ending, err := enter()
	if err != nil {
		return nil, err
	}
	line := os.NewFile(fdCalls, "calls")
	calls, err := socketpair.NewListener(line)
	if err := errors.Join(err, line.Close()); err != nil {
		return nil, err
	}
	r := &Room{Calls: calls, initial: &initial{gateway: g}, ending: ending}
	// What confines the browser starts first: this program cannot be found any
	// more once /proc is closed.
	if r.initial.stage, err = startStage(browsers); err != nil {
		return nil, err
	}
	if err := g.get(ctx, cellrpc.PathBrowser, &r.Spec); err != nil {
		return nil, fmt.Errorf("asking what to do: %w", err)
	}
	i := r.initial
	i.spec = r.Spec.Spec
	i.guard.Store(guard.NewBuilder().Build()) // there is no value that a name could hold
	for _, step := range []func(context.Context) error{i.network, i.furnish} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// Widen asks what may be reached now, and lets the names in that were not there
// before.
func (r *Room) Widen(ctx context.Context) error { return r.initial.widenFrom(ctx, cellrpc.PathBrowser) }

// Ask asks the gateway; out may be nil.
func (r *Room) Ask(ctx context.Context, path string, in, out any) error {
	return r.initial.gateway.post(ctx, path, in, out)
}

// Stream asks the gateway with a body, and leaves the answer's to the caller.
func (r *Room) Stream(ctx context.Context, method, path string, body io.Reader) (*http.Response, error) {
	return r.initial.gateway.do(ctx, method, path, body)
}

// Browser is a Chromium that runs in the cell.
type Browser struct {
	// To and From are DevTools' pipe.
	To   io.WriteCloser
	From io.ReadCloser
	// Said is what it printed, at its end.
	Said func() string
	// Ended is closed when it has.
	Ended <-chan struct{}
}

// said is how much of what a browser prints is kept, in bytes: its last words.
const said = 4096

// Launch starts a browser, once, confined as a job's command is, but for the
// namespaces that its own confinement is made of.
func (r *Room) Launch(argv, env []string) (*Browser, error) {
	i, stage := r.initial, r.initial.stage
	o := order{Argv: bytesOf(argv), Env: bytesOf(env), Limits: i.spec.Limits}
	if err := i.command(o); err != nil {
		return nil, err
	}
	tail := &tail{}
	var readers sync.WaitGroup
	for _, f := range stage.output {
		readers.Go(border.Func("what a browser prints", caught, func() { _, _ = io.Copy(tail, f) }))
	}
	ended := make(chan struct{})
	border.Go("the end of a browser", caught, func() {
		defer close(ended)
		reap(stage.pid)
		_ = unix.Kill(-1, unix.SIGKILL)
		reap(-1)
		readers.Wait()
	})
	return &Browser{To: stage.devtools[0], From: stage.devtools[1], Said: tail.String, Ended: ended}, nil
}

// Leave says that the cell ends as it is meant to.
func (r *Room) Leave() { r.ending.Store(true) }

func bytesOf(texts []string) [][]byte {
	out := make([][]byte, len(texts))
	for n, text := range texts {
		out[n] = []byte(text)
	}
	return out
}

// tail keeps the end of what is written.
type tail struct {
	mu   sync.Mutex
	kept []byte
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.kept = append(t.kept, b...); len(t.kept) > said {
		t.kept = append(t.kept[:0], t.kept[len(t.kept)-said:]...)
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.kept)
}
