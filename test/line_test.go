package test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"

	"hotcell/internal/value/parcel"
)

// overLine talks to a gateway on its socket, as a cell's init does.
func overLine(line string) *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", line)
	}}}
}

// openCell does what an init does before its command starts, and returns the
// authority that its cell is to trust.
func openCell(ctx context.Context, line string) (ca string, err error) {
	var spec struct{ CA string }
	if err := exchangeJSON(ctx, overLine(line), http.MethodGet, "http://gateway/spec", nil, &spec); err != nil {
		return "", err
	}
	pair, err := parcel.Generate()
	if err != nil {
		return "", err
	}
	return spec.CA, exchangeJSON(ctx, overLine(line), http.MethodPost, "http://gateway/lease", map[string]any{"public_key": pair.Public().Bytes()}, nil)
}

// throughLine is a client in a cell, of the host benchHost.
func throughLine(line, ca string, h2 bool) *http.Client {
	return throughLineTo(benchHost, line, ca, h2)
}

// throughLineTo is a client of one host.
func throughLineTo(host, line, ca string, h2 bool) *http.Client {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(ca))
	return &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
			c, err := (&net.Dialer{}).DialContext(ctx, "unix", line)
			if err != nil {
				return nil, err
			}
			if _, err := fmt.Fprintf(c, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", address, address); err != nil {
				return nil, err
			}
			answer, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: http.MethodConnect})
			if err != nil {
				return nil, err
			}
			if answer.StatusCode != http.StatusOK {
				text, _ := io.ReadAll(answer.Body)
				return nil, fmt.Errorf("refused: %s", text)
			}
			return c, nil
		},
		TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: host}, ForceAttemptHTTP2: h2, MaxIdleConnsPerHost: 64,
	}}
}

// exchangeJSON asks and reads JSON; nil leaves either out.
func exchangeJSON(ctx context.Context, client *http.Client, method, url string, in, out any) error {
	text, err := json.Marshal(in)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(text))
	if err != nil {
		return err
	}
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	said, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode/100 != 2 {
		return fmt.Errorf("%d: %s, %w", answer.StatusCode, said, err)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(said, out)
}
