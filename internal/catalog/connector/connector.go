// Package connector reads connectors' documents, and makes of a tool and its
// arguments the requests of one call, and of the answers its result.
// docs/connectors.md has the form.
//
// It guards that an argument is what its schema says, and can be nothing but a
// value in its place: it cannot leave its path segment, query value, header or
// JSON string, and no request goes to an origin that the document does not
// name. It does no I/O, and has no credential: who does the requests puts that
// on. One way to use it:
//
//	tool, found := connector.Tool("post")
//	args, err := tool.Check(arguments)
//	run := tool.Begin(connector, connector.Input{Args: args, Now: now})
//	for request, err := run.Next(ctx); request != nil; request, err = run.Next(ctx) {
//		err = run.Answer(ctx, send(request))
//	}
//	result, err := run.Result(ctx)
package connector

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"hotcell"
	"hotcell/internal/catalog/connector/schema"
)

// Connector is one external service, as its document describes it. It may be
// used at once from anywhere.
type Connector struct {
	Slug, Name, Category, About string
	// Base is where all requests go but those to Also: an origin and a path.
	Base string
	Also []string
	// Own is true for a document of the operator's own.
	Own      bool
	Advise   Advise
	Settings []Setting
	Auth     Auth
	// Definition says where the tools come from, where not from the document:
	// "openapi" or "mcp".
	Definition string
	// Model is true for a provider of models.
	Model bool
	Tools []*Tool
	// Missing tells what of the definition did not become a tool, and why.
	Missing []string

	account *account
	errors  *failing
	// ways are this connector by its other ways of authorisation.
	ways []*Connector
	base *text
	// origins are what the operator has stand for origins of the document.
	origins map[string]string
	// plain is true where the operator let the base be plain HTTP on loopback.
	plain bool
}

// Advise is by what a system is known to be this one.
type Advise struct {
	Hosts     []string `yaml:"hosts"`
	Variables []string `yaml:"variables"`
	Prefixes  []string `yaml:"prefixes"`
	Mail      []string `yaml:"mail"`
}

// Setting is what a connector asks for beside values.
type Setting struct {
	Name     string `yaml:"name"`
	About    string `yaml:"about"`
	Pattern  string `yaml:"pattern"`
	Required bool   `yaml:"required"`
}

// SettingURL is the setting of all connectors of models: an address in the place of
// the document's own, for a proxy or a server of one's own.
const SettingURL = "url"

// elsewhere is what such an address looks like.
const elsewhere = `https://[A-Za-z0-9.\[\]:_-]{1,253}(/[A-Za-z0-9/._~-]{0,200})?`

// Kind is how a connector is authorised.
type Kind string

// The kinds of authorisation.
const (
	OAuth2            Kind = "oauth2"
	ClientCredentials Kind = "client_credentials"
	Device            Kind = "device"
	Key               Kind = "key"
	Basic             Kind = "basic"
	ServiceAccount    Kind = "service_account"
	None              Kind = "none"
)

// Refresh is what becomes of a refresh token when it is used.
type Refresh string

// What becomes of it.
const (
	// Rotates: a new one each time, and the old one is dead.
	Rotates Refresh = "rotates"
	// Grace: as Rotates, and the old one works for a while.
	Grace Refresh = "grace"
	// Keeps: the same one goes on.
	Keeps Refresh = "keeps"
	// NoRefresh: there is none.
	NoRefresh Refresh = "none"
)

// Auth is how a connector is authorised.
type Auth struct {
	Kind                                     Kind
	Authorize, Token, Revoke, Device, Issuer string
	// Iss is true where an answer names its issuer (RFC 9207): one that does not is
	// refused then. Else the name is held against Issuer where it is there.
	Iss bool
	// Prefixes are the first characters of the keys that this way takes; any where
	// there are none.
	Prefixes []string
	// Client is how the client shows itself at the token endpoint: basic, post or none.
	Client     string
	PKCE       bool
	Scopes     []string
	Separator  string
	Parameters map[string]string
	Refresh    Refresh
	Expires    time.Duration
	// Subject names the setting that says who a service account acts as.
	Subject, Audience string
	Put               hotcell.Auth
	Headers           map[string]string
	Help              string
	// Resource is what tokens are asked for (RFC 8707); empty where a service has one.
	Resource string

	answer  *tokenAnswer
	account *account
	revoke  *revocation
}

// With is the connector with an authorisation server that was found out; codes need
// a proof key there (RFC 7636). Of none, it is as it was.
func (c *Connector) With(e *hotcell.Endpoints) *Connector {
	if e == nil {
		return c
	}
	out := *c
	out.Auth = Auth{
		Kind: OAuth2, Authorize: e.Authorize, Token: e.Token, Revoke: e.Revoke, Issuer: e.Issuer, Iss: e.Iss, Client: cmp.Or(e.Shows, "basic"), PKCE: true,
		Refresh: c.Auth.Refresh, Put: c.Auth.Put, Headers: c.Auth.Headers, Help: c.Auth.Help, Resource: e.Resource,
	}
	return &out
}

// Tool is one operation of a connector.
type Tool struct {
	Name, Title, About string
	// Hint is "read", "write" or "destructive".
	Hint                string
	Idempotent, Approve bool
	Scopes              []string
	Input, Output       json.RawMessage

	schema  *schema.Schema
	steps   []step
	errors  *failing
	pages   *pages
	result  *tree
	content *content
}

// Tool finds a tool by its name in the document.
func (c *Connector) Tool(name string) (*Tool, bool) {
	i := slices.IndexFunc(c.Tools, func(t *Tool) bool { return t.Name == name })
	if i < 0 {
		return nil, false
	}
	return c.Tools[i], true
}

// AgentName is what an agent calls a tool: "slack_post".
func (c *Connector) AgentName(tool string) string {
	return agentName(c.Slug, tool)
}

// Scopes are those that the connector always asks for, and those of the tools;
// of all tools where none is named.
func (c *Connector) Scopes(tools []string) []string {
	out := slices.Clone(c.Auth.Scopes)
	for _, t := range c.Tools {
		if len(tools) > 0 && !slices.Contains(tools, t.Name) && !slices.Contains(tools, c.AgentName(t.Name)) {
			continue
		}
		for _, scope := range t.Scopes {
			if !slices.Contains(out, scope) {
				out = append(out, scope)
			}
		}
	}
	return out
}

// Origin is the host and port of the connector's base.
func (c *Connector) Origin(settings map[string]string) (host string, port int, err error) {
	u, err := c.root(settings)
	if err != nil {
		return "", 0, err
	}
	port = 443
	if u.Scheme == "http" {
		port = 80
	}
	if p := u.Port(); p != "" {
		if port, err = strconv.Atoi(p); err != nil {
			return "", 0, hotcell.Invalid("/settings", "the address has no port that is a number")
		}
	}
	return u.Hostname(), port, nil
}

// root is the base, with the settings in it.
func (c *Connector) root(settings map[string]string) (*url.URL, error) {
	whole, err := settings[SettingURL], error(nil)
	if !c.Model || whole == "" {
		whole, err = c.base.fill(func(name string) (string, bool) { v, ok := settings[name]; return v, ok })
	}
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(whole)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "https" && (u.Scheme != "http" || !c.plain) {
		return nil, hotcell.Invalid("/settings", "the service's address is an https URL without a query")
	}
	u.Path = strings.TrimSuffix(u.Path, "/")
	return u, nil
}

// CheckSettings holds settings against what the connector asks for.
func (c *Connector) CheckSettings(settings map[string]string) error {
	for name, value := range settings {
		i := slices.IndexFunc(c.Settings, func(s Setting) bool { return s.Name == name })
		if i < 0 {
			return hotcell.Invalid("/settings/"+name, "%s asks for no such setting", c.Name)
		}
		if !matches(c.Settings[i].Pattern, value) {
			return hotcell.Invalid("/settings/"+name, "this is not %s", c.Settings[i].About)
		}
	}
	for _, s := range c.Settings {
		if s.Required && settings[s.Name] == "" {
			return hotcell.Invalid("/settings/"+s.Name, "%s asks for %s", c.Name, s.About)
		}
	}
	if c.base.whole == "" {
		return nil
	}
	_, err := c.root(settings)
	return err
}

// Failure is an answer of a service that says no, as an agent may know of it.
type Failure struct {
	Status     int
	Message    string
	Retryable  bool
	RetryAfter time.Duration
}

func (f *Failure) Error() string { return f.Message }

// Problem is one fault of a document.
type Problem struct {
	Line   int
	Path   string
	Detail string
}

func (p Problem) String() string { return fmt.Sprintf("%d: %s: %s", p.Line, p.Path, p.Detail) }
