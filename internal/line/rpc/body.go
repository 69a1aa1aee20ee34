package rpc

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// CallBody calls a procedure that answers with bytes and not with a message: a long
// stream of them. What goes wrong after it began ends the body with an error.
func CallBody[Request any](ctx context.Context, c *Client, procedure string, request *Request) (http.Header, io.ReadCloser, error) {
	text, err := json.Marshal(request)
	if err != nil {
		return nil, nil, fmt.Errorf("writing a call: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://peer"+procedure, bytes.NewReader(text))
	if err != nil {
		return nil, nil, fmt.Errorf("writing a call: %w", err)
	}
	r.Header.Set("Content-Type", "application/json")
	bear(r.Header, request)
	answer, err := c.alone.RoundTrip(r)
	if err != nil {
		return nil, nil, decodeError(ctx, err)
	}
	if answer.StatusCode == http.StatusOK {
		return answer.Header, answer.Body, nil
	}
	defer func() { _ = answer.Body.Close() }()
	said, err := io.ReadAll(io.LimitReader(answer.Body, maxMessage))
	if err != nil {
		return nil, nil, decodeError(ctx, err)
	}
	return nil, nil, decodeError(ctx, wireError(answer, said))
}

// HandleBody serves what [CallBody] calls. An error of fn is answered where nothing was
// written yet; afterwards it breaks the answer off.
func HandleBody[Request any](mux *http.ServeMux, procedure string, fn func(context.Context, *Request, http.ResponseWriter) error) {
	mux.HandleFunc("POST "+procedure, func(w http.ResponseWriter, r *http.Request) {
		in := new(Request)
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxMessage)).Decode(in); err != nil {
			RefuseAs(w, fmt.Errorf("reading a call: %w", err))
			return
		}
		take(r.Header, in)
		out := &begun{ResponseWriter: w}
		switch err := fn(r.Context(), in, out); {
		case err == nil:
		case out.is:
			panic(http.ErrAbortHandler) //nolint:forbidigo // net/http's way to break an answer off
		default:
			RefuseAs(w, err)
		}
	})
}

// begun knows whether an answer has begun.
type begun struct {
	http.ResponseWriter
	is bool
}

// Write implements [io.Writer].
func (b *begun) Write(p []byte) (int, error) {
	b.is = true
	return b.ResponseWriter.Write(p)
}
