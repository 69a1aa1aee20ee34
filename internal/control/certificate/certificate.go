// Package certificate is by what the open port shows who it is: certificates in files, or
// those of an authority of the server's own.
//
// It guards that a port goes on with the certificate that it has while another is put in
// its place, whole or broken, and that no key of it is printed. It says what is wrong to
// the log, and does not decide whether a client takes what is shown. One way to use it:
//
//	source, err := certificate.Open(certificate.Files{Certificate: …, Key: …}, time.Now, log)
//	config := certificate.TLS(source)
package certificate

import (
	"crypto/tls"
	"time"
)

// Source gives out certificates, one for each handshake.
type Source interface {
	// Certificate is the one to show now.
	Certificate() (*tls.Certificate, error)
}

// TLS is how the port speaks: TLS 1.2 at least (RFC 9325, section 3.1.1), and HTTP/2 or 1.1.
func TLS(from Source) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return from.Certificate() },
	}
}

// lookEvery is how often it is looked for another certificate at the most.
const lookEvery = time.Second
