package upstream

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"

	"golang.org/x/net/http/httpguts"

	"hotcell"
)

// check says whether a request can be read in one way only, and where it goes.
func check(r *http.Request) (*url.URL, error) {
	bad := func(what string) (*url.URL, error) {
		return nil, fmt.Errorf("%w: %s of the request cannot be sent", hotcell.ErrInvalid, what)
	}
	switch {
	case r.URL == nil || r.URL.Host == "" || r.URL.User != nil || r.URL.Scheme != "https" && r.URL.Scheme != "http":
		return bad("the address")
	case !token(r.Method):
		return bad("the method")
	case !clean(r.URL.RequestURI()):
		return bad("the path")
	case !httpguts.ValidHostHeader(hostOf(r)) || hostOf(r) == "":
		return bad("the host")
	}
	for _, headers := range []http.Header{r.Header, r.Trailer} {
		for name, values := range headers {
			if !httpguts.ValidHeaderFieldName(name) {
				return bad("a header's name")
			}
			for _, v := range values {
				if !httpguts.ValidHeaderFieldValue(v) {
					return bad("a header")
				}
			}
		}
	}
	return &url.URL{Scheme: r.URL.Scheme, Host: r.URL.Host}, nil
}

func hostOf(r *http.Request) string {
	if r.Host != "" {
		return r.Host
	}
	return r.URL.Host
}

// token says whether a method is one (RFC 9110 section 9.1): what a header's name
// may be.
func token(method string) bool { return httpguts.ValidHeaderFieldName(method) }

// clean says whether a target has nothing in it that ends it.
func clean(target string) bool {
	for i := range len(target) {
		if target[i] <= ' ' || target[i] == 0x7f {
			return false
		}
	}
	return target != ""
}

// framing are headers that say where the message ends, which the line sets itself.
var framing = map[string]bool{"Host": true, "Content-Length": true, "Transfer-Encoding": true, "Trailer": true, "Expect": true, "Connection": true}

// buffers are for heads and bodies on their way.
var buffers = sync.Pool{New: func() any { return new([32 << 10]byte) }}

// sendHead writes the head of a request at once; last says whether it is the last
// one of the line.
func (l *line) sendHead(r *http.Request, last bool) error {
	buf, _ := buffers.Get().(*[32 << 10]byte)
	defer buffers.Put(buf)
	head := appendHead(buf[:0], r, last)
	defer clear(head)
	_, err := l.Write(head)
	return err
}

func appendHead(b []byte, r *http.Request, last bool) []byte {
	b = append(append(append(append(b, r.Method...), ' '), r.URL.RequestURI()...), " HTTP/1.1\r\nHost: "...)
	b = append(append(b, hostOf(r)...), "\r\n"...)
	for name, values := range r.Header {
		if framing[name] {
			continue
		}
		for _, v := range values {
			b = appendField(b, name, v)
		}
	}
	switch {
	case r.Header.Get("Upgrade") != "":
		b = appendField(b, "Connection", "Upgrade")
	case last:
		b = appendField(b, "Connection", "close")
	}
	switch {
	case embodied(r) && r.ContentLength > 0:
		b = appendField(b, "Content-Length", strconv.FormatInt(r.ContentLength, 10))
	case embodied(r):
		b = appendField(b, "Transfer-Encoding", "chunked")
		for name := range r.Trailer {
			b = appendField(b, "Trailer", name)
		}
	case r.Method == http.MethodPost || r.Method == http.MethodPut || r.Method == http.MethodPatch:
		b = appendField(b, "Content-Length", "0")
	}
	return append(b, "\r\n"...)
}

func appendField(b []byte, name, value string) []byte {
	return append(append(append(append(b, name...), ": "...), value...), "\r\n"...)
}

// errBody is a body that is not as long as was said.
var errBody = errors.New("the body of the request is not as long as it says")

// sendBody writes the body. It fails where the body itself does: a request that
// is not whole must not look whole. A server that reads no further does not count.
func (l *line) sendBody(r *http.Request) error {
	buf, _ := buffers.Get().(*[32 << 10]byte)
	used := 0
	defer func() {
		clear(buf[:used])
		buffers.Put(buf)
	}()
	if r.ContentLength > 0 {
		return l.sendMeasured(r, buf[:], &used)
	}
	for {
		n, err := r.Body.Read(buf[chunkHead : len(buf)-2])
		used = max(used, chunkHead+n+2)
		if n > 0 {
			if _, failed := l.Write(chunk(buf[:], n)); failed != nil {
				return nil
			}
		}
		if errors.Is(err, io.EOF) {
			_, _ = l.Write(appendEnd(nil, r.Trailer))
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// sendMeasured writes a body whose length was told.
func (l *line) sendMeasured(r *http.Request, buf []byte, used *int) error {
	left := r.ContentLength
	for {
		n, err := r.Body.Read(buf)
		*used = max(*used, n)
		if left -= int64(n); left < 0 {
			return errBody
		}
		if n > 0 {
			if _, failed := l.Write(buf[:n]); failed != nil {
				return nil //nolint:nilerr // the server reads no further
			}
		}
		switch {
		case errors.Is(err, io.EOF) && left > 0:
			return errBody
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}

// chunkHead is how much is kept free before a chunk for its size (RFC 9112
// section 7.1).
const chunkHead = 16

// chunk puts size and end around n bytes that stand behind the head's place.
func chunk(buf []byte, n int) []byte {
	size := append(strconv.AppendInt(nil, int64(n), 16), "\r\n"...)
	start := chunkHead - len(size)
	copy(buf[start:], size)
	copy(buf[chunkHead+n:], "\r\n")
	return buf[start : chunkHead+n+2]
}

// appendEnd ends a body in chunks, with its trailers.
func appendEnd(b []byte, trailer http.Header) []byte {
	b = append(b, "0\r\n"...)
	for name, values := range trailer {
		for _, v := range values {
			if httpguts.ValidTrailerHeader(name) && httpguts.ValidHeaderFieldValue(v) {
				b = appendField(b, name, v)
			}
		}
	}
	return append(b, "\r\n"...)
}
