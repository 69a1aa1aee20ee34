package worker

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"hotcell"
	"hotcell/internal/cell"
	"hotcell/internal/line/border"
	"hotcell/internal/line/cellrpc"
	"hotcell/internal/line/socketpair"
	"hotcell/internal/line/workerrpc"
	"hotcell/internal/worker/cache"
	"hotcell/internal/worker/gateway"
	"hotcell/internal/worker/image"
)

// run is one job under way. It is the sink of its gateway.
type run struct {
	worker  *Worker
	job     hotcell.Job
	gateway *gateway.Gateway
	mounts  []cell.Mount
	// root is the image that the cell has as its root; nil for the machine's own.
	root *image.Root
	// cache is where the job's cache is, once it was asked for.
	cache *cache.Place
	// waits is true while the job waits for a person.
	waits atomic.Bool

	// send tells the control plane; one at a time.
	sending sync.Mutex
	send    func(*workerrpc.RunEvent) error

	mu      sync.Mutex
	kill    func()
	exit    *cellrpc.Exit
	revoked string
	output  int64 // how long it is, when all of it came
}

// run runs a job to its end.
func (w *Worker) run(ctx context.Context, job hotcell.Job, send func(*workerrpc.RunEvent) error) error {
	if problems := w.check(ctx); len(problems) > 0 {
		return fmt.Errorf("%w: this machine cannot confine a job, so none is run: %s", hotcell.ErrDenied, strings.Join(problems, "; "))
	}
	r := &run{worker: w, job: job, send: send, kill: func() {}}
	door := w.Door
	door.Alone = func() bool { return w.alone(r) }
	leave, err := r.furnish(&door)
	if err != nil {
		return err
	}
	defer leave()
	door.Bounded = w.Cgroups != nil
	door.Job, door.Vault, door.Sink, door.Now, door.Log = job, w.Vault, r, w.Now, w.Log
	if w.BrowserTools != nil {
		door.Browsers = browsers{w}
	}
	if r.gateway, err = gateway.New(door); err != nil {
		return err
	}
	defer r.hush()
	defer r.gateway.Close()
	if job.External {
		return r.elsewhere(ctx)
	}
	user, err := w.enter(r)
	if err != nil {
		return err
	}
	defer w.leave(r, user)
	r.forgetCache()
	end, err := r.live(ctx, user)
	if err != nil {
		return err
	}
	return r.tell(&workerrpc.RunEvent{Kind: workerrpc.Ended, At: w.Now(), End: end})
}

// alone says whether no other job is at work in a cell now. One that waits for a
// person is not.
func (w *Worker) alone(r *run) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, other := range w.runs {
		if other != r && !other.job.External && !other.waits.Load() {
			return false
		}
	}
	return true
}

// enter notes the run, and gives it a uid of its own where there are some.
func (w *Worker) enter(r *run) (user int, err error) {
	if !r.job.External {
		if user, err = w.user(); err != nil {
			return 0, err
		}
	}
	w.mu.Lock()
	_, twice := w.runs[r.job.ID]
	if !twice {
		w.runs[r.job.ID] = r
	}
	w.mu.Unlock()
	if twice {
		w.release(user)
		return 0, fmt.Errorf("%w: the job runs already", hotcell.ErrConflict)
	}
	return user, nil
}

func (w *Worker) leave(r *run, user int) {
	w.release(user)
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.runs, r.job.ID)
	w.tidy.Used() // what went through the job's gateway is garbage now
}

// live makes the cell and waits for its end.
func (r *run) live(ctx context.Context, user int) (*workerrpc.End, error) {
	dial, listen, err := socketpair.Pair()
	if err != nil {
		return nil, err
	}
	defer func() { _ = dial.Close() }()
	listener, err := socketpair.NewListener(listen)
	if err := errors.Join(err, listen.Close()); err != nil {
		return nil, err
	}
	border.Go("the gateway of a cell", border.Log(r.worker.Log), func() { _ = r.gateway.Serve(listener) })
	group, err := r.cgroup()
	if err != nil {
		return nil, err
	}
	if group != nil {
		defer group.Remove()
		defer border.After(youth, "a cell that is young no more", border.Log(r.worker.Log), group.Settle).Stop()
	}
	var stderr bytes.Buffer
	process, err := r.worker.Driver.Start(ctx, cell.Config{
		Gateway: dial, Root: r.root.Path(), Mounts: r.mounts, Disk: r.job.Work.Limits.Disk, Cache: r.job.Work.Limits.Cache, Cgroup: group, User: user, Stderr: &limited{to: &stderr, left: 4096},
	})
	if err != nil {
		return nil, err
	}
	r.killable(process.Kill)
	err = process.Wait()
	return r.end(ctx, err, group, stderr.String()), nil
}

// youth is for how long a cell goes before older ones: a short job is over by then,
// whatever they do.
const youth = 2 * time.Second

// cgroup makes the cell's cgroup; nil where the machine lets none be made, as doctor
// tells. A limit that could not be kept then is said, and no job runs without it.
func (r *run) cgroup() (*cell.Cgroup, error) {
	l := r.job.Work.Limits
	if r.worker.Cgroups == nil {
		if l.CPU > 0 {
			return nil, fmt.Errorf("%w: its time on processors is to be bounded, and this machine lets no cgroup be made: see hotcell doctor, or take --cpu away", hotcell.ErrDenied)
		}
		return nil, nil //nolint:nilnil // a cell without a cgroup
	}
	// Files are in memory, beside what the processes have; the init and its stage
	// count too: a few threads of ours.
	group, err := r.worker.Cgroups.New(string(r.job.ID), l.Memory+l.Disk+l.Cache, l.Pids+32)
	if err != nil || l.CPU == 0 {
		return group, err
	}
	if err := group.Processors(l.CPU); err != nil {
		group.Remove()
		return nil, fmt.Errorf("%w: its time on processors cannot be bounded: %w", hotcell.ErrDenied, err)
	}
	return group, nil
}

// end says how the cell ended.
func (r *run) end(ctx context.Context, err error, group *cell.Cgroup, stderr string) *workerrpc.End {
	r.mu.Lock()
	defer r.mu.Unlock()
	seen := workerrpc.Seen(r.gateway.Seen())
	out := &workerrpc.End{Output: r.output, Seen: &seen}
	if r.exit != nil {
		out.Reason, out.Redactions = r.exit.Reason, r.exit.Redactions
		if r.exit.Code >= 0 {
			out.Code = &r.exit.Code
		}
	}
	if stderr != "" && r.exit != nil {
		r.worker.Log.Warn("a cell's first process said", "job", r.job.ID, "stderr", stderr)
	}
	switch {
	case r.revoked != "":
		out.Revoked, out.Reason = true, r.revoked
	case r.exit == nil && starved(group):
		out.Reason = outOfMemory(r.job.Work.Limits)
	case r.exit == nil && ctx.Err() == nil:
		out.Reason = "its cell ended without a word"
		r.worker.Log.Error("a cell ended without a word", "job", r.job.ID, "error", err, "stderr", stderr)
	case out.Reason == "":
		out.Reason = cause(r.exit, r.job.Work.Limits, group)
	}
	return out
}

func (r *run) killable(kill func()) {
	r.mu.Lock()
	r.kill = kill
	dead := r.revoked != ""
	r.mu.Unlock()
	if dead {
		kill()
	}
}

// revoke ends the run: its grant is dead.
func (r *run) revoke(reason string) {
	r.mu.Lock()
	if r.revoked == "" {
		r.revoked = reason
	}
	kill := r.kill
	r.mu.Unlock()
	r.gateway.Revoke(reason)
	kill()
}

func (r *run) tell(e *workerrpc.RunEvent) error {
	r.sending.Lock()
	defer r.sending.Unlock()
	if err := r.send(e); err != nil {
		return fmt.Errorf("%w: nobody listens to this run any more: %w", hotcell.ErrUnavailable, err)
	}
	return nil
}

// hush keeps what comes late from being told on a stream that is over.
func (r *run) hush() {
	r.sending.Lock()
	defer r.sending.Unlock()
	r.send = func(*workerrpc.RunEvent) error { return errOver }
}

var errOver = errors.New("the run is over")

// Files implements [gateway.Sink].
func (r *run) Files(context.Context) (io.ReadCloser, error) {
	if r.job.Work.Files == nil {
		return nil, nil //nolint:nilnil // the contract of the sink: nil where there is none
	}
	path, _ := r.worker.filesPath(r.job.Work.Files.Digest)
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening the assignment's files: %w", err)
	}
	return f, nil
}

// Cache implements [gateway.Sink].
func (r *run) Cache(_ context.Context, uses []hotcell.Use) (io.ReadCloser, error) {
	place := cache.Of(r.job.Assignment, r.job.Owner, uses)
	r.cache = &place
	archive, err := r.worker.Caches.Open(place)
	if errors.Is(err, hotcell.ErrNotFound) {
		return nil, nil //nolint:nilnil // the contract of the sink: nil where there is none
	}
	return archive, err
}

// forgetCache removes what was kept for an assignment that has no cache any more.
func (r *run) forgetCache() {
	w := r.worker
	if r.job.Work.Limits.Cache > 0 || r.job.Trial || w.Caches.Folder == "" {
		return
	}
	if err := w.Caches.Forget(cache.Of(r.job.Assignment, r.job.Owner, nil)); err != nil {
		w.Log.Warn("a cache is not removed", "job", r.job.ID, "error", err)
	}
}

// KeepCache implements [gateway.Sink]. What a job leaves that was given more while it ran
// is not for those that have less.
func (r *run) KeepCache(_ context.Context, uses []hotcell.Use, archive io.Reader) error {
	place := cache.Of(r.job.Assignment, r.job.Owner, uses)
	if r.cache == nil || *r.cache != place {
		return fmt.Errorf("%w: the job may do more than when it started", hotcell.ErrDenied)
	}
	return r.worker.Caches.Keep(place, archive)
}

// Started implements [gateway.Sink].
func (r *run) Started(context.Context) error {
	return r.tell(&workerrpc.RunEvent{Kind: workerrpc.Started, At: r.worker.Now()})
}

// Waiting implements [gateway.Sink].
func (r *run) Waiting(_ context.Context, waits bool) error {
	r.waits.Store(waits)
	kind := workerrpc.Resumed
	if waits {
		kind = workerrpc.Waiting
	}
	return r.tell(&workerrpc.RunEvent{Kind: kind, At: r.worker.Now()})
}

// Log implements [gateway.Sink].
func (r *run) Log(_ context.Context, stream string, at time.Time, data []byte) error {
	return r.tell(&workerrpc.RunEvent{Kind: workerrpc.Log, At: at, Stream: stream, Data: data})
}

// Output implements [gateway.Sink].
func (r *run) Output(_ context.Context, archive io.Reader) error {
	pieces := bufio.NewWriterSize(writer(func(b []byte) (int, error) {
		return len(b), r.tell(&workerrpc.RunEvent{Kind: workerrpc.Output, At: r.worker.Now(), Data: b})
	}), 256<<10)
	n, err := io.Copy(pieces, archive)
	if err := errors.Join(err, pieces.Flush()); err != nil {
		return fmt.Errorf("taking a job's output: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.output = n
	return nil
}

type writer func([]byte) (int, error)

func (w writer) Write(b []byte) (int, error) { return w(b) }

// Exit implements [gateway.Sink].
func (r *run) Exit(_ context.Context, exit cellrpc.Exit) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.exit == nil {
		r.exit = &exit
	}
	return nil
}

// limited drops what is over its size.
type limited struct {
	to   io.Writer
	left int
}

func (l *limited) Write(b []byte) (int, error) {
	n := min(len(b), l.left)
	l.left -= n
	_, err := l.to.Write(b[:n])
	return len(b), err
}
