// Package site reads host names as people write them, into the one form in
// which they are compared: exact, lower case, ASCII (IDNA), no trailing dot.
//
// It guards that two names which a resolver takes for one are one here, and
// that nothing but a host passes as one. It resolves nothing. One way to use it:
//
//	entry, err := site.ParseAllow("api.acme.test:8443")
package site

import (
	"net"
	"net/netip"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"hotcell"
)

// lookup is IDNA's profile for looking names up (UTS 46), which lets through
// the underscore that names within a company have.
var lookup = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.StrictDomainName(false))

// sharp lowers the capital ß as UTS 46 has done since its version 15.1, and browsers
// do: the older tables of the library make it ss, which is another owner's name.
var sharp = strings.NewReplacer("ẞ", "ß")

// Host normalises a host: a name, or an IP address in its usual form.
func Host(text string) (string, error) {
	if !utf8.ValidString(text) {
		return "", hotcell.Invalid("/host", "this is not a host name")
	}
	bare := text
	if inner, opened := strings.CutPrefix(text, "["); opened {
		if inner, closed := strings.CutSuffix(inner, "]"); closed {
			bare = inner
		}
	}
	if ip, err := netip.ParseAddr(bare); err == nil {
		if ip.Zone() != "" {
			return "", hotcell.Invalid("/host", "an address has no zone")
		}
		return ip.Unmap().String(), nil
	}
	if text != bare || strings.ContainsAny(text, "/@?#\\%: \t") {
		return "", hotcell.Invalid("/host", "this is not a host: write a name such as api.acme.test, or an IP address")
	}
	name, err := lookup.ToASCII(sharp.Replace(strings.TrimSuffix(text, ".")))
	if err != nil || name == "" || len(name) > 253 {
		return "", hotcell.Invalid("/host", "this is not a host name")
	}
	name = strings.ToLower(name)
	labels := strings.Split(name, ".")
	for _, label := range labels {
		if !isLabel(label) {
			return "", hotcell.Invalid("/host", "this is not a host name")
		}
	}
	// 127.1, 0x7f.1 and 2130706433 are addresses to some resolvers.
	if last := labels[len(labels)-1]; isNumber(last) {
		return "", hotcell.Invalid("/host", "this is not a host name: write an IPv4 address with four decimal parts")
	}
	return name, nil
}

func isLabel(s string) bool {
	if s == "" || len(s) > 63 || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

// isNumber says whether a last label makes a name an address (WHATWG URL, "ends
// in a number").
func isNumber(s string) bool {
	if hex, found := strings.CutPrefix(s, "0x"); found {
		_, err := strconv.ParseUint(hex, 16, 64)
		return err == nil || hex == ""
	}
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// HostPort normalises "host:port", as in the target of a CONNECT.
func HostPort(text string) (host string, port int, err error) {
	h, p, err := net.SplitHostPort(text)
	if err != nil {
		return "", 0, hotcell.Invalid("/host", "write HOST:PORT")
	}
	if port, err = parsePort(p); err != nil {
		return "", 0, err
	}
	host, err = Host(h)
	return host, port, err
}

func parsePort(text string) (int, error) {
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil || port == 0 || strconv.FormatUint(port, 10) != text {
		return 0, hotcell.Invalid("/port", "a port is a number from 1 to 65535")
	}
	return int(port), nil
}

// defaultPort is where a protocol is spoken when an entry names no port.
var defaultPort = map[hotcell.Protocol]int{hotcell.ProtocolHTTPS: 443, hotcell.ProtocolPostgres: 5432, hotcell.ProtocolTCP: 0}

// ParseAllow reads an entry of an allow-list: HOST[:PORT][/PROTOCOL]. Without a
// protocol it is HTTPS. IPv6 addresses with a port are in brackets.
func ParseAllow(text string) (hotcell.Allow, error) {
	entry := hotcell.Allow{Protocol: hotcell.ProtocolHTTPS}
	rest, protocol, named := strings.Cut(text, "/")
	if named {
		entry.Protocol = hotcell.Protocol(protocol)
	}
	port, known := defaultPort[entry.Protocol]
	if !known {
		return entry, hotcell.Invalid("/allow", "an entry's protocol is https, postgres or tcp: HOST[:PORT][/PROTOCOL]")
	}
	if strings.Contains(rest, "*") {
		return entry, hotcell.Invalid("/allow", "an entry names one host exactly: wildcards are not taken")
	}
	host := rest
	if h, p, err := net.SplitHostPort(rest); err == nil {
		if port, err = parsePort(p); err != nil {
			return entry, err
		}
		host = h
	}
	if port == 0 {
		return entry, hotcell.Invalid("/allow", "an entry for tcp names its port: HOST:PORT/tcp")
	}
	var err error
	entry.Port = port
	entry.Host, err = Host(host)
	return entry, err
}

// FormatAllow writes an entry as ParseAllow reads it.
func FormatAllow(a hotcell.Allow) string {
	text := net.JoinHostPort(a.Host, strconv.Itoa(a.Port))
	if a.Protocol != hotcell.ProtocolHTTPS {
		text += "/" + string(a.Protocol)
	}
	return text
}
