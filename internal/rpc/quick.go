package rpc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"connectrpc.com/connect"
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
