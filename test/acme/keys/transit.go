package keys

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
)

// Transit is a twin of the transit engine of HashiCorp Vault and OpenBao, mounted at
// transit, with one key of the type aes256-gcm96; and of the ways in by token, AppRole and
// a Kubernetes service account.
type Transit struct {
	Desk
	Key   string
	Token string // what is taken; a way in gives it
	// RoleID, SecretID and JWT are what the ways in take.
	RoleID, SecretID, JWT string
	// Namespace must be named, where there is one.
	Namespace string
	// Careless leaves associated data out, as an engine that is too old for it does.
	Careless bool
	seal     seal
}

// NewTransit is one with a fresh key.
func NewTransit() *Transit {
	return &Transit{Key: "hotcell", Token: "hc-canary-transit-token", RoleID: "role", SecretID: "hc-canary-secret-id", JWT: "hc-canary-jwt", seal: newSeal()}
}

// ServeHTTP implements [http.Handler].
func (t *Transit) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var m map[string]any
	if json.NewDecoder(r.Body).Decode(&m) != nil || r.Header.Get("X-Vault-Namespace") != t.Namespace {
		t.refuse(w, 404, "no handler for route", m)
		return
	}
	field := func(name string) string { s, _ := m[name].(string); return s }
	switch r.URL.Path {
	case "/v1/auth/approle/login":
		t.asked("login")
		if field("role_id") != t.RoleID || field("secret_id") != t.SecretID {
			t.refuse(w, 400, "invalid role or secret ID", m)
			return
		}
		answer(w, 200, map[string]any{"auth": map[string]any{"client_token": t.Token, "lease_duration": 3600, "renewable": true}})
		return
	case "/v1/auth/kubernetes/login":
		t.asked("login")
		if field("jwt") != t.JWT || field("role") == "" {
			t.refuse(w, 403, "permission denied", m)
			return
		}
		answer(w, 200, map[string]any{"auth": map[string]any{"client_token": t.Token, "lease_duration": 3600}})
		return
	case "/v1/auth/token/renew-self":
		t.asked("renew")
		answer(w, 200, map[string]any{"auth": map[string]any{"client_token": t.Token, "lease_duration": 3600}})
		return
	}
	operation, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/v1/transit/"), "/")
	trouble := t.asked(operation)
	if fails(w, r, trouble) {
		return
	}
	if r.Header.Get("X-Vault-Token") != t.Token || trouble == Expired {
		t.refuse(w, 403, "permission denied\n* invalid token", m)
		return
	}
	if status, text := transitTrouble(trouble); text != "" {
		t.refuse(w, status, text, m)
		return
	}
	data, err := base64.StdEncoding.DecodeString(field("associated_data"))
	if err != nil || key != t.Key {
		t.refuse(w, 400, "encryption key not found", m)
		return
	}
	if t.Careless {
		data = nil
	}
	t.operate(w, operation, field, data, trouble)
}

func (t *Transit) operate(w http.ResponseWriter, operation string, field func(string) string, data []byte, trouble Trouble) {
	switch operation {
	case "encrypt":
		plain, err := base64.StdEncoding.DecodeString(field("plaintext"))
		if err != nil {
			t.refuse(w, 400, "failed to base64-decode plaintext", nil)
			return
		}
		answer(w, 200, map[string]any{"data": map[string]any{"ciphertext": "vault:v1:" + base64.StdEncoding.EncodeToString(t.seal.close(plain, data)), "key_version": 1}})
	case "decrypt":
		text, found := strings.CutPrefix(field("ciphertext"), "vault:v1:")
		sealed, err := base64.StdEncoding.DecodeString(text)
		if !found || err != nil {
			t.refuse(w, 400, "invalid ciphertext: could not decode base64", nil)
			return
		}
		plain, ok := t.seal.open(sealed, data)
		if !ok {
			t.refuse(w, 400, "cipher: message authentication failed", nil)
			return
		}
		if trouble == Swapped {
			plain = swapped(plain)
		}
		answer(w, 200, map[string]any{"data": map[string]any{"plaintext": base64.StdEncoding.EncodeToString(plain)}})
	default:
		t.refuse(w, 404, "no handler for route", nil)
	}
}

func transitTrouble(t Trouble) (int, string) {
	switch t {
	case Throttled:
		return 429, "request path \"transit\": rate limit quota exceeded"
	case Broken:
		return 503, "Vault is sealed"
	case Disabled:
		return 400, "ciphertext or signature version is disallowed by policy (too old)"
	case Deleted:
		return 400, "encryption key not found"
	case Denied:
		return 403, "1 error occurred:\n\t* permission denied\n\n"
	default:
		return 0, ""
	}
}

// refuse says no, and repeats what it was sent, as a service might.
func (t *Transit) refuse(w http.ResponseWriter, status int, text string, m map[string]any) {
	echo, _ := m["plaintext"].(string)
	plain, _ := base64.StdEncoding.DecodeString(echo)
	answer(w, status, map[string][]string{"errors": {text, string(plain) + t.Token}})
}
