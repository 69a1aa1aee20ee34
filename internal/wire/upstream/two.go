package upstream

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// two is a connection that speaks HTTP/2 (RFC 9113): requests do not follow each
// other there, but are apart by their frames.
type two struct {
	conn *http.ClientConn
	// since is when it was last used; alone is true where it is for one request.
	since time.Time
	alone bool
}

func (t *two) close() { _ = t.conn.Close() }

// givenKey is under which a context has a connection that was made.
type givenKey struct{}

// overGiven is what makes of a connection with TLS one that speaks HTTP/2.
func overGiven() *http.Transport {
	return &http.Transport{
		DialTLSContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			conn, _ := ctx.Value(givenKey{}).(*tls.Conn)
			if conn == nil {
				return nil, errors.New("there is no connection")
			}
			return conn, nil
		},
		ForceAttemptHTTP2: true, DisableCompression: true, MaxResponseHeaderBytes: maxHead,
	}
}

func (p *Pool) overTwo(ctx context.Context, origin *url.URL, conn *tls.Conn) (*two, error) {
	made, err := p.two.NewClientConn(context.WithValue(ctx, givenKey{}, conn), "https", addressOf(origin))
	if err != nil {
		return nil, err
	}
	if err := made.Reserve(); err != nil {
		return nil, errors.Join(err, made.Close())
	}
	return &two{conn: made, since: time.Now()}, nil
}

// stream is one request of such a connection, for which there is room.
type stream struct {
	*two
	kept bool
}

func (s *stream) fresh() bool  { return !s.kept }
func (s *stream) usable() bool { return true }

// close leaves the connection to the others.
func (s *stream) close() { s.conn.Release() }

func (s *stream) do(r *http.Request) (*http.Response, error) {
	answer, err := s.conn.RoundTrip(r)
	if err != nil {
		if s.alone {
			s.two.close()
		}
		if unseen(err) {
			err = fmt.Errorf("%w: %w", errUnsent, err)
		}
		return nil, err
	}
	if s.alone {
		answer.Body = &last{answer.Body, s.two}
	}
	return answer, nil
}

// streamError is net/http's error of one stream, as [errors.As] fills it in.
type streamError struct {
	StreamID uint32
	Code     uint32
	Cause    error
}

func (streamError) Error() string { return "the server refused the stream" }

// refusedStream is the code of a request that the server has not looked at (RFC
// 9113 section 8.7).
const refusedStream = 0x7

// unsent are errors of net/http, which exports no names for them, of a request
// that was not sent, or stands behind the last that the server has looked at.
var unsent = []string{
	"http2: Transport received Server's graceful shutdown GOAWAY", "http2: client conn not usable", "http2: client conn is closed",
}

// unseen says whether nothing of a request was sent, or the server itself says
// that it did nothing with it.
func unseen(err error) bool {
	refused, is := errors.AsType[streamError](err)
	return is && refused.Code == refusedStream || slices.Contains(unsent, err.Error())
}

// last is a body whose end is that of its connection.
type last struct {
	io.ReadCloser
	two *two
}

// Close implements [io.Closer].
func (l *last) Close() error {
	err := l.ReadCloser.Close()
	l.two.close()
	return err
}
