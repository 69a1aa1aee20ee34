package acme

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// remote is an MCP server of somebody else's, behind the company's sign-in: it says
// where (RFC 9728), and its one tool repeats the token that it was called with.
func (c *Company) remote() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/oauth-protected-resource/mcp", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{
			"resource": c.Base("mcp") + "/mcp", "authorization_servers": []string{c.Base("accounts")}, "scopes_supported": []string{"openid", "profile", "email", "offline_access"},
		})
	})
	tools := mcp.NewStreamableHTTPHandler(func(r *http.Request) *mcp.Server {
		token := r.Header.Get("Authorization")
		s := mcp.NewServer(&mcp.Implementation{Name: "acme", Version: "1"}, nil)
		mcp.AddTool(s, &mcp.Tool{Name: "greet", Description: "Greet somebody."}, func(_ context.Context, _ *mcp.CallToolRequest, in struct {
			Name string `json:"name"`
		}) (*mcp.CallToolResult, any, error) {
			return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: "hello " + in.Name + ", you came with " + token}}}, nil, nil
		})
		return s
	}, &mcp.StreamableHTTPOptions{Stateless: true, JSONResponse: true, DisableLocalhostProtection: true})
	mux.HandleFunc("/mcp", func(w http.ResponseWriter, r *http.Request) {
		if _, ok := c.Identity.Account(r); !ok {
			w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token", resource_metadata="`+c.Base("mcp")+`/.well-known/oauth-protected-resource/mcp"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		tools.ServeHTTP(w, r)
	})
	return mux
}
