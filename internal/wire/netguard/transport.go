package netguard

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"time"

	"hotcell/internal/line/border"
	"hotcell/internal/text/site"
)

// Dialer connects to hosts that may be dialled; [Guard] is one.
type Dialer interface {
	Dial(ctx context.Context, host string, port int) (net.Conn, error)
}

// Pool is how many connections to a host are kept for requests to come, and how
// long.
type Pool struct {
	PerHost int
	Idle    time.Duration
}

// Transport makes requests over TLS, HTTP/1.1 and HTTP/2, to hosts that the
// dialer may dial and that the roots verify; nil roots are the system's. Bodies
// come as the host coded them.
func Transport(d Dialer, roots *x509.CertPool, pool Pool) *http.Transport {
	return &http.Transport{
		DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
			host, port, err := site.HostPort(address)
			if err != nil {
				return nil, err
			}
			// A transport dials in a goroutine of its own.
			var c net.Conn
			err = border.Run("dialling a host", func() (err error) {
				c, err = d.Dial(ctx, host, port)
				return err
			})
			return c, err
		},
		TLSClientConfig:   &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2: true, DisableCompression: true,
		MaxIdleConnsPerHost: pool.PerHost, IdleConnTimeout: pool.Idle, TLSHandshakeTimeout: 10 * time.Second,
		ExpectContinueTimeout: time.Second, MaxResponseHeaderBytes: 1 << 20,
	}
}
