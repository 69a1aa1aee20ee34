package netguard

import (
	"context"
	"crypto/x509"
	"net"
	"slices"
	"strconv"

	"hotcell"
)

// Drilled is a dialer that finds a drill's hosts on this machine's loopback, and
// all others by the one that it has; nil is no drill.
func Drilled(d Dialer, drill *hotcell.Drill) Dialer {
	if drill == nil {
		return d
	}
	return drilled{d, drill}
}

type drilled struct {
	Dialer
	drill *hotcell.Drill
}

// Dial implements [Dialer].
func (d drilled) Dial(ctx context.Context, host string, port int) (net.Conn, error) {
	if !slices.Contains(d.drill.Hosts, host) {
		return d.Dialer.Dial(ctx, host, port)
	}
	dialer := net.Dialer{Timeout: dialTimeout}
	c, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return nil, unreachable(host, err)
	}
	return c, nil
}

// DrilledRoots are the certificates that hold for a drill; nil is no drill.
func DrilledRoots(roots *x509.CertPool, drill *hotcell.Drill) *x509.CertPool {
	if drill == nil {
		return roots
	}
	own := x509.NewCertPool()
	own.AppendCertsFromPEM([]byte(drill.CA))
	return own
}
