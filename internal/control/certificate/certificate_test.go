package certificate_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hotcell/internal/control/certificate"
	"hotcell/internal/wire/authority"
)

// clock is one that a test moves.
type clock struct{ at atomic.Int64 }

func (c *clock) now() time.Time       { return time.Unix(0, c.at.Load()) }
func (c *clock) pass(d time.Duration) { c.at.Add(int64(d)) }

func newClock() *clock {
	c := &clock{}
	c.at.Store(time.Now().UnixNano())
	return c
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// put writes a certificate for hosts, and its key, in the place of what is there.
func put(t *testing.T, dir string, a *authority.Authority, from, to time.Time, hosts ...string) {
	t.Helper()
	pair, err := a.IssueUntil(from, to, hosts...)
	must(t, err)
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	must(t, err)
	replace(t, filepath.Join(dir, "cert.pem"), pemOf("CERTIFICATE", pair.Certificate[0]))
	replace(t, filepath.Join(dir, "key.pem"), pemOf("PRIVATE KEY", key))
}

// replace puts a file whole in the place of another, as tools that renew do.
func replace(t *testing.T, path string, text []byte) {
	t.Helper()
	must(t, os.WriteFile(path+".new", text, 0o600))
	must(t, os.Rename(path+".new", path))
}

// serve answers over TLS until the test ends.
func serve(t *testing.T, from certificate.Source) string {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", certificate.TLS(from))
	must(t, err)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.TLS.ServerName) }), ReadHeaderTimeout: time.Minute, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	return l.Addr().String()
}

// shown is the certificate that a server shows to who trusts an authority.
func shown(address, name string, pem []byte, most uint16) (*x509.Certificate, error) {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	c, err := tls.Dial("tcp", address, &tls.Config{ServerName: name, RootCAs: roots, MaxVersion: most})
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.Close() }()
	return c.ConnectionState().PeerCertificates[0], nil
}

func TestAnotherCertificateIsTakenWhileTheOldOneServes(t *testing.T) {
	t.Parallel()
	clock, dir := newClock(), t.TempDir()
	a, err := authority.New("test", clock.now(), 1000*time.Hour)
	must(t, err)
	put(t, dir, a, clock.now().Add(-time.Hour), clock.now().Add(500*time.Hour), "one.test")
	var log lines
	source, err := certificate.Open(certificate.Files{Certificate: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem")}, clock.now, slog.New(slog.NewTextHandler(&log, nil)))
	must(t, err)
	address := serve(t, source)
	stop := make(chan struct{})
	var load sync.WaitGroup
	for range 4 {
		load.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := shown(address, "both.test", a.PEM(), 0); err != nil && !strings.Contains(err.Error(), "not both.test") {
					t.Errorf("under load: %v", err)
					return
				}
			}
		})
	}
	_, err = shown(address, "one.test", a.PEM(), 0)
	must(t, err)
	for _, broken := range []func(){
		func() { replace(t, filepath.Join(dir, "key.pem"), []byte("no key")) },
		func() { must(t, os.Remove(filepath.Join(dir, "cert.pem"))) },
	} {
		broken()
		clock.pass(2 * time.Second)
		if _, err := shown(address, "one.test", a.PEM(), 0); err != nil {
			t.Errorf("after what cannot be used: %v", err)
		}
	}
	if n := strings.Count(log.String(), "cannot be used"); n != 1 {
		t.Errorf("it is told %d times: %s", n, log.String())
	}
	put(t, dir, a, clock.now().Add(-time.Hour), clock.now().Add(20*24*time.Hour), "two.test")
	clock.pass(2 * time.Second)
	if c, err := shown(address, "two.test", a.PEM(), 0); err != nil || c.DNSNames[0] != "two.test" {
		t.Errorf("the next one: %v, %v", c, err)
	}
	close(stop)
	load.Wait()
	clock.pass(10 * 24 * time.Hour)
	_, _ = shown(address, "two.test", a.PEM(), 0)
	clock.pass(11 * 24 * time.Hour)
	_, _ = shown(address, "two.test", a.PEM(), 0)
	if text := log.String(); !strings.Contains(text, "over soon") || !strings.Contains(text, "clients refuse it") {
		t.Errorf("of its end: %s", text)
	}
	if strings.Contains(log.String(), "PRIVATE") {
		t.Error("the log has a key")
	}
}

func TestOldVersionsOfTLSAreRefused(t *testing.T) {
	t.Parallel()
	source, err := certificate.Own(t.TempDir(), []string{"one.test"}, time.Now, slog.New(slog.DiscardHandler))
	must(t, err)
	address := serve(t, source)
	for version, want := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		roots := x509.NewCertPool()
		c, err := tls.Dial("tcp", address, &tls.Config{ServerName: "one.test", RootCAs: roots, InsecureSkipVerify: true, MinVersion: version, MaxVersion: version})
		if (err == nil) != want {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
		if err == nil {
			_ = c.Close()
		}
	}
	raw, err := net.Dial("tcp", address)
	must(t, err)
	defer func() { _ = raw.Close() }()
	_, _ = io.WriteString(raw, "GET / HTTP/1.1\r\nHost: one.test\r\n\r\n")
	if text, _ := io.ReadAll(raw); strings.Contains(string(text), "200") {
		t.Errorf("in plain: %s", text)
	}
}

func TestTheServersOwnAuthorityIsKept(t *testing.T) {
	t.Parallel()
	clock, dir := newClock(), filepath.Join(t.TempDir(), "tls")
	open := func() certificate.Source {
		source, err := certificate.Own(dir, []string{"one.test", "127.0.0.1"}, clock.now, slog.New(slog.DiscardHandler))
		must(t, err)
		return source
	}
	first := open()
	pem, err := os.ReadFile(filepath.Join(dir, certificate.FileAuthority))
	must(t, err)
	info, err := os.Stat(filepath.Join(dir, "authority.key"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key: %v, %v", info, err)
	}
	for _, source := range []certificate.Source{first, open()} {
		address := serve(t, source)
		for name, want := range map[string]bool{"one.test": true, "127.0.0.1": true, "other.test": false} {
			if _, err := shown(address, name, pem, 0); (err == nil) != want {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	was, err := first.Certificate()
	must(t, err)
	clock.pass(70 * 24 * time.Hour)
	is, err := first.Certificate()
	must(t, err)
	if !is.Leaf.NotAfter.After(was.Leaf.NotAfter) {
		t.Errorf("after 70 of 90 days it is the same, until %s", is.Leaf.NotAfter)
	}
	must(t, os.WriteFile(filepath.Join(dir, "authority.key"), []byte("x"), 0o600))
	if _, err := certificate.Own(dir, []string{"one.test"}, clock.now, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("an authority whose key is broken is made anew, without a word to who trusts it")
	}
}

func TestWhatIsNoCertificateIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a, err := authority.New("test", time.Now(), time.Hour)
	must(t, err)
	put(t, dir, a, time.Now(), time.Now().Add(time.Hour), "one.test")
	other := t.TempDir()
	put(t, other, a, time.Now(), time.Now().Add(time.Hour), "one.test")
	for what, f := range map[string]certificate.Files{
		"another key":     {filepath.Join(dir, "cert.pem"), filepath.Join(other, "key.pem")},
		"no file":         {filepath.Join(dir, "none.pem"), filepath.Join(dir, "key.pem")},
		"the wrong order": {filepath.Join(dir, "key.pem"), filepath.Join(dir, "cert.pem")},
	} {
		if _, err := certificate.Open(f, time.Now, slog.New(slog.DiscardHandler)); err == nil || strings.Contains(err.Error(), "MIG") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := certificate.Open(certificate.Files{}, time.Now, slog.New(slog.DiscardHandler)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("nothing: %v", err)
	}
}
