package connector

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"hotcell"
	"hotcell/internal/catalog/connector/schema"
	"hotcell/internal/wire/inject"
)

// maxDocument is how large a document may be, in bytes.
const maxDocument = 1 << 20

var (
	slug     = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,38}[a-z0-9]$`)
	toolName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)
	kinds    = []Kind{OAuth2, ClientCredentials, Device, Key, Basic, ServiceAccount, None}
	hints    = []string{hintRead, "write", "destructive"}
	// What a service is for, as the catalogue shows it.
	categories = []string{"mail", "chat", "documents", "calendar", "crm", "code", "tasks", "payments", "models", "other"}
	// How a key goes onto requests.
	puts = []string{inject.Bearer, inject.Basic, inject.Header, inject.Query, inject.Cookie, inject.SigV4}
)

// hintRead is the hint of a tool that changes nothing.
const hintRead = "read"

// Parse reads a document. Its error is the first of what [Lint] tells.
func Parse(text []byte) (*Connector, error) {
	d, err := read(text)
	if err != nil {
		return nil, err
	}
	c, err := compile(d)
	if err == nil {
		err = shaped(text)
	}
	if err != nil {
		return nil, first(err)
	}
	return c, nil
}

func read(text []byte) (*document, error) {
	var d document
	if len(text) > maxDocument {
		return nil, hotcell.Invalid("", "a document has at most %d bytes", maxDocument)
	}
	if err := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict(), yaml.DisallowUnknownField()).Decode(&d); err != nil {
		return nil, &yamlError{err}
	}
	return &d, nil
}

// shaped holds a document against the JSON Schema of documents.
func shaped(text []byte) error {
	var whole any
	if err := yaml.Unmarshal(text, &whole); err != nil {
		return &yamlError{err}
	}
	return misfits(whole)
}

// yamlError is an error of YAML, with its line.
type yamlError struct{ err error }

func (e *yamlError) Error() string {
	return strings.TrimSpace(yaml.FormatError(e.err, false, false))
}

func (e *yamlError) Is(target error) bool { return target == hotcell.ErrInvalid }

// compile compiles a document. Its error is of all faults.
func compile(d *document) (*Connector, error) {
	c := &Connector{
		Slug: d.Slug, Name: d.Name, Category: d.Category, About: d.About, Also: d.Also, Advise: d.Advise, Settings: d.Settings, Definition: d.Definition, Model: d.Model,
	}
	if c.Model && !slices.ContainsFunc(c.Settings, func(s Setting) bool { return s.Name == SettingURL }) {
		c.Settings = append(slices.Clone(c.Settings), Setting{Name: SettingURL, About: "an address in the place of the provider's own, such as https://llm.acme.test/v1", Pattern: elsewhere})
	}
	k := &compiler{}
	k.failIf(!slug.MatchString(d.Slug), "/slug", "a slug is 2 to 40 lower-case letters, digits and hyphens")
	k.failIf(d.Name == "", "/name", "a connector has a name")
	k.failIf(!slices.Contains(categories, d.Category), "/category", "a category is one of "+strings.Join(categories, ", "))
	k.failIf(d.Definition != "" && d.Definition != "openapi" && d.Definition != "mcp", "/definition", "tools come from the document, or from openapi or mcp")
	for i, s := range d.Settings {
		_, err := regexp.Compile(s.Pattern)
		k.failIf(err != nil || !identifier(s.Name), fmt.Sprintf("/settings/%d", i), "a setting has a name, and its pattern is a regular expression")
	}
	for _, part := range []func(*Connector, *document) error{compileBase, compileAuth, compileAccount, compileErrors, compileTools} {
		k.fail("", part(c, d))
	}
	if k.err != nil {
		return nil, k.err
	}
	c.spread()
	return c, c.mentions()
}

func compileBase(c *Connector, d *document) error {
	c.Base = d.Base
	if err := c.setBase(d.Base); err != nil {
		return err
	}
	for i, origin := range d.Also {
		if !isOrigin(origin) {
			return hotcell.Invalid(fmt.Sprintf("/also/%d", i), "an origin is https://HOST, without a path")
		}
	}
	return nil
}

// setBase takes where requests go.
func (c *Connector) setBase(base string) error {
	t, err := newText(base)
	if err != nil {
		return at("/base", err)
	}
	c.base = t
	if base == "" && c.Definition == "" {
		return hotcell.Invalid("/base", "a connector has a base: where its requests go")
	}
	if base != "" && t.constant() {
		_, err = c.root(nil)
		return at("/base", rooted(err))
	}
	return nil
}

// rooted is an error about a base, which is no setting's here.
func rooted(err error) error {
	if field, ok := errors.AsType[*hotcell.FieldError](err); ok {
		return &hotcell.FieldError{Reason: field.Reason}
	}
	return err
}

func isOrigin(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme == "https" && u.Host != "" && u.User == nil && u.Path == "" && u.RawQuery == "" && u.Fragment == ""
}

// newAuth takes one way of authorisation.
func newAuth(a *authDocument, path string, discovered bool) (out Auth, err error) {
	if !slices.Contains(kinds, a.Kind) {
		return out, hotcell.Invalid(path+"/kind", "a connector is authorised by oauth2, client_credentials, device, key, basic, service_account or none")
	}
	out = Auth{
		Kind: a.Kind, Authorize: a.Authorize, Token: a.Token, Revoke: a.Revoke.address, Device: a.Device, Issuer: a.Issuer, Iss: a.Issuer != "" && (a.Iss == nil || *a.Iss),
		Client: a.Client, PKCE: a.PKCE == nil || *a.PKCE, Prefixes: a.Prefixes,
		Scopes: a.Scopes, Separator: a.Separator, Parameters: a.Parameters, Refresh: a.Refresh, Expires: a.Expires, Subject: a.Subject, Audience: a.Audience,
		Put: hotcell.Auth{Kind: a.Put.Kind, Name: a.Put.Name, Prefix: a.Put.Prefix, User: a.Put.User}, Headers: a.Headers, Help: a.Help,
	}
	out.complete()
	if err := out.check(path, discovered); err != nil {
		return out, err
	}
	if a.Revoke.own != nil {
		if out.revoke, err = newRevocation(a.Revoke.own, path+"/revoke"); err != nil {
			return out, err
		}
	}
	if out.account, err = newAccount(a.Account, path+"/account"); err != nil || a.Answer == nil {
		return out, err
	}
	k := &compiler{path: path + "/answer"}
	out.answer = &tokenAnswer{
		k.optional("/access", a.Answer.Access), k.optional("/refresh", a.Answer.Refresh), k.optional("/scope", a.Answer.Scope),
		k.optional("/expires", a.Answer.Expires), k.optional("/error", a.Answer.Error),
	}
	return out, k.err
}

// complete says what is meant where nothing is said.
func (a *Auth) complete() {
	if a.Put.Kind == "" && a.Kind != None {
		a.Put.Kind = "bearer"
		if a.Kind == Basic {
			a.Put.Kind = "basic"
		}
	}
	if a.Separator == "" {
		a.Separator = " "
	}
	if a.Client == "" {
		a.Client = "basic"
	}
	if a.Refresh == "" {
		a.Refresh = Rotates
	}
}

func (a *Auth) check(path string, discovered bool) error {
	switch {
	case !slices.Contains([]string{"basic", "post", "none"}, a.Client):
		return hotcell.Invalid(path+"/client", "a client shows itself by basic, post or none")
	case !slices.Contains([]Refresh{Rotates, Grace, Keeps, NoRefresh}, a.Refresh):
		return hotcell.Invalid(path+"/refresh", "a refresh token rotates, has grace, keeps or is none")
	case a.Put.Kind != "" && !slices.Contains(puts, a.Put.Kind):
		return hotcell.Invalid(path+"/put/kind", "a key goes onto requests as bearer, basic, header, query, cookie or sigv4")
	case len(a.Prefixes) > 0 && !a.Kind.Keyed():
		return hotcell.Invalid(path+"/prefixes", "keys have first characters, and this way takes none")
	}
	return a.endpoints(path, discovered)
}

// endpoints holds the addresses of authorisation against what the kind needs.
func (a *Auth) endpoints(path string, discovered bool) error {
	needs := map[Kind][]string{
		OAuth2: {"authorize", "token"}, Device: {"device", "token"}, ClientCredentials: {"token"}, ServiceAccount: {"token"},
	}[a.Kind]
	for _, e := range []struct{ name, address string }{{"authorize", a.Authorize}, {"token", a.Token}, {"revoke", a.Revoke}, {"device", a.Device}} {
		if e.address == "" {
			if slices.Contains(needs, e.name) && !discovered {
				return hotcell.Invalid(path+"/"+e.name, "this kind of authorisation needs this address")
			}
			continue
		}
		if !secure(e.address) || strings.Contains(e.address, "${") {
			return hotcell.Invalid(path+"/"+e.name, "an address is an https URL, written out: settings are not put into it")
		}
	}
	return nil
}

func secure(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Host != "" && u.User == nil && u.Fragment == "" && (u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname()))
}

func loopback(host string) bool {
	return host == "localhost" || host == "127.0.0.1" || host == "::1"
}

func compileErrors(c *Connector, d *document) error {
	k := &compiler{path: "/errors"}
	c.errors = k.failing(d.Errors)
	return k.err
}

func compileTools(c *Connector, d *document) error {
	k := &compiler{path: "/tools"}
	k.failIf(len(d.Tools) == 0 && c.Definition == "", "", "a connector has tools")
	for i := range d.Tools {
		path := fmt.Sprintf("/%d", i)
		t, err := compileTool(&d.Tools[i], "")
		k.fail(path, err)
		_, twice := c.Tool(d.Tools[i].Name)
		k.failIf(twice, path+"/name", "there is a tool of this name already")
		if t == nil {
			t = &Tool{Name: d.Tools[i].Name}
		}
		c.Tools = append(c.Tools, t)
	}
	return k.err
}

func compileTool(d *toolDocument, path string) (*Tool, error) {
	t := &Tool{Name: d.Name, Title: d.Title, About: strings.TrimSpace(d.About), Hint: d.Hint, Idempotent: d.Idempotent, Approve: d.Approve, Scopes: d.Scopes}
	k := &compiler{path: path}
	k.failIf(!toolName.MatchString(d.Name), "/name", "a tool's name is lower-case letters, digits and _, and begins with a letter")
	k.failIf(t.About == "", "/about", "say for an agent what the tool does, when to use it and what comes back")
	k.failIf(!slices.Contains(hints, d.Hint), "/hint", "a tool is to read, to write, or destructive")
	k.failIf((d.Request == nil) == (len(d.Steps) == 0), "", "a tool has a request, or steps")
	input := d.Input
	if input == nil {
		input = map[string]any{"type": "object"}
	}
	if p := d.Pages; p != nil && (p.Into.Query != "" || p.Into.JSON != "" || p.Into.Form != "") {
		input = resuming(input)
	}
	text, err := json.Marshal(input)
	k.failIf(err != nil, "/input", "this is no JSON Schema")
	if t.schema, err = newSchema(text, d.foreign); err != nil {
		k.fail("/input", err)
		t.schema = &schema.Schema{}
	}
	t.Input = t.schema.Text()
	if d.Output != nil {
		t.Output, err = json.Marshal(d.Output)
		k.failIf(err != nil, "/output", "this is no JSON Schema")
	}
	t.compileSteps(k, d)
	e := &compiler{path: path + "/errors"}
	t.errors = e.failing(d.Errors)
	k.err = errors.Join(k.err, e.err)
	t.compileResult(k, d)
	if k.err != nil {
		return nil, k.err
	}
	return t, nil
}

// onlyStep is the name of the step of a tool that has one request.
const onlyStep = "request"

func (t *Tool) compileSteps(k *compiler, d *toolDocument) {
	if d.Request != nil {
		r, err := newRequest(d.Request, "/request")
		k.fail("", err)
		t.steps = []step{{name: onlyStep, request: r}}
		return
	}
	for i := range d.Steps {
		s := &d.Steps[i]
		below := fmt.Sprintf("/steps/%d", i)
		taken := slices.ContainsFunc(t.steps, func(o step) bool { return o.name == s.Name })
		k.failIf(!identifier(s.Name) || taken, below+"/name", "each step has a name of its own")
		r, err := newRequest(&s.Request, "/request")
		k.fail(below, err)
		t.steps = append(t.steps, step{s.Name, k.optional(below+"/when", s.When), r})
	}
}

func (t *Tool) compileResult(k *compiler, d *toolDocument) {
	if p := d.Pages; p != nil {
		t.compilePages(k, p)
	}
	if d.Result != nil {
		t.result = k.tree("/result", d.Result)
	}
	if c := d.Content; c != nil {
		t.content = &content{
			k.optional("/content/type", c.Type), k.optional("/content/base64", c.Base64), k.optional("/content/text", c.Text), k.optional("/content/name", c.Name), c.Raw,
		}
		k.failIf(count(c.Base64 != "", c.Text != "", c.Raw) != 1, "/content", "a file is base64, or text, or raw: the body as it came")
		k.failIf(c.Raw && d.Pages != nil, "/content", "a list is not raw")
	}
}

func (t *Tool) compilePages(k *compiler, p *pagesDocument) {
	t.pages = &pages{
		items: k.text("/pages/items", p.Items), next: k.text("/pages/next", p.Next), query: p.Into.Query, json: p.Into.JSON, form: p.Into.Form,
		url: p.Into.URL, link: p.Link,
	}
	if p.Limit != "" {
		limit := p.Limit
		if !strings.HasPrefix(limit, "${") {
			limit = "${" + limit + "}"
		}
		t.pages.limit = k.text("/pages/limit", limit)
	}
	ways, lead := count(p.Into.Query != "", p.Into.JSON != "", p.Into.Form != ""), count(p.Into.URL, p.Link)
	bad := ways+lead == 0 || ways > 1 || lead > 1 || lead == 1 && ways == 1 && p.Into.Query == ""
	k.failIf(bad, "/pages", "the next page is asked for in one way: into query, json or form, by a url, or by the Link header")
}
