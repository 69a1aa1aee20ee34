package toolbox

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"hotcell/internal/line/border"
)

// headerMark is how a call finds the HTTP request that it came with: the library
// keeps the two apart. What a client sends by this name is taken off.
const headerMark = "Hotcell-Exchange"

// The header of sessions (MCP 2025-11-25, transports).
const headerSession = "Mcp-Session-Id"

// writeTime is how long a client may take to read a piece of an answer.
const writeTime = 30 * time.Second

// ServeHTTP serves one request of a client.
func (b *Box) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	select {
	case b.calls <- struct{}{}:
		defer func() { <-b.calls }()
	default:
		w.Header().Set("Retry-After", "1")
		http.Error(w, "hotcell: too many requests of this job are under way", http.StatusTooManyRequests)
		return
	}
	slow := &patient{ResponseWriter: w, control: http.NewResponseController(w)}
	defer slow.done()
	id := r.Header.Get(headerSession)
	open := b.sessions.touch(id)
	if open && r.Method == http.MethodPost && b.shortcut(slow, r, id) {
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer border.WithEnd(b.Ended, "the end of a request for tools", border.Log(b.Log), cancel)()
	mark := strconv.FormatInt(b.marks.Add(1), 10)
	b.exchanges.Store(mark, ctx)
	defer b.exchanges.Delete(mark)
	r = r.WithContext(ctx)
	r.Header.Set(headerMark, mark)
	if id != "" || r.Method != http.MethodPost {
		b.handler.ServeHTTP(slow, r)
		return
	}
	if !begins(slow, r) {
		b.single.ServeHTTP(slow, r)
		return
	}
	b.sessions.makeRoom(b.Sessions)
	b.handler.ServeHTTP(slow, r)
	if id = w.Header().Get(headerSession); id != "" {
		b.sessions.add(id, b.server)
	}
}

// begins says whether a message outside of a session is one that the library's
// sessions are for: a beginning, or what it has to say no to.
func begins(w http.ResponseWriter, r *http.Request) bool {
	if !plainJSON(r.Header) || !slices.Contains(protocols, r.Header.Get("Mcp-Protocol-Version")) {
		return true
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return true // it is told so when it reads on
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	var m message
	return json.Unmarshal(body, &m) != nil || m.Method == "initialize" || m.Method == "server/discover" || strings.HasPrefix(m.Method, "subscriptions/")
}

// exchangeOf is the life of the request that a message came with.
func (b *Box) exchangeOf(r *mcp.CallToolRequest) context.Context {
	if r.Extra != nil {
		if found, there := b.exchanges.Load(r.Extra.Header.Get(headerMark)); there {
			if exchange, ok := found.(context.Context); ok {
				return exchange
			}
		}
	}
	return context.Background()
}

// until returns a context that ends with another one, too.
func until(ctx, other context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	stop := border.WithEnd(other, "the end of a request for tools", border.Silent, cancel)
	return ctx, func() {
		stop()
		cancel()
	}
}

// patient gives a client its time for each piece, and no more: one that never
// reads holds nothing for ever.
type patient struct {
	http.ResponseWriter
	control *http.ResponseController
}

func (p *patient) Write(b []byte) (int, error) {
	_ = p.control.SetWriteDeadline(time.Now().Add(writeTime))
	return p.ResponseWriter.Write(b)
}

// FlushError sends what was written.
func (p *patient) FlushError() error {
	_ = p.control.SetWriteDeadline(time.Now().Add(writeTime))
	return p.control.Flush()
}

// Unwrap gives the controller what it needs.
func (p *patient) Unwrap() http.ResponseWriter { return p.ResponseWriter }

// done leaves the connection as it was, for what comes next on it.
func (p *patient) done() { _ = p.control.SetWriteDeadline(time.Time{}) }
