package frames

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"

	"hotcell/internal/line/border"
	"hotcell/internal/value/guard"
	"hotcell/internal/wire/relay"
	"hotcell/internal/wire/unpack"
)

// Sides are the filters of a connection; nil passes a direction on untouched.
type Sides struct {
	// Up is towards the upstream, Down towards the client.
	Up, Down Side
	// Caught is told of a fault, which ends the connection; nil where nobody listens.
	Caught border.Caught
}

// Guarded is a side with the guard on it. What the policy would redact is
// redacted within a message, and ends the connection where it spans several, or
// is packed. What cannot be looked into ends it too, unless lenient.
func Guarded(p *guard.Patterns, policy guard.Policy, lenient bool) Side {
	return Counted(p, policy, lenient, nil)
}

// Counted is [Guarded], and tells of each thing that was redacted within a message.
func Counted(p *guard.Patterns, policy guard.Policy, lenient bool, told guard.Told) Side {
	if p == nil {
		return nil
	}
	strict := func(m guard.Match) guard.Verdict {
		if policy != nil && policy(m) == guard.Pass {
			return guard.Pass
		}
		return guard.Refuse
	}
	return func(to io.Writer) Filter {
		if to != io.Discard {
			w := p.Writer(to, policy)
			w.Tell(told)
			return w
		}
		limits := unpack.Limits{Lenient: lenient}
		sink := func() io.WriteCloser { return p.Writer(io.Discard, strict) }
		return &watch{Writer: p.Writer(to, strict), looker: unpack.New(unpack.NewBudget(limits), sink)}
	}
}

// watch sees all messages of one direction, and looks into what is packed in
// them, message after message: a packed stream may go over several.
type watch struct {
	*guard.Writer

	looker *unpack.Looker
}

// Write implements [io.Writer].
func (w *watch) Write(b []byte) (int, error) {
	if _, err := w.looker.Write(b); err != nil {
		return 0, err
	}
	return w.Writer.Write(b)
}

// Close implements [io.Closer].
func (w *watch) Close() error { return cmp.Or(w.looker.Close(), w.Writer.Close()) }

// Join passes both directions on until one of them ends, and closes both. It
// returns how many bytes went up and down, and why it ended where a filter
// ended it.
func Join(client, upstream io.ReadWriteCloser, sides Sides) (sent, received int64, refused *guard.RefusedError) {
	up, down := &counter{to: upstream}, &counter{to: client}
	ended := make(chan error, 2)
	border.Send(ended, "a WebSocket, upwards", func() error { return pass(client, up, sides.Up) })
	border.Send(ended, "a WebSocket, downwards", func() error { return pass(upstream, down, sides.Down) })
	first := <-ended
	_, _ = client.Close(), upstream.Close()
	second := <-ended
	for _, err := range []error{first, second} {
		if r, ok := errors.AsType[*guard.RefusedError](err); ok {
			refused = r
		}
		if f, ok := errors.AsType[*border.Fault](err); ok && sides.Caught != nil {
			sides.Caught(f)
		}
	}
	return up.n.Load(), down.n.Load(), refused
}

func pass(from io.Reader, to io.Writer, side Side) error {
	if side == nil {
		_, err := io.Copy(to, from)
		return err
	}
	p := newPump(from, to, side)
	defer func() { _ = p.watch.Close() }() // nothing passes any more
	return p.run()
}

type counter struct {
	to io.Writer
	n  atomic.Int64
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.to.Write(b)
	c.n.Add(int64(n))
	return n, err
}

// IsUpgrade says whether a request asks for a WebSocket.
func IsUpgrade(h http.Header) bool {
	return strings.EqualFold(h.Get("Upgrade"), "websocket") && has(h["Connection"], "upgrade")
}

func has(lists []string, token string) bool {
	for _, list := range lists {
		for one := range strings.SplitSeq(list, ",") {
			if strings.EqualFold(strings.TrimSpace(one), token) {
				return true
			}
		}
	}
	return false
}

// Accept answers a request with an upstream's 101, and takes the connection.
func Accept(w http.ResponseWriter, answer *http.Response) (io.ReadWriteCloser, error) {
	if answer.Header.Get("Sec-Websocket-Extensions") != "" {
		return nil, fmt.Errorf("%w: an extension is used that was not asked for", errProtocol)
	}
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, err
	}
	head := &http.Response{StatusCode: answer.StatusCode, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: answer.Header}
	if err := head.Write(conn); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return relay.Rest(conn, buffered.Reader), nil
}
