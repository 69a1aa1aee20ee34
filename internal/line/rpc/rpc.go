// Package rpc is how the house's processes call each other: Connect, with plain
// Go structs as messages and JSON as their form, since both ends are one binary.
//
// It carries the vocabulary's errors across: a sentinel that leaves a handler
// arrives as the same sentinel. Whatever is no sentinel arrives as "internal
// error"; its text stays in the log of the process where it happened. It does
// not authenticate: the line that a call comes in on is the caller's identity, and
// what a message bears ([Bearing]) is for the handler to judge.
//
//	rpc.Handle(mux, "/hotcell.vault/Lease", service.lease)
//	answer, err := rpc.Call[LeaseRequest, LeaseAnswer](ctx, client, "/hotcell.vault/Lease", request)
package rpc

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"time"

	"connectrpc.com/connect"
)

// codec replaces Connect's Protobuf JSON by Go's own. Unknown fields are let
// through, so that a newer peer may say more.
type codec struct{}

func (codec) Name() string                        { return "json" }
func (codec) Marshal(v any) ([]byte, error)       { return json.Marshal(v) }
func (codec) Unmarshal(data []byte, v any) error  { return json.Unmarshal(data, v) }
func (codec) MarshalStable(v any) ([]byte, error) { return json.Marshal(v) }
func (codec) IsBinary() bool                      { return false }

// Bearing is a message of somebody who proves who they are, or an answer that gives them
// something to prove it by. That travels beside the message (RFC 6750) and not in it: a message may be printed.
type Bearing interface {
	Bearer() string
	SetBearer(string)
}

const scheme = "Bearer "

// bear puts what a message bears beside it.
func bear(header http.Header, message any) {
	if b, ok := message.(Bearing); ok && b.Bearer() != "" {
		header.Set("Authorization", scheme+b.Bearer())
	}
}

// take gives a message what came beside it, and nothing where nothing did.
func take(header http.Header, message any) {
	if b, ok := message.(Bearing); ok {
		text, _ := strings.CutPrefix(header.Get("Authorization"), scheme)
		b.SetBearer(text)
	}
}

// Handle serves one procedure with fn.
func Handle[Request, Answer any](mux *http.ServeMux, procedure string, fn func(context.Context, *Request) (*Answer, error)) {
	mux.Handle(procedure, connect.NewUnaryHandler(procedure,
		func(ctx context.Context, r *connect.Request[Request]) (*connect.Response[Answer], error) {
			take(r.Header(), r.Msg)
			answer, err := fn(ctx, r.Msg)
			if err != nil {
				return nil, encodeError(err)
			}
			out := connect.NewResponse(answer)
			bear(out.Header(), answer)
			return out, nil
		}, handling()...))
}

// HandleStream serves a procedure that answers with many messages.
func HandleStream[Request, Answer any](mux *http.ServeMux, procedure string, fn func(context.Context, *Request, func(*Answer) error) error) {
	mux.Handle(procedure, connect.NewServerStreamHandler(procedure,
		func(ctx context.Context, r *connect.Request[Request], s *connect.ServerStream[Answer]) error {
			take(r.Header(), r.Msg)
			if err := fn(ctx, r.Msg, s.Send); err != nil {
				return encodeError(err)
			}
			return nil
		}, handling()...))
}

// maxMessage bounds, in bytes, what a handler reads of one request: the largest
// message that a person may send is a few hundred KiB.
const maxMessage = 32 << 20

// handling and calling leave compression out: both ends are near each other, and
// Connect would spend more time on gzip than on the call.
func handling() []connect.HandlerOption {
	return []connect.HandlerOption{connect.WithCodec(codec{}), connect.WithCompression("gzip", nil, nil), connect.WithReadMaxBytes(maxMessage)}
}

func calling() []connect.ClientOption {
	return []connect.ClientOption{connect.WithCodec(codec{}), connect.WithAcceptCompression("gzip", nil, nil)}
}

// Client calls the procedures of one peer.
type Client struct {
	http *http.Client
	// alone makes a connection for each request.
	alone *http.Transport
	dial  func(context.Context) (net.Conn, error)
}

// NewClient reaches the peer over connections that dial makes. They are pooled.
func NewClient(dial func(context.Context) (net.Conn, error)) *Client {
	to := func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) }
	return &Client{dial: dial, alone: &http.Transport{DialContext: to, DisableKeepAlives: true, DisableCompression: true}, http: &http.Client{Transport: &http.Transport{
		DialContext:         to,
		MaxIdleConns:        128,
		MaxIdleConnsPerHost: 128,
		IdleConnTimeout:     kept,
		DisableCompression:  true,
	}}}
}

// HTTP is the client's plain HTTP client, for what is no message: folders, archives.
// The host in a URL given to it is ignored.
func (c *Client) HTTP() *http.Client { return c.http }

// Alone is for what changes the protocol: a connection for each request, so that
// none is sent again since one that was kept broke.
func (c *Client) Alone() http.RoundTripper { return c.alone }

// Dial makes a connection to the peer, for what speaks plain HTTP by itself.
func (c *Client) Dial(ctx context.Context) (net.Conn, error) { return c.dial(ctx) }

// base is a host that is never resolved: the client's dial knows the peer.
const base = "http://peer"

// Call calls a procedure and returns its answer.
func Call[Request, Answer any](ctx context.Context, c *Client, procedure string, request *Request) (*Answer, error) {
	r := connect.NewRequest(request)
	bear(r.Header(), request)
	answer, err := connect.NewClient[Request, Answer](c.http, base+procedure, calling()...).CallUnary(ctx, r)
	if err != nil {
		return nil, decodeError(ctx, err)
	}
	take(answer.Header(), answer.Msg)
	return answer.Msg, nil
}

// CallStream calls a procedure that answers with many messages, and hands each
// to fn until the stream ends or fn fails.
func CallStream[Request, Answer any](ctx context.Context, c *Client, procedure string, request *Request, fn func(*Answer) error) error {
	r := connect.NewRequest(request)
	bear(r.Header(), request)
	stream, err := connect.NewClient[Request, Answer](c.http, base+procedure, calling()...).CallServerStream(ctx, r)
	if err != nil {
		return decodeError(ctx, err)
	}
	defer func() { _ = stream.Close() }()
	for stream.Receive() {
		if err := fn(stream.Msg()); err != nil {
			return err
		}
	}
	if err := stream.Err(); err != nil {
		return decodeError(ctx, err)
	}
	return nil
}

// Connections that nobody uses are closed by the server after idle; a client has
// let go of them long before, so that no request meets one that is being closed:
// what is sent once would be lost by it.
const (
	idle = 6 * time.Second
	kept = idle / 3
)

// Server serves handler without time limits on bodies: streams live as long as
// jobs do. Headers have ten seconds. Connections that nobody uses are closed
// soon: their buffers remember what went through.
func Server(handler http.Handler) *http.Server {
	return &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: idle}
}
