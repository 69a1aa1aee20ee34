package kms

import (
	"cmp"
	"context"
	"encoding/xml"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"hotcell/internal/value/sensitive"
)

// awsChain gets credentials of AWS as its own programs do, in their order: variables, a
// web identity, the shared file, a container's, a machine's. Single sign-on,
// credential_process and roles of the shared file are not among them.
type awsChain struct {
	wire   *wire
	env    *Environment
	now    func() time.Time
	region string
	sts    string

	mu    sync.Mutex
	known aws.Credentials
}

// awsAhead is how long before their end credentials are got anew.
const awsAhead = 5 * time.Minute

func newAWSChain(c Config, region, domain string) *awsChain {
	return &awsChain{
		wire: newWire(c, "AWS, asked for credentials,"), env: c.Environment, now: c.now, region: region,
		sts: cmp.Or(c.Environment.Get("AWS_ENDPOINT_URL_STS"), "https://sts."+region+"."+domain),
	}
}

// credentials are those that are known, or new ones.
func (c *awsChain) credentials(ctx context.Context, anew bool) (aws.Credentials, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known.HasKeys() && !anew && (!c.known.CanExpire || c.now().Before(c.known.Expires.Add(-awsAhead))) {
		return c.known, nil
	}
	found, err := c.find(ctx)
	if err != nil {
		return aws.Credentials{}, err
	}
	if !found.HasKeys() {
		return aws.Credentials{}, fault(ErrUnusable, "there are no credentials for AWS: docs/keys.md says where they are looked for")
	}
	c.known = found
	return found, nil
}

func (c *awsChain) find(ctx context.Context) (aws.Credentials, error) {
	env := c.env
	if id := env.Get("AWS_ACCESS_KEY_ID"); id != "" {
		return aws.Credentials{AccessKeyID: id, SecretAccessKey: env.Get("AWS_SECRET_ACCESS_KEY"), SessionToken: env.Get("AWS_SESSION_TOKEN")}, nil
	}
	if file := env.Get("AWS_WEB_IDENTITY_TOKEN_FILE"); file != "" {
		return c.webIdentity(ctx, file)
	}
	if text, err := env.Read(env.awsShared()); err == nil {
		defer sensitive.Wipe(text)
		if found := awsProfile(string(text), cmp.Or(env.Get("AWS_PROFILE"), "default")); found.HasKeys() {
			return found, nil
		}
	}
	if path := env.Get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"); path != "" {
		return c.fetch(ctx, "http://169.254.170.2/"+strings.TrimPrefix(path, "/"), nil)
	}
	if address := env.Get("AWS_CONTAINER_CREDENTIALS_FULL_URI"); address != "" {
		return c.container(ctx, address)
	}
	if env.Get("AWS_EC2_METADATA_DISABLED") == "true" {
		return aws.Credentials{}, nil
	}
	return c.machine(ctx)
}

// awsShared is where the shared file of credentials is.
func (e *Environment) awsShared() string {
	return cmp.Or(e.Get("AWS_SHARED_CREDENTIALS_FILE"), e.home(".aws", "credentials"))
}

// awsProfile reads one section of the shared file.
func awsProfile(text, profile string) (c aws.Credentials) {
	section := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			section = strings.TrimSpace(strings.Trim(line, "[]"))
			continue
		}
		name, value, _ := strings.Cut(line, "=")
		if section != profile {
			continue
		}
		switch value = strings.TrimSpace(value); strings.ToLower(strings.TrimSpace(name)) {
		case "aws_access_key_id":
			c.AccessKeyID = value
		case "aws_secret_access_key":
			c.SecretAccessKey = value
		case "aws_session_token":
			c.SessionToken = value
		}
	}
	return c
}

// webIdentity changes a token of a file, such as a Kubernetes service account's, for
// credentials of a role.
func (c *awsChain) webIdentity(ctx context.Context, file string) (aws.Credentials, error) {
	token, err := c.env.word(file)
	if err != nil {
		return aws.Credentials{}, fault(ErrUnusable, "getting credentials of AWS: %w", err)
	}
	at, err := endpoint(c.sts, "")
	if err != nil {
		return aws.Credentials{}, fault(ErrUnusable, "getting credentials of AWS: AWS_ENDPOINT_URL_STS is no https address")
	}
	a, err := c.wire.form(ctx, at+"/", url.Values{
		"Action": {"AssumeRoleWithWebIdentity"}, "Version": {"2011-06-15"}, "RoleArn": {c.env.Get("AWS_ROLE_ARN")},
		"RoleSessionName": {cmp.Or(c.env.Get("AWS_ROLE_SESSION_NAME"), "hotcell")}, "WebIdentityToken": {token},
	})
	if err != nil {
		return aws.Credentials{}, err
	}
	defer a.wipe()
	if a.status != http.StatusOK {
		return aws.Credentials{}, c.wire.told(a.status, ofStatus(a.status))
	}
	var out struct {
		Result struct {
			Credentials struct {
				AccessKeyID     string `xml:"AccessKeyId"`
				SecretAccessKey string
				SessionToken    string
				Expiration      time.Time
			}
		} `xml:"AssumeRoleWithWebIdentityResult"`
	}
	if xml.Unmarshal(a.body, &out) != nil {
		return aws.Credentials{}, c.wire.strange()
	}
	found := out.Result.Credentials
	return aws.Credentials{AccessKeyID: found.AccessKeyID, SecretAccessKey: found.SecretAccessKey, SessionToken: found.SessionToken, CanExpire: true, Expires: found.Expiration}, nil
}

// container asks the agent beside a container.
func (c *awsChain) container(ctx context.Context, address string) (aws.Credentials, error) {
	u, err := url.Parse(address)
	agent := err == nil && (u.Scheme == "https" || plainOnly(u) || u.Host == "169.254.170.2" || u.Host == "169.254.170.23" || u.Host == "[fd00:ec2::23]")
	if !agent || u.User != nil {
		return aws.Credentials{}, fault(ErrUnusable, "AWS_CONTAINER_CREDENTIALS_FULL_URI is no address of a container's agent")
	}
	token := c.env.Get("AWS_CONTAINER_AUTHORIZATION_TOKEN")
	if file := c.env.Get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"); file != "" {
		if token, err = c.env.word(file); err != nil {
			return aws.Credentials{}, fault(ErrUnusable, "getting credentials of AWS: %w", err)
		}
	}
	return c.fetch(ctx, address, http.Header{"Authorization": {token}})
}

// machine asks a machine's metadata (IMDSv2): a session first, then the role's name.
func (c *awsChain) machine(ctx context.Context) (aws.Credentials, error) {
	at := cmp.Or(c.env.Get("AWS_EC2_METADATA_SERVICE_ENDPOINT"), "http://169.254.169.254")
	u, err := url.Parse(at)
	if err != nil || !plainOnly(u) && u.Host != "169.254.169.254" && u.Host != "[fd00:ec2::254]" {
		return aws.Credentials{}, fault(ErrUnusable, "AWS_EC2_METADATA_SERVICE_ENDPOINT is no address of a machine's metadata")
	}
	at = strings.TrimSuffix(at, "/")
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, at+"/latest/api/token", nil)
	if err != nil {
		return aws.Credentials{}, err
	}
	r.Header.Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "300")
	session, err := c.wire.do(r)
	if err != nil {
		return aws.Credentials{}, fault(ErrUnusable, "there are no credentials for AWS, in variables, files or of this machine: docs/keys.md says where they are looked for")
	}
	defer session.wipe()
	header := http.Header{"X-Aws-Ec2-Metadata-Token": {string(session.body)}}
	const path = "/latest/meta-data/iam/security-credentials/"
	role, err := c.wire.get(ctx, at+path, header)
	if err != nil {
		return aws.Credentials{}, err
	}
	name, _, _ := strings.Cut(strings.TrimSpace(string(role.body)), "\n")
	if role.status != http.StatusOK || name == "" {
		return aws.Credentials{}, fault(ErrUnusable, "this machine has no role of AWS: give it one, or start the server with credentials")
	}
	return c.fetch(ctx, at+path+url.PathEscape(name), header)
}

// fetch reads credentials in the form that containers and machines have them.
func (c *awsChain) fetch(ctx context.Context, address string, header http.Header) (aws.Credentials, error) {
	a, err := c.wire.get(ctx, address, header)
	if err != nil {
		return aws.Credentials{}, err
	}
	defer a.wipe()
	if a.status != http.StatusOK {
		return aws.Credentials{}, c.wire.told(a.status, ofStatus(a.status))
	}
	var out struct {
		AccessKeyID     string `json:"AccessKeyId"`
		SecretAccessKey string
		Token           string
		Expiration      time.Time
	}
	if a.read(&out) != nil {
		return aws.Credentials{}, c.wire.strange()
	}
	return aws.Credentials{AccessKeyID: out.AccessKeyID, SecretAccessKey: out.SecretAccessKey, SessionToken: out.Token, CanExpire: !out.Expiration.IsZero(), Expires: out.Expiration}, nil
}
