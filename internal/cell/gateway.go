package cell

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"hotcell/internal/line/border"
	"hotcell/internal/line/socketpair"
	"hotcell/internal/wire/relay"
)

// gateway is the init's side of the line.
type gateway struct {
	dialer *socketpair.Dialer
	client *http.Client
}

func openGateway(line *os.File) (*gateway, error) {
	dialer, err := socketpair.NewDialer(line)
	if err != nil {
		return nil, err
	}
	return &gateway{dialer, &http.Client{Transport: &http.Transport{
		DialContext:        func(ctx context.Context, _, _ string) (net.Conn, error) { return dialer.DialContext(ctx) },
		DisableCompression: true,
		MaxIdleConns:       4,
		IdleConnTimeout:    time.Minute,
	}}}, line.Close()
}

// do asks the gateway; an answer that is not 2xx is an error with its text.
func (g *gateway) do(ctx context.Context, method, path string, body io.Reader) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, "http://gateway"+path, body)
	if err != nil {
		return nil, err
	}
	answer, err := g.client.Do(request)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode/100 != 2 {
		defer func() { _ = answer.Body.Close() }()
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 2048))
		return nil, errors.New(strings.TrimSpace(string(text)))
	}
	return answer, nil
}

func (g *gateway) get(ctx context.Context, path string, out any) error {
	answer, err := g.do(ctx, http.MethodGet, path, nil) //nolint:bodyclose // decode closes it
	if err != nil {
		return err
	}
	return decode(answer, out)
}

func (g *gateway) post(ctx context.Context, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	answer, err := g.do(ctx, http.MethodPost, path, bytes.NewReader(body)) //nolint:bodyclose // decode closes it
	if err != nil {
		return err
	}
	return decode(answer, out)
}

func decode(answer *http.Response, out any) error {
	defer func() { _ = answer.Body.Close() }()
	if out == nil || answer.StatusCode == http.StatusNoContent {
		_, err := io.Copy(io.Discard, answer.Body)
		return err
	}
	return json.NewDecoder(answer.Body).Decode(out)
}

// refusal is the gateway's answer to a connection that it does not make.
type refusal struct {
	status int
	reason string
}

func (r *refusal) Error() string { return r.reason }

// connect opens a connection out, through the gateway, or returns a [refusal].
func (g *gateway) connect(ctx context.Context, hostport string) (net.Conn, error) {
	c, err := g.dialer.DialContext(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := fmt.Fprintf(c, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", hostport, hostport); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	reader := bufio.NewReaderSize(c, 4096)
	answer, err := http.ReadResponse(reader, &http.Request{Method: http.MethodConnect}) //nolint:bodyclose // its body is the connection
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	if answer.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 2048))
		_ = c.Close()
		return nil, &refusal{answer.StatusCode, strings.TrimSpace(string(text))}
	}
	if reader.Buffered() > 0 { // a server that speaks first
		return relay.Rest(c, reader), nil
	}
	return c, nil
}

func closeWrite(c net.Conn) error {
	if half, ok := c.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return c.Close()
}

// join copies both ways until both sides are done.
func join(a, b net.Conn) {
	done := make(chan struct{})
	border.Go("a connection of a cell", caught, func() {
		defer close(done)
		_, _ = io.Copy(a, b)
		_ = closeWrite(a)
	})
	_, _ = io.Copy(b, a)
	_ = closeWrite(b)
	<-done
	_ = a.Close()
	_ = b.Close()
}
