package connector

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"hotcell"
	"hotcell/internal/catalog/connector/schema"
	"hotcell/internal/text/words"
)

// RemoteTool is a tool as an MCP server lists it.
type RemoteTool struct {
	Name        string          `json:"name"`
	Title       string          `json:"title,omitempty"`
	Description string          `json:"description,omitempty"`
	Input       json.RawMessage `json:"input,omitempty"`
	Output      json.RawMessage `json:"output,omitempty"`
	ReadOnly    bool            `json:"read_only,omitempty"`
	Destructive bool            `json:"destructive,omitempty"`
	Idempotent  bool            `json:"idempotent,omitempty"`
	// Notes say what of its schemas was left out, and Refused why it is not taken,
	// where they were made plain before.
	Notes   []string `json:"notes,omitempty"`
	Refused string   `json:"refused,omitempty"`
}

// The bounds of what a server may list.
const (
	maxRemoteTools = 500
	maxAbout       = 4000
)

// remoteName is what a server may call a tool.
var remoteName = regexp.MustCompile(`^[A-Za-z0-9_./-]{1,128}$`)

// FromTools makes a connector of an MCP server's tools. Its runs are not made
// here: a server is asked by its own protocol. One tool never takes others down:
// what cannot be taken is left out, or said less of, and told in Missing.
func FromTools(slug string, tools []RemoteTool) *Connector {
	c := &Connector{Slug: slug, Name: "MCP server", Category: "other", Definition: "mcp", Auth: Auth{Kind: Key, Put: hotcell.Auth{Kind: "bearer"}}, base: &text{}}
	names := map[string]bool{}
	for i, r := range tools {
		called := words.Name(words.Line(r.Name, maxIdentity))
		if i == maxRemoteTools {
			c.miss("%d tools more: a server has at most %d", len(tools)-i, maxRemoteTools)
			break
		}
		name := c.AgentName(r.Name)
		switch {
		case !remoteName.MatchString(r.Name):
			c.miss("%s: this is no name of a tool", called)
			continue
		case names[strings.ToLower(name)]:
			c.miss("%s: there is a tool of this name, or of one like it, already", called)
			continue
		case r.Refused != "":
			c.miss("%s: %s", called, words.Line(r.Refused, maxIdentity))
			continue
		}
		t, err := remote(r)
		if err != nil {
			c.miss("%s: its schema is not taken: %v", called, err)
			continue
		}
		for _, note := range slices.Concat(r.Notes[:min(len(r.Notes), maxNotes)], t.schema.Notes()) {
			c.miss("%s is there, and of its schema: %s", called, words.Line(note, maxIdentity))
		}
		if len(r.Output) > 0 && t.Output == nil {
			c.miss("%s is there, without the schema of its results, which is not taken", called)
		}
		names[strings.ToLower(name)] = true
		c.Tools = append(c.Tools, t)
	}
	return c
}

// miss tells what of a definition was not taken.
func (c *Connector) miss(format string, args ...any) {
	if len(c.Missing) < maxMissing {
		c.Missing = append(c.Missing, shortLine(fmt.Sprintf(format, args...), maxIdentity))
	}
}

// maxMissing is how much is told of what was not taken.
const maxMissing = 1000

func remote(r RemoteTool) (*Tool, error) {
	input := r.Input
	if len(input) == 0 {
		input = json.RawMessage(`{"type":"object"}`)
	}
	// The server holds its own schema: what it leaves open stays open.
	s, err := schema.Read(input, schema.Options{})
	if err != nil {
		return nil, err
	}
	t := &Tool{Name: r.Name, Title: words.Line(r.Title, maxIdentity), About: words.Clip(words.Plain(strings.TrimSpace(r.Description)), maxAbout), Hint: hintOf(r), Idempotent: r.Idempotent, Input: s.Text(), schema: s}
	if t.About == "" {
		t.About = r.Name
	}
	if len(r.Output) > 0 {
		if out, err := schema.Read(r.Output, schema.Options{}); err == nil {
			t.Output = out.Text()
		}
	}
	return t, nil
}

func hintOf(r RemoteTool) string {
	switch {
	case r.ReadOnly:
		return hintRead
	case r.Destructive:
		return "destructive"
	}
	return "write"
}

// maxNotes is how much is told of one tool's schemas.
const maxNotes = 10

// agentCharacter is what an agent's name for a tool may not have.
var agentCharacter = regexp.MustCompile(`[^A-Za-z0-9_-]`)

// agentName is a name that every client takes.
func agentName(slug, tool string) string {
	return strings.ReplaceAll(slug, "-", "_") + "_" + agentCharacter.ReplaceAllString(tool, "_")
}
