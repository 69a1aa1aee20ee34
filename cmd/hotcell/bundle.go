//go:build linux

package main

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"hotcell"
)

// The places where systems keep the certificates that they trust.
var systemBundles = []string{
	"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem",
}

// openBundle is the certificates that cells trust: the system's and the operator's own.
func openBundle(extra []string) (*os.File, error) {
	var bundle []byte
	for _, path := range systemBundles {
		text, err := os.ReadFile(path)
		if err == nil {
			bundle = text
			break
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("reading the system's certificates: %w", err)
		}
	}
	for i, path := range extra {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("reading egress.extra_ca: %w", err)
		}
		if err := checkCertificates(text); err != nil {
			return nil, hotcell.Invalid(fmt.Sprintf("/egress/extra_ca/%d", i), "the file holds no certificates in PEM: %v", err)
		}
		bundle = append(append(bundle, '\n'), text...)
	}
	return sealedFile("certificates", bundle)
}

func checkCertificates(text []byte) error {
	n := 0
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			return errors.New("it holds something else as well")
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			return errors.New("a certificate in it is damaged")
		}
		n++
	}
	if n == 0 {
		return errors.New("there is none")
	}
	return nil
}
