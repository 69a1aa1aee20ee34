package oauth

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"hotcell"
)

// Register makes a client without a secret at the server that was found (RFC 7591),
// which leads back to callback alone.
func (s *Service) Register(ctx context.Context, e *hotcell.Endpoints, callback string, scopes []string) (id string, err error) {
	if e.Register == "" {
		return "", refusedMetadata("its authorisation server makes no clients by itself")
	}
	body, err := json.Marshal(map[string]any{
		"client_name": "Hotcell", "redirect_uris": []string{callback}, "grant_types": []string{"authorization_code", "refresh_token"},
		"response_types": []string{"code"}, "token_endpoint_auth_method": "none", "scope": strings.Join(scopes, " "),
	})
	if err != nil {
		return "", fmt.Errorf("writing a registration: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, maxTime)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.Register, bytes.NewReader(body))
	if err != nil {
		return "", refusedMetadata("its registration endpoint is no address")
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json")
	answer, err := s.on(e.Resource).transport(r.URL).RoundTrip(r)
	if err != nil {
		return "", unreached(err)
	}
	defer func() { _ = answer.Body.Close() }()
	var made struct {
		ID     string `json:"client_id"`
		Secret string `json:"client_secret"`
		Method string `json:"token_endpoint_auth_method"`
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxMetadata))
	switch {
	case answer.StatusCode/100 != 2:
		return "", refusedMetadata(fmt.Sprintf("its authorisation server answered the registration of a client with status %d", answer.StatusCode))
	case err != nil || json.Unmarshal(text, &made) != nil || made.ID == "" || len(made.ID) > 512:
		return "", refusedMetadata("its authorisation server registers clients in a way that is not understood")
	// A secret that comes although none was asked for, and none is to be shown, is not kept.
	case made.Method != "none" && (made.Secret != "" || made.Method != ""):
		return "", refusedMetadata("its authorisation server makes clients with a secret only")
	}
	return made.ID, nil
}
