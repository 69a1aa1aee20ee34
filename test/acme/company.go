// Package acme is the company that the demo and the tests run against: an
// HTTPS API that wants a key, and a PostgreSQL that wants a password, both
// real and on this machine's loopback, under a certificate authority of their
// own.
//
// It guards nothing: it is what is to be guarded. One way to use it:
//
//	c, err := acme.Start(dir)
//	defer c.Close()
package acme

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"hotcell/internal/wire/authority"
	"hotcell/test/acme/google"
	"hotcell/test/acme/identity"
	"hotcell/test/acme/microsoft"
	"hotcell/test/acme/portal"
)

// The names under which the company's servers are known.
const (
	APIName      = "api.acme.test"
	DatabaseName = "db.acme.test"
)

// Company is the servers, running.
type Company struct {
	// CA is the path of the certificate authority's certificate, in PEM.
	CA string
	// APIPort and DatabasePort are on 127.0.0.1; there is no database before
	// [Company.StartDatabase].
	APIPort, DatabasePort int
	// Key is what the API wants as a bearer token, Password what the database
	// wants of the user report.
	Key, Password string

	// Identity is where people sign in; the others, and those of Trade, are twins of
	// services.
	Identity  *identity.Server
	Google    *google.Twin
	Microsoft *microsoft.Twin
	Trade

	// Portal is a website to sign in to, as ada, and hostile ones beside it.
	Portal         *portal.Portal
	PortalPassword string

	services, stranger *http.Server
	mcp                http.Handler
	port, other, plain int
	api                *http.Server
	database           *postgres
	dir                string
	certificate        tls.Certificate
	mu                 sync.Mutex
	seen               []string
	first              func(*http.Request)
}

// Start starts the servers; what they keep is in dir.
func Start(dir string) (*Company, error) {
	c := &Company{Key: "sk_live_" + rand.Text(), Password: "pa$" + rand.Text() + "#/+", PortalPassword: "Tr0ub4dor&" + rand.Text() + "+%/"}
	own, err := authority.New("Acme test authority", time.Now(), 7*24*time.Hour)
	if err != nil {
		return nil, err
	}
	c.CA = filepath.Join(dir, "acme-ca.pem")
	if err := os.WriteFile(c.CA, own.PEM(), 0o644); err != nil {
		return nil, fmt.Errorf("writing the company's authority: %w", err)
	}
	certificate, err := own.Issue(append([]string{APIName, DatabaseName}, Services()...)...)
	if err != nil {
		return nil, err
	}
	if err := c.startAPI(certificate); err != nil {
		return nil, err
	}
	if err := c.startServices(certificate); err != nil {
		return nil, errors.Join(err, c.api.Close())
	}
	c.dir, c.certificate = dir, certificate
	return c, nil
}

// StartDatabase starts the database. PostgreSQL may run as another user, who must get to
// the company's folder.
func (c *Company) StartDatabase(ctx context.Context) (err error) {
	if c.database, err = startPostgres(ctx, c.dir, c.certificate, c.Password); err != nil {
		return err
	}
	c.DatabasePort = c.database.port
	return nil
}

// Close ends the servers.
func (c *Company) Close() error {
	if c.database != nil {
		c.database.stop()
	}
	return errors.Join(c.api.Close(), c.services.Close(), c.stranger.Close())
}

func portOf(l net.Listener) int {
	if address, ok := l.Addr().(*net.TCPAddr); ok {
		return address.Port
	}
	return 0
}

// Requests are the paths that the API was asked for with its key.
func (c *Company) Requests() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string(nil), c.seen...)
}

// First is called before each answer of the API to who has its key.
func (c *Company) First(fn func(*http.Request)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.first = fn
}

// DatabaseURL is how a report reaches the database.
func (c *Company) DatabaseURL() string {
	escape := strings.NewReplacer("$", "%24", "#", "%23", "/", "%2F", "+", "%2B")
	return "postgresql://report:" + escape.Replace(c.Password) + "@" + net.JoinHostPort(DatabaseName, strconv.Itoa(c.DatabasePort)) + "/acme?sslmode=verify-full"
}

func (c *Company) startAPI(certificate tls.Certificate) error {
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12})
	if err != nil {
		return fmt.Errorf("starting the company's API: %w", err)
	}
	c.APIPort = portOf(listener)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/invoices", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode([]map[string]any{
			{"id": "INV-1", "customer": "Ada GmbH", "cents": 129900}, {"id": "INV-2", "customer": "Babbage Ltd", "cents": 48050},
		})
	})
	mux.HandleFunc("GET /large", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 16<<20)) })
	// An API that repeats what it was sent, as debugging ones do.
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) { _ = json.NewEncoder(w).Encode(r.Header) })
	c.api = &http.Server{ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+c.Key {
			http.Error(w, "a key is needed", http.StatusUnauthorized)
			return
		}
		c.mu.Lock()
		c.seen = append(c.seen, r.URL.Path)
		first := c.first
		c.mu.Unlock()
		if first != nil {
			first(r)
		}
		mux.ServeHTTP(w, r)
	})}
	go func() { _ = c.api.Serve(listener) }()
	return nil
}
