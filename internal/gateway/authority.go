package gateway

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"sync"
	"time"
)

// authority is a job's own certificate authority. It lives in memory and dies
// with the job; only the job's cell trusts it.
type authority struct {
	key         *ecdsa.PrivateKey
	certificate *x509.Certificate
	// leaf is the key of every certificate that it makes.
	leaf *ecdsa.PrivateKey
	now  func() time.Time

	mu    sync.Mutex
	hosts map[string]*tls.Config
}

// authorityLife is longer than any job's.
const authorityLife = 30 * 24 * time.Hour

func newAuthority(job string, now func() time.Time) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making the job's authority: %w", err)
	}
	leaf, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making the job's authority: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: "Hotcell " + job},
		NotBefore: now().Add(-time.Hour), NotAfter: now().Add(authorityLife),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("making the job's authority: %w", err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("making the job's authority: %w", err)
	}
	return &authority{key: key, certificate: certificate, leaf: leaf, now: now, hosts: map[string]*tls.Config{}}, nil
}

func serial() *big.Int {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails
	b[0] &= 0x7f
	return new(big.Int).SetBytes(b)
}

// pem is the authority's certificate, for the cell's trust store.
func (a *authority) pem() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw}))
}

// config is how the gateway speaks TLS for a host, with a certificate that is
// made once.
func (a *authority) config(host string, protocols ...string) (*tls.Config, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	id := fmt.Sprint(host, protocols)
	if found := a.hosts[id]; found != nil {
		return found, nil
	}
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: short(host)}, NotBefore: a.now().Add(-time.Hour), NotAfter: a.certificate.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true,
	}
	if ip := net.ParseIP(host); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{host}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &a.leaf.PublicKey, a.key)
	if err != nil {
		return nil, fmt.Errorf("making a certificate: %w", err)
	}
	made := &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{der, a.certificate.Raw}, PrivateKey: a.leaf}},
		MinVersion:   tls.VersionTLS12, NextProtos: protocols,
	}
	a.hosts[id] = made
	return made, nil
}

// short keeps a common name within its bound of 64 (RFC 5280, ub-common-name).
func short(host string) string { return host[:min(len(host), 64)] }
