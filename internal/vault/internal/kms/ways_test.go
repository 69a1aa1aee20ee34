package kms_test

import (
	"context"
	"encoding/base64"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"

	"hotcell/internal/vault/internal/kms"
	"hotcell/test/acme/keys"
)

func put(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// works wraps and unwraps once.
func works(t *testing.T, name string, variables map[string]string) error {
	t.Helper()
	key := openKey(t, name, variables)
	wrapped, err := key.Wrap(t.Context(), []byte(keysetText), []byte("wsp_a"))
	if err != nil {
		return err
	}
	_, err = key.Unwrap(t.Context(), wrapped, []byte("wsp_a"))
	return err
}

func TestEachWayInToAService(t *testing.T) {
	t.Parallel()
	amazon := keys.NewAWS()
	at := serve(t, amazon)
	ofAWS := "awskms:///" + amazon.ARN + "?endpoint=" + url.QueryEscape(at)
	shared := put(t, "[other]\naws_access_key_id = no\naws_secret_access_key = no\n[hotcell]\naws_access_key_id="+amazon.Keys.AccessKeyID+"\naws_secret_access_key = "+amazon.Keys.SecretAccessKey+"\naws_session_token = "+amazon.Keys.SessionToken+"\n")
	engine := keys.NewTransit()
	ofTransit := "hcvault://" + strings.TrimPrefix(serve(t, engine), "http://") + "/transit/keys/hotcell?tls=off"
	cloud, err := keys.NewGoogle()
	if err != nil {
		t.Fatal(err)
	}
	ofGoogle := serve(t, cloud)
	vault, err := keys.NewAzure()
	if err != nil {
		t.Fatal(err)
	}
	ofAzure := serve(t, vault)
	azureKey := "azurekv://acme.vault.azure.net/keys/hotcell?endpoint=" + url.QueryEscape(ofAzure)
	for name, c := range map[string]struct {
		url       string
		variables map[string]string
		fails     bool
	}{
		"AWS, shared file":        {ofAWS, map[string]string{"AWS_SHARED_CREDENTIALS_FILE": shared, "AWS_PROFILE": "hotcell"}, false},
		"AWS, another profile":    {ofAWS, map[string]string{"AWS_SHARED_CREDENTIALS_FILE": shared, "AWS_PROFILE": "other"}, true},
		"AWS, no credentials":     {ofAWS, map[string]string{"AWS_EC2_METADATA_DISABLED": "true"}, true},
		"AWS, web identity":       {ofAWS, map[string]string{"AWS_WEB_IDENTITY_TOKEN_FILE": put(t, amazon.Token+"\n"), "AWS_ROLE_ARN": "arn", "AWS_ENDPOINT_URL_STS": at}, false},
		"AWS, wrong identity":     {ofAWS, map[string]string{"AWS_WEB_IDENTITY_TOKEN_FILE": put(t, "hc-canary-wrong"), "AWS_ROLE_ARN": "arn", "AWS_ENDPOINT_URL_STS": at}, true},
		"AWS, container":          {ofAWS, map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": at + "/v2/credentials/1", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "container"}, false},
		"AWS, container's file":   {ofAWS, map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": at + "/v2/credentials/1", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": put(t, "container")}, false},
		"AWS, container abroad":   {ofAWS, map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://192.0.2.1/v2"}, true},
		"AWS, machine":            {ofAWS, map[string]string{"AWS_EC2_METADATA_SERVICE_ENDPOINT": at}, false},
		"AWS, wrong secret":       {ofAWS, map[string]string{"AWS_ACCESS_KEY_ID": amazon.Keys.AccessKeyID, "AWS_SECRET_ACCESS_KEY": "hc-canary-wrong", "AWS_SESSION_TOKEN": amazon.Keys.SessionToken}, true},
		"transit, file":           {ofTransit + "&token_file=" + put(t, engine.Token+"\n"), nil, false},
		"transit, OpenBao's name": {ofTransit, map[string]string{"BAO_TOKEN": engine.Token}, false},
		"transit, AppRole":        {ofTransit + "&auth=approle", map[string]string{"VAULT_ROLE_ID": engine.RoleID, "VAULT_SECRET_ID": engine.SecretID}, false},
		"transit, AppRole's file": {ofTransit + "&auth=approle&secret_id_file=" + put(t, engine.SecretID), map[string]string{"VAULT_ROLE_ID": engine.RoleID}, false},
		"transit, wrong AppRole":  {ofTransit + "&auth=approle", map[string]string{"VAULT_ROLE_ID": engine.RoleID, "VAULT_SECRET_ID": "hc-canary-wrong"}, true},
		"transit, Kubernetes":     {ofTransit + "&auth=kubernetes&role=hotcell&jwt_file=" + put(t, engine.JWT), nil, false},
		"transit, no token":       {ofTransit, nil, true},
		"transit, wrong token":    {ofTransit, map[string]string{"VAULT_TOKEN": "hc-canary-wrong"}, true},
		"transit, namespace":      {ofTransit + "&namespace=other", map[string]string{"VAULT_TOKEN": engine.Token}, true},
		"Google, machine":         {"gcpkms://" + cloud.Key + "?endpoint=" + url.QueryEscape(ofGoogle), map[string]string{"GCE_METADATA_HOST": strings.TrimPrefix(ofGoogle, "http://")}, false},
		"Google, another's word":  {"gcpkms://" + cloud.Key + "?endpoint=" + url.QueryEscape(ofGoogle), map[string]string{"GOOGLE_APPLICATION_CREDENTIALS": put(t, `{"type":"service_account","private_key":"hc-canary-wrong"}`)}, true},
		"Google, no such file":    {"gcpkms://" + cloud.Key + "?endpoint=" + url.QueryEscape(ofGoogle), map[string]string{"GOOGLE_APPLICATION_CREDENTIALS": "/nowhere/x.json"}, true},
		"Azure, workload":         {azureKey, map[string]string{"AZURE_TENANT_ID": vault.Tenant, "AZURE_CLIENT_ID": vault.Client, "AZURE_FEDERATED_TOKEN_FILE": put(t, vault.Secret), "AZURE_AUTHORITY_HOST": ofAzure}, false},
		"Azure, machine":          {azureKey, map[string]string{"AZURE_POD_IDENTITY_AUTHORITY_HOST": ofAzure}, false},
		"Azure, wrong secret":     {azureKey, map[string]string{"AZURE_TENANT_ID": vault.Tenant, "AZURE_CLIENT_ID": vault.Client, "AZURE_CLIENT_SECRET": "hc-canary-wrong", "AZURE_AUTHORITY_HOST": ofAzure}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := works(t, c.url, c.variables)
			if (err != nil) != c.fails {
				t.Errorf("%v", err)
			}
			if err != nil && (!errors.Is(err, kms.ErrUnusable) || strings.Contains(err.Error(), "canary")) {
				t.Errorf("%v", err)
			}
		})
	}
}

// A token that is replaced in its place is used at the next call, and one that was got
// by signing in is got anew when it is not taken any more.
func TestCredentialsAreReadAnew(t *testing.T) {
	t.Parallel()
	engine := keys.NewTransit()
	at := "hcvault://" + strings.TrimPrefix(serve(t, engine), "http://") + "/transit/keys/hotcell?tls=off"
	file := put(t, engine.Token)
	given := openKey(t, at+"&token_file="+file, nil)
	role := openKey(t, at+"&auth=approle", map[string]string{"VAULT_ROLE_ID": engine.RoleID, "VAULT_SECRET_ID": engine.SecretID})
	for _, token := range []string{engine.Token, "hc-canary-next"} {
		engine.Token = token
		if err := os.WriteFile(file+".new", []byte(token), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(file+".new", file); err != nil {
			t.Fatal(err)
		}
		for name, key := range map[string]kms.Key{"given": given, "AppRole": role} {
			if _, err := key.Wrap(t.Context(), []byte(keysetText), nil); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if n := engine.Calls("login"); n != 2 {
		t.Errorf("it signed in %d times", n)
	}
	// Credentials that end are got anew once, and then it is said.
	amazon := keys.NewAWS()
	server := serve(t, amazon)
	key := openKey(t, "awskms:///"+amazon.ARN+"?endpoint="+url.QueryEscape(server), map[string]string{"AWS_EC2_METADATA_SERVICE_ENDPOINT": server})
	wrapped, err := key.Wrap(t.Context(), []byte(keysetText), nil)
	if err != nil {
		t.Fatal(err)
	}
	before := amazon.Calls("metadata")
	amazon.FailTimes(keys.Expired, 1)
	if _, err := key.Unwrap(t.Context(), wrapped, nil); err != nil || amazon.Calls("metadata") != before+1 {
		t.Errorf("after credentials that had ended: %v, asked %d times", err, amazon.Calls("metadata")-before)
	}
}

// The twin of AWS is true enough for AWS's own client, and so is what is wrapped: that
// client opens it, given the same encryption context.
func TestAWSsOwnClientSpeaksWithTheTwinAndOpensWhatWasWrapped(t *testing.T) {
	t.Parallel()
	twin := keys.NewAWS()
	at := serve(t, twin)
	own := awskms.New(awskms.Options{
		Region: "eu-central-1", BaseEndpoint: &at, RetryMaxAttempts: 1,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return twin.Keys, nil }),
	})
	key := openKey(t, "awskms:///"+twin.ARN+"?endpoint="+url.QueryEscape(at), map[string]string{
		"AWS_ACCESS_KEY_ID": twin.Keys.AccessKeyID, "AWS_SECRET_ACCESS_KEY": twin.Keys.SecretAccessKey, "AWS_SESSION_TOKEN": twin.Keys.SessionToken,
	})
	wrapped, err := key.Wrap(t.Context(), []byte(keysetText), []byte("wsp_a"))
	if err != nil {
		t.Fatal(err)
	}
	in := &awskms.DecryptInput{CiphertextBlob: wrapped[len("\x02\x06awskms"):], KeyId: &twin.ARN, EncryptionContext: map[string]string{"hotcell": base64.StdEncoding.EncodeToString([]byte("wsp_a"))}}
	out, err := own.Decrypt(t.Context(), in)
	if err != nil || !strings.HasPrefix(string(out.Plaintext), keysetText) {
		t.Errorf("AWS's own client: %v", err)
	}
	in.EncryptionContext["hotcell"] = "other"
	if _, err := own.Decrypt(t.Context(), in); err == nil {
		t.Error("another context opens it")
	}
	twin.Fail(keys.Disabled)
	if _, err := own.Decrypt(t.Context(), in); err == nil || !strings.Contains(err.Error(), "DisabledException") {
		t.Errorf("a disabled key, as AWS's own client sees it: %v", err)
	}
}

// Whoever has the public half of a key of Azure's can wrap with it: what the key did not
// sign is not unwrapped, however well it is made.
func TestWhatTheKeyOfAzureDidNotSignIsNotUnwrapped(t *testing.T) {
	t.Parallel()
	s := azure(t)
	wrapped := wrap(t, s)
	before := s.desk.Calls("unwrapkey")
	if _, err := s.key.Unwrap(t.Context(), wrapped, []byte("wsp_b")); !errors.Is(err, kms.ErrRefused) {
		t.Errorf("for another workspace: %v", err)
	}
	forged := append([]byte(nil), wrapped...)
	forged[len(forged)-10] ^= 1 // in the signature
	if _, err := s.key.Unwrap(t.Context(), forged, []byte("wsp_a")); !errors.Is(err, kms.ErrRefused) {
		t.Errorf("with another signature: %v", err)
	}
	if n := s.desk.Calls("unwrapkey") - before; n != 0 {
		t.Errorf("it was unwrapped %d times", n)
	}
}

func TestAKeyThatSystemdKeepsIsAKeyFile(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	text, err := os.ReadFile("testdata/local.key")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "hotcell-key"), text, 0o400); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "garbage"), []byte("hc-canary-garbage"), 0o400); err != nil {
		t.Fatal(err)
	}
	wrapped, err := os.ReadFile("testdata/wrapped")
	if err != nil {
		t.Fatal(err)
	}
	given := map[string]string{"CREDENTIALS_DIRECTORY": folder}
	key := openKey(t, "systemd-creds:hotcell-key", given)
	if got, err := key.Unwrap(t.Context(), wrapped, []byte("associated")); err != nil || !got.Equal([]byte("keyset")) {
		t.Errorf("unwrapping: %v", err)
	}
	for name, variables := range map[string]map[string]string{"systemd-creds:other": given, "systemd-creds:garbage": given, "systemd-creds:../x": given, "systemd-creds:": given, "systemd-creds:hotcell-key": nil} {
		key, err := kms.Open(t.Context(), kms.Config{URL: name, Environment: kms.Gather(name, variables)})
		if err == nil || key != nil || !errors.Is(err, kms.ErrUnusable) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
