package inject

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"hotcell"
)

// credentials reads a key of AWS: the secret access key alone, "id:secret", or
// the JSON that `aws sts` prints.
func (a Auth) credentials(key []byte) (c aws.Credentials, err error) {
	text := strings.TrimSpace(string(key))
	c.AccessKeyID = a.AccessKeyID
	switch {
	case strings.HasPrefix(text, "{"):
		var sts struct{ Credentials awsKeys }
		var plain awsKeys
		if json.Unmarshal(key, &sts) != nil || json.Unmarshal(key, &plain) != nil {
			return c, hotcell.Invalid("/key", "this is no JSON of AWS credentials")
		}
		if plain.SecretAccessKey == "" {
			plain = sts.Credentials
		}
		c.AccessKeyID, c.SecretAccessKey, c.SessionToken = plain.AccessKeyID, plain.SecretAccessKey, plain.SessionToken
	default:
		if id, secret, found := strings.Cut(text, ":"); found {
			c.AccessKeyID, c.SecretAccessKey = id, secret
		} else {
			c.SecretAccessKey = text
		}
	}
	if c.AccessKeyID == "" || c.SecretAccessKey == "" || strings.ContainsAny(c.AccessKeyID+c.SecretAccessKey+c.SessionToken, " \t\r\n") {
		return c, hotcell.Invalid("/key", "a key for sigv4 is ID:SECRET, or the JSON of aws sts; the secret alone needs the access key's id beside it")
	}
	return c, nil
}

type awsKeys struct {
	AccessKeyID     string `json:"AccessKeyId"`
	SecretAccessKey string
	SessionToken    string
}

// scope is where a client's own signature says region and service.
var scope = regexp.MustCompile(`Credential=[^/,\s]+/\d{8}/([A-Za-z0-9-]+)/([A-Za-z0-9-]+)/aws4_request`)

// sign signs a request anew (AWS Signature Version 4), over the hash of the body
// that the client itself gives.
func (a Auth) sign(r *http.Request, key []byte, now time.Time) error {
	c, err := a.credentials(key)
	if err != nil {
		return err
	}
	region, service := a.Region, a.Service
	if found := scope.FindStringSubmatch(r.Header.Get("Authorization")); found != nil {
		region, service = or(region, found[1]), or(service, found[2])
	}
	if region == "" || service == "" {
		return fmt.Errorf("%w: the request names no region and service: sign it with any key, or give the connection both", hotcell.ErrDenied)
	}
	hash := r.Header.Get("X-Amz-Content-Sha256")
	switch {
	case strings.HasPrefix(hash, "STREAMING-"):
		return fmt.Errorf("%w: uploads whose chunks are signed one by one cannot be signed anew: have the client send the payload unsigned or as a whole (for the AWS CLI and SDKs: request_checksum_calculation = when_required, payload_signing_enabled = false)", hotcell.ErrDenied)
	case hash == "" && (r.Body == nil || r.Body == http.NoBody):
		hash = emptyHash
	case hash == "":
		return fmt.Errorf("%w: the request has a body and no X-Amz-Content-Sha256, which is needed to sign it anew", hotcell.ErrDenied)
	case hash != "UNSIGNED-PAYLOAD" && !sha256Hex.MatchString(hash):
		return fmt.Errorf("%w: X-Amz-Content-Sha256 is no SHA-256", hotcell.ErrDenied)
	}
	for _, name := range []string{"Authorization", "X-Amz-Date", "X-Amz-Security-Token", "Date"} {
		r.Header.Del(name)
	}
	presigned(r.URL)
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = service == "s3" })
	if err := signer.SignHTTP(r.Context(), c, r, hash, service, region, now.UTC()); err != nil {
		return fmt.Errorf("%w: the request cannot be signed", hotcell.ErrDenied)
	}
	return nil
}

// emptyHash is the SHA-256 of nothing.
const emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

var sha256Hex = regexp.MustCompile(`^[0-9a-f]{64}$`)

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// presigned takes a signature out of a query.
func presigned(u *url.URL) {
	if !strings.Contains(strings.ToLower(u.RawQuery), "x-amz-") {
		return
	}
	for _, name := range []string{"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature", "X-Amz-Security-Token"} {
		u.RawQuery = without(u.RawQuery, "&", name, queryName)
	}
}
