// Package netguard decides which addresses may be dialled, and dials them: it
// resolves a name once, checks every address, and connects to one that it
// checked.
//
// It guards the machine's own networks and the cloud's metadata from what a
// job names. It does not decide which names a job may use: the gateway does.
// One way to use it:
//
//	g := netguard.New(netguard.Config{AllowPrivate: entries})
//	conn, err := g.Dial(ctx, "api.acme.test", 443)
package netguard

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"time"

	"hotcell"
	"hotcell/internal/text/site"
)

// Resolver finds a name's addresses; [net.Resolver] is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Config is the operator's word.
type Config struct {
	// AllowPrivate lists what may be dialled although it is not public.
	AllowPrivate []Private
	// Setting is what the operator calls that list; egress.allow_private without a word.
	Setting string
	// Pins give names the address that they have, before any resolver is asked.
	Pins     map[string]netip.Addr
	Resolver Resolver
}

// Guard dials.
type Guard struct{ Config }

// New is a guard; without a resolver it asks the system's.
func New(c Config) *Guard {
	if c.Resolver == nil {
		c.Resolver = net.DefaultResolver
	}
	return &Guard{c}
}

// Private is an entry of AllowPrivate: an address, a range or a name, with a
// port or for all.
type Private struct {
	prefix netip.Prefix
	name   string
	port   int
}

// ParsePrivate reads ADDRESS[:PORT], RANGE or NAME[:PORT].
func ParsePrivate(text string) (Private, error) {
	if prefix, err := netip.ParsePrefix(text); err == nil {
		return Private{prefix: prefix.Masked()}, nil
	}
	host, port := text, 0
	if h, p, err := net.SplitHostPort(text); err == nil {
		n, err := strconv.ParseUint(p, 10, 16)
		if err != nil || n == 0 {
			return Private{}, hotcell.Invalid("", "a port is a number from 1 to 65535")
		}
		host, port = h, int(n)
	}
	name, err := site.Host(host)
	if err != nil {
		return Private{}, err
	}
	if ip, err := netip.ParseAddr(name); err == nil {
		return Private{prefix: netip.PrefixFrom(ip, ip.BitLen()), port: port}, nil
	}
	return Private{name: name, port: port}, nil
}

func (p Private) covers(name string, ip netip.Addr, port int) bool {
	if p.port != 0 && p.port != port {
		return false
	}
	if p.name != "" {
		return p.name == name
	}
	return p.prefix.Contains(ip)
}

// Refused says that an address may not be dialled. It is a [hotcell.ErrDenied].
type Refused struct {
	Host   string
	Reason string
}

func (r *Refused) Error() string { return fmt.Sprintf("%s is refused: %s", r.Host, r.Reason) }

// Unwrap is the sentinel.
func (r *Refused) Unwrap() error { return hotcell.ErrDenied }

// dialTimeout bounds one connection's making.
const dialTimeout = 10 * time.Second

// Dial connects to a host that is in its normal form. It fails with [*Refused]
// where the host has no address that may be dialled, and with
// [hotcell.ErrUnavailable] where none answers; no address is in the text.
func (g *Guard) Dial(ctx context.Context, host string, port int) (net.Conn, error) {
	addresses, err := g.addresses(ctx, host)
	if err != nil {
		return nil, err
	}
	var may []netip.Addr
	var refused error
	for _, ip := range addresses {
		if reason := g.why(host, ip, port); reason != "" {
			refused = &Refused{net.JoinHostPort(host, strconv.Itoa(port)), reason}
			continue
		}
		may = append(may, ip)
	}
	if len(may) == 0 {
		return nil, refused
	}
	// What the kernel is asked to connect to is checked once more.
	dialer := net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second, Control: func(_, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil || g.why(host, at.Addr().Unmap(), int(at.Port())) != "" {
			return hotcell.ErrDenied
		}
		return nil
	}}
	for _, ip := range may {
		var c net.Conn
		if c, err = dialer.DialContext(ctx, "tcp", netip.AddrPortFrom(ip, uint16(port)).String()); err == nil {
			return c, nil
		}
	}
	return nil, unreachable(host, err)
}

// unreachable says what happened without telling an address.
func unreachable(host string, err error) error {
	what := "it does not answer"
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		what = "nothing listens there"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, syscall.ETIMEDOUT):
		what = "it did not answer in time"
	}
	return fmt.Errorf("%w: %s: %s", hotcell.ErrUnavailable, host, what)
}

func (g *Guard) addresses(ctx context.Context, host string) ([]netip.Addr, error) {
	if ip, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{ip.Unmap()}, nil
	}
	if ip, pinned := g.Pins[host]; pinned {
		return []netip.Addr{ip.Unmap()}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	// The dot keeps the system's search domains out of it.
	question := host
	if strings.Contains(host, ".") {
		question += "."
	}
	found, err := g.Resolver.LookupNetIP(ctx, "ip", question)
	if err != nil || len(found) == 0 {
		return nil, fmt.Errorf("%w: %s: the name does not resolve", hotcell.ErrUnavailable, host)
	}
	for i := range found {
		found[i] = found[i].Unmap()
	}
	return found, nil
}

// why says why an address may not be dialled; empty where it may.
func (g *Guard) why(host string, ip netip.Addr, port int) string {
	reason := reserved(ip)
	if reason == "" {
		return ""
	}
	for _, p := range g.AllowPrivate {
		if p.covers(host, ip, port) {
			return ""
		}
	}
	return reason + "; the operator can allow it by " + cmp.Or(g.Setting, "egress.allow_private")
}
