package inject_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"hotcell/internal/wire/inject"
)

var now = time.Date(2026, 11, 24, 5, 0, 0, 0, time.UTC)

func TestWhatTheClientPutThereIsGone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		auth inject.Auth
		key  string
		want func(*http.Request) (got, want string)
	}{
		{inject.Auth{Kind: "bearer"}, "k", func(r *http.Request) (string, string) {
			return strings.Join(r.Header["Authorization"], "|"), "Bearer k"
		}},
		{inject.Auth{Kind: "basic", User: "ada"}, "pw", func(r *http.Request) (string, string) {
			u, p, _ := r.BasicAuth()
			return u + ":" + p, "ada:pw"
		}},
		{inject.Auth{Kind: "basic"}, "ada:p:w", func(r *http.Request) (string, string) {
			u, p, _ := r.BasicAuth()
			return u + ":" + p, "ada:p:w"
		}},
		{inject.Auth{Kind: "header", Name: "x-api-KEY", Prefix: "Token "}, "k", func(r *http.Request) (string, string) { return strings.Join(r.Header["X-Api-Key"], "|"), "Token k" }},
		{inject.Auth{Kind: "query", Name: "api_key"}, "k&=", func(r *http.Request) (string, string) { return r.URL.RawQuery, "a=%2F;&b&api_key=k%26%3D" }},
		{inject.Auth{Kind: "cookie", Name: "session"}, "k", func(r *http.Request) (string, string) {
			return strings.Join(r.Header["Cookie"], "|"), "a=1; b=2; session=k"
		}},
	} {
		r := httptest.NewRequest(http.MethodGet, "/x?a=%2F;&api_key=own&b&api%5Fkey=own&API_KEY=own", nil)
		r.Header = http.Header{"Authorization": {"own", "own"}, "X-Api-Key": {"own", "own"}, "Cookie": {"a=1; session=own", "b=2; Session=own"}}
		if err := c.auth.Apply(r, []byte(c.key), now); err != nil {
			t.Fatal(err)
		}
		if got, want := c.want(r); got != want {
			t.Errorf("%s: %q, want %q", c.auth.Kind, got, want)
		}
	}
}

// signature computes AWS Signature Version 4 by its documentation's four tasks,
// of what was signed, for services other than S3.
func signature(r *http.Request, secret, region, service string) string {
	_, rest, _ := strings.Cut(r.Header.Get("Authorization"), "SignedHeaders=")
	signed, _, _ := strings.Cut(rest, ",")
	var headers strings.Builder
	for name := range strings.SplitSeq(signed, ";") {
		value := strings.Join(r.Header.Values(name), ",")
		if name == "host" {
			value = r.Host
		}
		if name == "content-length" {
			value = fmt.Sprint(r.ContentLength)
		}
		fmt.Fprintf(&headers, "%s:%s\n", name, strings.TrimSpace(value))
	}
	pairs := strings.Split(r.URL.Query().Encode(), "&")
	slices.Sort(pairs)
	hash := func(s string) string { sum := sha256.Sum256([]byte(s)); return hex.EncodeToString(sum[:]) }
	payload := r.Header.Get("X-Amz-Content-Sha256")
	if payload == "" {
		payload = hash("")
	}
	canonical := strings.Join([]string{r.Method, r.URL.EscapedPath(), strings.ReplaceAll(strings.Join(pairs, "&"), "+", "%20"), headers.String(), signed, payload}, "\n")
	date := r.Header.Get("X-Amz-Date")
	scope := date[:8] + "/" + region + "/" + service + "/aws4_request"
	key := []byte("AWS4" + secret)
	for _, part := range []string{date[:8], region, service, "aws4_request", "AWS4-HMAC-SHA256\n" + date + "\n" + scope + "\n" + hash(canonical)} {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	return hex.EncodeToString(key)
}

func TestRequestsAreSignedAnew(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"/", "/a/b?x=1&a=2", "/?Action=List&Version=2010-05-08"} {
		r := httptest.NewRequest(http.MethodGet, "https://iam.amazonaws.com"+target, nil)
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIAOWN/20261124/eu-west-1/iam/aws4_request, SignedHeaders=host, Signature=00")
		r.Header.Set("X-Amz-Date", "20200101T000000Z")
		r.Header.Set("X-Amz-Security-Token", "own")
		if err := (inject.Auth{Kind: "sigv4"}).Apply(r, []byte("AKIDEXAMPLE:wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"), now); err != nil {
			t.Fatal(err)
		}
		got := r.Header.Get("Authorization")
		want := signature(r, "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "eu-west-1", "iam")
		if !strings.Contains(got, "Credential=AKIDEXAMPLE/20261124/eu-west-1/iam/") || !strings.HasSuffix(got, "Signature="+want) || r.Header.Get("X-Amz-Security-Token") != "" {
			t.Errorf("%s: %s, want the signature %s", target, got, want)
		}
	}
}

func TestWhatCannotBeSignedIsRefusedWithAWord(t *testing.T) {
	t.Parallel()
	auth := inject.Auth{Kind: "sigv4", Region: "eu-west-1", Service: "s3", AccessKeyID: "AKIDEXAMPLE"}
	for hash, word := range map[string]string{"STREAMING-AWS4-HMAC-SHA256-PAYLOAD": "one by one", "": "needed", "abc": "no SHA-256"} {
		r := httptest.NewRequest(http.MethodPut, "https://b.s3.amazonaws.com/k", strings.NewReader("x"))
		if hash != "" {
			r.Header.Set("X-Amz-Content-Sha256", hash)
		}
		if err := auth.Apply(r, []byte("secret"), now); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%s: %v", hash, err)
		}
	}
	r := httptest.NewRequest(http.MethodGet, "https://example.com/", nil)
	if err := (inject.Auth{Kind: "sigv4"}).Apply(r, []byte("A:b"), now); err == nil || !strings.Contains(err.Error(), "region") {
		t.Errorf("no region: %v", err)
	}
}

func BenchmarkBearer(b *testing.B) {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	key := []byte("sk_live_51Hx9Zq2eTyVb3")
	for b.Loop() {
		_ = inject.Auth{Kind: "bearer"}.Apply(r, key, now)
	}
}
