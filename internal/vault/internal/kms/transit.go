package kms

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync"
	"time"
)

// transit is a key in the transit engine of HashiCorp Vault or OpenBao:
//
//	hcvault://vault.acme.test:8200/transit/keys/hotcell
//
// https://developer.hashicorp.com/vault/api-docs/secret/transit
type transit struct {
	wire      *wire
	env       *Environment
	now       func() time.Time
	address   string // https://host:port/v1/
	mount     string
	key       string
	shown     string
	namespace string
	login     transitLogin

	mu      sync.Mutex
	token   string
	renewAt time.Time // zero for a token that was given
}

// transitLogin is how a token is got.
type transitLogin struct {
	how                            string // token, approle or kubernetes
	mount, role                    string
	tokenFile, secretFile, jwtFile string
}

// kubernetesToken is where a pod finds its service account's token.
const kubernetesToken = "/var/run/secrets/kubernetes.io/serviceaccount/token"

func openTransit(c Config, u *url.URL) (api, error) {
	set, err := settings(u, "namespace", "auth", "auth_mount", "role", "token_file", "secret_id_file", "jwt_file", "tls")
	if err != nil {
		return nil, err
	}
	parts := strings.Split(strings.Trim(u.Path, "/"), "/")
	n := len(parts)
	if u.Host == "" || n < 3 || parts[n-2] != "keys" || path.Clean(u.Path) != u.Path {
		return nil, errors.New("reading the key's URL: a transit key is hcvault://HOST:PORT/MOUNT/keys/NAME")
	}
	scheme := "https"
	switch {
	case set["tls"] == "off" && plainOnly(u):
		scheme = "http"
	case set["tls"] != "":
		return nil, errors.New("reading the key's URL: tls=off is for this machine's loopback alone")
	}
	how := cmp.Or(set["auth"], "token")
	if how != "token" && how != "approle" && how != "kubernetes" {
		return nil, errors.New("reading the key's URL: auth= is token, approle or kubernetes")
	}
	t := &transit{
		env: c.Environment, now: c.now, address: scheme + "://" + u.Host + "/v1/", mount: strings.Join(parts[:n-2], "/"), key: parts[n-1],
		shown: u.Host + u.Path, namespace: cmp.Or(set["namespace"], c.Environment.Get("VAULT_NAMESPACE"), c.Environment.Get("BAO_NAMESPACE")),
		login: transitLogin{
			how: how, mount: cmp.Or(set["auth_mount"], how), role: set["role"], tokenFile: cmp.Or(set["token_file"], c.Environment.home(".vault-token")),
			secretFile: set["secret_id_file"], jwtFile: cmp.Or(set["jwt_file"], kubernetesToken),
		},
	}
	t.wire = newWire(c, "the transit engine at "+u.Host)
	return t, nil
}

func (t *transit) name() string { return t.shown }

func (t *transit) wrap(ctx context.Context, plaintext, associatedData []byte) ([]byte, error) {
	var out struct {
		Data struct{ Ciphertext string }
	}
	err := t.call(ctx, t.mount+"/encrypt/"+t.key, map[string][]byte{"plaintext": plaintext, "associated_data": associatedData}, &out)
	if err == nil && !strings.HasPrefix(out.Data.Ciphertext, "vault:v") {
		err = t.wire.strange()
	}
	return []byte(out.Data.Ciphertext), err
}

func (t *transit) unwrap(ctx context.Context, sealed, associatedData []byte) ([]byte, error) {
	var out struct {
		Data struct{ Plaintext *string }
	}
	message := map[string]any{"ciphertext": string(sealed), "associated_data": associatedData}
	if err := t.call(ctx, t.mount+"/decrypt/"+t.key, message, &out); err != nil {
		return nil, err
	}
	if out.Data.Plaintext == nil {
		return nil, t.wire.strange()
	}
	plain, err := base64.StdEncoding.DecodeString(*out.Data.Plaintext)
	if err != nil {
		return nil, t.wire.strange() // the error would tell of it
	}
	return plain, nil
}

// call asks with a token; one that was got by signing in is got anew, once, where it is
// not taken any more.
func (t *transit) call(ctx context.Context, where string, message, into any) error {
	for again := false; ; again = true {
		token, ours, err := t.authority(ctx, again)
		if err != nil {
			return err
		}
		a, err := t.wire.post(ctx, t.address+where, message, t.header(token))
		if err != nil {
			return err
		}
		defer a.wipe()
		switch {
		case a.status == http.StatusOK:
			if a.read(into) != nil {
				return t.wire.strange()
			}
			if ours {
				return nil
			}
			return t.renew(ctx, token)
		case a.status == http.StatusForbidden && ours && !again:
		default:
			return t.wire.told(a.status, transitSays(a))
		}
	}
}

func (t *transit) header(token string) http.Header {
	h := http.Header{"X-Vault-Request": {"true"}}
	if token != "" {
		h.Set("X-Vault-Token", token)
	}
	if t.namespace != "" {
		h.Set("X-Vault-Namespace", t.namespace)
	}
	return h
}

// renew prolongs a token that was given, as whoever gave it meant it to be: one that
// cannot be renewed says so, and that is no fault.
func (t *transit) renew(ctx context.Context, token string) error {
	if a, err := t.wire.post(ctx, t.address+"auth/token/renew-self", struct{}{}, t.header(token)); err == nil {
		a.wipe()
	}
	return nil
}

// authority is a token, and whether it was got by signing in.
func (t *transit) authority(ctx context.Context, anew bool) (token string, ours bool, err error) {
	if t.login.how == "token" {
		token = cmp.Or(t.env.Get("VAULT_TOKEN"), t.env.Get("BAO_TOKEN"))
		if token == "" {
			token, err = t.env.word(t.login.tokenFile)
		}
		if err != nil || token == "" {
			return "", false, fault(ErrUnusable, "there is no token for the transit engine: start the server with VAULT_TOKEN, or name a file by token_file= in key:")
		}
		return token, false, nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.token == "" || anew || !t.now().Before(t.renewAt) {
		if err := t.signIn(ctx); err != nil {
			return "", true, err
		}
	}
	return t.token, true, nil
}

// signIn gets a token.
func (t *transit) signIn(ctx context.Context) error {
	message, err := t.evidence()
	if err != nil {
		return err
	}
	a, err := t.wire.post(ctx, t.address+"auth/"+t.login.mount+"/login", message, t.header(""))
	if err != nil {
		return err
	}
	defer a.wipe()
	var out struct {
		Auth struct {
			ClientToken   string `json:"client_token"`
			LeaseDuration int64  `json:"lease_duration"`
		}
	}
	switch {
	case a.status == http.StatusBadRequest:
		return t.wire.told(a.status, saying{ErrUnusable, wordsExpired})
	case a.status != http.StatusOK:
		return t.wire.told(a.status, transitSays(a))
	case a.read(&out) != nil || out.Auth.ClientToken == "":
		return t.wire.strange()
	}
	lease := time.Duration(min(out.Auth.LeaseDuration, 1<<31)) * time.Second
	if lease == 0 {
		lease = 24 * time.Hour // it does not end
	}
	t.token, t.renewAt = out.Auth.ClientToken, t.now().Add(lease*2/3)
	return nil
}

// evidence is what signing in shows.
func (t *transit) evidence() (map[string]string, error) {
	if t.login.how == "kubernetes" {
		jwt, err := t.env.word(t.login.jwtFile)
		if err != nil {
			return nil, fault(ErrUnusable, "signing in at the transit engine: %w", err)
		}
		return map[string]string{"role": t.login.role, "jwt": jwt}, nil
	}
	out := map[string]string{"role_id": t.env.Get("VAULT_ROLE_ID"), "secret_id": t.env.Get("VAULT_SECRET_ID")}
	if out["secret_id"] == "" && t.login.secretFile != "" {
		secret, err := t.env.word(t.login.secretFile)
		if err != nil {
			return nil, fault(ErrUnusable, "signing in at the transit engine: %w", err)
		}
		out["secret_id"] = secret
	}
	if out["role_id"] == "" {
		return nil, fault(ErrUnusable, "signing in at the transit engine by AppRole takes VAULT_ROLE_ID, and VAULT_SECRET_ID or secret_id_file= in key:")
	}
	return out, nil
}

// transitSays reads the errors of an answer: they are texts.
func transitSays(a *answer) saying {
	var out struct{ Errors []string }
	_ = a.read(&out)
	text := strings.ToLower(strings.Join(out.Errors, "\n"))
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(text, w) {
				return true
			}
		}
		return false
	}
	switch {
	case a.status == http.StatusForbidden && has("invalid token", "bad token"):
		return saying{ErrUnusable, wordsExpired}
	case a.status == http.StatusServiceUnavailable && has("sealed"):
		return saying{ErrUnavailable, "is sealed: have it unsealed; it is tried again"}
	case a.status >= 472 && a.status <= 473:
		return saying{ErrUnavailable, "is a standby that does not answer: set key: to the active one's address"}
	case a.status == http.StatusNotFound:
		return saying{ErrUnusable, "has no engine at this path: compare the mount in key: with what it lists"}
	case a.status != http.StatusBadRequest:
		return saying{}
	case has("message authentication failed", "invalid ciphertext", "unable to decrypt", "ciphertext is required"):
		return saying{ErrRefused, wordsRefused}
	case has("key not found", "key version"):
		return saying{ErrUnusable, wordsGone}
	case has("version is disallowed", "too old"):
		return saying{ErrUnusable, "does not open versions of the key that are as old as this: lower min_decryption_version"}
	case has("associated_data"):
		return saying{ErrUnusable, "has a key here that binds no associated data: make one of the type aes256-gcm96"}
	case has("context", "unsupported", "not support"):
		return saying{ErrUnusable, wordsUnfit}
	}
	return saying{}
}
