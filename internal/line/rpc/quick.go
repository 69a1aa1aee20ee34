package rpc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"time"

	"connectrpc.com/connect"

	"hotcell"
)

// CallOver is [Call] over a pool, for what is called very often: the same message
// (Connect's unary protocol, https://connectrpc.com/docs/protocol), with less
// between it and the line. It is sent once.
func CallOver[Request, Answer any](ctx context.Context, p *Pool, procedure string, r *Request) (*Answer, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("writing a call: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://peer"+procedure, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("writing a call: %w", err)
	}
	request.Header = http.Header{"Content-Type": {"application/json"}, "Connect-Protocol-Version": {"1"}, "User-Agent": {""}}
	if deadline, set := ctx.Deadline(); set {
		request.Header["Connect-Timeout-Ms"] = []string{strconv.FormatInt(max(1, time.Until(deadline).Milliseconds()), 10)}
	}
	answer, err := p.Once(request)
	if err != nil {
		return nil, decodeError(ctx, err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, decodeError(ctx, err)
	}
	if answer.StatusCode != http.StatusOK {
		return nil, decodeError(ctx, wireError(answer, text))
	}
	out := new(Answer)
	if err := json.Unmarshal(text, out); err != nil {
		return nil, decodeError(ctx, err)
	}
	return out, nil
}

// HandleOver serves what is called by [CallOver] very often. It is [Handle] with
// less between: the same message, the same errors.
func HandleOver[Request, Answer any](mux *http.ServeMux, procedure string, fn func(context.Context, *Request) (*Answer, error)) {
	mux.HandleFunc("POST "+procedure, func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		if ms, err := strconv.ParseInt(r.Header.Get("Connect-Timeout-Ms"), 10, 64); err == nil {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, time.Duration(ms)*time.Millisecond)
			defer cancel()
		}
		in := new(Request)
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxMessage))
		if err == nil {
			err = json.Unmarshal(body, in)
		}
		if err != nil {
			writeError(w, hotcell.Invalid("", "the message cannot be read"))
			return
		}
		answer, err := fn(ctx, in)
		if err != nil {
			writeError(w, err)
			return
		}
		text, err := json.Marshal(answer)
		if err != nil {
			writeError(w, err)
			return
		}
		w.Header()["Content-Type"] = []string{"application/json"}
		_, _ = w.Write(text)
	})
}

// writeError writes an error as Connect does.
func writeError(w http.ResponseWriter, err error) {
	out, ok := errors.AsType[*connect.Error](encodeError(err))
	if !ok {
		out = connect.NewError(connect.CodeInternal, errors.New("internal error"))
	}
	maps.Copy(w.Header(), out.Meta())
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusInternalServerError) // the code says more
	_ = json.NewEncoder(w).Encode(map[string]string{"code": out.Code().String(), "message": out.Message()})
}

// Refuse answers a call that met a fault of ours, as an error that is no sentinel's.
func Refuse(w http.ResponseWriter, _ *http.Request) { writeError(w, errors.New("a fault")) }

// RefuseAs answers a call with an error, without looking at what it asks.
func RefuseAs(w http.ResponseWriter, err error) { writeError(w, err) }

// wireError is the error of an answer that is no message.
func wireError(answer *http.Response, text []byte) error {
	var said struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	var code connect.Code
	if json.Unmarshal(text, &said) != nil || code.UnmarshalText([]byte(said.Code)) != nil {
		return fmt.Errorf("the peer answered %s", answer.Status)
	}
	out := connect.NewWireError(code, errors.New(said.Message))
	for _, name := range []string{metaSentinel, metaPointer, metaReason, metaCurrent} {
		if value := answer.Header.Get(name); value != "" {
			out.Meta().Set(name, value)
		}
	}
	return out
}
