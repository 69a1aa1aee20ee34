package kms

import (
	"cmp"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"hotcell/internal/value/sensitive"
)

// bearer keeps one token until shortly before its end.
type bearer struct {
	now func() time.Time

	mu    sync.Mutex
	known string
	until time.Time
}

// tokenAhead is how long before its end a token is got anew.
const tokenAhead = 2 * time.Minute

// get is the token that is known, or a new one.
func (b *bearer) get(anew bool, fetch func() (string, time.Duration, error)) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.known != "" && !anew && b.now().Before(b.until) {
		return b.known, nil
	}
	token, life, err := fetch()
	if err != nil {
		return "", err
	}
	b.known, b.until = token, b.now().Add(life-tokenAhead)
	return token, nil
}

// tokenOf reads the answer of a token endpoint (RFC 6749 section 5.1); some write the
// number of seconds as a text.
func (w *wire) tokenOf(a *answer, err error) (string, time.Duration, error) {
	if err != nil {
		return "", 0, err
	}
	defer a.wipe()
	switch {
	case a.status == http.StatusBadRequest, a.status == http.StatusUnauthorized:
		return "", 0, w.told(a.status, saying{ErrUnusable, wordsExpired})
	case a.status != http.StatusOK:
		return "", 0, w.told(a.status, ofStatus(a.status))
	}
	var out struct {
		Token   string          `json:"access_token"`
		Seconds json.RawMessage `json:"expires_in"`
	}
	if a.read(&out) != nil || out.Token == "" {
		return "", 0, w.strange()
	}
	text := string(out.Seconds)
	if unquoted, err := strconv.Unquote(text); err == nil {
		text = unquoted
	}
	seconds, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		seconds = 300
	}
	return out.Token, time.Duration(seconds) * time.Second, nil
}

// googleTokens gets tokens as Google's own libraries do: from the file that
// GOOGLE_APPLICATION_CREDENTIALS names (a service account's key, or a person's), else
// from the machine's metadata. Workload identity federation by a file is not among them.
type googleTokens struct {
	wire   *wire
	env    *Environment
	bearer bearer
}

const (
	googleScope = "https://www.googleapis.com/auth/cloudkms"
	googleAsk   = "https://oauth2.googleapis.com/token"
)

func newGoogleTokens(c Config) *googleTokens {
	return &googleTokens{wire: newWire(c, "Google, asked for a token,"), env: c.Environment, bearer: bearer{now: c.now}}
}

// googleFile is where the usual file of credentials is.
func (e *Environment) googleFile() string {
	return cmp.Or(e.Get("GOOGLE_APPLICATION_CREDENTIALS"), e.home(".config", "gcloud", "application_default_credentials.json"))
}

func (t *googleTokens) token(ctx context.Context, anew bool) (string, error) {
	return t.bearer.get(anew, func() (string, time.Duration, error) {
		text, err := t.env.Read(t.env.googleFile())
		if err != nil && t.env.Get("GOOGLE_APPLICATION_CREDENTIALS") == "" {
			return t.machine(ctx)
		}
		if err != nil {
			return "", 0, fault(ErrUnusable, "getting a token of Google: %w", err)
		}
		defer sensitive.Wipe(text)
		return t.ofFile(ctx, text)
	})
}

func (t *googleTokens) machine(ctx context.Context) (string, time.Duration, error) {
	host := cmp.Or(t.env.Get("GCE_METADATA_HOST"), "169.254.169.254")
	if u := (&url.URL{Host: host}); host != "169.254.169.254" && host != "metadata.google.internal" && !plainOnly(u) {
		return "", 0, fault(ErrUnusable, "GCE_METADATA_HOST is no address of a machine's metadata")
	}
	a, err := t.wire.get(ctx, "http://"+host+"/computeMetadata/v1/instance/service-accounts/default/token?scopes="+url.QueryEscape(googleScope), http.Header{"Metadata-Flavor": {"Google"}})
	if err != nil {
		return "", 0, fault(ErrUnusable, "there are no credentials for Google, in a file or of this machine: docs/keys.md says where they are looked for")
	}
	return t.wire.tokenOf(a, nil)
}

// googleAccount is a file of credentials.
type googleAccount struct {
	Type         string
	ClientEmail  string `json:"client_email"`
	PrivateKey   string `json:"private_key"`
	PrivateKeyID string `json:"private_key_id"`
	TokenURI     string `json:"token_uri"`
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
	RefreshToken string `json:"refresh_token"`
}

func (t *googleTokens) ofFile(ctx context.Context, text []byte) (string, time.Duration, error) {
	var account googleAccount
	if json.Unmarshal(text, &account) != nil {
		return "", 0, fault(ErrUnusable, "the file of GOOGLE_APPLICATION_CREDENTIALS is no JSON of Google's")
	}
	at, err := url.Parse(cmp.Or(account.TokenURI, googleAsk))
	if err != nil || at.User != nil || at.Scheme != "https" && !plainOnly(at) {
		return "", 0, fault(ErrUnusable, "the file of GOOGLE_APPLICATION_CREDENTIALS names a token_uri that is no https address")
	}
	switch account.Type {
	case "service_account":
		assertion, err := account.assertion(at.String(), t.bearer.now())
		if err != nil {
			return "", 0, fault(ErrUnusable, "the file of GOOGLE_APPLICATION_CREDENTIALS holds no private key that can sign")
		}
		return t.wire.tokenOf(t.wire.form(ctx, at.String(), url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {assertion}}))
	case "authorized_user":
		return t.wire.tokenOf(t.wire.form(ctx, at.String(), url.Values{
			"grant_type": {"refresh_token"}, "client_id": {account.ClientID}, "client_secret": {account.ClientSecret}, "refresh_token": {account.RefreshToken},
		}))
	}
	return "", 0, fault(ErrUnusable, "the file of GOOGLE_APPLICATION_CREDENTIALS is of a kind that is not known here: a service account's key, or a person's, is")
}

// assertion is a signed word of a service account's (RFC 7523).
func (a googleAccount) assertion(audience string, now time.Time) (string, error) {
	block, _ := pem.Decode([]byte(a.PrivateKey))
	if block == nil {
		return "", errors.New("there is no key")
	}
	defer sensitive.Wipe(block.Bytes)
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return "", errors.New("the key cannot be read")
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return "", errors.New("the key is of another kind")
	}
	header, err := json.Marshal(map[string]string{"alg": "RS256", "typ": "JWT", "kid": a.PrivateKeyID})
	if err != nil {
		return "", err
	}
	claims, err := json.Marshal(map[string]any{"iss": a.ClientEmail, "scope": googleScope, "aud": audience, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix()})
	if err != nil {
		return "", err
	}
	text := base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString(claims)
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		return "", errors.New("the key does not sign")
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}
