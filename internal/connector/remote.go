package connector

import (
	"encoding/json"
	"regexp"
	"strings"

	"hotcell"
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
}

// The bounds of what a server may list.
const (
	maxRemoteTools = 500
	maxAbout       = 4000
)

// remoteName is what a server may call a tool.
var remoteName = regexp.MustCompile(`^[A-Za-z0-9_./-]{1,128}$`)

// FromTools makes a connector of an MCP server's tools. Its runs are not made
// here: a server is asked by its own protocol. Tools that are not well-formed
// are left out.
func FromTools(slug string, tools []RemoteTool) *Connector {
	c := &Connector{Slug: slug, Name: "MCP server", Category: "other", Definition: "mcp", Auth: Auth{Kind: Key, Put: hotcell.Auth{Kind: "bearer"}}, base: &text{}}
	for i, r := range tools {
		if i == maxRemoteTools {
			break
		}
		if _, twice := c.Tool(r.Name); twice || !remoteName.MatchString(r.Name) {
			continue
		}
		input := r.Input
		if len(input) == 0 {
			input = json.RawMessage(`{"type":"object"}`)
		}
		// The server holds its own schema: what it leaves open stays open.
		s, whole, err := readSchema(input, true)
		if err != nil {
			continue
		}
		about := shortLine(r.Description, maxAbout)
		if about == "" {
			about = r.Name
		}
		c.Tools = append(c.Tools, &Tool{Name: r.Name, Title: shortLine(r.Title, maxIdentity), About: about, Hint: hintOf(r), Idempotent: r.Idempotent, Input: whole, Output: r.Output, schema: s})
	}
	return c
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

// agentCharacter is what an agent's name for a tool may not have.
var agentCharacter = regexp.MustCompile(`[^A-Za-z0-9_-]`)

// agentName is a name that every client takes.
func agentName(slug, tool string) string {
	return strings.ReplaceAll(slug, "-", "_") + "_" + agentCharacter.ReplaceAllString(tool, "_")
}
