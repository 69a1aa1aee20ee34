package pgwire

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"hotcell"
	"hotcell/internal/border"
	"hotcell/internal/sensitive"
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
	// SSLMode is require, verify-ca or verify-full; disable is for a database on
	// this machine's loopback.
	SSLMode string
	// RootCAs verify the database; nil for the system's.
	RootCAs *x509.CertPool
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
	secure, err := c.tls()
	if err != nil {
		return nil, err
	}
	// What the environment or a file of passwords says is not for this.
	config, err := pgconn.ParseConfig("host=database port=5432 user=nobody dbname=none sslmode=disable passfile=/nonexistent servicefile=/nonexistent")
	if err != nil {
		return nil, fmt.Errorf("making a connection to a database: %w", err)
	}
	config.Host, config.Port, config.User, config.Database = c.Host, uint16(c.Port), c.User, c.Database
	config.TLSConfig, config.Fallbacks, config.ConnectTimeout = secure, nil, connectTime
	config.RuntimeParams = map[string]string{}
	for name, value := range c.Parameters {
		if name != "user" && name != "database" && name != "replication" {
			config.RuntimeParams[name] = value
		}
	}
	config.LookupFunc = func(context.Context, string) ([]string, error) { return []string{c.Host}, nil }
	var dialled error
	config.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) {
		conn, err := c.Dial(ctx, c.Host, c.Port)
		if err == nil && secure == nil && !onLoopback(conn) {
			err = errors.Join(fmt.Errorf("%w: the database is not on this machine, so the connection has to be under TLS: sslmode=require or, better, verify-full", hotcell.ErrDenied), conn.Close())
		}
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

// refused says why there is no connection, in words that may be told.
func refused(c Config, dialled, err error) error {
	if dialled != nil {
		return dialled
	}
	if said, ok := errors.AsType[*pgconn.PgError](err); ok {
		return fmt.Errorf("%w: the database refuses: %s", hotcell.ErrDenied, said.Message)
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return fmt.Errorf("%w: the certificate of %s does not hold", hotcell.ErrDenied, c.Host)
	}
	return fmt.Errorf("%w: %s: the database does not answer as one that speaks TLS", hotcell.ErrUnavailable, c.Host)
}

func onLoopback(c net.Conn) bool {
	address, ok := c.RemoteAddr().(*net.TCPAddr)
	return ok && address.IP.IsLoopback()
}

// tls is what an sslmode asks for; nil is none.
func (c Config) tls() (*tls.Config, error) {
	base := &tls.Config{ServerName: c.Host, RootCAs: c.RootCAs, MinVersion: tls.VersionTLS12}
	switch c.SSLMode {
	case "disable":
		return nil, nil //nolint:nilnil // no TLS
	case "require":
		base.InsecureSkipVerify = true // what the mode says: under TLS, with whoever answers
	case "verify-ca":
		base.InsecureSkipVerify = true
		base.VerifyConnection = func(s tls.ConnectionState) error {
			options := x509.VerifyOptions{Roots: c.RootCAs, Intermediates: x509.NewCertPool()}
			for _, one := range s.PeerCertificates[1:] {
				options.Intermediates.AddCert(one)
			}
			_, err := s.PeerCertificates[0].Verify(options)
			if err != nil {
				return &tls.CertificateVerificationError{UnverifiedCertificates: s.PeerCertificates, Err: err}
			}
			return nil
		}
	case "verify-full":
	default:
		return nil, fmt.Errorf("%w: sslmode is require, verify-ca or verify-full", hotcell.ErrDenied)
	}
	return base, nil
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
