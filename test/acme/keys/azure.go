package keys

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
)

// Azure is a twin of Azure Key Vault with one RSA key of one version, of the token
// endpoint, and of a machine's managed identity.
type Azure struct {
	Desk
	Key, Version   string
	Token          string
	Tenant, Client string
	Secret         string
	key            *rsa.PrivateKey
}

// NewAzure is one with a fresh key.
func NewAzure() (*Azure, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	return &Azure{
		Key: "hotcell", Version: strings.Repeat("0af1", 8), Token: "hc-canary-azure-token", Tenant: "tenant", Client: "client", Secret: "hc-canary-azure-secret", key: key,
	}, err
}

// Public is the key's public half, which is no secret.
func (t *Azure) Public() *rsa.PublicKey { return &t.key.PublicKey }

type azureMessage struct{ Alg, Value, Digest string }

// ServeHTTP implements [http.Handler].
func (t *Azure) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/"+t.Tenant+"/oauth2/v2.0/token":
		t.asked("token")
		good := r.FormValue("client_secret") == t.Secret || r.FormValue("client_assertion") == t.Secret && strings.HasSuffix(r.FormValue("client_assertion_type"), ":jwt-bearer")
		if r.FormValue("client_id") != t.Client || r.FormValue("scope") != "https://vault.azure.net/.default" || !good {
			answer(w, 401, map[string]string{"error": "invalid_client", "error_description": r.FormValue("client_secret")})
			return
		}
		answer(w, 200, map[string]any{"access_token": t.Token, "expires_in": 3599, "token_type": "Bearer"})
		return
	case r.URL.Path == "/metadata/identity/oauth2/token":
		t.asked("metadata")
		if r.Header.Get("Metadata") != "true" || r.FormValue("resource") != "https://vault.azure.net" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		answer(w, 200, map[string]any{"access_token": t.Token, "expires_in": "3599"})
		return
	}
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/") // keys, name, version or not, operation
	operation := parts[len(parts)-1]
	trouble := t.asked(operation)
	if fails(w, r, trouble) {
		return
	}
	var m azureMessage
	if json.NewDecoder(r.Body).Decode(&m) != nil || r.FormValue("api-version") == "" {
		t.refuse(w, 400, "BadParameter", "", m)
		return
	}
	if bearer(r) != t.Token || trouble == Expired {
		t.refuse(w, 401, "Unauthorized", "", m)
		return
	}
	if status, code, inner := azureTrouble(trouble); code != "" {
		t.refuse(w, status, code, inner, m)
		return
	}
	if len(parts) < 3 || parts[0] != "keys" || parts[1] != t.Key || len(parts) == 4 && parts[2] != t.Version {
		t.refuse(w, 404, "KeyNotFound", "", m)
		return
	}
	t.operate(w, operation, m, trouble)
}

func (t *Azure) operate(w http.ResponseWriter, operation string, m azureMessage, trouble Trouble) {
	value, err := base64.RawURLEncoding.DecodeString(m.Value)
	if err != nil {
		t.refuse(w, 400, "BadParameter", "", m)
		return
	}
	var out []byte
	switch operation + " " + m.Alg {
	case "wrapkey RSA-OAEP-256":
		out, err = rsa.EncryptOAEP(sha256.New(), rand.Reader, &t.key.PublicKey, value, nil)
	case "unwrapkey RSA-OAEP-256":
		if out, err = rsa.DecryptOAEP(sha256.New(), nil, t.key, value, nil); trouble == Swapped {
			out = swapped(out)
		}
	case "sign PS256":
		out, err = rsa.SignPSS(rand.Reader, t.key, crypto.SHA256, value, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
	case "verify PS256":
		digest, _ := base64.RawURLEncoding.DecodeString(m.Digest)
		err := rsa.VerifyPSS(&t.key.PublicKey, crypto.SHA256, digest, value, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
		answer(w, 200, map[string]any{"value": err == nil})
		return
	default:
		t.refuse(w, 400, "BadParameter", "", m)
		return
	}
	if err != nil {
		t.refuse(w, 400, "BadParameter", "", m)
		return
	}
	answer(w, 200, map[string]any{"kid": "https://acme.vault.azure.net/keys/" + t.Key + "/" + t.Version, "value": base64.RawURLEncoding.EncodeToString(out)})
}

func azureTrouble(t Trouble) (status int, code, inner string) {
	switch t {
	case Throttled:
		return 429, "Throttled", ""
	case Broken:
		return 500, "InternalServerError", ""
	case Disabled:
		return 403, "Forbidden", "KeyDisabled"
	case Deleted:
		return 404, "KeyNotFound", ""
	case Denied:
		return 403, "Forbidden", "ForbiddenByRbac"
	default:
		return 0, "", ""
	}
}

// refuse says no, and repeats what it was sent, as a service might.
func (t *Azure) refuse(w http.ResponseWriter, status int, code, inner string, m azureMessage) {
	fault := map[string]any{"code": code, "message": m.Value + t.Token}
	if inner != "" {
		fault["innererror"] = map[string]string{"code": inner}
	}
	answer(w, status, map[string]any{"error": fault})
}
