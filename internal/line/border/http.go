package border

import (
	"bufio"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
)

// Handler is next behind a border: what it throws ends its one request. Where
// nothing was answered yet, refuse answers; an answer that has begun is broken
// off, so that nobody takes it for whole, and a connection that was taken over is
// closed. [http.ErrAbortHandler] goes on to net/http, whose own it is.
func Handler(at string, log *slog.Logger, refuse func(http.ResponseWriter, *http.Request), next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen := &answer{ResponseWriter: w}
		defer func() {
			thrown := recover()
			if thrown == nil {
				return
			}
			if err, ok := thrown.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(http.ErrAbortHandler) //nolint:forbidigo // net/http's way to break an answer off
			}
			Tell(log, Of(at, thrown))
			switch {
			case seen.taken != nil:
				_ = seen.taken.Close()
			case seen.begun:
				panic(http.ErrAbortHandler) //nolint:forbidigo // as above
			default:
				if r.ProtoMajor == 1 {
					w.Header().Set("Connection", "close") // what is left of the request is nobody's
				}
				refuse(w, r)
			}
		}()
		next.ServeHTTP(seen, r)
	})
}

// Refuse answers a request that met a fault, in plain words.
func Refuse(w http.ResponseWriter, _ *http.Request) {
	http.Error(w, "hotcell: "+(&Fault{}).Error(), http.StatusInternalServerError)
}

// answer knows how far an answer has come.
type answer struct {
	http.ResponseWriter
	begun bool
	taken net.Conn
}

// WriteHeader implements [http.ResponseWriter].
func (a *answer) WriteHeader(status int) {
	a.begun = a.begun || status >= http.StatusOK || status == http.StatusSwitchingProtocols
	a.ResponseWriter.WriteHeader(status)
}

// Write implements [io.Writer].
func (a *answer) Write(b []byte) (int, error) {
	a.begun = true
	return a.ResponseWriter.Write(b)
}

// ReadFrom implements [io.ReaderFrom], which is how large bodies go fast.
func (a *answer) ReadFrom(r io.Reader) (int64, error) {
	a.begun = true
	return io.Copy(a.ResponseWriter, r)
}

// Flush implements [http.Flusher].
func (a *answer) Flush() {
	a.begun = true
	_ = http.NewResponseController(a.ResponseWriter).Flush()
}

// FlushError flushes, and says how that went.
func (a *answer) FlushError() error {
	a.begun = true
	return http.NewResponseController(a.ResponseWriter).Flush()
}

// Hijack implements [http.Hijacker].
func (a *answer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, buffered, err := http.NewResponseController(a.ResponseWriter).Hijack()
	if err == nil {
		a.taken = c
	}
	return c, buffered, err
}

// Unwrap is for [http.ResponseController].
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
