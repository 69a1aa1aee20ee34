package kms

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// azureTokens gets tokens as Azure's own libraries do: a client's secret, a workload's
// identity by a file, else the machine's managed identity.
type azureTokens struct {
	wire     *wire
	env      *Environment
	resource string
	bearer   bearer
}

func newAzureTokens(c Config, resource string) *azureTokens {
	return &azureTokens{wire: newWire(c, "Entra ID, asked for a token,"), env: c.Environment, resource: resource, bearer: bearer{now: c.now}}
}

func (t *azureTokens) token(ctx context.Context, anew bool) (string, error) {
	return t.bearer.get(anew, func() (string, time.Duration, error) {
		tenant, client := t.env.Get("AZURE_TENANT_ID"), t.env.Get("AZURE_CLIENT_ID")
		fields := url.Values{"grant_type": {"client_credentials"}, "client_id": {client}, "scope": {t.resource + "/.default"}}
		secret, file := t.env.Get("AZURE_CLIENT_SECRET"), t.env.Get("AZURE_FEDERATED_TOKEN_FILE")
		switch {
		case tenant == "" || client == "" || secret == "" && file == "":
			return t.machine(ctx, client)
		case secret != "":
			fields.Set("client_secret", secret)
		default:
			assertion, err := t.env.word(file)
			if err != nil {
				return "", 0, fault(ErrUnusable, "getting a token of Azure: %w", err)
			}
			fields.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
			fields.Set("client_assertion", assertion)
		}
		at, err := endpoint(strings.TrimSuffix(t.env.Get("AZURE_AUTHORITY_HOST"), "/"), "https://login.microsoftonline.com")
		if err != nil {
			return "", 0, fault(ErrUnusable, "AZURE_AUTHORITY_HOST is no https address")
		}
		return t.wire.tokenOf(t.wire.form(ctx, at+"/"+url.PathEscape(tenant)+"/oauth2/v2.0/token", fields))
	})
}

func (t *azureTokens) machine(ctx context.Context, client string) (string, time.Duration, error) {
	at := cmp.Or(t.env.Get("AZURE_POD_IDENTITY_AUTHORITY_HOST"), "http://169.254.169.254")
	if u, err := url.Parse(at); err != nil || u.Host != "169.254.169.254" && !plainOnly(u) {
		return "", 0, fault(ErrUnusable, "AZURE_POD_IDENTITY_AUTHORITY_HOST is no address of a machine's metadata")
	}
	query := url.Values{"api-version": {"2018-02-01"}, "resource": {t.resource}}
	if client != "" {
		query.Set("client_id", client)
	}
	a, err := t.wire.get(ctx, strings.TrimSuffix(at, "/")+"/metadata/identity/oauth2/token?"+query.Encode(), http.Header{"Metadata": {"true"}})
	if err != nil {
		return "", 0, fault(ErrUnusable, "there are no credentials for Azure, in variables or of this machine: docs/keys.md says where they are looked for")
	}
	return t.wire.tokenOf(a, nil)
}
