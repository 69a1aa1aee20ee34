// Package relay hands HTTP messages on, as a gateway does (RFC 9110 section 3.7):
// without the headers of one connection, as they come, trailers and all.
//
// It looks at nothing and decides nothing. One way to use it:
//
//	relay.Headers(request.Header)
//	size, err := relay.Answer(w, answer)
package relay

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
)

// hopByHop are headers of one connection (RFC 9110 section 7.6.1).
var hopByHop = []string{"Connection", "Proxy-Connection", "Keep-Alive", "Te", "Transfer-Encoding", "Upgrade", "Proxy-Authorization", "Proxy-Authenticate"}

// framing are headers that say where a message ends. Servers that read an
// underscore as a hyphen must not find another word for it.
var framing = map[string]bool{"content-length": true, "transfer-encoding": true, "connection": true, "upgrade": true, "trailer": true, "te": true, "host": true, "expect": true}

// Headers takes out of h what is of one connection: what the standard lists, and
// what the header Connection names.
func Headers(h http.Header) {
	trailers := false
	for _, list := range h["Te"] {
		trailers = trailers || strings.Contains(strings.ToLower(list), "trailers")
	}
	for _, list := range h["Connection"] {
		for name := range strings.SplitSeq(list, ",") {
			if name = strings.TrimSpace(name); name != "" {
				h.Del(name)
			}
		}
	}
	for _, name := range hopByHop {
		delete(h, name)
	}
	for name := range h {
		if strings.Contains(name, "_") && framing[strings.ToLower(strings.ReplaceAll(name, "_", "-"))] {
			delete(h, name)
		}
	}
	if trailers {
		h["Te"] = []string{"trailers"} // gRPC asks for it, and it is the only one that means something further on
	}
}

var buffers = sync.Pool{New: func() any { return new([32 << 10]byte) }}

// Answer hands an answer on as it comes, and closes nothing. When it fails, the
// client has a part of it: the connection must not look whole.
func Answer(w http.ResponseWriter, answer *http.Response) (size int64, err error) {
	Headers(answer.Header)
	announced := len(answer.Trailer)
	to := w.Header()
	maps.Copy(to, answer.Header)
	for name := range answer.Trailer {
		to.Add("Trailer", name)
	}
	if announced > 0 {
		to.Del("Content-Length") // HTTP/1.1 has trailers after chunks only
	}
	w.WriteHeader(answer.StatusCode)
	if answer.Body != nil && answer.Body != http.NoBody {
		if size, err = body(w, answer); err != nil {
			return size, err
		}
	}
	for name, values := range answer.Trailer {
		if announced != len(answer.Trailer) {
			name = http.TrailerPrefix + name
		}
		to[name] = values
	}
	return size, nil
}

// body copies the body. What came is handed on at once, unless all of it is there.
func body(w http.ResponseWriter, answer *http.Response) (size int64, err error) {
	buf, _ := buffers.Get().(*[32 << 10]byte)
	used := 0
	defer func() {
		clear(buf[:used])
		buffers.Put(buf)
	}()
	flusher := http.NewResponseController(w)
	for {
		n, err := answer.Body.Read(buf[:])
		used = max(used, n)
		if n > 0 {
			if _, failed := w.Write(buf[:n]); failed != nil {
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
		if answer.ContentLength < 0 {
			if err := flusher.Flush(); err != nil {
				return size, err
			}
		}
	}
}

// Abort ends an answer that broke off, so that it does not look whole.
func Abort() {
	panic(http.ErrAbortHandler) //nolint:forbidigo // net/http's way to say so
}
