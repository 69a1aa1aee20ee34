package keys

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// AWS is a twin of AWS KMS with one key, of its token service, and of a machine's
// metadata. It checks signatures with AWS's own signer.
type AWS struct {
	Desk
	ARN   string
	Keys  aws.Credentials // what is taken
	Token string          // the web identity that is taken
	seal  seal
}

// NewAWS is one with a fresh key.
func NewAWS() *AWS {
	return &AWS{
		ARN:  "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
		Keys: aws.Credentials{AccessKeyID: "AKIDTWIN", SecretAccessKey: "hc-canary-aws-secret", SessionToken: "hc-canary-aws-session"},
		seal: newSeal(), Token: "hc-canary-web-identity",
	}
}

type awsMessage struct {
	KeyID             string `json:"KeyId"`
	Plaintext         []byte
	CiphertextBlob    []byte
	EncryptionContext map[string]string
}

// ServeHTTP implements [http.Handler].
func (t *AWS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/latest/") || strings.HasPrefix(r.URL.Path, "/v2/") {
		t.metadata(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		r.Body = io.NopCloser(bytes.NewReader(body))
		t.tokens(w, r)
		return
	}
	operation := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "TrentService.")
	trouble := t.asked(operation)
	if fails(w, r, trouble) {
		return
	}
	var m awsMessage
	if r.Header.Get("Content-Type") != "application/x-amz-json-1.1" || json.Unmarshal(body, &m) != nil {
		t.refuse(w, 400, "SerializationException", m)
		return
	}
	if !t.signed(r, body) {
		t.refuse(w, 400, "InvalidSignatureException", m)
		return
	}
	if status, name := awsTrouble(trouble); name != "" {
		t.refuse(w, status, name, m)
		return
	}
	if m.KeyID != "" && m.KeyID != t.ARN {
		t.refuse(w, 400, "NotFoundException", m)
		return
	}
	t.operate(w, operation, m, trouble)
}

func (t *AWS) operate(w http.ResponseWriter, operation string, m awsMessage, trouble Trouble) {
	data, _ := json.Marshal(m.EncryptionContext) // in the order of its names
	out := map[string]any{"KeyId": t.ARN, "EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}
	switch operation {
	case "Encrypt":
		out["CiphertextBlob"] = t.seal.close(m.Plaintext, data)
	case "Decrypt":
		plain, ok := t.seal.open(m.CiphertextBlob, data)
		if !ok {
			t.refuse(w, 400, "InvalidCiphertextException", m)
			return
		}
		if trouble == Swapped {
			plain = swapped(plain)
		}
		out["Plaintext"] = plain
	default:
		t.refuse(w, 400, "UnknownOperationException", m)
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	_ = json.NewEncoder(w).Encode(out)
}

func awsTrouble(t Trouble) (int, string) {
	switch t {
	case Throttled:
		return 400, "ThrottlingException"
	case Broken:
		return 500, "KMSInternalException"
	case Disabled:
		return 400, "DisabledException"
	case Deleted:
		return 400, "KMSInvalidStateException"
	case Denied:
		return 400, "AccessDeniedException"
	case Expired:
		return 400, "ExpiredTokenException"
	default:
		return 0, ""
	}
}

// refuse says no, and repeats what it was sent, as a service might.
func (t *AWS) refuse(w http.ResponseWriter, status int, name string, m awsMessage) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": "com.amazonaws.kms#" + name, "message": fmt.Sprintf("you sent %s", m.Plaintext)})
}

// signed signs the request again, and compares.
func (t *AWS) signed(r *http.Request, body []byte) bool {
	given := r.Header.Get("Authorization")
	_, list, found := strings.Cut(given, "SignedHeaders=")
	list, _, _ = strings.Cut(list, ",")
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	must := strings.Split(list, ";")
	if !found || err != nil || !slices.Contains(must, "x-amz-target") || !slices.Contains(must, "host") || r.Header.Get("X-Amz-Security-Token") != t.Keys.SessionToken {
		return false
	}
	//nolint:gosec // it is signed, and goes nowhere
	again, err := http.NewRequestWithContext(r.Context(), r.Method, "http://"+r.Host+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		return false
	}
	for _, name := range must {
		if name != "host" && name != "content-length" {
			again.Header[http.CanonicalHeaderKey(name)] = r.Header.Values(name)
		}
	}
	sum := sha256.Sum256(body)
	if v4.NewSigner().SignHTTP(r.Context(), t.Keys, again, hex.EncodeToString(sum[:]), "kms", strings.Split(t.ARN, ":")[3], at) != nil {
		return false
	}
	return again.Header.Get("Authorization") == given
}

// tokens is the token service: a role's credentials for a web identity.
func (t *AWS) tokens(w http.ResponseWriter, r *http.Request) {
	t.asked("AssumeRoleWithWebIdentity")
	if r.FormValue("Action") != "AssumeRoleWithWebIdentity" || r.FormValue("WebIdentityToken") != t.Token || r.FormValue("RoleArn") == "" || r.FormValue("RoleSessionName") == "" {
		w.WriteHeader(http.StatusForbidden)
		//nolint:gosec // it repeats what it was sent on purpose
		_, _ = fmt.Fprintf(w, "<ErrorResponse><Error><Code>AccessDenied</Code><Message>%s</Message></Error></ErrorResponse>", r.FormValue("WebIdentityToken"))
		return
	}
	_, _ = fmt.Fprintf(w, `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials>
<AccessKeyId>%s</AccessKeyId><SecretAccessKey>%s</SecretAccessKey><SessionToken>%s</SessionToken><Expiration>%s</Expiration>
</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`, t.Keys.AccessKeyID, t.Keys.SecretAccessKey, t.Keys.SessionToken, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
}

// metadata is a machine's (IMDSv2), and a container's.
func (t *AWS) metadata(w http.ResponseWriter, r *http.Request) {
	const roles = "/latest/meta-data/iam/security-credentials/"
	switch {
	case r.URL.Path == "/latest/api/token" && r.Method == http.MethodPut && r.Header.Get("X-Aws-Ec2-Metadata-Token-Ttl-Seconds") != "":
		_, _ = w.Write([]byte("session"))
	case strings.HasPrefix(r.URL.Path, "/v2/") && r.Header.Get("Authorization") != "container":
		w.WriteHeader(http.StatusForbidden)
	case strings.HasPrefix(r.URL.Path, "/latest/") && r.Header.Get("X-Aws-Ec2-Metadata-Token") != "session":
		w.WriteHeader(http.StatusUnauthorized)
	case r.URL.Path == roles:
		_, _ = w.Write([]byte("hotcell-role"))
	case r.URL.Path == roles+"hotcell-role", strings.HasPrefix(r.URL.Path, "/v2/credentials/"):
		t.asked("metadata")
		answer(w, 200, map[string]any{
			"Code": "Success", "AccessKeyId": t.Keys.AccessKeyID, "SecretAccessKey": t.Keys.SecretAccessKey, "Token": t.Keys.SessionToken, "Expiration": time.Now().Add(time.Hour).UTC(),
		})
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}
