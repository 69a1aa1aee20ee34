// Package connection is tier 1 in the vault's process: services that the vault
// calls for agents, with a key or with a grant that a person gave in a browser.
// Keys and tokens are kept sealed, and opened for one request at a time by those
// who put them on (packages call and forward).
//
// It guards that a value goes over TLS to the host that its connector names, in
// one declared place of a request, that it can be looked for in what comes back,
// and that an account is connected by the one browser that opened the link, for
// the member who asked. It opens nothing for anybody. What a service does with
// its own tokens it cannot know. One way to use it:
//
//	s := connection.New(connection.Config{Vault: door, Catalog: catalog, …})
//	credential, err := s.Create(ctx, request)
//	link, err := s.CreateLink(ctx, request)
package connection

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"hotcell"
	"hotcell/internal/catalog/connector"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/policy/access"
	"hotcell/internal/value/sensitive"
	"hotcell/internal/vault/internal/book"
	"hotcell/internal/vault/internal/courier"
	"hotcell/internal/vault/internal/door"
	"hotcell/internal/vault/internal/oauth"
)

// Keeper keeps the tokens of connections fresh.
type Keeper interface {
	// Ensure returns nil where the newest token is good; refused is the version
	// that the service did not know, 0 for none.
	Ensure(ctx context.Context, ws hotcell.WorkspaceID, id hotcell.CredentialID, refused int) error
	// Revive is Ensure of a connection that is broken by its service's word alone.
	Revive(ctx context.Context, ws hotcell.WorkspaceID, id hotcell.CredentialID, refused int) error
}

// Discoverer lists the tools of a remote MCP server.
type Discoverer interface {
	Discover(ctx context.Context, url string, auth hotcell.Auth, key sensitive.Bytes) ([]connector.RemoteTool, error)
}

// Parser reads what strangers describe their services by: [connector.Plain], in a
// process that holds no key.
type Parser interface {
	Parse(ctx context.Context, kind string, text []byte) ([]byte, error)
}

// Config is what a service needs.
type Config struct {
	Vault   *door.Vault
	Catalog *connector.Catalog
	Book    *book.Book
	OAuth   *oauth.Service
	Keeper  Keeper
	Courier *courier.Courier
	// Remote may be nil: then no MCP server can be connected.
	Remote Discoverer
	Parser Parser
	Now    func() time.Time
	Log    *slog.Logger
}

// Service does what people ask of connections.
type Service struct {
	Config
	mu sync.Mutex
	// devices are the codes that wait for a person elsewhere. They are values, so
	// they are nowhere else: after a restart, such a link is asked for anew.
	devices map[hotcell.LinkID]*waiting
	// registering are the links that a client is being made for.
	registering map[hotcell.LinkID]bool
	// asked is when a suspected connection was last asked about.
	asked map[hotcell.CredentialID]time.Time
}

// New is the tier behind the vault's door.
func New(c Config) *Service {
	return &Service{Config: c, devices: map[hotcell.LinkID]*waiting{}, registering: map[hotcell.LinkID]bool{}, asked: map[hotcell.CredentialID]time.Time{}}
}

// Change changes what is given and leaves the rest. A new key is a new version;
// jobs that run keep theirs, but for what is renewed. Where the key goes cannot
// be changed: whoever may change a shared connection would learn its key by
// sending it to themselves.
func (s *Service) Change(ctx context.Context, r *vaultrpc.ChangeConnectionRequest) (out hotcell.Credential, err error) {
	if err := checkChange(r); err != nil {
		return out, err
	}
	fresh := &material{}
	if len(r.Key) > 0 {
		if fresh, err = s.rekeyed(ctx, r); err != nil {
			return out, err
		}
		defer fresh.clear()
	}
	err = s.Vault.ChangeCredential(ctx, r.Principal, hotcell.TierConnection, r.ID, r.Revision, func(a *door.Act, c hotcell.Credential) error {
		out, err = s.apply(a, c, r, fresh)
		return err
	})
	return out, err
}

// rekeyed brings a new key into the form in which it is kept.
func (s *Service) rekeyed(ctx context.Context, r *vaultrpc.ChangeConnectionRequest) (*material, error) {
	c, _, err := s.Vault.Credential(ctx, r.Principal, r.ID)
	if err != nil {
		return nil, err
	}
	if c.Tier != hotcell.TierConnection {
		return nil, hotcell.ErrNotFound
	}
	to := target{auth: auth(c), name: c.Name}
	if c.Connected != nil {
		if to.connector, err = s.Book.Of(ctx, c.Workspace, c); err != nil {
			return nil, err
		}
		to.settings, to.slug = c.Connected.Settings, c.Connected.Connector
	}
	if err := to.takesKey("/key"); err != nil {
		return nil, err
	}
	if to.keyless() {
		return nil, hotcell.Invalid("/key", "this connection has no key")
	}
	claimed := s.asks(to)
	if claimed {
		if err := s.claim(ctx, r.Principal, hotcell.Event{Name: c.Name, Credential: c.ID}, access.ChangeCredential, access.OfCredential(c), r.Key); err != nil {
			return nil, err
		}
	}
	key, err := s.receive(r.Principal, string(r.ID), r.Key)
	if err != nil {
		return nil, err
	}
	defer key.Clear()
	out, err := s.material(ctx, to, key)
	if err == nil && !claimed {
		out.message = r.Key
	}
	return out, err
}

// apply makes the next state of c from the request, and stores it.
func (s *Service) apply(a *door.Act, c hotcell.Credential, r *vaultrpc.ChangeConnectionRequest, fresh *material) (next hotcell.Credential, err error) {
	next = c
	next.Revision, next.UpdatedAt = c.Revision+1, s.Now()
	if r.Name != nil {
		next.Name = *r.Name
	}
	if r.Service != nil {
		next.Service = *r.Service
	}
	if len(fresh.fields) > 0 {
		if err := s.see(a, fresh.message); err != nil {
			return next, err
		}
		if next.Connected != nil {
			now := *next.Connected
			if now.Account, now.AccountID, err = fresh.account(&now, r.Anyone); err != nil {
				return next, err
			}
			fresh.onto(&now)
			next.Connected = &now
		}
		if err := s.advance(a, c, &next, fresh.fields); err != nil {
			return next, err
		}
	}
	if r.ZeroDataRetention != nil {
		if err := s.declare(a, &next, *r.ZeroDataRetention); err != nil {
			return next, err
		}
	}
	if err := a.PutCredential(next); err != nil {
		return next, door.Taken(err, next)
	}
	return next, door.Prune(a, next)
}

// advance seals fields as the version of next after that of c. The old one is
// opened to find out that it is what the vault stored.
func (s *Service) advance(a *door.Act, c hotcell.Credential, next *hotcell.Credential, fields []door.Field) error {
	old, err := s.Vault.Reopen(a, c)
	if err != nil {
		return err
	}
	door.ClearFields(old)
	next.Version = c.Version + 1
	a.About.Version = next.Version
	if err := s.Vault.Seal(a, *next, fields); err != nil {
		return fmt.Errorf("sealing the values of %q: %w", next.Name, err)
	}
	return s.undeclared(a, next)
}

// auth is how a connection's value goes onto requests.
func auth(c hotcell.Credential) hotcell.Auth {
	if c.HTTP == nil {
		return hotcell.Auth{}
	}
	return c.HTTP.Auth
}
