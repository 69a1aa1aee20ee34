package worker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"

	"hotcell"
	"hotcell/internal/cell"
	"hotcell/internal/line/border"
	"hotcell/internal/line/socketpair"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/worker/gateway"
)

// browsers makes browsers' cells, each with a uid of its own where there are some.
type browsers struct{ worker *Worker }

// Tools implements [gateway.Browsers].
func (b browsers) Tools(evaluate bool) []vaultrpc.Tool { return b.worker.BrowserTools(evaluate) }

// lines are the two of a browser's cell: on one it asks its gateway, on the other
// it is asked.
type lines struct{ ask, asked, call, called *os.File }

func openLines() (l lines, err error) {
	if l.ask, l.asked, err = socketpair.Pair(); err != nil {
		return l, err
	}
	if l.call, l.called, err = socketpair.Pair(); err != nil {
		return l, errors.Join(err, l.ask.Close(), l.asked.Close())
	}
	return l, nil
}

// Start implements [gateway.Browsers].
func (b browsers) Start(ctx context.Context, job hotcell.Job, serve func(net.Listener)) (*gateway.Browser, error) {
	w := b.worker
	l, err := openLines()
	if err != nil {
		return nil, err
	}
	defer func() { _, _ = l.ask.Close(), l.called.Close() }() // the cell has its own
	listener, err := socketpair.NewListener(l.asked)
	if err := errors.Join(err, l.asked.Close()); err != nil {
		return nil, errors.Join(err, l.call.Close())
	}
	dialer, err := socketpair.NewDialer(l.call)
	if err := errors.Join(err, l.call.Close()); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	user, err := w.user()
	if err != nil {
		return nil, errors.Join(err, listener.Close(), dialer.Close())
	}
	out, err := b.start(ctx, job, l, user)
	if err != nil {
		w.release(user)
		return nil, errors.Join(err, listener.Close(), dialer.Close())
	}
	out.Dial = dialer.DialContext
	border.Go("the gateway of a browser's cell", border.Log(w.Log), func() { serve(listener) })
	border.Go("the end of a browser's cell", border.Log(w.Log), func() {
		defer w.release(user)
		<-out.Ended
		_, _ = listener.Close(), dialer.Close()
	})
	return out, nil
}

// The bounds of a browser's cell, in bytes.
const (
	browserMemory = 2 << 30
	browserDisk   = 512 << 20
)

// start makes the cell itself.
func (b browsers) start(ctx context.Context, job hotcell.Job, l lines, user int) (*gateway.Browser, error) {
	w := b.worker
	var group *cell.Cgroup
	if w.Cgroups != nil {
		var err error
		if group, err = w.Cgroups.New(string(job.ID)+"-browser", browserMemory, 1200); err != nil {
			return nil, err
		}
	}
	var stderr bytes.Buffer
	process, err := w.Driver.Start(ctx, cell.Config{
		Gateway: l.ask, Calls: l.called, Disk: browserDisk, Cgroup: group, User: user, Stderr: &limited{to: &stderr, left: 4096},
	})
	if err != nil {
		if group != nil {
			group.Remove()
		}
		return nil, err
	}
	ended, reason := make(chan struct{}), ""
	border.Go("the end of a browser's cell", border.Log(w.Log), func() {
		defer close(ended)
		err := process.Wait()
		switch {
		case group != nil && group.OutOfMemory():
			reason = fmt.Sprintf("it ran out of memory: it may have %d MiB", browserMemory>>20)
		case err != nil && ctx.Err() == nil:
			reason = "its cell ended without a word"
			w.Log.Error("a browser's cell ended", "job", job.ID, "error", err, "stderr", strings.TrimSpace(stderr.String()))
		}
		if group != nil {
			group.Remove()
		}
	})
	return &gateway.Browser{Kill: process.Kill, Ended: ended, Why: func() string { return reason }}, nil
}

// user takes a uid for a cell; 0 where there are none of their own.
func (w *Worker) user() (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.Users == 0 {
		return 0, nil
	}
	if len(w.users) == 0 {
		return 0, fmt.Errorf("%w: every uid for jobs is taken", hotcell.ErrUnavailable)
	}
	user := w.users[len(w.users)-1]
	w.users = w.users[:len(w.users)-1]
	return user, nil
}

func (w *Worker) release(user int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if user > 0 {
		w.users = append(w.users, user)
	}
}

// browser serves a person who looks at a job's browser, or has it.
func (w *Worker) browser(rw http.ResponseWriter, request *http.Request) {
	w.mu.Lock()
	r := w.runs[hotcell.JobID(request.PathValue("job"))]
	w.mu.Unlock()
	if r == nil {
		http.Error(rw, "the job does not run", http.StatusConflict)
		return
	}
	r.gateway.ServeBrowser(rw, request)
}
