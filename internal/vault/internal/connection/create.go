package connection

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"hotcell"
	"hotcell/internal/catalog/connector"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/value/sensitive"
	"hotcell/internal/vault/internal/book"
	"hotcell/internal/vault/internal/door"
	"hotcell/internal/vault/internal/oauth"
)

// slugHTTP is the connector of services that the catalogue does not know, and
// settingBase where such a one is.
const (
	slugHTTP    = "http"
	settingBase = "base"
)

// maxDefinition bounds an OpenAPI document, in bytes.
const maxDefinition = 16 << 20

// target is where a connection's value will go.
type target struct {
	slug      string
	name      string
	connector *connector.Connector // nil for a key that was kept before there were connectors
	auth      hotcell.Auth
	http      *hotcell.HTTPAccess
	settings  map[string]string
	// definition is what the connection describes itself by.
	definition []byte
	// client opens the OAuth client that the connection was made by; nil where there
	// is none.
	client func(context.Context) (oauth.Client, error)
	// fixed is true where the place is the operator's choice, and nobody else's.
	fixed bool
}

// Create makes a connection to a service that takes a key, or nothing.
func (s *Service) Create(ctx context.Context, r *vaultrpc.CreateConnectionRequest) (out hotcell.Credential, err error) {
	if err := checkNames(r); err != nil {
		return out, err
	}
	to, err := s.target(ctx, r)
	if err != nil {
		return out, err
	}
	key, err := s.key(ctx, r, to)
	if err != nil {
		return out, err
	}
	defer key.Clear()
	if err := s.describe(ctx, r, &to, key); err != nil {
		return out, err
	}
	made, err := s.material(ctx, to, key)
	if err != nil {
		return out, err
	}
	defer made.clear()
	if !s.asks(to) {
		made.message = r.Key
	}
	return s.store(ctx, r, to, made)
}

// store stores a new connection.
func (s *Service) store(ctx context.Context, r *vaultrpc.CreateConnectionRequest, to target, made *material) (hotcell.Credential, error) {
	fresh := hotcell.Credential{
		ID: hotcell.CredentialID(hotcell.NewID(hotcell.PrefixConnection)), Workspace: r.Principal.Workspace,
		Tier: hotcell.TierConnection, Name: r.Name, Owner: r.Principal.Member, Shared: r.Shared, Service: r.Service, HTTP: to.http,
		Version: 1, Revision: 1, CreatedAt: s.Now(), UpdatedAt: s.Now(),
	}
	if to.connector != nil {
		fresh.Service = cmp.Or(r.Service, to.slug)
		fresh.Connected = &hotcell.Connected{Connector: to.slug, Auth: string(to.connector.Auth.Kind), Settings: to.settings}
		made.onto(fresh.Connected)
	}
	fresh.Model = modelOf(to)
	before := fresh
	if r.ZeroDataRetention {
		fresh.Model = s.word(r.Principal.Member)
	}
	return fresh, s.Vault.CreateCredential(ctx, r.Principal, fresh, made.fields, func(a *door.Act) error {
		if err := s.declare(a, &before, r.ZeroDataRetention); err != nil {
			return err
		}
		if len(to.definition) > 0 {
			if err := s.Vault.PutDefinition(a, fresh.ID, to.definition); err != nil {
				return err
			}
		}
		return s.see(a, made.message)
	})
}

// target finds out where the value will go, as far as that can be said before it
// was seen.
func (s *Service) target(ctx context.Context, r *vaultrpc.CreateConnectionRequest) (to target, err error) {
	c, found := s.Catalog.Find(cmp.Or(r.Connector, slugHTTP))
	if !found {
		return to, hotcell.Invalid("/connector", "there is no connector of this name: hotcell connections catalog lists them")
	}
	if c, err = keyed(c, r.Auth); err != nil {
		return to, err
	}
	to = target{slug: c.Slug, name: r.Name, connector: c, auth: c.Auth.Put, settings: r.Settings, fixed: fixed(c, r.Settings)}
	if c.Definition == book.MCP && len(r.Key) == 0 && r.FromSecret == "" {
		to.auth = hotcell.Auth{} // a server may ask for none
	}
	if err := to.takesKey("/connector"); err != nil {
		return to, err
	}
	if err := to.chosen(r); err != nil {
		return to, err
	}
	if c.Definition == book.OpenAPI {
		if err := s.described(ctx, &to, r.Definition); err != nil {
			return to, err
		}
	}
	if err := c.CheckSettings(to.settings); err != nil {
		return to, err
	}
	return to, to.place()
}

// keyed is the connector by the way that was asked for; else by its first that
// nobody signs in for.
func keyed(c *connector.Connector, kind string) (*connector.Connector, error) {
	if kind != "" {
		return c.By(connector.Kind(kind))
	}
	for _, way := range c.Ways() {
		if !way.Auth.Kind.Signs() {
			return way, nil
		}
	}
	return c, nil
}

// chosen takes what a person says of a service that the catalogue does not know:
// how the key goes on, and where the service is.
func (t *target) chosen(r *vaultrpc.CreateConnectionRequest) error {
	switch {
	case t.slug == slugHTTP && !strings.Contains(t.settings[settingBase], "://"):
		access, err := checkAccess(r.HTTP)
		if err != nil {
			return err
		}
		path, err := basePath(t.settings[settingBase])
		t.auth = access.Auth
		t.set(settingBase, "https://"+authority(access)+path)
		return err
	case t.slug == slugHTTP && !plainBase(t.settings[settingBase]):
		return errBase
	case t.auth.Kind != "" && (t.slug == slugHTTP || t.connector.Definition != ""):
		if r.HTTP.Auth.Kind != "" {
			t.auth = r.HTTP.Auth
		}
		return checkAuth(t.auth)
	}
	return nil
}

// authority is host and port as an address has them: without the port that is usual,
// which some services do not know themselves by.
func authority(to hotcell.HTTPAccess) string {
	whole := net.JoinHostPort(to.Host, strconv.Itoa(to.Port))
	if to.Port == defaultPort {
		return strings.TrimSuffix(whole, ":"+strconv.Itoa(defaultPort))
	}
	return whole
}

// basePath is the path that all requests of a service begin with; it is written so that
// it means one thing.
func basePath(given string) (string, error) {
	clean := strings.TrimSuffix(given, "/")
	if clean != "" && (!strings.HasPrefix(clean, "/") || path.Clean(clean) != clean || !plainPath.MatchString(clean)) {
		return "", errBase
	}
	return clean, nil
}

var errBase = hotcell.Invalid("/settings/"+settingBase, "a base is the service's address such as https://api.acme.test/v2, or its path alone beside the host: /v2")

// plainBase says whether a whole address has such a path.
func plainBase(whole string) bool {
	u, err := url.Parse(whole)
	if err != nil {
		return false
	}
	_, err = basePath(u.EscapedPath())
	return err == nil
}

// plainPath has nothing that a server could read in another way.
var plainPath = regexp.MustCompile(`^[A-Za-z0-9/._~:@-]{1,500}$`)

// described takes an OpenAPI document, made plain.
func (s *Service) described(ctx context.Context, to *target, document []byte) error {
	if len(document) == 0 || len(document) > maxDefinition {
		return hotcell.Invalid("/definition", "give the service's OpenAPI document: at most %d MiB", maxDefinition>>20)
	}
	question, err := connector.AskPlain(document, connector.PickOf(to.settings))
	if err != nil {
		return err
	}
	if to.definition, err = s.Parser.Parse(ctx, book.OpenAPI, question); err != nil {
		if field, ok := errors.AsType[*hotcell.FieldError](err); ok && field.Pointer == "" {
			return hotcell.Invalid("/definition", "%s", field.Reason)
		}
		return err
	}
	to.connector, err = book.Make(to.connector, to.name, to.settings, to.definition)
	return err
}

// set adds a setting to those that a person gave.
func (t *target) set(name, value string) {
	all := maps.Clone(t.settings)
	if all == nil {
		all = map[string]string{}
	}
	all[name] = value
	t.settings = all
}

// place finds host and port.
func (t *target) place() error {
	host, port, err := t.connector.Origin(t.settings)
	if err != nil {
		return err
	}
	if t.auth.Kind != "" {
		t.http = &hotcell.HTTPAccess{Host: host, Port: port, Auth: t.auth}
	}
	return nil
}

// takesKey refuses what is connected by signing in.
func (t *target) takesKey(pointer string) error {
	if t.connector == nil {
		return nil
	}
	if t.connector.Auth.Kind.Signs() {
		return hotcell.Invalid(pointer, "%s is connected by signing in there, not by a key: ask for a link", t.connector.Name)
	}
	return nil
}

// asks says whether a service is asked with the key before it is kept.
func (s *Service) asks(to target) bool {
	c := to.connector
	return c != nil && (c.Auth.Kind == connector.ServiceAccount || c.Auth.Kind == connector.ClientCredentials || c.Definition == book.MCP || c.Identify(to.settings, s.Now()) != nil)
}

// keyless says whether there is no value at all.
func (t *target) keyless() bool { return t.connector != nil && t.auth.Kind == "" }

// fixed says whether nobody but the operator says where a connector's requests
// go.
func fixed(c *connector.Connector, settings map[string]string) bool {
	return c.Definition == "" && (!c.Model || settings[connector.SettingURL] == "") && !slices.ContainsFunc(append([]string{c.Base, c.Auth.Token}, c.Also...), dynamic)
}

// describe asks an MCP server which tools it has.
func (s *Service) describe(ctx context.Context, r *vaultrpc.CreateConnectionRequest, to *target, key sensitive.Bytes) error {
	if to.connector == nil || to.connector.Definition != book.MCP {
		return nil
	}
	tools, err := s.discover(ctx, to.connector, to.settings, to.auth, key)
	if err != nil {
		return err
	}
	to.definition = tools
	to.connector, err = book.Make(to.connector, r.Name, nil, tools)
	return err
}
