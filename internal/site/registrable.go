package site

import (
	"net"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// Registrable is the domain that a host's owner has registered, by the public
// suffix list: acme.co.uk for www.acme.co.uk. A host that is in none (an address, a
// name without dots, a suffix) is its own.
func Registrable(host string) string {
	host = strings.TrimSuffix(strings.ToLower(strings.Trim(host, "[]")), ".")
	if net.ParseIP(host) != nil {
		return host
	}
	if domain, err := publicsuffix.EffectiveTLDPlusOne(strings.TrimPrefix(host, ".")); err == nil {
		return domain
	}
	return host
}
