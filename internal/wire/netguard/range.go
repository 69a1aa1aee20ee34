package netguard

import (
	"net/netip"
)

// ranges are those that are not of the public internet (IANA's special-purpose
// registries, RFC 6890), each with what it is.
var ranges = []struct {
	prefix netip.Prefix
	what   string
}{
	{netip.MustParsePrefix("169.254.169.254/32"), "it is the cloud's metadata service"},
	{netip.MustParsePrefix("fd00:ec2::254/128"), "it is the cloud's metadata service"},
	{netip.MustParsePrefix("100.100.100.200/32"), "it is the cloud's metadata service"},
	{netip.MustParsePrefix("168.63.129.16/32"), "it is the cloud's own service on each machine"},
	{netip.MustParsePrefix("0.0.0.0/8"), "it is no address of a host"},
	{netip.MustParsePrefix("10.0.0.0/8"), "it is a private address"},
	{netip.MustParsePrefix("100.64.0.0/10"), "it is a shared address of a carrier"},
	{netip.MustParsePrefix("127.0.0.0/8"), "it is a loopback address"},
	{netip.MustParsePrefix("169.254.0.0/16"), "it is a link-local address"},
	{netip.MustParsePrefix("172.16.0.0/12"), "it is a private address"},
	{netip.MustParsePrefix("192.0.0.0/24"), "it is a reserved address"},
	{netip.MustParsePrefix("192.0.2.0/24"), "it is an address for documents"},
	{netip.MustParsePrefix("192.88.99.0/24"), "it is a reserved address"},
	{netip.MustParsePrefix("192.168.0.0/16"), "it is a private address"},
	{netip.MustParsePrefix("198.18.0.0/15"), "it is an address for benchmarks"},
	{netip.MustParsePrefix("198.51.100.0/24"), "it is an address for documents"},
	{netip.MustParsePrefix("203.0.113.0/24"), "it is an address for documents"},
	{netip.MustParsePrefix("224.0.0.0/4"), "it is a multicast address"},
	{netip.MustParsePrefix("240.0.0.0/4"), "it is a reserved address"},
	{netip.MustParsePrefix("::/127"), "it is a loopback address"},
	{netip.MustParsePrefix("100::/64"), "it is a reserved address"},
	{netip.MustParsePrefix("2001::/23"), "it is a reserved address"},
	{netip.MustParsePrefix("2001:db8::/32"), "it is an address for documents"},
	{netip.MustParsePrefix("3fff::/20"), "it is an address for documents"},
	{netip.MustParsePrefix("5f00::/16"), "it is a reserved address"},
	{netip.MustParsePrefix("fc00::/7"), "it is a private address"},
	{netip.MustParsePrefix("fe80::/10"), "it is a link-local address"},
	{netip.MustParsePrefix("fec0::/10"), "it is a site-local address"},
	{netip.MustParsePrefix("ff00::/8"), "it is a multicast address"},
}

// carriers are ranges of IPv6 in which an IPv4 address is carried: from which
// byte on it stands.
var carriers = []struct {
	prefix netip.Prefix
	at     int
}{
	{netip.MustParsePrefix("::/96"), 12},
	{netip.MustParsePrefix("::ffff:0:0/96"), 12},
	{netip.MustParsePrefix("::ffff:0:0:0/96"), 12},
	{netip.MustParsePrefix("64:ff9b::/96"), 12},
	{netip.MustParsePrefix("2002::/16"), 2},
}

// translated may lead anywhere, by a translator that is not ours.
var translated = netip.MustParsePrefix("64:ff9b:1::/48")

// reserved says why an address is not of the public internet; empty where it is.
func reserved(ip netip.Addr) string {
	ip = ip.Unmap().WithZone("")
	if !ip.IsValid() {
		return "it is no address"
	}
	for _, r := range ranges {
		if r.prefix.Contains(ip) {
			return r.what
		}
	}
	if !ip.Is6() {
		return ""
	}
	if translated.Contains(ip) {
		return "it is translated to a private network"
	}
	carried, carries := within(ip)
	for _, inner := range carried {
		if why := reserved(inner); why != "" {
			return "it carries another address: " + why
		}
	}
	if !carries && !global.Contains(ip) {
		return "it is a reserved address"
	}
	return ""
}

// global is all of IPv6 that is given out to hosts (RFC 4291 section 2.4, IANA's
// registry of address space).
var global = netip.MustParsePrefix("2000::/3")

// within are the IPv4 addresses that an address carries; carries says whether a
// prefix of its own says so.
func within(ip netip.Addr) (inner []netip.Addr, carries bool) {
	raw := ip.As16()
	for _, c := range carriers {
		if c.prefix.Contains(ip) {
			inner, carries = append(inner, netip.AddrFrom4([4]byte(raw[c.at:c.at+4]))), true
		}
	}
	// ISATAP has its mark in the last half, behind any prefix (RFC 5214 section 6.1);
	// two bits of the first byte say how the number was made.
	if raw[8]&^3 == 0 && raw[9] == 0 && raw[10] == 0x5e && raw[11] == 0xfe {
		inner = append(inner, netip.AddrFrom4([4]byte(raw[12:])))
	}
	return inner, carries
}
