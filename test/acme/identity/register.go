package identity

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
)

// metadata is RFC 8414's.
func (s *Server) metadata(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{
		"issuer": s.issuer, "authorization_endpoint": s.issuer + "/authorize", "token_endpoint": s.issuer + "/oauth/token", "revocation_endpoint": s.issuer + "/revoke",
		"registration_endpoint": s.issuer + "/register", "response_types_supported": []string{"code"}, "grant_types_supported": []string{"authorization_code", "refresh_token"},
		"code_challenge_methods_supported": []string{"S256"}, "token_endpoint_auth_methods_supported": []string{"none"},
	})
}

// register makes a client without a secret (RFC 7591), whose refresh tokens are good
// once.
func (s *Server) register(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Redirects []string `json:"redirect_uris"`
		Method    string   `json:"token_endpoint_auth_method"`
	}
	w.Header().Set("Content-Type", "application/json")
	if json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&in) != nil || len(in.Redirects) == 0 || in.Method != "none" {
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]string{"error": "invalid_client_metadata"})
		return
	}
	id := "dcr-" + rand.Text()
	s.Add(id, "", Rotates, in.Redirects...)
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(map[string]any{"client_id": id, "redirect_uris": in.Redirects, "token_endpoint_auth_method": "none"})
}
