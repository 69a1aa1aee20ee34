package authority

import (
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"hotcell/internal/value/sensitive"
)

// Key is the authority's private key in PEM (PKCS #8, RFC 5208), to be kept where nobody
// else reads.
func (a *Authority) Key() (sensitive.Bytes, error) {
	der, err := x509.MarshalPKCS8PrivateKey(a.key)
	if err != nil {
		return sensitive.Bytes{}, fmt.Errorf("writing an authority's key: %w", err)
	}
	defer sensitive.Wipe(der)
	return sensitive.New(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), nil
}

// Ends is when the authority does.
func (a *Authority) Ends() time.Time { return a.certificate.NotAfter }

// Read reads what [Authority.PEM] and [Authority.Key] gave.
func Read(certificate []byte, key sensitive.Bytes) (*Authority, error) {
	var pair tls.Certificate
	err := key.Use(func(text []byte) (err error) {
		pair, err = tls.X509KeyPair(certificate, text)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading an authority: %w", err)
	}
	own, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	if !ok || pair.Leaf == nil || !pair.Leaf.IsCA {
		return nil, errors.New("reading an authority: it is none of this program's")
	}
	return &Authority{own, pair.Leaf}, nil
}
