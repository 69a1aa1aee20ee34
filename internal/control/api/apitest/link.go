package apitest

import (
	"context"
	"strings"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/value/parcel"
)

// accounts is what of the world is about connecting accounts.
type accounts struct {
	// consents is true where each link is opened at once, and the service says yes.
	consents bool
	links    map[hotcell.LinkID]hotcell.Link
	clients  map[string]vaultrpc.OAuthClient
	secrets  map[string]string
	// unanswered is true where the next test of a connection finds nobody.
	unanswered bool
}

// Unanswered has the next test of a connection find nobody.
func (w *World) Unanswered() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.accounts.unanswered = true
}

// chat is the one connector of the catalogue that is connected by a link, key
// the one that takes a key, and desk is connected by either.
var chat, key, desk = vaultrpc.Connector{
	Slug: "chat", Name: "Chat", Category: "chat", About: "Post to channels.", Auth: "oauth2", Hosts: []string{"chat.acme.test"}, Client: "missing",
	Settings: []vaultrpc.Setting{{Name: "team", About: "the team's name"}},
	Tools: []vaultrpc.Tool{
		{Name: "chat_post", Title: "Post", Description: "Post a message.", Input: []byte(`{"type":"object"}`), Scopes: []string{"write"}},
		{Name: "chat_purge", Title: "Purge", Description: "Delete all messages.", Input: []byte(`{"type":"object"}`), Destructive: true, Approval: true},
	},
}, vaultrpc.Connector{Slug: "pay", Name: "Pay", Category: "payments", Auth: "key", Hosts: []string{"api.pay.test"}}, vaultrpc.Connector{
	Slug: "desk", Name: "Desk", Category: "tasks", Auth: "oauth2", Hosts: []string{"api.desk.test"}, Client: "missing",
	Ways: []vaultrpc.Way{{Auth: "oauth2", Help: "Make an app."}, {Auth: "key", Prefixes: []string{"dsk-"}, Help: "Or give a key."}},
}

func (v *vault) Connectors(_ context.Context, r *vaultrpc.ConnectorsRequest) (*vaultrpc.ConnectorsAnswer, error) {
	leave, err := v.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	out := &vaultrpc.ConnectorsAnswer{}
	for _, c := range []vaultrpc.Connector{chat, desk, key} {
		if _, set := v.accounts.clients[c.Slug]; set {
			c.Client = "set"
		}
		if r.Slug == "" {
			c.Tools = nil
		}
		if r.Slug == "" || r.Slug == c.Slug {
			out.Connectors = append(out.Connectors, c)
		}
	}
	if len(out.Connectors) == 0 {
		return nil, hotcell.ErrNotFound
	}
	return out, nil
}

func (v *vault) LintConnector(_ context.Context, r *vaultrpc.LintConnectorRequest) (*vaultrpc.LintConnectorAnswer, error) {
	out := &vaultrpc.LintConnectorAnswer{}
	if !strings.HasPrefix(string(r.Text), "slug:") {
		out.Problems = append(out.Problems, vaultrpc.Fault{Line: 1, Path: "/slug", Detail: "a connector has a slug"})
	}
	return out, nil
}

func (v *vault) TestConnection(_ context.Context, r *vaultrpc.TestConnectionRequest) (*vaultrpc.TestConnectionAnswer, error) {
	leave, err := v.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	c, err := v.secret(r.ID, 0)
	if err != nil {
		return nil, err
	}
	if c.Connected == nil {
		return &vaultrpc.TestConnectionAnswer{Reason: "there is nothing to ask"}, nil
	}
	if v.accounts.unanswered {
		v.accounts.unanswered = false
		return &vaultrpc.TestConnectionAnswer{Reason: "the service cannot be reached", Unanswered: true}, nil
	}
	return &vaultrpc.TestConnectionAnswer{Works: true, Account: c.Connected.Account}, nil
}

func (v *vault) Tools(_ context.Context, r *vaultrpc.ToolsRequest) (*vaultrpc.ToolsAnswer, error) {
	leave, err := v.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	if _, err := v.secret(r.ID, 0); err != nil {
		return nil, err
	}
	return &vaultrpc.ToolsAnswer{Tools: chat.Tools}, nil
}

func (v *vault) CreateLink(_ context.Context, r *vaultrpc.CreateLinkRequest) (*vaultrpc.CreateLinkAnswer, error) {
	leave, err := v.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	l := hotcell.Link{ID: hotcell.LinkID(hotcell.NewID(hotcell.PrefixLink)), Workspace: v.workspace.ID, Owner: v.member.ID, Connector: r.Connector, Name: r.Name, Shared: r.Shared, Renews: r.Renews, Anyone: r.Anyone, State: hotcell.LinkWaiting}
	if r.Renews != "" {
		c, err := v.secret(r.Renews, 0)
		if err != nil {
			return nil, err
		}
		l.Connector, l.Name = c.Connected.Connector, c.Name
	}
	if l.Connector != chat.Slug {
		return nil, hotcell.Invalid("/connector", "there is no such connector")
	}
	if _, set := v.accounts.clients[l.Connector]; !set {
		return nil, hotcell.Invalid("/connector", "an OAuth client is needed first")
	}
	l.CreatedAt = (*World)(v).tick()
	l.Expires = l.CreatedAt.Add(hotcell.LinkTime)
	v.accounts.links[l.ID] = l
	return &vaultrpc.CreateLinkAnswer{Link: l, Token: "token-of-" + string(l.ID)}, nil
}

func (v *vault) Link(_ context.Context, r *vaultrpc.LinkRequest) (*vaultrpc.LinkAnswer, error) {
	leave, err := v.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	l, there := v.accounts.links[r.ID]
	if !there {
		return nil, hotcell.ErrNotFound
	}
	if v.accounts.consents && l.State == hotcell.LinkWaiting {
		l = v.connected(l)
	}
	return &vaultrpc.LinkAnswer{Link: l}, nil
}

// Consent has a person open each link from now on, and the service say yes.
func (w *World) Consent() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.accounts.consents = true
}

func (v *vault) LookAtLink(_ context.Context, r *vaultrpc.LookAtLinkRequest) (*vaultrpc.LookAtLinkAnswer, error) {
	leave, err := v.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	l, there := v.accounts.links[hotcell.LinkID(strings.TrimPrefix(r.Token, "token-of-"))]
	if !there {
		return nil, hotcell.ErrNotFound
	}
	return &vaultrpc.LookAtLinkAnswer{
		Asks: v.member.Name, Service: chat.Name, At: "accounts.acme.test", Name: l.Name, Shared: l.Shared, Writes: []string{"Post"}, Destroys: []string{"Purge"}, Scopes: []string{"write"},
		Renews: l.Renews != "", Anyone: l.Anyone,
	}, nil
}

func (v *vault) OpenLink(_ context.Context, r *vaultrpc.OpenLinkRequest) (*vaultrpc.OpenLinkAnswer, error) {
	leave, err := v.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	id := hotcell.LinkID(strings.TrimPrefix(r.Token, "token-of-"))
	l, there := v.accounts.links[id]
	if !there {
		return nil, hotcell.ErrNotFound
	}
	l.State = hotcell.LinkOpened
	v.accounts.links[id] = l
	return &vaultrpc.OpenLinkAnswer{URL: "https://accounts.acme.test/authorize?state=" + string(id) + "&redirect_uri=" + r.Callback, Cookie: "cookie-of-" + string(id), Expires: l.Expires}, nil
}

func (v *vault) FinishLink(_ context.Context, r *vaultrpc.FinishLinkRequest) (*vaultrpc.FinishLinkAnswer, error) {
	leave, err := v.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	l, there := v.accounts.links[hotcell.LinkID(r.State)]
	switch {
	case !there:
		return nil, hotcell.ErrNotFound
	case r.Cookie != "cookie-of-"+r.State:
		return nil, &refused{"this link was opened in another browser"}
	case r.Code == "":
		l.State, l.Reason = hotcell.LinkFailed, "the service said no"
		v.accounts.links[l.ID] = l
		return nil, &refused{l.Reason}
	}
	l = v.connected(l)
	return &vaultrpc.FinishLinkAnswer{Link: l, Account: "ada@acme.test in Acme"}, nil
}

// connected makes the connection of a link. The lock is held.
func (v *vault) connected(l hotcell.Link) hotcell.Link {
	now := (*World)(v).tick()
	c := hotcell.Credential{
		ID: hotcell.CredentialID(hotcell.NewID(hotcell.PrefixConnection)), Workspace: v.workspace.ID, Tier: hotcell.TierConnection, Name: l.Name, Owner: v.member.ID, Shared: l.Shared,
		Connected: &hotcell.Connected{Connector: l.Connector, Account: "ada@acme.test in Acme"}, Version: 1, Revision: 1, CreatedAt: now, UpdatedAt: now,
	}
	if l.Renews == "" {
		v.secrets = append(v.secrets, c)
	} else {
		c.ID = l.Renews
	}
	l.State, l.Connection = hotcell.LinkDone, c.ID
	v.accounts.links[l.ID] = l
	return l
}

// refused is a refusal of the vault's.
type refused struct{ reason string }

func (r *refused) Error() string { return hotcell.ErrDenied.Error() + ": " + r.reason }
func (r *refused) Unwrap() error { return hotcell.ErrDenied }

func (v *vault) Clients(context.Context, *vaultrpc.WorkspaceRequest) (*vaultrpc.ClientsAnswer, error) {
	leave, err := v.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	out := &vaultrpc.ClientsAnswer{}
	for _, c := range v.accounts.clients {
		out.Clients = append(out.Clients, c)
	}
	return out, nil
}

func (v *vault) SetClient(_ context.Context, r *vaultrpc.SetClientRequest) error {
	leave, err := v.enter()
	if err != nil {
		return err
	}
	defer leave()
	if len(r.Secret) > 0 {
		value, err := v.Key.Open(parcel.Context{Workspace: string(v.workspace.ID), Tier: "client", Item: itemOf(r.Connector, r.Server), Field: "secret"}, r.Secret)
		if err != nil {
			return hotcell.Invalid("/secret", "this secret was not sealed for this connector's client")
		}
		_ = value.Use(func(b []byte) error { v.accounts.secrets[itemOf(r.Connector, r.Server)] = string(b); return nil })
	}
	v.accounts.clients[itemOf(r.Connector, r.Server)] = vaultrpc.OAuthClient{Connector: r.Connector, Server: r.Server, ID: r.ID, Public: len(r.Secret) == 0}
	return nil
}

func itemOf(connector, server string) string {
	if server != "" {
		return hotcell.OwnClient(server)
	}
	return connector
}

func (v *vault) DeleteClient(_ context.Context, r *vaultrpc.DeleteClientRequest) error {
	leave, err := v.enter()
	if err != nil {
		return err
	}
	defer leave()
	if _, there := v.accounts.clients[itemOf(r.Connector, r.Server)]; !there {
		return hotcell.ErrNotFound
	}
	delete(v.accounts.clients, itemOf(r.Connector, r.Server))
	return nil
}

func (v *vault) Advise(_ context.Context, r *vaultrpc.AdviseRequest) (*vaultrpc.AdviseAnswer, error) {
	if strings.Contains(r.What, "chat") {
		return &vaultrpc.AdviseAnswer{Advice: []vaultrpc.Advice{{Tier: hotcell.TierConnection, Connector: "chat", Reason: "there is a connector for Chat", Command: "hotcell connections create chat"}}}, nil
	}
	return &vaultrpc.AdviseAnswer{Advice: []vaultrpc.Advice{{Tier: hotcell.TierSecret, Reason: "nothing is known of it"}}}, nil
}

// Asks is the name of who asks for links.
func (w *World) Asks() string { return w.member.Name }

// ClientSecret is the secret of a connector's OAuth client as the vault has it.
func (w *World) ClientSecret(connector string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.accounts.secrets[connector]
}
