package connection

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"hotcell"
	"hotcell/internal/catalog/connector"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/policy/access"
	"hotcell/internal/text/site"
	"hotcell/internal/value/parcel"
	"hotcell/internal/value/sensitive"
	"hotcell/internal/vault/internal/door"
)

// key is the value that a new connection is made with; empty where there is
// none. The caller clears it.
func (s *Service) key(ctx context.Context, r *vaultrpc.CreateConnectionRequest, to target) (key sensitive.Bytes, err error) {
	switch {
	case to.keyless() && (len(r.Key) > 0 || r.FromSecret != ""):
		return key, hotcell.Invalid("/key", "%s takes no key", to.connector.Name)
	case to.keyless():
		return sensitive.New(nil), nil
	case r.FromSecret != "" && len(r.Key) > 0:
		return key, hotcell.Invalid("/from_secret", "a key is given once: by itself, or by the secret that has it")
	case r.FromSecret != "":
		return s.convert(ctx, r, to)
	}
	if s.asks(to) {
		on := access.Resource{Owner: r.Principal.Member, Shared: r.Shared}
		if err := s.claim(ctx, r.Principal, hotcell.Event{Name: r.Name}, access.CreateCredential, on, r.Key); err != nil {
			return key, err
		}
	}
	return s.receive(r.Principal, r.Name, r.Key)
}

// claim takes a sealed message before its value is used on the network: one that
// was sent before goes nowhere.
func (s *Service) claim(ctx context.Context, p hotcell.Principal, about hotcell.Event, action access.Action, on access.Resource, message []byte) error {
	about.Kind = "connection.receive"
	return s.Vault.Change(ctx, p, about, func(a *door.Act) error {
		if err := a.Permit(action, on); err != nil {
			return err
		}
		return s.see(a, message)
	})
}

// convert takes the key out of a variable of a secret, whose owner alone may
// have it sent to a place of their own choosing: whoever else may change a
// shared secret would learn it so.
func (s *Service) convert(ctx context.Context, r *vaultrpc.CreateConnectionRequest, to target) (sensitive.Bytes, error) {
	may := func(_ *door.Act, c hotcell.Credential) error {
		if c.Owner != r.Principal.Member && !to.fixed {
			return fmt.Errorf("%w: the secret is another member's: its owner alone may have its value sent to a host that is not the catalogue's", hotcell.ErrDenied)
		}
		if !slices.ContainsFunc(c.Variables, func(v hotcell.Variable) bool { return v.Name == r.FromVariable }) {
			return hotcell.Invalid("/from_variable", "the secret has no such variable")
		}
		return bound(c, to.http)
	}
	_, fields, err := s.Vault.Borrow(ctx, r.Principal, hotcell.TierSecret, r.FromSecret, "secret.convert", may)
	if err != nil {
		return sensitive.Bytes{}, err
	}
	defer door.ClearFields(fields)
	return copyOf(fields, r.FromVariable), nil
}

// bound holds where a value would go against the hosts that its secret is bound
// to.
func bound(c hotcell.Credential, to *hotcell.HTTPAccess) error {
	if len(c.Hosts) == 0 || to == nil || slices.ContainsFunc(c.Hosts, func(b string) bool { return site.Covers(b, to.Host, to.Port) }) {
		return nil
	}
	return fmt.Errorf("%w: the secret is bound to other hosts than %s", hotcell.ErrDenied, to.Host)
}

func copyOf(fields []door.Field, name string) (out sensitive.Bytes) {
	for _, f := range fields {
		if f.Name == name {
			out = clone(f.Value)
		}
	}
	return out
}

// receive opens the key that the caller sealed for item. The caller clears it.
func (s *Service) receive(p hotcell.Principal, item string, message []byte) (sensitive.Bytes, error) {
	in := parcel.Context{Workspace: string(p.Workspace), Tier: string(hotcell.TierConnection), Item: item, Field: hotcell.FieldKey}
	came, err := s.Vault.Receive(p.Workspace, in, message)
	if err != nil {
		return came, door.NotReceived(err, hotcell.Invalid("/key", "this key was not sealed to the vault's key for this workspace and connection"))
	}
	return came, nil
}

// see refuses a message that came in before.
func (s *Service) see(a *door.Act, message []byte) error {
	if len(message) == 0 {
		return nil
	}
	if err := a.See(a.Caller.Workspace, parcel.Hash(message), s.Now()); err != nil {
		return fmt.Errorf("the sealed key was sent before: seal it anew: %w", err)
	}
	return nil
}

// material is what a connection is to hold: its values, and what may be said of
// them.
type material struct {
	fields []door.Field
	// message is what the key came in, where nobody has seen to it yet.
	message []byte
	said    hotcell.Connected
}

func (m *material) clear() { door.ClearFields(m.fields) }

// onto says of a connection what is new about it. A renewal makes it whole.
func (m *material) onto(c *hotcell.Connected) {
	c.Fields = nil
	for _, f := range m.fields {
		c.Fields = append(c.Fields, f.Name)
	}
	slices.Sort(c.Fields)
	if m.said.Account != "" {
		c.Account, c.AccountID = m.said.Account, m.said.AccountID
	}
	c.Scopes, c.Expires, c.Client, c.Broken = m.said.Scopes, m.said.Expires, m.said.Client, nil
}

// account is whose a connection is with a new key. Attachments stay on it, so it must
// stay the same account's unless that is meant.
func (m *material) account(was *hotcell.Connected, anyone bool) (name, id string, err error) {
	switch {
	case anyone, was.AccountID == "", was.AccountID == m.said.AccountID:
		return m.said.Account, m.said.AccountID, nil
	case m.said.AccountID == "":
		return "", "", fmt.Errorf("%w: the service did not say whose the new key is, and the connection is %s's: try again, or say that it may become another account's (--any-account)", hotcell.ErrConflict, was.Account)
	}
	return "", "", fmt.Errorf("%w: the new key is of the account %s, and the connection is %s's: give that one's, or say that it may become another account's (--any-account)", hotcell.ErrConflict, m.said.Account, was.Account)
}

// material makes of a key what is kept, and asks the service whose it is.
func (s *Service) material(ctx context.Context, to target, key sensitive.Bytes) (*material, error) {
	out := &material{}
	if to.connector == nil {
		kept, err := checkKey(to.auth, key)
		if err != nil {
			return nil, err
		}
		out.fields = []door.Field{{Name: hotcell.FieldKey, Value: kept}}
		return out, nil
	}
	var err error
	switch to.connector.Auth.Kind {
	case connector.ServiceAccount, connector.ClientCredentials:
		err = s.exchanged(ctx, to, key, out)
	case connector.Key, connector.Basic, connector.None, connector.OAuth2, connector.Device:
		err = s.plain(to, key, out)
	}
	if err == nil {
		err = s.introduce(ctx, to, out)
	}
	if err != nil {
		out.clear()
		return nil, err
	}
	return out, nil
}

// plain keeps a key as it is.
func (s *Service) plain(to target, key sensitive.Bytes, out *material) error {
	if to.keyless() {
		return nil
	}
	if err := to.begins(key); err != nil {
		return err
	}
	kept, err := checkKey(to.auth, key)
	if err != nil {
		return err
	}
	out.fields = []door.Field{{Name: hotcell.FieldKey, Value: kept}}
	return nil
}

// begins refuses a key that is none of this service's, or not one that goes on
// without being renewed: before it is sent anywhere.
func (t *target) begins(key sensitive.Bytes) error {
	return key.Use(func(b []byte) error {
		if a := &t.connector.Auth; !a.Takes(string(b[:min(len(b), maxPrefix)])) {
			return hotcell.Invalid("/key", "this is no key that %s takes here: one begins with %s", t.connector.Name, strings.Join(a.Prefixes, ", "))
		}
		return nil
	})
}

// maxPrefix is how much of a key is looked at to see whose it is.
const maxPrefix = 32

// introduce asks the service who was connected. One that does not know the key
// says so now, and not in the middle of a job; one that is not there, or says
// something else, is no reason not to keep it.
func (s *Service) introduce(ctx context.Context, to target, out *material) error {
	id, name, err := s.identify(ctx, to, out.fields)
	switch {
	case err == nil:
		out.said.AccountID, out.said.Account = id, name
	case refusedBy(err):
		return hotcell.Invalid("/key", "%s does not take this key: %s", to.connector.Name, sentence(err))
	}
	return nil
}

// dynamic says whether a setting has a say in an address.
func dynamic(address string) bool { return strings.Contains(address, "${") }
