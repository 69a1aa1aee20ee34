package upstream

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"hotcell/internal/line/border"
)

// line is a connection that speaks HTTP/1.1 (RFC 9112), one request at a time.
type line struct {
	net.Conn
	pool  *Pool
	shelf *shelf
	wire  *wire
	limit *limit
	from  *bufio.Reader
	// used is true once it was kept, since is when; until is how long the server
	// says that it keeps it.
	used  bool
	since time.Time
	until time.Duration
}

const readSize = 4096

func newLine(p *Pool, s *shelf, w *wire, conn net.Conn) *line {
	l := &line{Conn: conn, pool: p, shelf: s, wire: w, limit: &limit{from: conn, left: math.MaxInt64}}
	l.from = bufio.NewReaderSize(l.limit, readSize)
	return l
}

func (l *line) fresh() bool { return !l.used }

// usable says whether the server has neither closed the line nor said anything,
// and is not about to close it.
func (l *line) usable() bool {
	return (l.until == 0 || time.Since(l.since) < l.until) && l.wire.silent()
}

func (l *line) close() { _ = l.Conn.Close() }

// maxHead is how large the head of an answer may be, in bytes, and maxInterim how
// many answers may come before the one that counts.
const (
	maxHead    = 1 << 20
	maxInterim = 5
)

// limit bounds what is read.
type limit struct {
	from io.Reader
	left int64
}

var errHead = errors.New("the head of the answer is too large")

// Read implements [io.Reader].
func (l *limit) Read(b []byte) (int, error) {
	if l.left <= 0 {
		return 0, errHead
	}
	if int64(len(b)) > l.left {
		b = b[:l.left]
	}
	n, err := l.from.Read(b)
	l.left -= int64(n)
	return n, err
}

// zeros are without end.
type zeros struct{}

// Read implements [io.Reader].
func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

// wipe clears what was read of an answer.
func (l *line) wipe() {
	l.from.Reset(zeros{})
	_, _ = l.from.Peek(readSize) // fills the buffer
	l.from.Reset(l.limit)
}

// past ends what is being read and written.
var past = time.Unix(1, 0)

// do sends a request and reads the head of its answer.
func (l *line) do(r *http.Request) (*http.Response, error) {
	stop := border.WithEnd(r.Context(), "ending a request", l.pool.Caught, func() { _ = l.SetDeadline(past) })
	fail := func(err error) (*http.Response, error) {
		stop()
		l.close()
		l.wipe()
		return nil, err
	}
	before := l.wire.sent.Load()
	if err := l.sendHead(r, l.shelf == nil || r.Close || embodied(r)); err != nil {
		discard(r)
		if l.wire.sent.Load() == before {
			err = fmt.Errorf("%w: %w", errUnsent, err)
		}
		return fail(err)
	}
	var broken atomic.Pointer[error]
	if embodied(r) {
		// The answer may come first: then what is left of the body is of no use.
		border.Go("sending a body", l.pool.Caught, func() {
			err := border.Run("sending a body", func() error { return l.sendBody(r) })
			if err != nil {
				broken.Store(&err)
				l.close()
			}
			discard(r)
		})
	} else {
		discard(r)
	}
	answer, err := l.answer(r)
	// A server that sees the line end may still answer what it has got of the body.
	if cause := broken.Load(); cause != nil {
		err = *cause
	}
	if err != nil {
		return fail(err)
	}
	return l.lend(r, answer, stop), nil
}

// answer reads the head of an answer, past those that come before it.
func (l *line) answer(r *http.Request) (*http.Response, error) {
	for range maxInterim + 1 {
		l.limit.left = maxHead
		answer, err := http.ReadResponse(l.from, r)
		l.limit.left = math.MaxInt64
		if err != nil {
			return nil, fmt.Errorf("reading an answer: %w", err)
		}
		if answer.StatusCode >= http.StatusOK {
			return answer, nil
		}
		if answer.StatusCode == http.StatusSwitchingProtocols {
			if r.Header.Get("Upgrade") == "" {
				return nil, errors.New("the server changes to a protocol that nobody asked for")
			}
			return answer, nil
		}
	}
	return nil, errors.New("the server announces its answer again and again")
}

// lend is the answer with its body, whose end is that of the line, or has the line
// kept.
func (l *line) lend(r *http.Request, answer *http.Response, stop func() bool) *http.Response {
	keep := !answer.Close && !r.Close && !embodied(r) && l.shelf != nil
	if seconds, told := keptFor(answer.Header); told {
		l.until, keep = seconds, keep && seconds > 0
	}
	switch {
	case answer.StatusCode == http.StatusSwitchingProtocols:
		stop() // the caller ends it from now on
		answer.Body = &joined{l}
	case answer.Body == http.NoBody && !embodied(r):
		l.back(keep && stop())
	default:
		answer.Body = &lent{from: answer.Body, line: l, stop: stop, keep: keep}
	}
	return answer
}

// keptFor is how long a server says that it keeps a connection, less a second for
// the way.
func keptFor(h http.Header) (d time.Duration, told bool) {
	for part := range strings.SplitSeq(h.Get("Keep-Alive"), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		if seconds, err := strconv.ParseUint(strings.TrimSpace(value), 10, 16); err == nil && strings.EqualFold(name, "timeout") {
			return time.Duration(seconds)*time.Second - time.Second, true
		}
	}
	return 0, false
}

// back has the line kept where it may be, and closed where not.
func (l *line) back(keep bool) {
	keep = keep && l.from.Buffered() == 0 && l.wire.quiet(l.Conn)
	l.wipe()
	if !keep || !l.pool.put(l.shelf, l) {
		l.close()
	}
}

// lent is the body of an answer.
type lent struct {
	from io.ReadCloser
	line *line
	stop func() bool
	keep bool

	mu    sync.Mutex
	ended bool
	once  sync.Once
}

// Read implements [io.Reader].
func (b *lent) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended {
		return 0, io.EOF
	}
	n, err := b.from.Read(p)
	b.ended = errors.Is(err, io.EOF)
	return n, err
}

// Close gives the line back, or closes it where something was left unread.
func (b *lent) Close() error {
	b.once.Do(func() {
		undisturbed := b.stop()
		if !b.mu.TryLock() {
			b.line.close() // ends who reads
			b.mu.Lock()
		}
		defer b.mu.Unlock()
		whole := b.ended
		b.ended = true
		b.line.back(whole && b.keep && undisturbed)
	})
	return nil
}

// joined is a line whose protocol has changed.
type joined struct{ *line }

// Read implements [io.Reader].
func (j *joined) Read(p []byte) (int, error) { return j.from.Read(p) }

// Close implements [io.Closer].
func (j *joined) Close() error { return j.Conn.Close() }
