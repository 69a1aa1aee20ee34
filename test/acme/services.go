package acme

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"hotcell/test/acme/google"
	"hotcell/test/acme/identity"
	"hotcell/test/acme/microsoft"
	"hotcell/test/acme/portal"
)

// services are the names of the virtual hosts, without the domain.
var services = slices.Concat([]string{
	"accounts", "mcp",
	"gmail", "sheets", "googleapis", "openid",
	"graph",
}, tradeHosts(), portal.Sites)

// Services are the names under which the services are known.
func Services() (names []string) {
	for _, name := range services {
		names = append(names, portal.Host(name))
	}
	return names
}

// Base is the address of a service: https://slack.acme.test:PORT. Those of "port" and
// "plain" are the portal's host at other ports, where somebody else listens, with TLS
// and without.
func (c *Company) Base(service string) string {
	scheme, port := "https", c.port
	switch service {
	case "port":
		port = c.other
	case "plain":
		scheme, port = "http", c.plain
	}
	return scheme + "://" + net.JoinHostPort(portal.Host(service), strconv.Itoa(port))
}

// ClientSecret is the secret of the OAuth client "hotcell" of a service.
func (c *Company) ClientSecret(service string) string {
	sum := sha256.Sum256([]byte(c.Key + service))
	return "cs_" + hex.EncodeToString(sum[:16])
}

// Register makes an OAuth client for each service, that leads back to callback.
func (c *Company) Register(callback string) {
	for service, mode := range map[string]identity.Mode{
		"gmail":           identity.Keeps,
		"google-sheets":   identity.Keeps,
		"google-drive":    identity.Keeps,
		"google-calendar": identity.Keeps,
		"microsoft-mail":  identity.Grace,
	} {
		c.Identity.Add(service+"-client", c.ClientSecret(service), mode, callback)
	}
	c.registerTrade(callback)
}

// Configuration is what a server is to know of the company: its authority, where
// its hosts are, and its services in the place of the real ones.
func (c *Company) Configuration() string {
	names := append([]string{APIName, DatabaseName}, Services()...)
	var hosts strings.Builder
	for _, name := range names {
		fmt.Fprintf(&hosts, "  - {name: %s, address: 127.0.0.1}\n", name)
	}
	return fmt.Sprintf("egress:\n  extra_ca: %s\n  allow_private: [%s]\n  hosts:\n%svault:\n  allow_private: [%s]\n%s", c.CA, strings.Join(names, ", "), hosts.String(), portal.Host("accounts"), c.Overrides())
}

// Overrides are lines of a server's configuration, by which its connectors go to
// the company's services instead of the real ones.
func (c *Company) Overrides() string {
	accounts := c.Base("accounts")
	oauth := fmt.Sprintf("authorize: %s/authorize, token: %s/oauth/token, revoke: %s/revoke, issuer: %s", accounts, accounts, accounts, accounts)
	// Who somebody is at Google is told by a host of its own.
	openid := fmt.Sprintf(`origins: {"https://openidconnect.googleapis.com": %q}`, c.Base("openid"))
	lines := []string{
		"connectors:\n  overrides:",
		fmt.Sprintf("    gmail: {base: %q, %s, %s}", c.Base("gmail"), openid, oauth),
		fmt.Sprintf("    google-sheets: {base: %q, %s, %s}", c.Base("sheets"), openid, oauth),
		fmt.Sprintf("    google-drive: {base: %q, %s, %s}", c.Base("googleapis"), openid, oauth),
		fmt.Sprintf("    google-calendar: {base: %q, %s, %s}", c.Base("googleapis"), openid, oauth),
		fmt.Sprintf("    microsoft-mail: {base: %q, %s}", c.Base("graph"), oauth),
	}
	return strings.Join(lines, "\n") + "\n" + c.tradeOverrides()
}

// startServices serves all of them on one port, by their names.
func (c *Company) startServices(certificate tls.Certificate) error {
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12})
	if err != nil {
		return fmt.Errorf("starting the company's services: %w", err)
	}
	c.port = portOf(listener)
	if c.Identity, err = identity.New(c.Base("accounts")); err != nil {
		return err
	}
	c.mcp = c.remote()
	if c.Portal, err = portal.New(c.Base, "ada", c.PortalPassword, PortalSecret); err != nil {
		return err
	}
	if err := c.startOther(certificate); err != nil {
		return err
	}
	c.Google = google.New(c.Identity.Account)
	c.Microsoft = microsoft.New(c.Identity.Account)
	if err := c.startTrade(); err != nil {
		return err
	}
	c.services = &http.Server{ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug), Handler: http.HandlerFunc(c.serve)}
	go func() { _ = c.services.Serve(listener) }()
	return nil
}

// PortalSecret is of the portal's one-time codes, in base32.
const PortalSecret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"

// startOther listens at other ports of the portal's host, with TLS and without:
// whoever is there is not the portal.
func (c *Company) startOther(certificate tls.Certificate) error {
	secure, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12})
	if err != nil {
		return fmt.Errorf("starting the company's services: %w", err)
	}
	open, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return errors.Join(fmt.Errorf("starting the company's services: %w", err), secure.Close())
	}
	c.other, c.plain = portOf(secure), portOf(open)
	c.stranger = &http.Server{ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		site := "port"
		if _, port, _ := net.SplitHostPort(r.Host); port == strconv.Itoa(c.plain) {
			site = "plain"
		}
		c.Portal.Serve(site, w, r)
	})}
	go func() { _ = c.stranger.Serve(secure) }()
	go func() { _ = c.stranger.Serve(open) }()
	return nil
}

func (c *Company) serve(w http.ResponseWriter, r *http.Request) {
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	name := strings.TrimSuffix(host, ".acme.test")
	if c.trade(w, r, name) {
		return
	}
	switch name {
	case "accounts":
		c.Identity.ServeHTTP(w, r)
	case "gmail", "sheets", "googleapis", "openid":
		c.Google.ServeHTTP(w, r)
	case "graph":
		c.Microsoft.ServeHTTP(w, r)
	case "mcp":
		c.mcp.ServeHTTP(w, r)
	default:
		c.Portal.ServeHTTP(w, r)
	}
}
