package kms_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hotcell/internal/vault/internal/kms"
	"hotcell/test/acme/keys"
)

// service is one twin, and a key of it.
type service struct {
	desk *keys.Desk
	key  kms.Key
	// url and variables are what opened it.
	url       string
	variables map[string]string
	// canaries are what must not be told.
	canaries []string
	// proof is how many calls the proof of associated data takes, and use one unwrap.
	proof, use int
}

const keysetText = "hc-canary-keyset-0123456789abcdef"

func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func openKey(t *testing.T, name string, variables map[string]string) kms.Key {
	t.Helper()
	key, err := kms.Open(t.Context(), kms.Config{URL: name, Environment: kms.Gather(name, variables)})
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func transit(t *testing.T) service {
	twin := keys.NewTransit()
	host := strings.TrimPrefix(serve(t, twin), "http://")
	s := service{desk: &twin.Desk, url: "hcvault://" + host + "/transit/keys/hotcell?tls=off", variables: map[string]string{"VAULT_TOKEN": twin.Token}, canaries: []string{twin.Token}, proof: 3, use: 1}
	s.key = openKey(t, s.url, s.variables)
	return s
}

func amazon(t *testing.T) service {
	twin := keys.NewAWS()
	at := serve(t, twin)
	s := service{
		desk: &twin.Desk, url: "awskms:///" + twin.ARN + "?endpoint=" + url.QueryEscape(at), proof: 3, use: 1,
		variables: map[string]string{"AWS_ACCESS_KEY_ID": twin.Keys.AccessKeyID, "AWS_SECRET_ACCESS_KEY": twin.Keys.SecretAccessKey, "AWS_SESSION_TOKEN": twin.Keys.SessionToken},
		canaries:  []string{twin.Keys.SecretAccessKey, twin.Keys.SessionToken},
	}
	s.key = openKey(t, s.url, s.variables)
	return s
}

func google(t *testing.T) service {
	twin, err := keys.NewGoogle()
	if err != nil {
		t.Fatal(err)
	}
	at := serve(t, twin)
	file := filepath.Join(t.TempDir(), "account.json")
	if err := os.WriteFile(file, twin.Account(at), 0o600); err != nil {
		t.Fatal(err)
	}
	s := service{desk: &twin.Desk, url: "gcpkms://" + twin.Key + "?endpoint=" + url.QueryEscape(at), variables: map[string]string{"GOOGLE_APPLICATION_CREDENTIALS": file}, canaries: []string{twin.Token}, proof: 3, use: 1}
	s.key = openKey(t, s.url, s.variables)
	return s
}

func azure(t *testing.T) service {
	twin, err := keys.NewAzure()
	if err != nil {
		t.Fatal(err)
	}
	at := serve(t, twin)
	s := service{
		desk: &twin.Desk, url: "azurekv://acme.vault.azure.net/keys/hotcell?endpoint=" + url.QueryEscape(at), proof: 5, use: 2,
		variables: map[string]string{"AZURE_TENANT_ID": twin.Tenant, "AZURE_CLIENT_ID": twin.Client, "AZURE_CLIENT_SECRET": twin.Secret, "AZURE_AUTHORITY_HOST": at},
		canaries:  []string{twin.Token, twin.Secret},
	}
	s.key = openKey(t, s.url, s.variables)
	return s
}

func services() map[string]func(*testing.T) service {
	return map[string]func(*testing.T) service{"transit": transit, "AWS": amazon, "Google": google, "Azure": azure}
}

// each runs fn for every service.
func each(t *testing.T, fn func(*testing.T, service)) {
	t.Helper()
	for name, open := range services() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fn(t, open(t))
		})
	}
}

func wrap(t *testing.T, s service) []byte {
	t.Helper()
	wrapped, err := s.key.Wrap(t.Context(), []byte(keysetText), []byte("wsp_a"))
	if err != nil {
		t.Fatal(err)
	}
	return wrapped
}

func TestAKeyOfAServiceOpensWhatItWrappedAndNothingElse(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s service) {
		wrapped := wrap(t, s)
		again := openKey(t, s.url, s.variables)
		got, err := again.Unwrap(t.Context(), wrapped, []byte("wsp_a"))
		if err != nil || !got.Equal([]byte(keysetText)) {
			t.Fatalf("unwrapping: %v", err)
		}
		if bytes.Contains(wrapped, []byte("canary")) {
			t.Error("what was wrapped shows")
		}
		for _, other := range []string{"wsp_b", "", "wsp_a\x00", "wsp_"} {
			if _, err := s.key.Unwrap(t.Context(), wrapped, []byte(other)); !errors.Is(err, kms.ErrRefused) {
				t.Errorf("with the associated data %q: %v", other, err)
			}
		}
		for i := 0; i < len(wrapped)*8; i += 7 { // every byte, and each bit of some
			flipped := bytes.Clone(wrapped)
			flipped[i/8] ^= 1 << (i % 8)
			if got, err := s.key.Unwrap(t.Context(), flipped, []byte("wsp_a")); err == nil && !got.Equal([]byte(keysetText)) {
				t.Errorf("with bit %d flipped it opens to something else", i)
			} else if err == nil || !errors.Is(err, kms.ErrRefused) && !errors.Is(err, kms.ErrUnusable) {
				t.Errorf("with bit %d flipped: %v", i, err)
			}
		}
		for n := 0; n < len(wrapped); n += 5 {
			if _, err := s.key.Unwrap(t.Context(), wrapped[:n], []byte("wsp_a")); err == nil {
				t.Errorf("cut to %d bytes it opens", n)
			}
		}
	})
}

func TestWhatAnotherKindOfKeyWrappedIsToldByName(t *testing.T) {
	t.Parallel()
	file := create(t)
	ofFile, err := file.Wrap(t.Context(), []byte(keysetText), nil)
	if err != nil {
		t.Fatal(err)
	}
	s, other := transit(t), amazon(t)
	if _, err := s.key.Unwrap(t.Context(), ofFile, nil); !errors.Is(err, kms.ErrRefused) || !strings.Contains(err.Error(), "wrapped by a key of file") {
		t.Errorf("a file's by a service: %v", err)
	}
	if _, err := file.Unwrap(t.Context(), wrap(t, s), nil); !errors.Is(err, kms.ErrRefused) || !strings.Contains(err.Error(), "a key of hcvault") {
		t.Errorf("a service's by a file: %v", err)
	}
	if _, err := s.key.Unwrap(t.Context(), wrap(t, other), nil); !errors.Is(err, kms.ErrRefused) || !strings.Contains(err.Error(), "a key of awskms") {
		t.Errorf("a service's by another: %v", err)
	}
}

func TestEachTroubleOfAServiceIsASentenceWithoutAValueAndPasses(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s service) {
		wrapped := wrap(t, s)
		for name, c := range map[string]struct {
			trouble keys.Trouble
			kind    error
			says    string
		}{
			"gone":      {keys.Gone, kms.ErrUnavailable, "does not answer"},
			"cut off":   {keys.CutOff, kms.ErrUnavailable, "cut off in the middle"},
			"throttled": {keys.Throttled, kms.ErrUnavailable, "too many requests"},
			"broken":    {keys.Broken, kms.ErrUnavailable, "tried again"},
			"garbage":   {keys.Garbage, kms.ErrUnavailable, "is no answer"},
			"swapped":   {keys.Swapped, nil, ""},
			"disabled":  {keys.Disabled, kms.ErrUnusable, ""},
			"deleted":   {keys.Deleted, kms.ErrUnusable, ""},
			"denied":    {keys.Denied, kms.ErrUnusable, "policy"},
			"expired":   {keys.Expired, kms.ErrUnusable, "credentials"},
			"elsewhere": {keys.Elsewhere, kms.ErrUnusable, "not followed"},
		} {
			s.desk.Fail(c.trouble)
			_, failed := s.key.Unwrap(t.Context(), wrapped, []byte("wsp_a"))
			_, closed := s.key.Wrap(t.Context(), []byte(keysetText), []byte("wsp_a"))
			s.desk.Fail(keys.Well)
			for _, err := range []error{failed, closed} {
				if err == nil {
					if c.trouble == keys.Swapped {
						continue // nothing is swapped when it is wrapped
					}
					t.Errorf("%s: nothing was said", name)
					continue
				}
				if c.kind != nil && (!errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.says)) {
					t.Errorf("%s: %v", name, err)
				}
				for _, canary := range append(s.canaries, keysetText, "192.0.2.1", "somebody else") {
					if strings.Contains(err.Error(), canary) {
						t.Errorf("%s: %q is told of: %v", name, canary, err)
					}
				}
			}
			if failed == nil {
				t.Errorf("%s: it was unwrapped", name)
			}
			if got, err := s.key.Unwrap(t.Context(), wrapped, []byte("wsp_a")); err != nil || !got.Equal([]byte(keysetText)) {
				t.Errorf("after %s: %v", name, err)
			}
		}
	})
}

func TestAServiceThatDoesNotAnswerInTimeIsLeft(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s service) {
		wrapped := wrap(t, s)
		s.desk.Fail(keys.Late)
		ctx, cancel := context.WithCancel(t.Context())
		before := s.desk.Calls("")
		done := make(chan error, 1)
		go func() { _, err := s.key.Unwrap(ctx, wrapped, []byte("wsp_a")); done <- err }()
		for s.desk.Calls("") == before { // until it has asked
			select {
			case err := <-done:
				t.Fatalf("it ended by itself: %v", err)
			default:
			}
		}
		cancel()
		if err := <-done; err == nil {
			t.Error("it was unwrapped")
		}
	})
}

func TestAssociatedDataIsProvenOnceBeforeTheFirstUse(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s service) {
		wrapped := wrap(t, s)
		fresh := openKey(t, s.url, s.variables)
		calls := func() int {
			return s.desk.Calls("") - s.desk.Calls("token") - s.desk.Calls("renew")
		}
		for i, want := range []int{s.proof + s.use, s.use, s.use} {
			before := calls()
			if _, err := fresh.Unwrap(t.Context(), wrapped, []byte("wsp_a")); err != nil {
				t.Fatal(err)
			}
			if got := calls() - before; got != want {
				t.Errorf("use %d took %d calls, want %d", i, got, want)
			}
		}
	})
}

func TestAnEngineThatLeavesAssociatedDataOutIsRefused(t *testing.T) {
	t.Parallel()
	twin := keys.NewTransit()
	twin.Careless = true
	name := "hcvault://" + strings.TrimPrefix(serve(t, twin), "http://") + "/transit/keys/hotcell?tls=off"
	key := openKey(t, name, map[string]string{"VAULT_TOKEN": twin.Token})
	if _, err := key.Wrap(t.Context(), []byte(keysetText), []byte("wsp_a")); !errors.Is(err, kms.ErrUnusable) || !strings.Contains(err.Error(), "leaves out associated data") {
		t.Errorf("wrapping: %v", err)
	}
	if n := twin.Calls("encrypt"); n != 1 {
		t.Errorf("it was asked to wrap %d times: more than the proof", n)
	}
}

func TestURLsOfServicesThatAreNotRightAreRefusedWithoutBeingTold(t *testing.T) {
	t.Parallel()
	const arn = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd"
	for _, name := range []string{
		"hcvault://h/keys/x", "hcvault:///transit/keys/x", "hcvault://h/transit/key/x", "hcvault://h/transit/keys/", "hcvault://h/a/../keys/x",
		"hcvault://hc-canary@h/transit/keys/x", "hcvault://h/transit/keys/x?token=hc-canary", "hcvault://h/transit/keys/x?tls=off", "hcvault://h/transit/keys/x?auth=hc-canary",
		"hcvault://h/transit/keys/x?role=a&role=b", "hcvault://h/transit/keys/x#hc-canary",
		"awskms://" + arn, "awskms:///" + arn + "/../x", "awskms:///arn:aws:s3:::hc-canary", "awskms:///" + arn + "?endpoint=http://kms.acme.test",
		"awskms:///" + arn + "?endpoint=https://hc-canary@x", "awskms:///" + arn + "?endpoint=https://x/?hc-canary", "awskms:///" + arn + "?secret=hc-canary", "awskms:///alias/hotcell",
		"gcpkms://projects/p/locations/l/keyRings/r", "gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k/../x", "gcpkms:///projects/p", "gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k?x=hc-canary",
		"azurekv://acme/keys/k", "azurekv://acme.vault.azure.net/secrets/k", "azurekv://acme.vault.azure.net/keys/k/hc-canary", "azurekv://hc-canary:x@acme.vault.azure.net/keys/k",
	} {
		key, err := kms.Open(t.Context(), kms.Config{URL: name})
		if err == nil || key != nil {
			t.Errorf("%q was opened", name)
		} else if strings.Contains(err.Error(), "hc-canary") {
			t.Errorf("the error tells of the URL: %v", err)
		}
	}
}

func TestOnlyKeysOfServicesAreRemote(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"file:///x": false, "": false, "%": false, "systemd-creds:x": false, "awskms:///x": true, "hcvault://x": true, "gcpkms://x": true, "azurekv://x": true,
	} {
		if kms.Remote(name) != want {
			t.Errorf("%q: %v", name, !want)
		}
	}
}
