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
	"strconv"
	"strings"
	"time"

	"hotcell/test/acme/google"
	"hotcell/test/acme/identity"
	"hotcell/test/acme/portal"
	"hotcell/test/acme/slack"
)

// services are the names of the virtual hosts, without the domain.
var services = append([]string{"accounts", "gmail", "sheets", "slack", "mcp"}, portal.Sites...)

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
	for service, mode := range map[string]identity.Mode{"gmail": identity.Keeps, "google-sheets": identity.Keeps, "slack": identity.Rotates} {
		c.Identity.Add(service+"-client", c.ClientSecret(service), mode, callback)
	}
}

// Configuration is what a server is to know of the company: its authority, where
// its hosts are, and its services in the place of the real ones.
func (c *Company) Configuration() string {
	names := append([]string{APIName, DatabaseName}, Services()...)
	var hosts strings.Builder
	for _, name := range names {
		fmt.Fprintf(&hosts, "  - {name: %s, address: 127.0.0.1}\n", name)
	}
	return fmt.Sprintf("egress:\n  extra_ca: %s\n  allow_private: [%s]\n  hosts:\n%s%s", c.CA, strings.Join(names, ", "), hosts.String(), c.Overrides())
}

// Overrides are lines of a server's configuration, by which its connectors go to
// the company's services instead of the real ones.
func (c *Company) Overrides() string {
	accounts := c.Base("accounts")
	oauth := fmt.Sprintf("authorize: %s/authorize, token: %s/oauth/token, revoke: %s/revoke, issuer: %s", accounts, accounts, accounts, accounts)
	return fmt.Sprintf(`connectors:
  overrides:
    gmail: {base: %q, %s}
    google-sheets: {base: %q, origins: {"https://openidconnect.googleapis.com": %q}, %s}
    slack: {base: %q, also: [%q], authorize: %q, token: %q, revoke: %q, issuer: %q}
`, c.Base("gmail"), oauth, c.Base("sheets"), c.Base("gmail"), oauth,
		c.Base("slack"), c.Base("slack"), c.Base("slack")+"/oauth/v2/authorize", c.Base("slack")+"/api/oauth.v2.access", accounts+"/revoke", accounts)
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
	c.Google, c.Slack = google.New(c.Identity.Account), slack.New(c.Identity.Account)
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
	switch strings.TrimSuffix(host, ".acme.test") {
	case "accounts":
		c.Identity.ServeHTTP(w, r)
	case "gmail", "sheets":
		c.Google.ServeHTTP(w, r)
	case "slack":
		c.slack(w, r)
	case "mcp":
		c.mcp.ServeHTTP(w, r)
	default:
		c.Portal.ServeHTTP(w, r)
	}
}

// slack leads its own pages of consent to where people sign in, with scopes as
// Slack writes them, and answers with tokens as Slack does.
func (c *Company) slack(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/oauth/v2/authorize":
		q := r.URL.Query()
		q.Set("scope", strings.ReplaceAll(q.Get("scope"), ",", " "))
		http.Redirect(w, r, c.Base("accounts")+"/authorize?"+q.Encode(), http.StatusSeeOther) //nolint:gosec // the host is ours
	case "/api/oauth.v2.access":
		r.URL.Path = "/oauth/token"
		slack.Reshape(c.Identity).ServeHTTP(w, r)
	default:
		c.Slack.ServeHTTP(w, r)
	}
}
