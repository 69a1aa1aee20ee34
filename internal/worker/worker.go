// Package worker is the worker's process: it makes a gateway and a cell for
// each job that it is given, and tells what happens.
//
// It guards that a job ends when it is to end: on the control plane's word, on
// the vault's, and with this process. It holds no value: a lease passes
// through it sealed to the cell's key. One way to use it:
//
//	w := worker.New(worker.Config{Vault: vault, Driver: driver, …})
//	go w.Watch(ctx)
//	err := rpc.Server(w.Handler()).Serve(line)
package worker

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"hotcell"
	"hotcell/internal/cell"
	"hotcell/internal/line/border"
	"hotcell/internal/line/rpc"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/line/workerrpc"
	"hotcell/internal/value/tidy"
	"hotcell/internal/wire/budget"
	"hotcell/internal/worker/cache"
	"hotcell/internal/worker/gateway"
	"hotcell/internal/worker/image"
	"hotcell/internal/worker/toolchain"
)

// Vault is what a worker asks of the vault.
type Vault interface {
	gateway.Vault
	// Watch hands each death of a grant to fn, those of the given jobs that are
	// past first, and signs of life with an empty job. A grant that is widened
	// lives on, and has no reason.
	Watch(ctx context.Context, jobs []hotcell.JobID, fn func(vaultrpc.WatchAnswer)) error
}

// Config is what a worker needs.
type Config struct {
	Vault  Vault
	Driver cell.Driver
	// Door is what every job's gateway has in common: the operator's word.
	Door gateway.Config
	// Folder holds what this process keeps: assignments' archives.
	Folder string
	// Toolchains lists the programs that cells have besides the machine's, and Mounts
	// further folders of the machine that they see.
	Toolchains toolchain.Store
	Mounts     []cell.Mount
	// Images are those that jobs may have as their root.
	Images image.Store
	// Caches keeps what jobs leave for the next one like them.
	Caches cache.Store
	// Cgroups is where cells get cgroups; nil for none.
	Cgroups *cell.Cgroups
	// BrowserTools lists what an agent may have a browser do; nil where the machine
	// has none.
	BrowserTools func(evaluate bool) []vaultrpc.Tool
	// Users is how many uids, from 1 on, cells may have; 0 where they share ours.
	Users int
	// Quiet is how long nothing may be heard of the vault before connections
	// end: nobody could tell that they must. 0 is 5 s.
	Quiet time.Duration
	Now   func() time.Time
	Log   *slog.Logger
}

// Worker runs jobs.
type Worker struct {
	Config
	health health

	mu    sync.Mutex
	runs  map[hotcell.JobID]*run
	users []int // free ones
	tidy  *tidy.Tidy
}

// New makes a worker, and finds out whether the machine can confine. Where it
// cannot, the worker says so and runs nothing.
func New(ctx context.Context, c Config) (*Worker, error) {
	if err := os.MkdirAll(filepath.Join(c.Folder, "files"), 0o700); err != nil {
		return nil, fmt.Errorf("making the worker's folder: %w", err)
	}
	c.Quiet = cmp.Or(c.Quiet, quiet)
	if c.Door.Budget == nil {
		c.Door.Budget = budget.New(nil)
	}
	w := &Worker{Config: c, runs: map[hotcell.JobID]*run{}, tidy: tidy.New(border.Log(c.Log))}
	for user := c.Users; user > 0; user-- {
		w.users = append(w.users, user)
	}
	if c.Caches.Folder != "" {
		if err := c.Caches.Sweep(); err != nil {
			c.Log.Warn("caches are not swept", "error", err)
		}
	}
	w.check(ctx)
	return w, nil
}

// Handler serves the control plane's line.
func (w *Worker) Handler() http.Handler {
	mux := http.NewServeMux()
	rpc.HandleStream(mux, workerrpc.Run, func(ctx context.Context, r *workerrpc.RunRequest, send func(*workerrpc.RunEvent) error) error {
		return w.note(border.Run("a job's run", func() error { return w.run(ctx, r.Job, send) }))
	})
	rpc.Handle(mux, workerrpc.Health, func(ctx context.Context, _ *struct{}) (*workerrpc.HealthAnswer, error) {
		return &workerrpc.HealthAnswer{Problems: w.Problems(ctx), PID: os.Getpid()}, nil
	})
	mux.HandleFunc("HEAD "+workerrpc.FilesPath+"{digest}", w.hasFiles)
	mux.HandleFunc("PUT "+workerrpc.FilesPath+"{digest}", w.putFiles)
	mux.HandleFunc(workerrpc.ToolsPath+"{job}", w.tools)
	mux.HandleFunc(workerrpc.BrowserPath+"{job}", w.browser)
	return border.Handler("a call of the worker", w.Log, rpc.Refuse, mux)
}

func (w *Worker) note(err error) error {
	if !border.Tell(w.Log, err) && err != nil && rpc.Internal(err) {
		w.Log.Error("running a job", "error", err)
	}
	return err
}

// The watch on the vault: how long its silence is borne, and when it is taken
// up again.
const (
	quiet = 5 * time.Second
	retry = 200 * time.Millisecond
)

// Watch ends the runs whose grants die, until ctx ends. When nothing is heard
// of the vault for a while, connections end; the jobs themselves go on.
func (w *Worker) Watch(ctx context.Context) {
	silence := border.After(w.Quiet, "the silence of the vault", border.Log(w.Log), w.cutOff)
	defer silence.Stop()
	for ctx.Err() == nil {
		err := w.watch(ctx, func(a vaultrpc.WatchAnswer) {
			silence.Reset(w.Quiet)
			if a.Widened {
				border.Go("a job that may do more", border.Log(w.Log), func() { w.refresh(ctx, a.Job) })
			} else if a.Job != "" {
				w.revoke(a.Job, a.Reason)
			}
		})
		if err != nil && ctx.Err() == nil {
			w.Log.Warn("the watch on grants broke off and is taken up again", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(retry):
		}
	}
}

// watch follows the vault once. A fault breaks it off, like a vault that is gone.
func (w *Worker) watch(ctx context.Context, fn func(vaultrpc.WatchAnswer)) error {
	return border.Run("the watch on grants", func() error { return w.Vault.Watch(ctx, w.jobs(), fn) })
}

func (w *Worker) cutOff() {
	w.Log.Error("nothing is heard of the vault: the jobs' connections are closed")
	w.each(func(r *run) { r.gateway.Cut() })
}

// refresh has a job's gateway know that it may do more.
func (w *Worker) refresh(ctx context.Context, job hotcell.JobID) {
	w.mu.Lock()
	r := w.runs[job]
	w.mu.Unlock()
	if r == nil {
		return
	}
	if err := r.gateway.Widened(ctx); err != nil {
		w.Log.Warn("a job's rules could not be asked for anew", "job", job, "error", err)
	}
}

func (w *Worker) revoke(job hotcell.JobID, reason string) {
	w.mu.Lock()
	r := w.runs[job]
	w.mu.Unlock()
	if r != nil {
		r.revoke(reason)
	}
}

// jobs are those under way.
func (w *Worker) jobs() []hotcell.JobID {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Collect(maps.Keys(w.runs))
}

func (w *Worker) each(fn func(*run)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range w.runs {
		fn(r)
	}
}

func (w *Worker) filesPath(digest string) (string, bool) {
	_, err := hex.DecodeString(digest)
	return filepath.Join(w.Folder, "files", digest+".tar"), err == nil && len(digest) == 64 && digest == strings.ToLower(digest)
}

func (w *Worker) hasFiles(rw http.ResponseWriter, r *http.Request) {
	path, ok := w.filesPath(r.PathValue("digest"))
	if _, err := os.Stat(path); !ok || err != nil {
		rw.WriteHeader(http.StatusNotFound)
		return
	}
	rw.WriteHeader(http.StatusOK)
}

func (w *Worker) putFiles(rw http.ResponseWriter, r *http.Request) {
	path, ok := w.filesPath(r.PathValue("digest"))
	if !ok {
		rw.WriteHeader(http.StatusNotFound)
		return
	}
	if err := store(path, r.Body); err != nil {
		w.Log.Error("storing an assignment's files", "error", err)
		rw.WriteHeader(http.StatusInsufficientStorage)
		return
	}
	rw.WriteHeader(http.StatusNoContent)
}

func store(path string, from io.Reader) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".put-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = io.Copy(f, from)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
