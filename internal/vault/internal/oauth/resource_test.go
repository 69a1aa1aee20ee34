package oauth_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"hotcell/internal/catalog/connector"
	"hotcell/internal/value/sensitive"
	"hotcell/internal/vault/internal/oauth"
)

// A server may want the resource when a token is renewed, or refuse to be told it
// (RFC 8707 section 2.2): either way it is renewed, and nobody is told another resource.
func TestTheResourceIsRefusedOrDemandedAtARefresh(t *testing.T) {
	t.Parallel()
	const resource = "https://mcp.example/mcp"
	for _, c := range []struct {
		name            string
		refuses, demand string // the error where the resource is told, and where it is not
		told            []bool // in which requests it is
		code            string
	}{
		{"it takes it", "", "invalid_target", []bool{true}, ""},
		{"it refuses it", "invalid_target", "", []bool{true, false}, ""},
		{"it does not know the parameter", "invalid_request", "", []bool{true, false}, ""},
		{"it refuses everything", "invalid_target", "invalid_target", []bool{true, false}, "invalid_target"},
		{"it has ended", "invalid_grant", "", []bool{true}, "invalid_grant"},
		{"it does not know the client", "invalid_client", "", []bool{true}, "invalid_client"},
		{"its fault", "server_error", "", []bool{true}, "server_error"},
	} {
		var told []bool
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			has := r.FormValue("resource") == resource
			told = append(told, has)
			w.Header().Set("Content-Type", "application/json")
			wrong := c.demand
			if has {
				wrong = c.refuses
			}
			if r.FormValue("refresh_token") != "refresh-token-1" || r.FormValue("client_id") != "client-1" {
				wrong = "unsupported_grant_type"
			}
			if wrong != "" {
				w.WriteHeader(http.StatusBadRequest)
				_, _ = io.WriteString(w, `{"error":"`+wrong+`"}`)
				return
			}
			_, _ = io.WriteString(w, `{"access_token":"access-token-of-enough-length-2","expires_in":"3600"}`)
		}))
		s := oauth.New(oauth.Config{Transport: http.DefaultTransport, Now: time.Now})
		auth := &connector.Auth{Kind: connector.OAuth2, Token: server.URL, Client: "post", Resource: resource}
		client := oauth.Client{ID: "client-1", Secret: sensitive.New([]byte("secret-of-the-client"))}
		tokens, err := s.Refresh(t.Context(), auth, client, sensitive.New([]byte("refresh-token-1")))
		server.Close()
		tokens.Clear()
		code := ""
		if fault, ok := err.(*oauth.Fault); ok {
			code = fault.Code
		}
		if code != c.code || (err == nil) != (c.code == "") || !slices.Equal(told, c.told) {
			t.Errorf("%s: %v, told in %v", c.name, err, told)
		}
	}
}
