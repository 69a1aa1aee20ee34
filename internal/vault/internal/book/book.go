// Package book knows what each connection offers: the catalogue's connector, or
// one that is made of what the connection itself describes (an OpenAPI document,
// the tools of an MCP server).
//
// It guards that a definition is read once and then remembered until it changes,
// and that what is remembered is never changed by who reads it. It decides
// nothing about who may ask, and opens no value. One way to use it:
//
//	b := book.New(door, catalog, parser)
//	c, err := b.Of(ctx, workspace, credential)
package book

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"hotcell"
	"hotcell/internal/catalog/connector"
	"hotcell/internal/wire/measure"
)

// What a connector's document says of where its tools come from, where each
// connection describes its own.
const (
	OpenAPI = "openapi"
	MCP     = "mcp"
)

// Definitions keep the definition of one connection.
type Definitions interface {
	// Definition is one, and whether it was made plain before it was stored.
	Definition(context.Context, hotcell.WorkspaceID, hotcell.CredentialID) (text []byte, plain bool, err error)
	// MakePlain stores the plain form of one, of that version of the credential.
	MakePlain(ctx context.Context, ws hotcell.WorkspaceID, id hotcell.CredentialID, version int, text []byte) error
}

// Parser reads what strangers describe their services by, where no key is.
type Parser interface {
	Parse(ctx context.Context, kind string, text []byte) ([]byte, error)
}

// Book remembers what was made of definitions. Its methods may be called at
// once from anywhere.
type Book struct {
	definitions Definitions
	catalog     *connector.Catalog
	parser      Parser

	mu   sync.Mutex
	made map[page]*connector.Connector
}

// page is what a definition does not change within: one is given together with
// a version, and the name is the prefix of the tools.
type page struct {
	credential hotcell.CredentialID
	version    int
	name       string
}

// maxPages is how many are remembered.
const maxPages = 512

// New is a book over a catalogue and the vault's definitions. What an earlier version
// stored as it came, the parser makes plain.
func New(d Definitions, catalog *connector.Catalog, p Parser) *Book {
	return &Book{definitions: d, catalog: catalog, parser: p, made: map[page]*connector.Connector{}}
}

// Of is the connector of a connection; nobody may change it. It is
// [hotcell.ErrInvalid] for one without tools: a bare key for requests.
func (b *Book) Of(ctx context.Context, ws hotcell.WorkspaceID, c hotcell.Credential) (*connector.Connector, error) {
	if c.Connected == nil {
		return nil, hotcell.Invalid("/credential", "this connection has no tools: attach it as http")
	}
	slug := c.Connected.Connector
	found, ok := b.catalog.Find(slug)
	if !ok {
		return nil, fmt.Errorf("%w: the connector %q is not in the catalogue any more", hotcell.ErrUnavailable, slug)
	}
	if found.Definition != "" {
		return b.described(ctx, ws, c, found)
	}
	return found.Of(c.Connected)
}

// described is the connector that a connection's own definition makes.
func (b *Book) described(ctx context.Context, ws hotcell.WorkspaceID, c hotcell.Credential, of *connector.Connector) (*connector.Connector, error) {
	key := page{c.ID, c.Version, c.Name}
	b.mu.Lock()
	found := b.made[key]
	b.mu.Unlock()
	if found != nil {
		return found, nil
	}
	text, err := b.text(ctx, ws, c, of)
	if err != nil {
		return nil, fmt.Errorf("reading what the connection %q offers: %w", c.Name, err)
	}
	if found, err = Make(of, c.Name, c.Connected.Settings, text); err != nil {
		return nil, err
	}
	if c.HTTP == nil {
		found.Auth.Put = hotcell.Auth{} // it was connected without a key
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.made) >= maxPages {
		clear(b.made)
	}
	b.made[key] = found
	return found, nil
}

// text is a connection's definition, plain: what an earlier version stored as a stranger
// wrote it is made so first, and nothing here looks into it.
func (b *Book) text(ctx context.Context, ws hotcell.WorkspaceID, c hotcell.Credential, of *connector.Connector) ([]byte, error) {
	text, plain, err := b.definitions.Definition(ctx, ws, c.ID)
	if err != nil || plain {
		return text, err
	}
	if of.Definition == OpenAPI {
		if text, err = connector.AskPlain(text, connector.PickOf(c.Connected.Settings)); err != nil {
			return nil, err
		}
	}
	if text, err = b.parser.Parse(ctx, of.Definition, text); err != nil {
		return nil, err
	}
	return text, b.definitions.MakePlain(ctx, ws, c.ID, c.Version, text)
}

// Make makes a connector of a plain definition: an OpenAPI document, or the tools of
// an MCP server in JSON, for the connection of that name, with which the names
// of its tools begin. Of an OpenAPI document the settings may pick operations.
func Make(of *connector.Connector, name string, settings map[string]string, definition []byte) (*connector.Connector, error) {
	made := *of
	made.Slug, made.Name = Slug(name), name
	if of.Definition == OpenAPI {
		described, err := connector.FromOpenAPI(definition, made.Slug, name, connector.PickOf(settings))
		if err != nil {
			return nil, err
		}
		made.Tools, made.Missing = described.Tools, described.Missing
		return &made, nil
	}
	if err := measure.JSON(definition, bounds); err != nil {
		return nil, fmt.Errorf("%w: the tools of the connection %q: %w", hotcell.ErrTampered, name, err)
	}
	var tools []connector.RemoteTool
	if err := json.Unmarshal(definition, &tools); err != nil {
		return nil, fmt.Errorf("%w: the tools of the connection %q cannot be read", hotcell.ErrTampered, name)
	}
	described := connector.FromTools(made.Slug, tools)
	made.Tools, made.Missing = described.Tools, described.Missing
	return &made, nil
}

// bounds are what a list of tools that was made plain may be.
var bounds = measure.Limits{Depth: 500, Weight: 256 << 20}

// maxSlug bounds the prefix of the tools' names.
const maxSlug = 32

// Slug makes of a connection's name what the names of its tools begin with:
// lower-case letters, digits and hyphens.
func Slug(name string) string {
	var out strings.Builder
	for _, r := range strings.ToLower(name) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			out.WriteRune(r)
		case out.Len() > 0 && !strings.HasSuffix(out.String(), "-"):
			out.WriteByte('-')
		}
		if out.Len() == maxSlug {
			break
		}
	}
	slug := strings.Trim(out.String(), "-")
	if slug == "" || slug[0] >= '0' && slug[0] <= '9' {
		return strings.Trim("api-"+slug, "-")
	}
	return slug
}
