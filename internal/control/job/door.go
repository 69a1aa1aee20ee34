package job

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"hotcell"
	"hotcell/internal/line/rpc"
	"hotcell/internal/line/workerrpc"
	"hotcell/internal/wire/relay"
)

// The bounds of the door for agents elsewhere.
const (
	maxCall   = 4 << 20
	maxOpen   = 1024
	writeTime = 30 * time.Second
)

// Door is where agents elsewhere come in: with its token, each gets to the
// gateway of its job, which knows whether it may. The control plane looks at a
// token's form only.
type Door struct {
	pool *rpc.Pool
	open chan struct{}
}

// NewDoor leads to the jobs of a worker.
func NewDoor(remote *Remote) *Door {
	return &Door{rpc.NewPool(remote.peer), make(chan struct{}, maxOpen)}
}

// carried are the headers that a request keeps on its way in.
var carried = []string{"Accept", "Authorization", "Content-Type", "Last-Event-Id", "Mcp-Method", "Mcp-Name", "Mcp-Protocol-Version", "Mcp-Session-Id"}

// ServeHTTP implements [http.Handler].
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	id, ok := hotcell.JobOf(token)
	if !ok {
		stranger(w)
		return
	}
	select {
	case d.open <- struct{}{}:
		defer func() { <-d.open }()
	default:
		w.Header().Set("Retry-After", "1")
		http.Error(w, "hotcell: too many requests are under way", http.StatusServiceUnavailable)
		return
	}
	sent := &bounded{from: r.Body, left: maxCall}
	answer, err := d.ask(r, sent, id)
	switch {
	case sent.over:
		http.Error(w, fmt.Sprintf("hotcell: a request has at most %d MiB", maxCall>>20), http.StatusRequestEntityTooLarge)
		return
	case err != nil:
		http.Error(w, "hotcell: the part of the server that runs jobs does not answer", http.StatusBadGateway)
		return
	case answer.StatusCode == http.StatusNotFound && answer.Header.Get("Content-Type") == "":
		_ = answer.Body.Close() // no such job here: the same as a token that is not valid
		stranger(w)
		return
	}
	defer func() { _ = answer.Body.Close() }()
	if _, err := relay.Answer(&slow{w, http.NewResponseController(w)}, answer); err != nil {
		relay.Abort()
	}
}

func (d *Door) ask(r *http.Request, sent *bounded, id hotcell.JobID) (*http.Response, error) {
	var body io.Reader
	if r.Body != nil && r.ContentLength != 0 {
		body = sent
	}
	request, err := http.NewRequestWithContext(r.Context(), r.Method, "http://worker"+workerrpc.ToolsPath+string(id), body) //nolint:gosec // the host is the worker's line, and an id has digits only
	if err != nil {
		return nil, err
	}
	request.ContentLength, request.Header = r.ContentLength, kept(r.Header)
	return d.pool.Once(request)
}

// bounded is a body that fails where it is too long, and says so.
type bounded struct {
	from io.Reader
	left int
	over bool
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	if b.left -= n; b.left < 0 {
		b.over = true
		return 0, errTooLong
	}
	return n, err
}

var errTooLong = errors.New("the request is too long")

func kept(from http.Header) http.Header {
	to := http.Header{"User-Agent": {""}} // not ours
	for _, name := range carried {
		if values, there := from[name]; there {
			to[name] = values
		}
	}
	for name, values := range from {
		if strings.HasPrefix(name, "Mcp-Param-") {
			to[name] = values
		}
	}
	return to
}

// stranger answers whoever has no token that opens anything.
func stranger(w http.ResponseWriter) {
	w.Header().Set("WWW-Authenticate", `Bearer realm="hotcell", error="invalid_token"`)
	http.Error(w, "hotcell: the token is not valid, or its job has ended", http.StatusUnauthorized)
}

// slow gives a client its time for each piece, and no more: one that never reads
// holds nothing for ever.
type slow struct {
	http.ResponseWriter
	control *http.ResponseController
}

func (s *slow) Write(b []byte) (int, error) {
	_ = s.control.SetWriteDeadline(time.Now().Add(writeTime))
	return s.ResponseWriter.Write(b)
}

// Unwrap lets a stream be flushed.
func (s *slow) Unwrap() http.ResponseWriter { return s.ResponseWriter }
