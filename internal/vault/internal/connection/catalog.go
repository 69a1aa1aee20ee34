package connection

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"hotcell"
	"hotcell/internal/catalog/connector"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/policy/access"
	"hotcell/internal/vault/internal/door"
)

// The hints of connectors' documents.
const (
	hintRead        = "read"
	hintDestructive = "destructive"
)

// maxDocument bounds a connector's document, in bytes.
const maxDocument = 1 << 20

// Connectors lists the catalogue; with a slug, that one with its tools.
func (s *Service) Connectors(ctx context.Context, r *vaultrpc.ConnectorsRequest) (*vaultrpc.ConnectorsAnswer, error) {
	set, err := s.Vault.Clients(ctx, r.Principal)
	if err != nil {
		return nil, err
	}
	out := &vaultrpc.ConnectorsAnswer{}
	for _, c := range s.Catalog.All() {
		if r.Slug != "" && r.Slug != c.Slug {
			continue
		}
		one := describe(c)
		if needsClient(c) {
			one.Client = "missing"
			if slices.ContainsFunc(set, func(client hotcell.Client) bool { return client.Connector == c.Slug }) {
				one.Client = "set"
			}
		}
		if r.Slug != "" {
			one.Tools = tools(c, nil)
		}
		out.Connectors = append(out.Connectors, one)
	}
	if r.Slug != "" && len(out.Connectors) == 0 {
		return nil, hotcell.ErrNotFound
	}
	return out, nil
}

// needsClient says whether somebody can sign in for it, which takes an OAuth client
// of the workspace's own.
func needsClient(c *connector.Connector) bool {
	return slices.ContainsFunc(c.Kinds(), connector.Kind.Signs)
}

// describe is what people may know of a connector.
func describe(c *connector.Connector) vaultrpc.Connector {
	out := vaultrpc.Connector{
		Slug: c.Slug, Name: c.Name, Category: c.Category, About: strings.TrimSpace(c.About), Auth: string(c.Auth.Kind), Own: c.Own, Model: c.Model, Help: strings.TrimSpace(c.Auth.Help),
	}
	for _, address := range append([]string{c.Base}, c.Also...) {
		if u, err := url.Parse(address); err == nil && u.Host != "" && !dynamic(address) {
			out.Hosts = append(out.Hosts, u.Host)
		}
	}
	for _, way := range c.Ways() {
		out.Ways = append(out.Ways, vaultrpc.Way{Auth: string(way.Auth.Kind), Prefixes: way.Auth.Prefixes, Help: strings.TrimSpace(way.Auth.Help)})
	}
	for _, one := range c.Settings {
		out.Settings = append(out.Settings, vaultrpc.Setting{Name: one.Name, About: one.About, Required: one.Required})
	}
	return out
}

// tools are a connector's tools, and what a connection lacks for each.
func tools(c *connector.Connector, on *hotcell.Connected) (out []vaultrpc.Tool) {
	for _, t := range c.Tools {
		out = append(out, vaultrpc.Tool{
			Name: c.AgentName(t.Name), Title: t.Title, Description: strings.TrimSpace(t.About), Input: t.Input, Output: t.Output,
			ReadOnly: t.Hint == hintRead, Destructive: t.Hint == hintDestructive, Idempotent: t.Idempotent || t.Hint == hintRead,
			Approval: t.Approve, Scopes: t.Scopes, Lacks: lacks(c, on, t),
		})
	}
	return out
}

// LintConnector says what is wrong with a connector's document.
func (s *Service) LintConnector(ctx context.Context, r *vaultrpc.LintConnectorRequest) (*vaultrpc.LintConnectorAnswer, error) {
	err := s.Vault.Look(ctx, r.Principal, hotcell.Event{Kind: "connector.lint"}, func(l *door.Look) error {
		return l.Permit(access.SeeCredential, access.Resource{Owner: r.Principal.Member})
	})
	if err != nil {
		return nil, err
	}
	if len(r.Text) > maxDocument {
		return nil, hotcell.Invalid("/text", "a connector's document has at most %d MiB", maxDocument>>20)
	}
	out := &vaultrpc.LintConnectorAnswer{}
	for _, p := range connector.Lint(r.Text) {
		out.Problems = append(out.Problems, vaultrpc.Fault{Line: p.Line, Path: p.Path, Detail: p.Detail})
	}
	return out, nil
}

// Tools lists the tools of a connection that the caller may know of.
func (s *Service) Tools(ctx context.Context, r *vaultrpc.ToolsRequest) (*vaultrpc.ToolsAnswer, error) {
	c, _, err := s.Vault.Credential(ctx, r.Principal, r.ID)
	if err != nil {
		return nil, err
	}
	if c.Tier != hotcell.TierConnection {
		return nil, hotcell.ErrNotFound
	}
	if c.Connected == nil {
		return &vaultrpc.ToolsAnswer{}, nil
	}
	of, err := s.Book.Of(ctx, c.Workspace, c)
	if err != nil {
		return nil, err
	}
	return &vaultrpc.ToolsAnswer{Tools: tools(of, c.Connected), Missing: of.Missing}, nil
}

// Named is a narrowing with the tools by their connector's own names, where a
// person gave some as agents call them: "slack_post" is "post". What cannot be
// told is left as it is, for the attachment to be refused.
func (s *Service) Named(ctx context.Context, p hotcell.Principal, id hotcell.CredentialID, n hotcell.Narrowing) hotcell.Narrowing {
	if len(n.Tools) == 0 {
		return n
	}
	c, _, err := s.Vault.Credential(ctx, p, id)
	if err != nil || c.Connected == nil {
		return n
	}
	of, err := s.Book.Of(ctx, c.Workspace, c)
	if err != nil {
		return n
	}
	plain := func(name string) string {
		for _, t := range of.Tools {
			if of.AgentName(t.Name) == name {
				return t.Name
			}
		}
		return name
	}
	all := func(names []string) (out []string) {
		for _, name := range names {
			out = append(out, plain(name))
		}
		return out
	}
	n.Tools, n.Approve, n.Unasked, n.Rules = all(n.Tools), all(n.Approve), all(n.Unasked), slices.Clone(n.Rules)
	for i := range n.Rules {
		n.Rules[i].Tool = plain(n.Rules[i].Tool)
	}
	return n
}
