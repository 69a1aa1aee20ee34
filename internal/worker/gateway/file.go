package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"

	"hotcell"
	"hotcell/internal/line/cellrpc"
)

// errands are what the job's cell is asked to do for the browser's: to hand a
// file over, or to take one. Its init asks for them, since nobody can ask it.
type errands struct {
	once  sync.Once
	queue chan *errand
	mu    sync.Mutex
	next  int
	open  map[string]*errand
}

// errand is one, with what goes in and what comes back.
type errand struct {
	cellrpc.Errand
	content io.Reader
	// took is closed when the init is done with content.
	back chan errandBack
}

type errandBack struct {
	body io.Reader
	done chan struct{}
	said cellrpc.ErrandDone
}

func (e *errands) ready() {
	e.once.Do(func() { e.queue, e.open = make(chan *errand), map[string]*errand{} })
}

// do hands an errand to the cell's init, and waits for it.
func (g *Gateway) do(ctx context.Context, e *errand, use func(errandBack) error) error {
	if g.Job.External {
		return hotcell.Invalid("/paths", "the agent of this job is elsewhere: there is no folder of the job's; what was downloaded can be named")
	}
	q := &g.errands
	q.ready()
	e.back = make(chan errandBack, 1)
	q.mu.Lock()
	q.next++
	e.ID = fmt.Sprint(q.next)
	q.open[e.ID] = e
	q.mu.Unlock()
	defer func() {
		q.mu.Lock()
		delete(q.open, e.ID)
		q.mu.Unlock()
	}()
	select {
	case q.queue <- e:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case back := <-e.back:
		defer close(back.done)
		if back.said.Error != "" {
			return hotcell.Invalid("/paths", "%s", back.said.Error)
		}
		return use(back)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// giveErrand is how the init asks for its next errand; it waits for one.
func (g *Gateway) giveErrand(w http.ResponseWriter, r *http.Request) {
	g.errands.ready()
	select {
	case <-r.Context().Done():
	case e := <-g.errands.queue:
		head, err := json.Marshal(e.Errand)
		if err != nil {
			return
		}
		w.Header().Set(cellrpc.HeaderErrand, string(head))
		if e.content != nil {
			_, _ = io.Copy(w, e.content)
		}
	}
}

// takeErrand is how the init says that it has done one, and with what.
func (g *Gateway) takeErrand(w http.ResponseWriter, r *http.Request) {
	q := &g.errands
	q.ready()
	var said cellrpc.ErrandDone
	if json.Unmarshal([]byte(r.Header.Get(cellrpc.HeaderErrand)), &said) != nil {
		refuse(w, http.StatusBadRequest, "this is not understood")
		return
	}
	q.mu.Lock()
	e := q.open[said.ID]
	delete(q.open, said.ID)
	q.mu.Unlock()
	if e == nil {
		refuse(w, http.StatusNotFound, "nobody waits for this any more")
		return
	}
	back := errandBack{r.Body, make(chan struct{}), said}
	e.back <- back
	select {
	case <-back.done:
	case <-r.Context().Done():
	}
	w.WriteHeader(http.StatusNoContent)
}

// maxFile is how large a file between the cells may be, in bytes.
const maxFile = hotcell.MaxFiles

// fetchFile hands a file of the job's to its browser. Where a page sends it, the
// guard is on it like on all that leaves.
func (g *Gateway) fetchFile(w http.ResponseWriter, r *http.Request) {
	e := &errand{Errand: cellrpc.Errand{Kind: cellrpc.ErrandFetch, Path: r.URL.Query().Get("path")}}
	err := g.do(r.Context(), e, func(b errandBack) error {
		_, err := io.Copy(w, io.LimitReader(b.body, maxFile))
		return err
	})
	if err != nil {
		g.fail(w, err)
	}
}

// keepFile puts what the browser downloaded into the job's /job/out.
func (g *Gateway) keepFile(w http.ResponseWriter, r *http.Request) {
	// What a site sends may hold what it was sent, and what it gave, and so may the
	// name that it gives a file: the guard is on both.
	name, content := []byte(r.URL.Query().Get("name")), io.Reader(http.MaxBytesReader(w, r.Body, maxFile))
	for _, patterns := range append(g.browsing.known(), g.patterns.Load()) {
		name, content = patterns.Redact(name), patterns.Reader(content, nil)
	}
	e := &errand{Errand: cellrpc.Errand{Kind: cellrpc.ErrandKeep, Path: string(name)}, content: content}
	var kept cellrpc.File
	err := g.do(r.Context(), e, func(b errandBack) error {
		kept.Path = b.said.Path
		return nil
	})
	switch {
	case errors.Is(err, context.Canceled):
	case err != nil:
		g.fail(w, err)
	default:
		answer(w, kept)
	}
}
