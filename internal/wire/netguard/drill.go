package netguard

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
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

var errNotDrilled = errors.New("a drill's authority speaks for the drill's hosts alone")

// DrilledRoots are the certificates that hold for a drill: those that hold else, nil
// for the system's, and the drill's own authority for its own hosts and no other. Nil
// is no drill.
func DrilledRoots(roots *x509.CertPool, drill *hotcell.Drill) *x509.CertPool {
	if drill == nil {
		return roots
	}
	both := x509.NewCertPool()
	if roots != nil {
		both = roots.Clone()
	} else if system, err := x509.SystemCertPool(); err == nil {
		both = system
	}
	for rest := []byte(drill.CA); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return both
		}
		if authority, err := x509.ParseCertificate(block.Bytes); err == nil {
			both.AddCertWithConstraint(authority, func(chain []*x509.Certificate) error { return forDrill(chain[0], drill) })
		}
	}
}

// forDrill refuses a certificate that is for anything but the drill's hosts.
func forDrill(leaf *x509.Certificate, drill *hotcell.Drill) error {
	strange := func(name string) bool { return !slices.Contains(drill.Hosts, name) }
	if len(leaf.DNSNames) == 0 || slices.ContainsFunc(leaf.DNSNames, strange) || len(leaf.IPAddresses)+len(leaf.URIs)+len(leaf.EmailAddresses) > 0 {
		return errNotDrilled
	}
	return nil
}
