package book_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"hotcell"
	"hotcell/internal/book"
	"hotcell/internal/connector"
)

// shelf has the definitions of connections, and counts how often they are read.
type shelf struct {
	texts map[hotcell.CredentialID]string
	reads int
}

func (s *shelf) Definition(_ context.Context, _ hotcell.WorkspaceID, id hotcell.CredentialID) ([]byte, error) {
	s.reads++
	text, there := s.texts[id]
	if !there {
		return nil, hotcell.ErrNotFound
	}
	return []byte(text), nil
}

const tools = `[{"name":"search","description":"Search."},{"name":"bad name"},{"name":"read","read_only":true}]`

func open(t *testing.T) (*book.Book, *shelf) {
	t.Helper()
	catalog, err := connector.Load(connector.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := &shelf{texts: map[hotcell.CredentialID]string{"con_mcp": tools, "con_junk": "]"}}
	return book.New(s, catalog), s
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
	b, _ := open(t)
	for what, c := range map[string]struct {
		credential hotcell.Credential
		sentinel   error
	}{
		"a bare key":             {hotcell.Credential{ID: "con_1"}, hotcell.ErrInvalid},
		"a connector gone":       {connected("con_mcp", "gone"), hotcell.ErrUnavailable},
		"no definition":          {connected("con_none", "mcp"), hotcell.ErrNotFound},
		"one that is no JSON":    {connected("con_junk", "mcp"), hotcell.ErrTampered},
		"one that is no OpenAPI": {connected("con_junk", "openapi"), hotcell.ErrInvalid},
	} {
		if _, err := b.Of(t.Context(), "wsp_1", c.credential); !errors.Is(err, c.sentinel) {
			t.Errorf("%s: %v", what, err)
		}
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
