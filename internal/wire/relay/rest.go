package relay

import (
	"io"
	"net"
)

// Rest is a connection of which some was read already: what was, and all after
// it, is read from the reader.
func Rest(c net.Conn, from io.Reader) net.Conn { return &rest{c, from} }

type rest struct {
	net.Conn
	from io.Reader
}

// Read implements [io.Reader].
func (r *rest) Read(p []byte) (int, error) { return r.from.Read(p) }

// CloseWrite ends one direction; where the connection has no such thing, both.
func (r *rest) CloseWrite() error {
	if half, ok := r.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return r.Close()
}
