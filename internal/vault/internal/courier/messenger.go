package courier

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"sync"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"hotcell/internal/catalog/connector"
	"hotcell/internal/line/border"
	"hotcell/internal/wire/scrub"
)

// messenger makes the requests of a session with an MCP server, with the key on,
// and has its answers scrubbed before the library reads them.
type messenger struct {
	*trip
	// ctx is the call's: the library's own go on without it.
	ctx context.Context //nolint:containedctx // see above
	to  *url.URL

	mu sync.Mutex
	// fault is what went wrong last.
	fault error
	ended bool
}

var (
	errElsewhere = errors.New("a request of a session goes to its server alone")
	errBroken    = errors.New("a request of a session broke off")
	errEnded     = errors.New("the session is over")
)

// RoundTrip implements [http.RoundTripper]. The library calls it in goroutines of
// its own.
func (m *messenger) RoundTrip(r *http.Request) (came *http.Response, err error) {
	err = border.Run("a session with an MCP server", func() (err error) {
		came, err = m.roundTrip(r) //nolint:bodyclose // the library closes it
		return err
	})
	if border.Tell(m.Log, err) {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.fault, m.ended = err, true
		return nil, errBroken
	}
	return came, err
}

func (m *messenger) roundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer func() { _ = r.Body.Close() }()
	}
	if r.URL.Scheme != m.to.Scheme || r.URL.Host != m.to.Host || r.URL.Path != m.to.Path {
		return nil, errElsewhere
	}
	out, asked, call, cancel, err := m.outgoing(r)
	if err != nil {
		return nil, err
	}
	came, err := m.Transport.RoundTrip(out)
	for hops := 0; err == nil && hops < maxHops; hops++ { // /mcp is /mcp/ for many servers
		m.mu.Lock()
		var next *http.Request
		if !m.ended {
			next = m.onward(out.Context(), asked, out, came)
		}
		m.mu.Unlock()
		if next == nil {
			break
		}
		_ = came.Body.Close()
		out = next
		came, err = m.Transport.RoundTrip(out)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil {
		defer cancel()
		if !m.ended {
			m.fault = m.unanswered(out.Context(), err)
		}
		return nil, errBroken
	}
	if m.ended {
		cancel()
		_ = came.Body.Close()
		return nil, errEnded
	}
	if r.Method != http.MethodDelete { // the end of a session says nothing of what was in it
		m.Status, m.fault = came.StatusCode, nil
	}
	m.Refused = m.Status == http.StatusUnauthorized && !m.changed
	if call {
		m.Lost, m.changed = false, m.changed || came.StatusCode < http.StatusMultipleChoices
	}
	if err := m.guarded(came, cancel); err != nil {
		defer cancel()
		_ = came.Body.Close()
		m.fault = err
		return nil, errBroken
	}
	came.Request = r
	return came, nil
}

// outgoing is the request with the key on. Call says whether it is the call of
// the tool, which may change something.
func (m *messenger) outgoing(r *http.Request) (out *http.Request, asked *connector.Request, call bool, cancel func(), err error) {
	var body []byte
	if r.Body != nil {
		if body, err = io.ReadAll(io.LimitReader(r.Body, m.Limits.Call)); err != nil {
			return nil, nil, false, nil, errBroken
		}
	}
	var message struct {
		Method string `json:"method"`
	}
	call = json.Unmarshal(body, &message) == nil && message.Method == "tools/call"
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.Requests++; m.ended || m.Requests > m.Limits.Requests {
		return nil, nil, call, nil, errEnded
	}
	ctx, stop := context.WithCancelCause(r.Context())
	release := border.WithEnd(m.ctx, "the end of a call", border.Silent, func() { stop(context.Cause(m.ctx)) })
	cancel = func() { release(); stop(nil) }
	m.Lost = m.Lost || call
	asked = &connector.Request{Method: r.Method, URL: r.URL, Header: r.Header, Body: body, Auth: true}
	out, err = m.prepare(ctx, asked)
	if err != nil {
		cancel()
		m.fault = err
		return nil, nil, call, nil, errBroken
	}
	return out, asked, call, cancel, nil
}

// guarded scrubs an answer and bounds it; a stream of events is scrubbed as it
// comes.
func (m *messenger) guarded(came *http.Response, cancel func()) error {
	if came.StatusCode >= http.StatusMultipleChoices && came.StatusCode < http.StatusBadRequest {
		return &connector.Failure{Status: came.StatusCode, Message: "the server sends the request on " + elsewhere(m.to, came.Header.Get("Location")) + ", which is not followed"}
	}
	decoded, err := unpacked(came)
	if err != nil {
		return &connector.Failure{Status: came.StatusCode, Message: "the server answers in a coding that was not asked for"}
	}
	came.Status = http.StatusText(came.StatusCode)
	scrub.HeaderCounted(came.Header, m.patterns, m.Courier.told)
	came.Header.Del("Content-Encoding")
	came.Header.Del("Content-Length")
	came.ContentLength, came.Trailer = -1, nil
	bounded := &bounded{from: decoded, left: m.Limits.Page, messenger: m}
	kind, _, _ := mime.ParseMediaType(came.Header.Get("Content-Type"))
	came.Header.Set("Content-Type", kind) // so that the library takes it for what it is taken for here
	inner := came.Body
	if kind == "text/event-stream" && came.StatusCode < http.StatusBadRequest {
		stream := m.patterns.Reader(bounded, nil)
		stream.Tell(m.Courier.told)
		read := newEvents(stream, m.weighed, m.unread)
		came.Body = border.Reader("what an MCP server sends", border.Log(m.Log), &closing{read, func() { cancel(); _ = inner.Close() }})
		return nil
	}
	m.mu.Unlock() // bounded takes it
	var text []byte
	err = border.Run("what an MCP server answers", func() (err error) { // with m.mu free
		if text, err = io.ReadAll(bounded); err != nil {
			return err
		}
		return m.weigh(m.ctx, text)
	})
	m.mu.Lock()
	cancel()
	_ = inner.Close()
	border.Tell(m.Log, err)
	if err != nil || m.ctx.Err() != nil {
		return &connector.Failure{Status: came.StatusCode, Message: "the server's answer broke off, or is too large"}
	}
	return m.answered(came, m.clean(text))
}

// answered gives the library an answer that came whole: nothing but a message.
func (m *messenger) answered(came *http.Response, text []byte) error {
	bad := came.StatusCode >= http.StatusBadRequest
	if bad {
		m.fault = connector.Refusal("the server", &connector.Answer{Status: came.StatusCode, Header: came.Header, Body: text}, m.Now())
	}
	if came.Header.Get("Content-Type") != "application/json" && !bad || len(bytes.TrimSpace(text)) == 0 {
		came.Body = http.NoBody
		return nil
	}
	plain, err := message(text)
	border.Tell(m.Log, err)
	if err != nil && !bad {
		return unreadable(came.StatusCode, err)
	}
	came.Body = io.NopCloser(bytes.NewReader(plain))
	return nil
}

// weighed waits until a message may be read.
func (m *messenger) weighed(text []byte) error { return m.weigh(m.ctx, text) }

// unread ends the session over a message that is not read.
func (m *messenger) unread(err error) {
	border.Tell(m.Log, err)
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.ended {
		m.fault, m.ended = unreadable(m.Status, err), true
	}
}

// unreadable is what is told of an answer that is not read.
func unreadable(status int, err error) error {
	return &connector.Failure{Status: status, Message: "the server's answer is not read: " + err.Error()}
}

// leave ends the session, and returns how it went until then: no request is made
// any more, since the key is about to go.
func (m *messenger) leave(s *mcp.ClientSession) Trip {
	m.mu.Lock()
	out := m.Trip
	m.mu.Unlock()
	if s != nil {
		_ = s.Close() // what the server keeps of it ends by itself too
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ended = true
	return out
}

// bounded ends an answer that is too large, and counts it.
type bounded struct {
	from      io.Reader
	left      int64
	messenger *messenger
}

var errLarge = errors.New("the answer is too large")

// Read implements [io.Reader].
func (b *bounded) Read(p []byte) (int, error) {
	b.messenger.mu.Lock()
	much := b.messenger.Size > small
	b.messenger.mu.Unlock()
	if much {
		if err := b.messenger.large(b.messenger.ctx); err != nil {
			return 0, err
		}
	}
	n, err := b.from.Read(p)
	b.messenger.mu.Lock()
	defer b.messenger.mu.Unlock()
	if b.messenger.ended {
		return 0, errEnded
	}
	b.left -= int64(n)
	if b.messenger.Size += int64(n); b.left < 0 || b.messenger.Size > b.messenger.Limits.Call {
		b.messenger.fault = &connector.Failure{Status: b.messenger.Status, Message: "the server answers with more than may be taken: ask for less"}
		return 0, errLarge
	}
	return n, err
}

// closing is a body that does something when it is closed.
type closing struct {
	io.Reader
	close func()
}

// Close implements [io.Closer].
func (c *closing) Close() error {
	c.close()
	return nil
}
