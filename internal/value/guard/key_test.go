package guard_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"strings"
	"testing"
)

// testKey is a key as services give it, within JSON.
func testKey(t testing.TB) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := json.Marshal(map[string]string{
		"type": "service_account", "client_email": "robot@acme.test", "private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
	})
	return string(text)
}

func TestAKeysStructureIsNoPartOfIt(t *testing.T) {
	t.Parallel()
	mine, other := withParts(t, testKey(t)), testKey(t)
	if got := string(mine.Redact([]byte(other))); got != other {
		t.Errorf("of another key: %s", around(got, "[hotcell:"))
	}
	decoded := strings.ReplaceAll(other, `\n`, "\n")
	if got := string(withParts(t, other).Redact([]byte(decoded[900:920]))); !strings.Contains(got, "[hotcell:s0]") {
		t.Errorf("a part of a key stays: %q", got)
	}
}
