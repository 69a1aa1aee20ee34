package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"hotcell"
	"hotcell/internal/text/site"
)

// Options say where the server is: at a socket, or at a URL.
type Options struct {
	// Socket is the unix socket in the server's data folder.
	Socket string
	// URL is where a server elsewhere is, in any form that [Address] takes; where it is
	// set, Socket is not looked at.
	URL string
	// Bearer is sent to URL, in the header Authorization alone; empty is none.
	Bearer hotcell.Bearer
	// Roots are the authorities whose certificates are taken; nil are the system's.
	Roots *x509.CertPool
	// Workspace is the one of the caller's that is meant; empty is the only one.
	Workspace hotcell.WorkspaceID
	// Confirm asks a person to confirm an operation, by their password; nil confirms none.
	Confirm Confirm
	// Pin holds the fingerprint of the vault's identity; nil trusts whatever comes.
	Pin Pin
}

// How long the parts of a call to a URL may take. An answer's head may wait for a
// service that the server asks; its body may come for as long as it likes.
const (
	dialTime = 15 * time.Second
	headTime = 3 * time.Minute
	idleTime = 90 * time.Second
)

// New makes a client; nothing is dialled yet. Where the options name no server, each
// call says so.
func New(o Options) *Client {
	c := &Client{pin: o.Pin, confirm: o.Confirm, workspace: o.Workspace}
	if o.URL != "" {
		c.remote = true
		if o.Bearer != "" {
			c.prove = func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+string(o.Bearer)) }
		}
		c.name, c.fault = Address(o.URL)
		c.base = c.name
		c.http = &http.Client{Transport: remote(o.Roots, strings.HasPrefix(c.base, "http:")), CheckRedirect: stay}
		return c
	}
	dialer := &net.Dialer{}
	name, err := filepath.Abs(o.Socket)
	if err != nil {
		name = o.Socket
	}
	c.name, c.base = name, "http://hotcell"
	c.http = &http.Client{CheckRedirect: stay, Transport: &http.Transport{
		ResponseHeaderTimeout: headTime, // a vault that stands still lets nobody in
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", o.Socket)
		},
	}}
	return c
}

// Failing makes a client whose calls all fail with err, for whoever learns while making
// one that there is no server to call.
func Failing(err error) *Client { return &Client{fault: err} }

// stay follows no redirect: the API has none, so one leads to somebody else.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// remote is the way to a URL: by TLS 1.2 or later, or in plain on this machine. It
// speaks HTTP/1.1, where one stream that stands still holds no other up.
func remote(roots *x509.CertPool, plain bool) *http.Transport {
	dialer := &net.Dialer{Timeout: dialTime}
	t := &http.Transport{
		DialContext: dialer.DialContext, TLSHandshakeTimeout: dialTime, ResponseHeaderTimeout: headTime, IdleConnTimeout: idleTime,
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
		Proxy:           http.ProxyFromEnvironment,
	}
	if plain {
		// A name such as localhost may be resolved to anything.
		dialer.Control = func(_, address string, _ syscall.RawConn) error {
			if to, err := netip.ParseAddrPort(address); err != nil || !to.Addr().Unmap().IsLoopback() {
				return fmt.Errorf("%w: plain http is for this machine alone", hotcell.ErrDenied)
			}
			return nil
		}
		t.Proxy = nil // nor is a proxy asked for this machine
	}
	return t
}

// Address is a server's URL in the one form that pins and profiles know it by:
// "https://" and the host in small letters, and the port where it is not the usual one.
// Without a scheme it is https; http is taken of loopback alone. A server has no path,
// and a URL with a name or a password in it is refused. Errors are [hotcell.ErrInvalid].
func Address(text string) (string, error) {
	if !strings.Contains(text, "://") {
		text = "https://" + text
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return "", hotcell.Invalid("", "this is no URL of a server: it is written like https://hotcell.example.com")
	case u.User != nil:
		return "", hotcell.Invalid("", "a server's URL has no name or password in it: those are asked for")
	case u.Scheme != "https" && u.Scheme != "http":
		return "", hotcell.Invalid("", "a server's URL begins with https://")
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" || u.Opaque != "":
		return "", hotcell.Invalid("", "a server's URL ends behind its host and port: it is written like https://hotcell.example.com:7878")
	}
	host, err := site.Host(u.Hostname())
	if err != nil {
		return "", hotcell.Invalid("", "this is no URL of a server: its host is no name and no address")
	}
	if u.Scheme == "http" && !loopback(host) {
		return "", hotcell.Invalid("", "http to another machine sends everything in plain: say https://%s", host)
	}
	port := u.Port()
	if n, err := strconv.ParseUint(port, 10, 16); port != "" && (err != nil || n == 0) {
		return "", hotcell.Invalid("", "this is no URL of a server: its port is a number from 1 to 65535")
	}
	switch {
	case port != "" && port != map[string]string{"https": "443", "http": "80"}[u.Scheme]:
		host = net.JoinHostPort(host, port)
	case strings.Contains(host, ":"):
		host = "[" + host + "]"
	}
	return u.Scheme + "://" + host, nil
}

func loopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return err == nil && address.IsLoopback() || host == "localhost"
}
