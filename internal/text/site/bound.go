package site

import (
	"errors"
	"net/netip"
	"slices"
	"strconv"
	"strings"

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
	if wild && everybodys(host) {
		return "", hotcell.Invalid("/hosts", "this would be the hosts of everybody: name the host itself")
	}
	if port != 0 {
		host = join(host, port)
	}
	if wild {
		host = "*." + host
	}
	return host, nil
}

// everybodys says whether the names one label below host belong to different
// people, as far as anybody knows: a last label that is on no list is such a one.
func everybodys(host string) bool { return shared(host) || !strings.Contains(host, ".") }

// MaxBounds is how many hosts one thing may be bound to.
const MaxBounds = 50

// ParseBounds reads a list of them, each once.
func ParseBounds(texts []string) ([]string, error) {
	if len(texts) > MaxBounds {
		return nil, hotcell.Invalid("/hosts", "at most %d hosts", MaxBounds)
	}
	var out []string
	for i, text := range texts {
		bound, err := ParseBound(text)
		pointer := "/hosts/" + strconv.Itoa(i)
		if field, ok := errors.AsType[*hotcell.FieldError](err); ok {
			return nil, hotcell.Invalid(pointer, "%s", field.Reason)
		}
		if slices.Contains(out, bound) {
			return nil, hotcell.Invalid(pointer, "this host is in the list already")
		}
		out = append(out, bound)
	}
	return out, nil
}

// join writes host and port as [HostPort] reads them.
func join(host string, port int) string {
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return host + ":" + strconv.Itoa(port)
}

// Within says whether all that inner covers, outer covers too; both are in their
// normal form.
func Within(inner, outer string) bool {
	name, wild := strings.CutPrefix(inner, "*.")
	host, port, err := HostPort(name)
	if err != nil {
		host, port = name, 0
	}
	if wild {
		rest, same := strings.CutPrefix(outer, "*.")
		return same && Covers(rest, host, port)
	}
	return Covers(outer, host, port)
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
