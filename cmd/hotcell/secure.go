//go:build linux

package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"net"
	"time"

	"hotcell/internal/control/certificate"
	"hotcell/internal/control/server"
	"hotcell/internal/line/vaultclient"
)

// folderTLS is where the server's own authority is kept, in the control plane's folder.
const folderTLS = "tls"

// secure is how the open port speaks, nil for plain HTTP.
func (h *house) secure() (*tls.Config, error) {
	var from certificate.Source
	var err error
	switch t := h.config.TLS; {
	case t.Authority:
		from, err = certificate.Own(h.path("control", folderTLS), t.Names(h.config.Listen), time.Now, h.log)
	case t.Certificate != "":
		from, err = certificate.Open(certificate.Files{Certificate: t.Certificate, Key: t.Key}, time.Now, h.log)
	default:
		return nil, nil //nolint:nilnil // nil is plain HTTP
	}
	if err != nil {
		return nil, err
	}
	return certificate.TLS(from), nil
}

// listen opens the listeners: the line of the owner's socket, and the open port.
func (h *house) listen(ctx context.Context, vault *vaultclient.Control) (*server.Server, error) {
	secure, err := h.secure()
	if err != nil {
		return nil, err
	}
	return server.Open(server.Config{Local: h.owners, Parted: h.parted(ctx, vault), Listen: h.config.Listen, TLS: secure, Log: h.log})
}

// base is the address at which people's browsers reach the open port.
func (h *house) base(address string) string {
	if h.config.URL != "" || !h.config.TLS.On() {
		return cmp.Or(h.config.URL, "http://"+address)
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "https://" + address
	}
	if ip := net.ParseIP(host); len(h.config.TLS.Hosts) > 0 || ip.IsUnspecified() {
		host = h.config.TLS.Names(h.config.Listen)[0]
	}
	return "https://" + net.JoinHostPort(host, port)
}
