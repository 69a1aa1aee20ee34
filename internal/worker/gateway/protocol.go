package gateway

import (
	"encoding/binary"
	"net"

	"golang.org/x/crypto/cryptobyte"

	"hotcell/internal/text/site"
)

// maxOpening is how many bytes may come before a protocol has shown itself.
const maxOpening = 64 << 10

// verdict is what the first bytes of a connection show.
type verdict struct {
	// more is true where there are not enough.
	more   bool
	reason string
}

const noTLS = "the connection is not TLS, and the entry allows HTTPS only"

// checkTLS holds the beginning of a connection against TLS: a ClientHello
// (RFC 8446 section 4.1.2), over one record or several, that names the host
// (RFC 6066 section 3).
func checkTLS(b []byte, host string) verdict {
	var hello []byte
	for {
		if len(b) == 0 {
			return verdict{more: true}
		}
		if b[0] != 22 {
			return verdict{reason: noTLS}
		}
		if len(b) < 5 {
			return verdict{more: true}
		}
		size := int(binary.BigEndian.Uint16(b[3:]))
		if b[1] != 3 || size == 0 || size > 1<<14 {
			return verdict{reason: noTLS}
		}
		if len(b) < 5+size {
			return verdict{more: true}
		}
		hello = append(hello, b[5:5+size]...)
		if hello[0] != 1 {
			return verdict{reason: noTLS}
		}
		if len(hello) >= 4 {
			if n := int(hello[1])<<16 | int(hello[2])<<8 | int(hello[3]); n > maxOpening {
				return verdict{reason: noTLS}
			} else if len(hello) >= 4+n {
				return checkName(hello[4:4+n], host)
			}
		}
		b = b[5+size:]
	}
}

// checkName holds the name in a ClientHello against the host that was allowed.
func checkName(hello []byte, host string) verdict {
	name, ok := serverName(hello)
	if !ok {
		return verdict{reason: noTLS}
	}
	if name == "" && net.ParseIP(host) != nil {
		return verdict{}
	}
	if name == "" {
		return verdict{reason: "the TLS connection does not name the host that it is for"}
	}
	if normal, err := site.Host(name); err != nil || normal != host {
		return verdict{reason: "the TLS connection is for another host than the one that is allowed"}
	}
	return verdict{}
}

// serverName reads the host's name out of a ClientHello's body.
func serverName(hello []byte) (name string, ok bool) {
	s := cryptobyte.String(hello)
	var session, suites, compressions, extensions cryptobyte.String
	var version uint16
	if !s.ReadUint16(&version) || version < 0x0303 || !s.Skip(32) || !s.ReadUint8LengthPrefixed(&session) || !s.ReadUint16LengthPrefixed(&suites) || !s.ReadUint8LengthPrefixed(&compressions) {
		return "", false
	}
	if s.Empty() {
		return "", true
	}
	if !s.ReadUint16LengthPrefixed(&extensions) || !s.Empty() {
		return "", false
	}
	for !extensions.Empty() {
		var kind uint16
		var data cryptobyte.String
		if !extensions.ReadUint16(&kind) || !extensions.ReadUint16LengthPrefixed(&data) {
			return "", false
		}
		if kind != 0 {
			continue
		}
		var list, entry cryptobyte.String
		var form uint8
		if name != "" || !data.ReadUint16LengthPrefixed(&list) || !data.Empty() || !list.ReadUint8(&form) || form != 0 ||
			!list.ReadUint16LengthPrefixed(&entry) || !list.Empty() || len(entry) == 0 {
			return "", false
		}
		name = string(entry)
	}
	return name, true
}

// noPlainPostgres is why a connection to a database without TLS is refused.
const noPlainPostgres = "the connection to the database is not under TLS: use sslmode=require or, better, verify-full"

// The first messages that PostgreSQL's protocol knows ("Message Formats").
const (
	postgresCancel  = 80877102
	postgresTLS     = 80877103
	postgresGSS     = 80877104
	postgresVersion = 3
)

// checkPostgres holds the beginning of a connection against PostgreSQL's.
func checkPostgres(b []byte, _ string) verdict {
	if len(b) < 8 {
		return verdict{more: true}
	}
	size, code := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
	switch {
	case size == 8 && (code == postgresTLS || code == postgresGSS), size >= 16 && size <= 272 && code == postgresCancel:
		return verdict{}
	case size >= 9 && size <= 10_000 && code>>16 == postgresVersion:
		return verdict{}
	}
	return verdict{reason: "the connection is not PostgreSQL's, and the entry allows that only"}
}
