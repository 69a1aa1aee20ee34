package site

import (
	"net"
	"strings"
)

// Registrable is the domain that a host's owner has registered, by the public
// suffix list: acme.co.uk for www.acme.co.uk. A host that is in none (an address, a
// name without dots, a suffix) is its own.
func Registrable(host string) string {
	host = strings.TrimSuffix(strings.ToLower(strings.Trim(host, "[]")), ".")
	if net.ParseIP(host) != nil {
		return host
	}
	name := strings.TrimPrefix(host, ".")
	suffix, _ := suffixOf(name)
	owner, below := strings.CutSuffix(name, "."+suffix)
	if !below || owner == "" || strings.HasSuffix(owner, ".") {
		return host
	}
	return owner[strings.LastIndexByte(owner, '.')+1:] + "." + suffix
}
