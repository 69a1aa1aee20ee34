package forward

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"sync"

	"hotcell/internal/frames"
	"hotcell/internal/guard"
	"hotcell/internal/scrub"
)

// buffers are for copying answers.
var buffers = sync.Pool{New: func() any { b := make([]byte, 32<<10); return &b }}

// copyAnswer hands an answer on as it comes.
func copyAnswer(w http.ResponseWriter, answer *http.Response) (size int64, reason string) {
	for _, name := range hopByHop {
		answer.Header.Del(name)
	}
	announced := len(answer.Trailer)
	maps.Copy(w.Header(), answer.Header)
	for name := range answer.Trailer {
		w.Header().Add("Trailer", name)
	}
	w.WriteHeader(answer.StatusCode)
	size, err := pour(w, answer)
	if err != nil {
		// An answer that breaks off must not look whole.
		panic(http.ErrAbortHandler) //nolint:forbidigo // net/http's way to say so
	}
	for name, values := range answer.Trailer {
		if announced != len(answer.Trailer) {
			name = http.TrailerPrefix + name
		}
		w.Header()[name] = values
	}
	return size, ""
}

// pour copies the body; what came is handed on at once, unless all of it is there.
func pour(w http.ResponseWriter, answer *http.Response) (size int64, err error) {
	buf := buffers.Get().(*[]byte) //nolint:forcetypeassert // the pool holds nothing else
	defer func() {
		clear((*buf)[:min(int64(len(*buf)), size)])
		buffers.Put(buf)
	}()
	flusher := http.NewResponseController(w)
	for {
		n, err := answer.Body.Read(*buf)
		if n > 0 {
			if _, failed := w.Write((*buf)[:n]); failed != nil {
				return size, failed
			}
			size += int64(n)
		}
		if errors.Is(err, io.EOF) {
			return size, nil
		}
		if err != nil {
			return size, err
		}
		if answer.ContentLength < 0 || size < answer.ContentLength {
			if err := flusher.Flush(); err != nil {
				return size, err
			}
		}
	}
}

// upgraded joins the two sides of a WebSocket; what comes back is scrubbed
// frame by frame.
func (s *Service) upgraded(ctx context.Context, w http.ResponseWriter, answer *http.Response, pattern *guard.Patterns) (int64, string) {
	upstream, ok := answer.Body.(io.ReadWriteCloser)
	if !ok {
		s.faulty(w, http.StatusBadGateway, "unavailable", "the host changed the protocol in a way that cannot be followed")
		return 0, "an upgrade that cannot be followed"
	}
	scrub.Header(answer.Header, pattern, nil)
	client, err := frames.Accept(w, answer)
	if err != nil {
		return 0, "the connection broke off"
	}
	defer func() { _ = client.Close() }()
	release := s.live.closes(ctx, client, upstream)
	defer release()
	sent, received, refused := frames.Join(client, upstream, frames.Sides{Down: frames.Guarded(pattern, nil)})
	if refused != nil {
		return sent + received, "ended: the upstream repeated the credential over several messages"
	}
	return sent + received, ""
}
