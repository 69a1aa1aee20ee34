package kms

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"encoding/json"

	"hotcell/internal/value/sensitive"
)

// awsKey is a symmetric key of AWS KMS:
//
//	awskms:///arn:aws:kms:eu-central-1:111122223333:key/1234abcd-…
//
// Associated data is the encryption context, under one name. The protocol is AWS JSON
// 1.1, signed by Signature Version 4:
// https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html
type awsKey struct {
	wire     *wire
	chain    *awsChain
	signer   *v4.Signer
	now      func() time.Time
	arn      string
	region   string
	endpoint string
}

// awsContext is the name under which the encryption context has the associated data.
const awsContext = "hotcell"

var arnPattern = regexp.MustCompile(`^arn:(aws[a-z-]*):kms:([a-z0-9-]+):(\d{12}):(?:key|alias)/[A-Za-z0-9/_-]+$`)

func openAWS(c Config, u *url.URL) (api, error) {
	set, err := settings(u, "endpoint")
	if err != nil {
		return nil, err
	}
	arn := strings.TrimPrefix(u.Path, "/")
	m := arnPattern.FindStringSubmatch(arn)
	if u.Host != "" || m == nil {
		return nil, errors.New("reading the key's URL: a key of AWS is awskms:///arn:aws:kms:REGION:ACCOUNT:key/ID, with three slashes")
	}
	domain := "amazonaws.com"
	if m[1] == "aws-cn" {
		domain = "amazonaws.com.cn"
	}
	at, err := endpoint(set["endpoint"], "https://kms."+m[2]+"."+domain)
	if err != nil {
		return nil, err
	}
	return &awsKey{
		wire: newWire(c, "AWS KMS in "+m[2]), chain: newAWSChain(c, m[2], domain), signer: v4.NewSigner(), now: c.now, arn: arn, region: m[2], endpoint: at,
	}, nil
}

func (k *awsKey) name() string { return k.arn }

func (k *awsKey) message(associatedData []byte) map[string]any {
	return map[string]any{
		"KeyId": k.arn, "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
		"EncryptionContext": map[string]string{awsContext: base64.StdEncoding.EncodeToString(associatedData)},
	}
}

func (k *awsKey) wrap(ctx context.Context, plaintext, associatedData []byte) ([]byte, error) {
	message := k.message(associatedData)
	message["Plaintext"] = plaintext
	var out struct{ CiphertextBlob []byte }
	if err := k.call(ctx, "Encrypt", message, &out); err != nil {
		return nil, err
	}
	if len(out.CiphertextBlob) == 0 {
		return nil, k.wire.strange()
	}
	return out.CiphertextBlob, nil
}

func (k *awsKey) unwrap(ctx context.Context, sealed, associatedData []byte) ([]byte, error) {
	message := k.message(associatedData)
	message["CiphertextBlob"] = sealed
	var out struct{ Plaintext []byte }
	if err := k.call(ctx, "Decrypt", message, &out); err != nil {
		return nil, err
	}
	if out.Plaintext == nil {
		return nil, k.wire.strange()
	}
	return out.Plaintext, nil
}

// call signs and sends. Credentials that are not taken any more are got anew, once.
func (k *awsKey) call(ctx context.Context, operation string, message, into any) error {
	text, err := json.Marshal(message)
	if err != nil {
		return err
	}
	defer sensitive.Wipe(text)
	for again := false; ; again = true {
		a, err := k.once(ctx, operation, text, again)
		if err != nil {
			return err
		}
		defer a.wipe()
		if a.status == http.StatusOK {
			if a.read(into) != nil {
				return k.wire.strange()
			}
			return nil
		}
		said, stale := awsSays(a)
		if !stale || again {
			return k.wire.told(a.status, said)
		}
	}
}

func (k *awsKey) once(ctx context.Context, operation string, text []byte, anew bool) (*answer, error) {
	credentials, err := k.chain.credentials(ctx, anew)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, k.endpoint+"/", bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "TrentService."+operation)
	sum := sha256.Sum256(text)
	if err := k.signer.SignHTTP(ctx, credentials, r, hex.EncodeToString(sum[:]), "kms", k.region, k.now()); err != nil {
		return nil, fault(ErrUnusable, "signing a request to AWS KMS failed")
	}
	return k.wire.do(r)
}

// awsErrors are the words for the exceptions of AWS KMS and of its way in.
// https://docs.aws.amazon.com/kms/latest/APIReference/CommonErrors.html
func awsErrors(name string) (s saying, stale bool) {
	switch name {
	case "InvalidCiphertextException", "IncorrectKeyException":
		return saying{ErrRefused, wordsRefused}, false
	case "DisabledException":
		return saying{ErrUnusable, wordsDisabled}, false
	case "KMSInvalidStateException":
		return saying{ErrUnusable, "has the key in a state in which it does nothing: cancel its deletion, or import its material again"}, false
	case "NotFoundException":
		return saying{ErrUnusable, wordsGone}, false
	case "InvalidKeyUsageException", "UnsupportedOperationException":
		return saying{ErrUnusable, wordsUnfit}, false
	case "AccessDeniedException", "AccessDenied", "OptInRequired":
		return saying{ErrUnusable, wordsDenied}, false
	case "ExpiredTokenException", "ExpiredToken", "UnrecognizedClientException", "InvalidClientTokenId", "InvalidSignatureException",
		"SignatureDoesNotMatch", "IncompleteSignature", "MissingAuthenticationTokenException", "RequestExpired":
		return saying{ErrUnusable, wordsExpired + ", and look at this machine's clock"}, true
	case "ThrottlingException", "Throttling", "LimitExceededException", "TooManyRequestsException", "RequestLimitExceeded":
		return saying{ErrUnavailable, wordsThrottled}, false
	case "KMSInternalException", "DependencyTimeoutException", "KeyUnavailableException", "InternalFailure", "ServiceUnavailable":
		return saying{ErrUnavailable, "has a fault of its own: look at its state; it is tried again"}, false
	}
	return saying{}, false
}

func awsSays(a *answer) (saying, bool) {
	var out struct {
		Type string `json:"__type"`
		Code string `json:"code"`
	}
	_ = a.read(&out)
	name := out.Type
	if name == "" {
		name = out.Code
	}
	if name == "" {
		name, _, _ = strings.Cut(a.header.Get("X-Amzn-Errortype"), ":")
	}
	return awsErrors(name[strings.LastIndexByte(name, '#')+1:])
}
