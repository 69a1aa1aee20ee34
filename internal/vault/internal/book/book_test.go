package book_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"hotcell"
	"hotcell/internal/catalog/connector"
	"hotcell/internal/vault/internal/book"
)

// shelf has the definitions of connections, and counts how often they are read.
type shelf struct {
	texts map[hotcell.CredentialID]string
	reads int
	// plain are those that were made plain.
	plain map[hotcell.CredentialID]bool
	// parsed are the kinds of what was made plain, and fails why that is not done.
	parsed []string
	fails  error
}

func (s *shelf) Definition(_ context.Context, _ hotcell.WorkspaceID, id hotcell.CredentialID) ([]byte, bool, error) {
	s.reads++
	text, there := s.texts[id]
	if !there {
		return nil, false, hotcell.ErrNotFound
	}
	return []byte(text), s.plain[id], nil
}

func (s *shelf) MakePlain(_ context.Context, _ hotcell.WorkspaceID, id hotcell.CredentialID, _ int, text []byte) error {
	s.texts[id], s.plain[id] = string(text), true
	return nil
}

const tools = `[{"name":"search","description":"Search."},{"name":"bad name"},{"name":"read","read_only":true}]`

func open(t *testing.T) (*book.Book, *shelf) {
	t.Helper()
	s := &shelf{texts: map[hotcell.CredentialID]string{"con_mcp": tools, "con_junk": "]", "con_raw": "]"}, plain: map[hotcell.CredentialID]bool{"con_mcp": true, "con_junk": true}}
	return book.New(s, catalogOf(t), s), s
}

func catalogOf(t *testing.T) *connector.Catalog {
	t.Helper()
	catalog, err := connector.Load(connector.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return catalog
}

// Parse makes plain what it has been told to.
func (s *shelf) Parse(_ context.Context, kind string, text []byte) ([]byte, error) {
	s.parsed = append(s.parsed, kind)
	if s.fails != nil {
		return nil, s.fails
	}
	return connector.Plain[kind](text)
}

func connected(id hotcell.CredentialID, slug string) hotcell.Credential {
	return hotcell.Credential{
		ID: id, Name: "Our docs", Version: 1, HTTP: &hotcell.HTTPAccess{Host: "mcp.acme.test", Port: 443, Auth: hotcell.Auth{Kind: "bearer"}},
		Connected: &hotcell.Connected{Connector: slug, Settings: map[string]string{"url": "https://mcp.acme.test/mcp"}},
	}
}

func TestWhatAConnectionDescribesIsReadOnce(t *testing.T) {
	t.Parallel()
	b, s := open(t)
	c := connected("con_mcp", "mcp")
	first, err := b.Of(t.Context(), "wsp_1", c)
	if err != nil {
		t.Fatal(err)
	}
	if len(first.Tools) != 2 || first.AgentName("search") != "our_docs_search" || first.Auth.Put.Kind != "bearer" {
		t.Errorf("made %+v", first)
	}
	if host, port, err := first.Origin(c.Connected.Settings); err != nil || host != "mcp.acme.test" || port != 443 {
		t.Errorf("it is at %s:%d, %v", host, port, err)
	}
	if again, err := b.Of(t.Context(), "wsp_1", c); err != nil || again != first || s.reads != 1 {
		t.Errorf("read %d times: %v", s.reads, err)
	}
	c.Name = "Theirs"
	if renamed, err := b.Of(t.Context(), "wsp_1", c); err != nil || renamed.AgentName("search") != "theirs_search" || first.AgentName("search") != "our_docs_search" {
		t.Errorf("renamed: %v", err)
	}
	c.Version, c.HTTP = 2, nil
	if bare, err := b.Of(t.Context(), "wsp_1", c); err != nil || bare.Auth.Put.Kind != "" || first.Auth.Put.Kind == "" {
		t.Errorf("without a key: %v", err)
	}
}

func TestWhatHasNoTools(t *testing.T) {
	t.Parallel()
	b, s := open(t)
	s.fails = hotcell.ErrUnavailable
	for what, c := range map[string]struct {
		credential hotcell.Credential
		sentinel   error
	}{
		"a bare key":             {hotcell.Credential{ID: "con_1"}, hotcell.ErrInvalid},
		"a connector gone":       {connected("con_mcp", "gone"), hotcell.ErrUnavailable},
		"one as it came":         {connected("con_raw", "mcp"), hotcell.ErrUnavailable},
		"no definition":          {connected("con_none", "mcp"), hotcell.ErrNotFound},
		"one that is no JSON":    {connected("con_junk", "mcp"), hotcell.ErrTampered},
		"one that is no OpenAPI": {connected("con_junk", "openapi"), hotcell.ErrInvalid},
	} {
		if _, err := b.Of(t.Context(), "wsp_1", c.credential); !errors.Is(err, c.sentinel) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// What an earlier version stored as a stranger wrote it is not read here: it is made plain
// elsewhere, once, and is stored so.
func TestWhatWasStoredAsItCameIsMadePlain(t *testing.T) {
	t.Parallel()
	b, s := open(t)
	s.texts["con_yaml"] = "openapi: 3.0.0\npaths:\n  /things:\n    get: {operationId: getThings, tags: [a]}\n    post: {operationId: putThings, tags: [b]}\n"
	s.texts["con_raw"] = tools
	api, remote := connected("con_yaml", "openapi"), connected("con_raw", "mcp")
	api.Connected.Settings = map[string]string{"base": "https://api.acme.test", "tags": "a"}
	s.fails = hotcell.ErrUnavailable
	for _, c := range []hotcell.Credential{api, remote} {
		if _, err := b.Of(t.Context(), "wsp_1", c); !errors.Is(err, hotcell.ErrUnavailable) {
			t.Errorf("where nobody reads: %v", err)
		}
	}
	s.fails, s.parsed = nil, nil
	for range 2 {
		for _, c := range []hotcell.Credential{api, remote} {
			made, err := b.Of(t.Context(), "wsp_1", c)
			if err != nil || len(made.Tools) == 0 {
				t.Fatalf("made %+v, %v", made, err)
			}
			if tool, ok := made.Tool("get_things"); c.ID == api.ID && (!ok || len(made.Tools) != 1 || tool == nil) {
				t.Errorf("the tools are %+v", made.Tools)
			}
		}
		b = book.New(s, catalogOf(t), s) // who has not read it yet finds it plain
	}
	if strings.Join(s.parsed, " ") != "openapi mcp" || !s.plain["con_yaml"] || !json.Valid([]byte(s.texts["con_yaml"])) {
		t.Errorf("parsed %v, stored %s", s.parsed, s.texts["con_yaml"])
	}
}

func TestSlug(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"Our docs": "our-docs", "--a__b--": "a-b", "ünï": "n", "": "api", "日本": "api", "1password": "api-1password", strings.Repeat("ab", 40): strings.Repeat("ab", 16),
	} {
		if got := book.Slug(name); got != want {
			t.Errorf("%q became %q, want %q", name, got, want)
		}
	}
}

func FuzzSlug(f *testing.F) {
	f.Add("Our docs 2")
	f.Fuzz(func(t *testing.T, name string) {
		got := book.Slug(name)
		if got == "" || len(got) > 40 || strings.ContainsFunc(got, func(r rune) bool { return r != '-' && (r < 'a' || r > 'z') && (r < '0' || r > '9') }) {
			t.Errorf("%q became %q", name, got)
		}
	})
}
