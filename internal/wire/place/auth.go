package place

import (
	"net/textproto"

	"hotcell"
)

// OfAuth are the places that a connection's key goes into, its own first. What a
// client put there is overwritten.
func OfAuth(a hotcell.Auth) Set {
	switch a.Kind {
	case "header":
		return Set{{Header, textproto.CanonicalMIMEHeaderKey(a.Name)}}
	case "query":
		return Set{{Query, a.Name}}
	case "cookie":
		return Set{{Cookie, a.Name}}
	case "sigv4":
		out := Set{Authorization, {Header, "X-Amz-Security-Token"}}
		return append(out, queries("X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-Security-Token")...)
	}
	return Set{Authorization}
}
