package pgwire_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hotcell/internal/value/sensitive"
	"hotcell/internal/wire/authority"
	"hotcell/internal/wire/pgwire"
)

const secret = "correct-horse-4711"

// database is a server of one connection, and what it was told.
type database struct {
	mu   sync.Mutex
	told bytes.Buffer
}

func (d *database) hear(b []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.told.Write(b)
}

// message is one of the protocol's, with its length.
func message(kind byte, body string) string {
	n := len(body) + 4
	return string([]byte{kind, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}) + body
}

// speak answers whatever comes by what it has to say, one by one, and remembers it.
func (d *database) speak(conn net.Conn, says ...string) {
	buf := make([]byte, 4096)
	for _, one := range says {
		n, err := conn.Read(buf)
		d.hear(buf[:n])
		if err != nil {
			return
		}
		if _, err := io.WriteString(conn, one); err != nil {
			return
		}
	}
	for {
		n, err := conn.Read(buf)
		d.hear(buf[:n])
		if err != nil {
			return
		}
	}
}

const (
	clearText = "\x00\x00\x00\x03"
	md5       = "\x00\x00\x00\x05salt"
	sasl      = "\x00\x00\x00\x0aSCRAM-SHA-256\x00\x00"
	welcome   = "\x00\x00\x00\x00"
	allowed   = "R\x00\x00\x00\x08\x00\x00\x00\x00Z\x00\x00\x00\x05I"
	anything  = "r=x,s=QSXCR+Q6sek8bf92,i=4096"
)

const (
	saslPlus = "\x00\x00\x00\x0aSCRAM-SHA-256-PLUS\x00SCRAM-SHA-256\x00\x00"
	// onlyPlus and none are lists of a server that wants, or has, less.
	onlyPlus  = "\x00\x00\x00\x0aSCRAM-SHA-256-PLUS\x00\x00"
	noMethods = "\x00\x00\x00\x0a\x00"
	older     = "\x00\x00\x00\x0aSCRAM-SHA-1\x00PLAIN\x00\x00"
	gss       = "\x00\x00\x00\x07"
	few       = "r=x,s=QSXCR+Q6sek8bf92,i=1"
)

// TestWhatAServerOffersIsNotTalkedDown has servers offer, and those between strip,
// ways to show the password: it is bound to the certificate where that is offered, a
// server that offered it and gets another is told so (RFC 5802 section 6: "y"), and
// nothing less than SCRAM is taken.
func TestWhatAServerOffersIsNotTalkedDown(t *testing.T) {
	t.Parallel()
	ca, err := authority.New("right", time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca.PEM())
	certificate, err := ca.Issue("db.example")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		says []string
		// want is what the first message of the exchange has, and never what none may.
		want, never string
	}{
		"both":                       {[]string{message('R', saslPlus)}, "SCRAM-SHA-256-PLUS\x00", "n,,"},
		"both, and it is bound":      {[]string{message('R', saslPlus)}, "p=tls-server-end-point,,", "y,,"},
		"the bound one alone":        {[]string{message('R', onlyPlus)}, "", "n,,"},
		"stripped":                   {[]string{message('R', sasl)}, "y,,n=", "p=tls"},
		"stripped, not said to be n": {[]string{message('R', sasl)}, "SCRAM-SHA-256\x00", "n,,n="},
		"nothing":                    {[]string{message('R', noMethods), allowed}, "", "n="},
		"older ones":                 {[]string{message('R', older), allowed}, "", "n="},
		"Kerberos":                   {[]string{message('R', gss), allowed}, "", "n="},
		"clear text after an offer":  {[]string{message('R', saslPlus), message('R', clearText), allowed}, "p=tls", secret},
		"md5 after an offer":         {[]string{message('R', saslPlus), message('R', md5), allowed}, "p=tls", "md5"},
		"two offers":                 {[]string{message('R', saslPlus), message('R', sasl), allowed}, "p=tls", "y,,"},
		"an end without a proof":     {[]string{message('R', sasl), message('R', "\x00\x00\x00\x0cv=AAAA") + allowed}, "y,,", secret},
		"a hash of one round":        {[]string{message('R', sasl), message('R', "\x00\x00\x00\x0b"+few), allowed}, "y,,", "p="},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			here, there := net.Pipe()
			d := &database{}
			done := make(chan struct{})
			go func() {
				defer close(done)
				defer func() { _ = there.Close() }()
				first := make([]byte, 8)
				if _, err := io.ReadFull(there, first); err != nil {
					return
				}
				if _, err := io.WriteString(there, "S"); err != nil {
					return
				}
				under := tls.Server(there, &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12})
				if under.HandshakeContext(t.Context()) == nil {
					// What it says last is waited for, and then it goes.
					d.speak(&leaving{Conn: under, after: len(c.says) + 1}, c.says...)
				}
			}()
			var dials atomic.Int32
			back, err := pgwire.Connect(t.Context(), pgwire.Config{
				Dial: func(context.Context, string, int) (net.Conn, error) { dials.Add(1); return here, nil }, Host: "db.example", Port: 5432,
				User: "ada", Password: sensitive.New([]byte(secret)), Database: "acme", RootCAs: roots,
			})
			if err == nil {
				t.Error("let in")
				_ = back.Conn().Close()
			}
			_ = here.Close()
			<-done
			if n := dials.Load(); n != 1 {
				t.Errorf("it was dialled %d times", n)
			}
			d.mu.Lock()
			defer d.mu.Unlock()
			if told := d.told.String(); !strings.Contains(told, c.want) || strings.Contains(told, c.never) || strings.Contains(told, secret) {
				t.Errorf("it was told %q", told)
			}
		})
	}
}

// leaving is a connection whose other side goes after it was read some times.
type leaving struct {
	net.Conn
	after int
}

// Read implements [io.Reader].
func (l *leaving) Read(b []byte) (int, error) {
	n, err := l.Conn.Read(b)
	if l.after--; l.after <= 0 {
		_ = l.Close()
	}
	return n, err
}

// TestAnImpostorGetsNothing plays servers that want the password.
func TestAnImpostorGetsNothing(t *testing.T) {
	t.Parallel()
	ca, err := authority.New("right", time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	wrong, err := authority.New("wrong", time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca.PEM())
	issue := func(a *authority.Authority, name string) tls.Certificate {
		c, err := a.Issue(name)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	good, other, forged := issue(ca, "db.example"), issue(ca, "other.example"), issue(wrong, "db.example")
	leaf, err := x509.ParseCertificate(good.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	pin := sha256.Sum256(leaf.RawSubjectPublicKeyInfo)
	for name, c := range map[string]struct {
		certificate tls.Certificate
		trust       pgwire.Trust
		reply       string // to the request for TLS
		says        []string
		in          bool
	}{
		"of another authority":       {certificate: forged, reply: "S", says: []string{message('R', clearText), allowed}},
		"of another name":            {certificate: other, reply: "S", says: []string{message('R', clearText), allowed}},
		"wants clear text":           {certificate: good, reply: "S", says: []string{message('R', clearText), allowed}},
		"wants md5":                  {certificate: good, reply: "S", says: []string{message('R', md5), allowed}},
		"wants nothing":              {certificate: good, reply: "S", says: []string{allowed}},
		"welcomes twice":             {certificate: good, reply: "S", says: []string{message('R', welcome) + message('R', welcome) + allowed}},
		"lets in after SCRAM began":  {certificate: good, reply: "S", says: []string{message('R', sasl), allowed}},
		"falls back after SCRAM":     {certificate: good, reply: "S", says: []string{message('R', sasl), message('R', clearText), allowed}},
		"has a nonce of its own":     {certificate: good, reply: "S", says: []string{message('R', sasl), message('R', "\x00\x00\x00\x0b"+anything), allowed}},
		"speaks no TLS":              {certificate: good, reply: "N", says: []string{message('R', clearText), allowed}},
		"answers before TLS":         {certificate: good, reply: message('R', clearText), says: []string{allowed}},
		"stuffs the buffer":          {certificate: good, reply: "S" + message('R', clearText), says: []string{message('R', clearText), allowed}},
		"an error that quotes":       {certificate: good, reply: "S", says: []string{message('E', "SFATAL\x00C28P01\x00M"+secret+"\x00\x00")}},
		"a code that quotes":         {certificate: good, reply: "S", says: []string{message('E', "SFATAL\x00C"+secret+"\x00Mno\x00\x00")}},
		"another key than the pin":   {certificate: forged, trust: pgwire.Trust{Pin: pin[:]}, reply: "S", says: []string{message('R', sasl)}},
		"clear text without a word":  {certificate: good, trust: pgwire.Trust{MD5: true}, reply: "S", says: []string{message('R', clearText), allowed}},
		"md5 without a word":         {certificate: good, trust: pgwire.Trust{Cleartext: true}, reply: "S", says: []string{message('R', md5), allowed}},
		"clear text by the word":     {certificate: good, trust: pgwire.Trust{Cleartext: true}, reply: "S", says: []string{message('R', clearText), allowed}, in: true},
		"md5 by the word, with pin":  {certificate: good, trust: pgwire.Trust{MD5: true, Pin: pin[:]}, reply: "S", says: []string{message('R', md5), allowed}, in: true},
		"anybody's key, by the word": {certificate: forged, trust: pgwire.Trust{Cleartext: true, Unverified: true}, reply: "S", says: []string{message('R', clearText), allowed}, in: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			here, there := net.Pipe()
			d := &database{}
			done := make(chan struct{})
			go func() {
				defer close(done)
				defer func() { _ = there.Close() }()
				first := make([]byte, 8)
				if _, err := io.ReadFull(there, first); err != nil {
					return
				}
				if _, err := io.WriteString(there, c.reply); err != nil || c.reply[0] != 'S' {
					d.speak(there, c.says...)
					return
				}
				under := tls.Server(there, &tls.Config{Certificates: []tls.Certificate{c.certificate}, MinVersion: tls.VersionTLS12})
				if under.HandshakeContext(t.Context()) == nil {
					d.speak(under, c.says...)
				}
			}()
			back, err := pgwire.Connect(t.Context(), pgwire.Config{
				Dial: func(context.Context, string, int) (net.Conn, error) { return here, nil }, Host: "db.example", Port: 5432,
				User: "ada", Password: sensitive.New([]byte(secret)), Database: "acme", RootCAs: roots, Trust: c.trust,
			})
			if (err == nil) != c.in {
				t.Errorf("let in: %v", err)
			}
			if err != nil && strings.Contains(err.Error(), secret) {
				t.Errorf("the error quotes: %v", err)
			}
			if back != nil {
				_ = back.Conn().Close()
			}
			_ = here.Close()
			<-done
			d.mu.Lock()
			defer d.mu.Unlock()
			if !c.in && (strings.Contains(d.told.String(), secret) || strings.Contains(d.told.String(), "md5")) {
				t.Errorf("it was told %q", d.told.String())
			}
		})
	}
}
