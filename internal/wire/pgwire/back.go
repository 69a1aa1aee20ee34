package pgwire

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"hotcell"
	"hotcell/internal/line/border"
	"hotcell/internal/value/sensitive"
)

// Config is a connection to a database.
type Config struct {
	Dial     func(ctx context.Context, host string, port int) (net.Conn, error)
	Host     string
	Port     int
	User     string
	Password sensitive.Bytes
	Database string
	// Parameters are the client's own, such as options.
	Parameters map[string]string
	// RootCAs verify the database; nil for the system's.
	RootCAs *x509.CertPool
	// Trust is the operator's word on this database.
	Trust Trust
}

// Trust is the operator's word on one database. Without one, the database shows a
// certificate for its host, of an authority that holds (libpq's verify-full), and
// the password by SCRAM alone, which gives it to nobody (RFC 7677); bound to the
// certificate where the database offers that (RFC 5929 section 4).
type Trust struct {
	// Pin is the SHA-256 of the public key that the database's certificate has, in the
	// place of authorities and names.
	Pin []byte
	// Unverified takes whoever answers under TLS, Plaintext goes without TLS.
	Unverified, Plaintext bool
	// MD5 and Cleartext let the password be shown in these ways too.
	MD5, Cleartext bool
}

// Back is a database that let us in.
type Back struct {
	conn net.Conn
	// Status is what it said of itself; PID and Key cancel its queries.
	Status map[string]string
	PID    uint32
	Key    []byte
}

// Conn is the database's connection, for what follows.
func (b *Back) Conn() net.Conn { return b.conn }

// connectTime bounds the making of a connection.
const connectTime = 20 * time.Second

// Connect connects and authenticates. It fails with [hotcell.ErrDenied] where the
// database does not let us in, and with [hotcell.ErrUnavailable] where there is
// none; no error holds the password or an address.
func Connect(ctx context.Context, c Config) (*Back, error) {
	secure := c.tls()
	// What the environment or a file of passwords says is not for this.
	config, err := pgconn.ParseConfig("host=database port=5432 user=nobody dbname=none sslmode=disable passfile=/nonexistent servicefile=/nonexistent")
	if err != nil {
		return nil, fmt.Errorf("making a connection to a database: %w", err)
	}
	config.Host, config.Port, config.User, config.Database = c.Host, uint16(c.Port), c.User, c.Database
	config.TLSConfig, config.Fallbacks, config.ConnectTimeout = secure, nil, connectTime
	config.RequireAuth, config.ChannelBinding = c.Trust.methods(), "prefer"
	config.RuntimeParams = map[string]string{}
	for name, value := range c.Parameters {
		if name != "user" && name != "database" && name != "replication" {
			config.RuntimeParams[name] = value
		}
	}
	config.LookupFunc = func(context.Context, string) ([]string, error) { return []string{c.Host}, nil }
	var dialled error
	var again atomic.Bool
	config.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) {
		// Once: of a connection that failed, the library would ask on another that its
		// request be cancelled, later and by itself.
		if again.Swap(true) {
			return nil, errAgain
		}
		conn, err := c.Dial(ctx, c.Host, c.Port)
		dialled = err
		return conn, err
	}
	_ = c.Password.Use(func(b []byte) error { config.Password = string(b); return nil })
	conn, err := pgconn.ConnectConfig(ctx, config)
	config.Password = ""
	if err != nil {
		return nil, refused(c, dialled, err)
	}
	taken, err := conn.Hijack()
	if err != nil {
		return nil, fmt.Errorf("making a connection to a database: %w", err)
	}
	return &Back{conn: taken.Conn, Status: taken.ParameterStatuses, PID: taken.PID, Key: taken.SecretKey}, nil
}

var errAgain = errors.New("a second connection to a database that failed")

// refused says why there is no connection, in words that may be told.
func refused(c Config, dialled, err error) error {
	if dialled != nil {
		return dialled
	}
	if said, ok := errors.AsType[*pgconn.PgError](err); ok {
		return fmt.Errorf("%w: the database refuses: %s", hotcell.ErrDenied, sqlState(said.Code))
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return fmt.Errorf("%w: the certificate of %s does not hold; the operator can name its authority by egress.extra_ca, or pin its key by egress.hosts", hotcell.ErrDenied, c.Host)
	}
	return fmt.Errorf("%w: %s: the database does not answer as one that speaks TLS and takes a password by SCRAM", hotcell.ErrUnavailable, c.Host)
}

// states are what a refusal may be called: the database's own words could repeat
// anything (PostgreSQL's documentation, appendix A).
var states = map[string]string{
	"28P01": "it does not take the password", "28000": "it does not let this user in", "3D000": "there is no such database",
	"53300": "it has too many connections", "57P03": "it is starting or stopping", "42501": "the user may not",
}

func sqlState(code string) string {
	if said, known := states[code]; known {
		return said
	}
	for _, c := range code {
		if c < '0' || c > '9' && c < 'A' || c > 'Z' {
			return "for a reason of its own"
		}
	}
	return "SQLSTATE " + code[:min(len(code), 5)]
}

// tls is how the database shows who it is; nil is not at all.
func (c Config) tls() *tls.Config {
	t := &tls.Config{ServerName: c.Host, RootCAs: c.RootCAs, MinVersion: tls.VersionTLS12}
	switch {
	case c.Trust.Plaintext:
		return nil
	case len(c.Trust.Pin) > 0:
		t.InsecureSkipVerify = true // the key itself says who it is
		t.VerifyConnection = func(s tls.ConnectionState) error {
			if sum := sha256.Sum256(s.PeerCertificates[0].RawSubjectPublicKeyInfo); subtle.ConstantTimeCompare(sum[:], c.Trust.Pin) != 1 {
				return &tls.CertificateVerificationError{UnverifiedCertificates: s.PeerCertificates, Err: errPin}
			}
			return nil
		}
	case c.Trust.Unverified:
		t.InsecureSkipVerify = true // the operator says so
	}
	return t
}

var errPin = errors.New("it has another key than the pinned one")

// methods are the ways to authenticate that are taken, as libpq's require_auth has
// them.
func (t Trust) methods() string {
	methods := "scram-sha-256"
	if t.MD5 {
		methods += ",md5"
	}
	if t.Cleartext {
		methods += ",password"
	}
	return methods
}

// Relay passes both directions on until one of them ends, and closes both. It
// returns how many bytes went to the back and to the front.
func Relay(front, back io.ReadWriteCloser) (sent, received int64, err error) {
	ended := make(chan error, 2)
	pass := func(to, from io.ReadWriteCloser, n *int64) func() error {
		return func() (err error) {
			defer func() { _, _ = front.Close(), back.Close() }()
			*n, err = io.Copy(to, from)
			return err
		}
	}
	border.Send(ended, "a database's connection, upwards", pass(back, front, &sent))
	border.Send(ended, "a database's connection, downwards", pass(front, back, &received))
	up, down := <-ended, <-ended
	return sent, received, errors.Join(up, down)
}
