package parser

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"time"

	"hotcell"
	"hotcell/internal/line/border"
	"hotcell/internal/text/words"
)

// Dialer makes lines to a [Host].
type Dialer interface {
	DialContext(ctx context.Context) (net.Conn, error)
}

// Remote has texts read in processes of their own.
type Remote struct {
	dialer Dialer
	within time.Duration
}

// NewRemote asks the host at the other end of the dialer's lines, and waits a little
// longer than a process has.
func NewRemote(d Dialer) *Remote { return &Remote{d, life + 5*time.Second} }

// Within is the same, which waits for so long at the most.
func (r *Remote) Within(d time.Duration) *Remote { return &Remote{r.dialer, d} }

// errUnread is what is said of a text that ended its reader.
var errUnread = hotcell.Invalid("", "this cannot be read: it is not what it should be, or takes too much time or memory to read")

// Parse has a text read. It is a [*hotcell.FieldError] where the text is at fault, and
// [hotcell.ErrUnavailable] where nobody reads.
func (r *Remote) Parse(ctx context.Context, kind string, text []byte) ([]byte, error) {
	session, err := r.Open(ctx)
	if err != nil {
		return nil, err
	}
	defer session.Close()
	return session.Parse(kind, text)
}

// Session is a process that reads texts, one after the other. It belongs to one
// goroutine; whoever opened it closes it.
type Session struct {
	ctx  context.Context //nolint:containedctx // a session has the life of what it was opened for
	line net.Conn
	from *bufio.Reader
	stop func()
}

// Open has a process wait for texts. What is read in one session should be one
// stranger's: a text that takes the process over reads, and answers, those to come.
func (r *Remote) Open(ctx context.Context) (*Session, error) {
	until, cancel := context.WithTimeout(ctx, r.within)
	line, err := r.dialer.DialContext(until)
	if err != nil {
		cancel()
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, fmt.Errorf("%w: the part of the server that reads documents does not answer", hotcell.ErrUnavailable)
	}
	stop := border.WithEnd(until, "ending a question", border.Silent, func() { _ = line.Close() })
	return &Session{ctx, line, bufio.NewReaderSize(line, maxLine), func() { stop(); cancel() }}, nil
}

// Close ends the session.
func (s *Session) Close() {
	s.stop()
	_ = s.line.Close()
}

// Parse is [Remote.Parse] by this session's process. After an error that is none of the
// text's own, the session is over.
func (s *Session) Parse(kind string, text []byte) ([]byte, error) {
	if len(text) > maxIn {
		return nil, hotcell.Invalid("", "this is too large to be read: at most %d MiB", maxIn>>20)
	}
	if err := send(s.line, question{Kind: kind, Size: len(text)}, text); err != nil && s.ctx.Err() != nil {
		return nil, context.Cause(s.ctx)
	}
	var a answer
	out, err := receive(s.from, &a, &a.Size, maxOut)
	switch {
	case err != nil && s.ctx.Err() != nil:
		return nil, context.Cause(s.ctx)
	case err != nil || a.Fault:
		return nil, errUnread // the reader ended over it
	case a.Reason != "":
		// A reader that was taken over says what it likes.
		return nil, hotcell.Invalid(words.Line(a.Pointer, maxLine/8), "%s", words.Line(a.Reason, maxLine/8))
	}
	return out, nil
}

// Here reads texts in the process that asks: for programs that hold no key, and tests.
type Here Kinds

// Parse has a text read.
func (h Here) Parse(_ context.Context, kind string, text []byte) ([]byte, error) {
	return h[kind](text)
}
