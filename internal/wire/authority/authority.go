// Package authority is a certificate authority: one in memory for each job, for each
// drill, and for the company that tests and demo run against, and one that a server keeps
// to vouch for itself.
//
// Its key leaves it by [Authority.Key] alone. Who trusts it, and until when, is its maker's matter.
// One way to use it:
//
//	a, err := authority.New("Hotcell job_…", now, life)
//	certificate, err := a.Issue("api.acme.test")
package authority

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"time"
)

// Authority issues certificates (ECDSA, P-256) that end when it does.
type Authority struct {
	key         *ecdsa.PrivateKey
	certificate *x509.Certificate
}

// early is how far clocks may differ.
const early = time.Hour

// New is a fresh authority, for as long as life from now on.
func New(name string, now time.Time, life time.Duration) (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making an authority: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-early), NotAfter: now.Add(life),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("making an authority: %w", err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("making an authority: %w", err)
	}
	return &Authority{key, certificate}, nil
}

func serial() *big.Int {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails
	b[0] &= 0x7f
	return new(big.Int).SetBytes(b)
}

// PEM is the authority's certificate, for a trust store.
func (a *Authority) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw})
}

// Pin is the SHA-256 of the authority's public key (RFC 7469 section 2.4, without
// the encoding).
func (a *Authority) Pin() [sha256.Size]byte {
	return sha256.Sum256(a.certificate.RawSubjectPublicKeyInfo)
}

// Issue makes a certificate for hosts, names or IP addresses, with a key of its
// own.
func (a *Authority) Issue(hosts ...string) (tls.Certificate, error) {
	return a.IssueUntil(a.certificate.NotBefore, a.certificate.NotAfter, hosts...)
}

// IssueUntil makes one for a time of its own, which does not outlast the authority.
func (a *Authority) IssueUntil(from, to time.Time, hosts ...string) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("making a certificate: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: short(hosts[0])}, NotBefore: from, NotAfter: to,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true,
	}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &key.PublicKey, a.key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("making a certificate: %w", err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("making a certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der, a.certificate.Raw}, PrivateKey: key, Leaf: leaf}, nil
}

// short keeps a common name within its bound of 64 (RFC 5280, ub-common-name).
func short(host string) string { return host[:min(len(host), 64)] }
