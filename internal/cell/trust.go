package cell

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"software.sslmate.com/src/go-pkcs12"
)

// trusting are the variables by which programs are told of a file of authorities, where
// the file's usual place does not tell them: OpenSSL and Go, Node, Python's requests,
// curl, git, pip, libpq, AWS's SDKs, gRPC, Deno, Cargo, Composer and PHP's curl by
// OpenSSL's own.
var trusting = []string{
	"SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "PIP_CERT", "PGSSLROOTCERT",
	"AWS_CA_BUNDLE", "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", "DENO_CERT", "CARGO_HTTP_CAINFO",
}

// The store of authorities for Java, which reads no PEM. Its password is no secret: a
// store that has none is not read by every Java that there is.
const (
	javaStore    = "hotcell.p12"
	javaPassword = "changeit"
)

// javaOptions are the options of a Java that reads the store (Java's "JSSE Reference
// Guide", customising the default trust store).
func javaOptions(store string) string {
	return "-Djavax.net.ssl.trustStore=" + store + " -Djavax.net.ssl.trustStoreType=PKCS12 -Djavax.net.ssl.trustStorePassword=" + javaPassword
}

// trustForJava writes all authorities of a bundle into a store for Java, and returns
// where; empty where the cell has no Java, whose jobs do not wait for it.
func (i *initial) trustForJava(bundle, folder string) (string, error) {
	if !i.hasJava() {
		return "", nil
	}
	text, err := os.ReadFile(bundle)
	if err != nil {
		return "", err
	}
	store, err := pkcs12.Modern2023.EncodeTrustStore(authorities(text), javaPassword)
	if err != nil {
		return "", fmt.Errorf("making a store of authorities for Java: %w", err)
	}
	to := filepath.Join(folder, javaStore)
	return to, os.WriteFile(to, store, 0o644)
}

// authorities reads the certificates of a bundle, each once. What is none is left out,
// as other programs do.
func authorities(text []byte) (out []*x509.Certificate) {
	seen := map[string]bool{}
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			return out
		}
		if block.Type != "CERTIFICATE" || seen[string(block.Bytes)] {
			continue
		}
		seen[string(block.Bytes)] = true
		if c, err := x509.ParseCertificate(block.Bytes); err == nil {
			out = append(out, c)
		}
	}
}

// hasJava says whether a Java is where programs are looked for, or where Debian and
// toolchains have it.
func (i *initial) hasJava() bool {
	for _, folder := range append(i.path(), "/usr/lib/jvm/*/bin", "/opt/*/bin", "/opt/*/*/bin") {
		if found, err := filepath.Glob(filepath.Join(folder, "java")); err == nil && len(found) > 0 {
			return true
		}
	}
	return false
}

// path are the folders of the command's PATH.
func (i *initial) path() []string {
	return append(append([]string{}, i.spec.Path...), strings.Split(Path, ":")...)
}

// trust adds the job's own certificates to the machine's, which bwrap has put there.
func trust(own string) error {
	if err := os.MkdirAll(filepath.Dir(bundle), 0o755); err != nil {
		return err
	}
	if err := os.Symlink("certs/ca-certificates.crt", "/etc/ssl/cert.pem"); err != nil {
		return err
	}
	return certify(bundle, own)
}

// certify adds certificates to a file of them.
func certify(file, own string) error {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	if own != "" {
		_, err = f.WriteString("\n" + own)
	}
	return errors.Join(err, f.Close())
}
