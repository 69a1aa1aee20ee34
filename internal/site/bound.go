package site

import (
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/net/publicsuffix"

	"hotcell"
)

// ParseBound reads what a value may be bound to, and returns it in its normal
// form: HOST[:PORT], or *.HOST[:PORT] for exactly one label more. Without a
// port it is any port. A pattern over a public suffix, which would be
// everybody's, is refused.
func ParseBound(text string) (string, error) {
	bare, wild := strings.CutPrefix(text, "*.")
	if strings.Contains(bare, "*") {
		return "", hotcell.Invalid("/hosts", "a host is exact, or begins with *. for one label more")
	}
	host, port, err := HostPort(bare)
	if err != nil {
		port = 0
		if host, err = Host(bare); err != nil {
			return "", hotcell.Invalid("/hosts", "write HOST, HOST:PORT, *.HOST or *.HOST:PORT")
		}
	}
	if _, err := netip.ParseAddr(host); wild && err == nil {
		return "", hotcell.Invalid("/hosts", "*. goes before a name, and not before an address")
	}
	if suffix, _ := publicsuffix.PublicSuffix(host); wild && suffix == host {
		return "", hotcell.Invalid("/hosts", "*.%s would be the hosts of everybody: name the host itself", host)
	}
	if port != 0 {
		host = join(host, port)
	}
	if wild {
		host = "*." + host
	}
	return host, nil
}

// join writes host and port as [HostPort] reads them.
func join(host string, port int) string {
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return host + ":" + strconv.Itoa(port)
}

// Covers says whether a bound, in its normal form, covers a host in its normal
// form and a port.
func Covers(bound, host string, port int) bool {
	name, wild := strings.CutPrefix(bound, "*.")
	if at, p, err := HostPort(name); err == nil {
		if p != port {
			return false
		}
		name = at
	}
	if !wild {
		return name == host
	}
	label, rest, found := strings.Cut(host, ".")
	return found && label != "" && rest == name
}
