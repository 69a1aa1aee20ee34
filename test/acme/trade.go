package acme

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"

	"hotcell/test/acme/account"
	"hotcell/test/acme/github"
	"hotcell/test/acme/hostile"
	"hotcell/test/acme/hubspot"
	"hotcell/test/acme/identity"
	"hotcell/test/acme/linear"
	"hotcell/test/acme/notion"
	"hotcell/test/acme/slack"
	"hotcell/test/acme/stripe"
	"hotcell/test/acme/twin"
)

// Trade is the services that people talk, sell and build with.
type Trade struct {
	Slack   *slack.Twin
	HubSpot *hubspot.Twin
	GitHub  *github.Twin
	Notion  *notion.Twin
	Linear  *linear.Twin
	Stripe  *stripe.Twin
	// Hostile is a service that wants tokens; see [Company.Turn].
	Hostile *hostile.Twin

	keys     map[string]string
	turned   string
	withheld atomic.Pointer[string]
}

// prefixes are how the services' keys of their own begin.
var prefixes = map[string]string{"slack": "xoxb-", "hubspot": "pat-eu1-", "github": "ghp_", "notion": "ntn_", "linear": "lin_api_", "stripe": "rk_test_"}

// ServiceKey is a key that a service takes in the place of a token: ada's, who may
// do everything.
func (c *Company) ServiceKey(service string) string { return c.keys[service] }

// Turn has a connector be led to the hostile service from now on. It is to be
// called before a server gets the company's configuration.
func (c *Company) Turn(slug string) { c.turned = slug }

// Withhold has the services not know of a scope that was granted; "" ends it.
func (c *Company) Withhold(scope string) { c.withheld.Store(&scope) }

// startTrade makes the twins.
func (c *Company) startTrade() (err error) {
	c.keys = map[string]string{}
	for service, prefix := range prefixes {
		c.keys[service] = prefix + rand.Text() + rand.Text()
	}
	c.Slack, c.HubSpot, c.GitHub, c.Notion = slack.New(c.known("slack"), c.revoked), hubspot.New(c.known("hubspot")), github.New(c.known("github")), notion.New(c.known("notion"))
	c.Stripe, c.Hostile = stripe.New(c.keys["stripe"]), hostile.New(c.Base("elsewhere"))
	c.Linear, err = linear.New(c.known("linear"))
	return err
}

// known finds out whose a token is, or a service's key.
func (c *Company) known(service string) account.Check {
	everything := strings.Fields("chat:write users:read users:read.email files:write channels:read groups:read im:read mpim:read channels:history groups:history im:history mpim:history " +
		"crm.objects.contacts.read crm.objects.contacts.write crm.objects.companies.read crm.objects.companies.write crm.objects.deals.read crm.objects.deals.write repo read write")
	return func(r *http.Request) (account.Account, bool) {
		shown := r.Header.Get("Authorization")
		if service != "linear" { // whose keys come bare
			shown = strings.TrimPrefix(shown, "Bearer ")
		}
		who, ok := c.Identity.Account(r)
		if shown == c.keys[service] && shown != "" {
			who, ok = account.Account{ID: "U1", Name: "Ada", Mail: "ada@acme.test", Team: "Acme", Scopes: everything}, true
		}
		if scope := c.withheld.Load(); scope != nil {
			who.Scopes = slices.DeleteFunc(slices.Clone(who.Scopes), func(s string) bool { return s == *scope })
		}
		return who, ok
	}
}

// revoked ends the grant of a request's bearer token.
func (c *Company) revoked(r *http.Request) bool {
	return c.Identity.Revoke(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
}

// registerTrade makes an OAuth client for each of the services that have them.
func (c *Company) registerTrade(callback string) {
	c.Identity.AddUnproved("slack-client", c.ClientSecret("slack"), identity.Rotates, callback)
	c.Identity.AddUnproved("hubspot-client", c.ClientSecret("hubspot"), identity.Keeps, callback)
	c.Identity.AddUnproved("notion-client", c.ClientSecret("notion"), identity.Rotates, callback)
	c.Identity.Add("github-client", c.ClientSecret("github"), identity.Rotates, callback)
	c.Identity.Add("linear-client", c.ClientSecret("linear"), identity.Grace, callback)
}

// tradeOverrides are lines of a configuration: a service a line. Most revoke by
// requests of their own below the base, Linear by RFC 7009.
func (c *Company) tradeOverrides() string {
	var out strings.Builder
	for _, o := range []struct{ slug, origins, authorize, token, revoke string }{
		{"slack", "https://files.slack.com", "/oauth/v2/authorize", "/api/oauth.v2.access", ""},
		{"hubspot", "", "/oauth/authorize", "/oauth/2026-03/token", ""},
		{"github", "https://api.github.com", "/login/oauth/authorize", "/login/oauth/access_token", ""},
		{"notion", "", "/v1/oauth/authorize", "/v1/oauth/token", ""},
		{"linear", "", "/oauth/authorize", "/oauth/token", "/oauth/revoke"},
		{"stripe", "", "", "", ""},
	} {
		base, at := c.Base(o.slug), c.Base(o.slug)
		if c.turned == o.slug {
			at = c.Base("hostile")
		}
		_, _ = fmt.Fprintf(&out, "    %s: {base: %q", o.slug, at)
		if o.origins != "" {
			_, _ = fmt.Fprintf(&out, ", origins: {%q: %q}", o.origins, at)
		}
		if o.authorize != "" {
			_, _ = fmt.Fprintf(&out, ", authorize: %q, token: %q, issuer: %q", base+o.authorize, base+o.token, c.Base("accounts"))
		}
		if o.revoke != "" {
			_, _ = fmt.Fprintf(&out, ", revoke: %q", base+o.revoke)
		}
		out.WriteString("}\n")
	}
	return out.String()
}

// trade serves the services of a name; false where it is none of theirs.
func (c *Company) trade(w http.ResponseWriter, r *http.Request, name string) bool {
	next := map[string]http.Handler{
		"slack": c.Slack, "hubspot": c.HubSpot, "github": c.GitHub, "notion": c.Notion, "linear": c.Linear, "stripe": c.Stripe, "hostile": c.Hostile,
		"elsewhere": http.HandlerFunc(c.Hostile.Elsewhere),
	}[name]
	if next == nil {
		return false
	}
	switch name + r.URL.Path {
	case "slack/oauth/v2/authorize", "hubspot/oauth/authorize", "github/login/oauth/authorize", "notion/v1/oauth/authorize", "linear/oauth/authorize":
		c.authorise(w, r)
	case "slack/api/oauth.v2.access", "hubspot/oauth/2026-03/token", "github/login/oauth/access_token", "notion/v1/oauth/token", "linear/oauth/token":
		c.token(w, r, name)
	case "hubspot/oauth/2026-03/token/revoke", "notion/v1/oauth/revoke", "linear/oauth/revoke", "github/applications/github-client/grant":
		c.revoke(w, r, name)
	case "hubspot/oauth/2026-03/token/introspect":
		c.introspect(w, r)
	default:
		next.ServeHTTP(w, r)
	}
	return true
}

// introspect tells a client of HubSpot's whose a token is.
func (c *Company) introspect(w http.ResponseWriter, r *http.Request) {
	token := r.PostFormValue("token")
	asked := &http.Request{Header: http.Header{"Authorization": {"Bearer " + token}}}
	who, ok := c.Identity.Account(asked)
	switch {
	case r.Method != http.MethodPost || r.URL.RawQuery != "" || token == "":
		twin.JSON(w, http.StatusBadRequest, map[string]any{"status": "error", "category": "VALIDATION_ERROR", "message": "a token is asked about in a form"})
	case !c.Identity.Is(r.PostFormValue("client_id"), r.PostFormValue("client_secret")):
		twin.JSON(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client"})
	case !ok:
		twin.JSON(w, http.StatusOK, map[string]any{"active": false, "token_use": "access_token"})
	default:
		twin.JSON(w, http.StatusOK, map[string]any{
			"active": true, "token_use": "access_token", "token": token, "hub_id": hubspot.Portal, "user_id": int(who.ID[1]), "user": who.Mail, "hub_domain": "acme.test",
			"client_id": r.PostFormValue("client_id"), "scopes": who.Scopes, "token_type": "access", "expires_in": 1800,
		})
	}
}

// authorise leads a service's own page of consent to where people sign in, with
// scopes as everybody else writes them.
func (c *Company) authorise(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	q.Set("scope", strings.ReplaceAll(q.Get("scope"), ",", " "))
	if q.Get("scope") == "" { // Notion has none
		q.Set("scope", "profile")
	}
	http.Redirect(w, r, c.Base("accounts")+"/authorize?"+q.Encode(), http.StatusSeeOther) //nolint:gosec // the host is ours
}

// token answers with tokens as each of the services does.
func (c *Company) token(w http.ResponseWriter, r *http.Request, service string) {
	r.URL.Path = "/oauth/token"
	if service == "slack" {
		slack.Reshape(c.Identity).ServeHTTP(w, r)
		return
	}
	seen := httptest.NewRecorder()
	c.Identity.ServeHTTP(seen, r)
	var m map[string]any
	if json.Unmarshal(seen.Body.Bytes(), &m) != nil {
		m = map[string]any{"error": "server_error"}
	}
	status := seen.Code
	scope, _ := m["scope"].(string)
	switch {
	case service == "github" && m["access_token"] == nil:
		status = http.StatusOK // as GitHub says it
	case service == "github":
		m["scope"] = strings.Join(strings.Fields(scope), ",")
	case service == "hubspot" && m["access_token"] == nil:
		m = map[string]any{"status": "BAD_CLIENT_ID", "message": m["error_description"], "category": "VALIDATION_ERROR", "error": m["error"], "error_description": m["error_description"]}
	case service == "hubspot":
		delete(m, "scope")
		m["hub_id"], m["scopes"], m["user_id"], m["token_use"] = hubspot.Portal, strings.Fields(scope), 71, "access_token"
	case service == "notion" && m["access_token"] != nil:
		delete(m, "expires_in")
		delete(m, "scope")
		m["workspace_name"], m["workspace_id"], m["bot_id"] = "Acme", "w1", "b1"
	}
	twin.JSON(w, status, m)
}

// revoke ends a grant, as each of the services wants to be told.
func (c *Company) revoke(w http.ResponseWriter, r *http.Request, service string) {
	text, _ := io.ReadAll(io.LimitReader(r.Body, 1<<16))
	id, secret, _ := r.BasicAuth()
	var in struct {
		Token  string `json:"token"`
		Access string `json:"access_token"`
	}
	if service == "notion" || service == "github" {
		_ = json.Unmarshal(text, &in)
	} else {
		r.Body = io.NopCloser(strings.NewReader(string(text)))
		in.Token = r.PostFormValue("token")
		if id == "" {
			id, secret = r.PostFormValue("client_id"), r.PostFormValue("client_secret")
		}
	}
	token := in.Token + in.Access
	verb := map[string]string{"github": http.MethodDelete}[service]
	switch {
	case r.Method != verb && (verb != "" || r.Method != http.MethodPost):
		w.WriteHeader(http.StatusMethodNotAllowed)
	case !c.Identity.Is(id, secret):
		twin.JSON(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client"})
	case !c.Identity.Revoke(token) && service == "github":
		twin.JSON(w, http.StatusNotFound, map[string]any{"message": "Not Found"})
	case service == "github":
		w.WriteHeader(http.StatusNoContent)
	default:
		twin.JSON(w, http.StatusOK, map[string]any{"request_id": "3c90c3cc-0d44-4b50-8888-8dd25736052a"})
	}
}

// tradeHosts are the names of the services.
func tradeHosts() []string {
	return append(slices.Sorted(slices.Values([]string{"slack", "hubspot", "github", "notion", "linear", "stripe"})), "hostile", "elsewhere")
}
