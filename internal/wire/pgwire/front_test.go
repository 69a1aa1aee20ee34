package pgwire_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"hotcell"
	"hotcell/internal/wire/pgwire"
)

func config(t testing.TB) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"db.acme.test"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
}

// dial has pgx connect to a front that knows one password.
func dial(t *testing.T, url string) (user, database string, accepted, connected error) {
	t.Helper()
	here, there := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		var f *pgwire.Front
		f, accepted = pgwire.Accept(t.Context(), there, config(t), func(u, d string) (string, error) {
			user, database = u, d
			return "the-stand-in", nil
		})
		switch {
		case accepted == nil:
			_ = f.Complete(map[string]string{"server_version": "15.0"}, 7, []byte{1, 2, 3, 4})
		case f != nil:
			_ = f.Fail("28000", accepted.Error())
		}
		_, _ = io.Copy(io.Discard, there)
		_ = there.Close()
	}()
	c, err := pgconn.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	c.LookupFunc = func(context.Context, string) ([]string, error) { return []string{"192.0.2.1"}, nil }
	c.DialFunc = func(context.Context, string, string) (net.Conn, error) { return here, nil }
	conn, connected := pgconn.ConnectConfig(t.Context(), c)
	if connected == nil {
		taken, err := conn.Hijack()
		if err != nil || taken.PID != 7 || taken.ParameterStatuses["server_version"] != "15.0" {
			t.Errorf("%+v, %v", taken, err)
		}
	}
	_ = here.Close()
	<-done
	return user, database, accepted, connected
}

func TestAClientThatKnowsTheStandInGetsIn(t *testing.T) {
	t.Parallel()
	user, database, accepted, connected := dial(t, "postgres://ada:the-stand-in@db.acme.test/acme?sslmode=require")
	if accepted != nil || connected != nil || user != "ada" || database != "acme" {
		t.Errorf("%s %s, %v, %v", user, database, accepted, connected)
	}
	if _, _, accepted, connected = dial(t, "postgres://ada:another@db.acme.test/acme?sslmode=require"); !errors.Is(accepted, pgwire.ErrPassword) || connected == nil {
		t.Errorf("another password: %v, %v", accepted, connected)
	}
	if _, _, accepted, connected = dial(t, "postgres://ada:the-stand-in@db.acme.test/acme?sslmode=disable"); !errors.Is(accepted, hotcell.ErrDenied) || connected == nil {
		t.Errorf("without TLS: %v, %v", accepted, connected)
	}
}

func FuzzAccept(f *testing.F) {
	f.Add([]byte{0, 0, 0, 8, 4, 210, 22, 47})
	f.Add([]byte("\x00\x00\x00\x13\x00\x03\x00\x00user\x00ada\x00\x00\x00"))
	f.Add([]byte{0, 0, 0, 8, 4, 210, 22, 48, 22, 3, 1, 0, 1, 1})
	tlsConfig := config(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		here, there := net.Pipe()
		go func() {
			go func() { _, _ = io.Copy(io.Discard, here) }()
			_, _ = here.Write(b)
			_ = here.Close()
		}()
		front, err := pgwire.Accept(t.Context(), there, tlsConfig, func(string, string) (string, error) { return "x", nil })
		_ = there.Close()
		if err == nil {
			t.Fatalf("let in: %v", front.Parameters)
		}
	})
}
