package keys

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"hash/crc32"
	"net/http"
	"strconv"
	"strings"
)

// Google is a twin of Google Cloud KMS with one key, of the token endpoint for service
// accounts, and of a machine's metadata.
type Google struct {
	Desk
	Key   string
	Token string
	seal  seal
	own   *rsa.PrivateKey // the service account's
}

// NewGoogle is one with a fresh key.
func NewGoogle() (*Google, error) {
	own, err := rsa.GenerateKey(rand.Reader, 2048)
	return &Google{Key: "projects/acme/locations/europe-west3/keyRings/hotcell/cryptoKeys/vault", Token: "hc-canary-google-token", seal: newSeal(), own: own}, err
}

// Account is the service account's file of credentials.
func (t *Google) Account(at string) []byte {
	der, _ := x509.MarshalPKCS8PrivateKey(t.own)
	text, _ := json.Marshal(map[string]string{
		"type": "service_account", "client_email": "hotcell@acme.iam.gserviceaccount.com", "private_key_id": "1", "token_uri": at + "/token",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
	})
	return text
}

type googleMessage struct {
	Plaintext     []byte `json:"plaintext"`
	PlaintextSum  string `json:"plaintextCrc32c"`
	Ciphertext    []byte `json:"ciphertext"`
	CiphertextSum string `json:"ciphertextCrc32c"`
	Additional    []byte `json:"additionalAuthenticatedData"`
	AdditionalSum string `json:"additionalAuthenticatedDataCrc32c"`
}

// ServeHTTP implements [http.Handler].
func (t *Google) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/token":
		t.asked("token")
		if r.FormValue("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" || !t.asserted(r.FormValue("assertion"), "http://"+r.Host+"/token") {
			answer(w, 400, map[string]string{"error": "invalid_grant"})
			return
		}
		answer(w, 200, map[string]any{"access_token": t.Token, "expires_in": 3599, "token_type": "Bearer"})
		return
	case strings.HasPrefix(r.URL.Path, "/computeMetadata/"):
		t.asked("metadata")
		if r.Header.Get("Metadata-Flavor") != "Google" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		answer(w, 200, map[string]any{"access_token": t.Token, "expires_in": 3599, "token_type": "Bearer"})
		return
	}
	key, verb, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/v1/"), ":")
	trouble := t.asked(verb)
	if fails(w, r, trouble) {
		return
	}
	var m googleMessage
	if json.NewDecoder(r.Body).Decode(&m) != nil {
		t.refuse(w, 400, "INVALID_ARGUMENT", "Invalid JSON payload received", m)
		return
	}
	if bearer(r) != t.Token || trouble == Expired {
		t.refuse(w, 401, "UNAUTHENTICATED", "Request had invalid authentication credentials", m)
		return
	}
	if status, name, text := googleTrouble(trouble); name != "" {
		t.refuse(w, status, name, text, m)
		return
	}
	if key != t.Key {
		t.refuse(w, 404, "NOT_FOUND", "CryptoKey not found", m)
		return
	}
	t.operate(w, verb, m, trouble)
}

func (t *Google) operate(w http.ResponseWriter, verb string, m googleMessage, trouble Trouble) {
	switch {
	case m.AdditionalSum != "" && m.AdditionalSum != sum(m.Additional):
		t.refuse(w, 400, "INVALID_ARGUMENT", "The checksum does not match", m)
	case verb == "encrypt":
		sealed := t.seal.close(m.Plaintext, m.Additional)
		answer(w, 200, map[string]any{
			"name": t.Key + "/cryptoKeyVersions/1", "ciphertext": sealed, "ciphertextCrc32c": sum(sealed), "protectionLevel": "SOFTWARE",
			"verifiedPlaintextCrc32c": m.PlaintextSum == sum(m.Plaintext), "verifiedAdditionalAuthenticatedDataCrc32c": m.AdditionalSum == sum(m.Additional),
		})
	case verb == "decrypt":
		plain, ok := t.seal.open(m.Ciphertext, m.Additional)
		if !ok {
			t.refuse(w, 400, "INVALID_ARGUMENT", "Decryption failed: verify that 'name' refers to the correct CryptoKey.", m)
			return
		}
		if trouble == Swapped {
			plain = swapped(plain)
		}
		answer(w, 200, map[string]any{"plaintext": plain, "plaintextCrc32c": sum(plain), "usedPrimary": true})
	default:
		t.refuse(w, 404, "NOT_FOUND", "Method not found", m)
	}
}

func googleTrouble(t Trouble) (status int, name, text string) {
	switch t {
	case Throttled:
		return 429, "RESOURCE_EXHAUSTED", "Quota exceeded"
	case Broken:
		return 500, "INTERNAL", "Internal error encountered"
	case Disabled:
		return 400, "FAILED_PRECONDITION", "is not enabled, current state is: DISABLED."
	case Deleted:
		return 400, "FAILED_PRECONDITION", "is not enabled, current state is: DESTROYED."
	case Denied:
		return 403, "PERMISSION_DENIED", "Permission 'cloudkms.cryptoKeyVersions.useToDecrypt' denied"
	default:
		return 0, "", ""
	}
}

// refuse says no, and repeats what it was sent, as a service might.
func (t *Google) refuse(w http.ResponseWriter, status int, name, text string, m googleMessage) {
	answer(w, status, map[string]any{"error": map[string]any{"code": status, "status": name, "message": text + string(m.Plaintext) + t.Token}})
}

func sum(b []byte) string {
	return strconv.FormatUint(uint64(crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli))), 10)
}

// asserted checks a service account's word.
func (t *Google) asserted(assertion, audience string) bool {
	parts := strings.Split(assertion, ".")
	if len(parts) != 3 {
		return false
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		return false
	}
	hash := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if rsa.VerifyPKCS1v15(&t.own.PublicKey, crypto.SHA256, hash[:], signature) != nil {
		return false
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	var claims struct {
		Iss, Aud, Scope string
		Iat, Exp        int64
	}
	return err == nil && json.Unmarshal(text, &claims) == nil && claims.Aud == audience && claims.Iss == "hotcell@acme.iam.gserviceaccount.com" &&
		claims.Scope == "https://www.googleapis.com/auth/cloudkms" && claims.Exp == claims.Iat+3600
}
