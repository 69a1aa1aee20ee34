package oauth_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"hotcell"
	"hotcell/internal/catalog/connector"
	"hotcell/internal/value/sensitive"
	"hotcell/internal/vault/internal/oauth"
)

func refresh(s *oauth.Service, t *testing.T, url string) *oauth.Fault {
	t.Helper()
	auth := &connector.Auth{Kind: connector.OAuth2, Token: url, Client: "post"}
	client := oauth.Client{ID: "client-1", Secret: sensitive.New([]byte("secret-of-the-client"))}
	tokens, err := s.Refresh(t.Context(), auth, client, sensitive.New([]byte("refresh-token-1")))
	if err == nil {
		tokens.Clear()
		return nil
	}
	fault, ok := errors.AsType[*oauth.Fault](err)
	if !ok {
		t.Fatalf("%v", err)
	}
	return fault
}

// TestWhatAnAnswerSaysOfWhatWasDone: a fault is unavailable only where certainly
// nothing was done.
func TestWhatAnAnswerSaysOfWhatWasDone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status int
		after  string
		body   string
		kind   oauth.Kind
	}{
		{400, "", `{"error":"invalid_grant"}`, oauth.Revoked}, {401, "", `{"error":"invalid_client"}`, oauth.Refused}, {403, "", `<html>`, oauth.Refused},
		{400, "", `{"error":"server_error"}`, oauth.Ambiguous}, {400, "", `{"error":"temporarily_unavailable"}`, oauth.Unavailable},
		{200, "", `{"error":"internal_error"}`, oauth.Ambiguous}, {200, "", `{}`, oauth.Ambiguous}, {200, "", ``, oauth.Ambiguous}, {200, "", `{"access_token":"short"}`, oauth.Ambiguous},
		{429, "", ``, oauth.Unavailable}, {503, "5", ``, oauth.Unavailable}, {503, "", ``, oauth.Ambiguous}, {500, "5", `{"error":"invalid_grant"}`, oauth.Ambiguous},
		{502, "", `<html>`, oauth.Ambiguous}, {504, "", ``, oauth.Ambiguous}, {522, "", ``, oauth.Ambiguous}, {408, "", ``, oauth.Ambiguous}, {302, "", ``, oauth.Refused},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if c.after != "" {
				w.Header().Set("Retry-After", c.after)
			}
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(c.status)
			_, _ = io.WriteString(w, c.body)
		}))
		fault := refresh(oauth.New(oauth.Config{Transport: http.DefaultTransport, Now: time.Now}), t, server.URL)
		server.Close()
		if fault == nil || fault.Kind != c.kind || c.after != "" && fault.After != 5*time.Second {
			t.Errorf("%d %s: %+v, want the kind %d", c.status, c.body, fault, c.kind)
		}
	}
}

// TestWhatAServerSaysOfItsFaultIsTold: but nothing of what it was sent, in whatever form.
func TestWhatAServerSaysOfItsFaultIsTold(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status          int
		kind, body, end string
	}{
		{400, "application/json", `{"error":"invalid_client","error_description":"Client authentication failed"}`, "invalid_client: Client authentication failed"},
		{200, "application/json", `{"error":"invalid_client","error_description":"The client_id is wrong\u001b[2J"}`, "is wrong\\u{1b}[2J"},
		{200, "application/x-www-form-urlencoded", `error=invalid_client&error_description=The+client+is+wrong.`, "invalid_client: The client is wrong."},
		{400, "application/json", `{"error":"invalid_grant","error_description":"refresh-token-1 is over"}`, "answered invalid_grant"},
		{400, "application/json", `{"error":"invalid_grant","error_description":"secret-of-the-client"}`, "answered invalid_grant"},
		{400, "application/json", `{"error":"invalid_grant","error_description":"c2VjcmV0LW9mLXRoZS1jbGllbnQ="}`, "answered invalid_grant"},
		{400, "application/json", `{"error":"invalid_grant","error_description":{"a":1}}`, "answered invalid_grant"},
		{502, "application/json", `{"error":"invalid_grant","error_description":"no"}`, "answered the status 502"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", c.kind)
			w.WriteHeader(c.status)
			_, _ = io.WriteString(w, c.body)
		}))
		fault := refresh(oauth.New(oauth.Config{Transport: http.DefaultTransport, Now: time.Now}), t, server.URL)
		server.Close()
		if fault == nil || !strings.HasSuffix(fault.Error(), c.end) {
			t.Errorf("%s: %v, want …%s", c.body, fault, c.end)
		}
	}
}

func TestAFormThatMayNotLeaveDoesNot(t *testing.T) {
	t.Parallel()
	came := ""
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		came += string(text)
	}))
	t.Cleanup(server.Close)
	s := oauth.New(oauth.Config{Transport: http.DefaultTransport, Now: time.Now}).While(func() error { return hotcell.ErrConflict })
	if fault := refresh(s, t, server.URL); fault == nil || fault.Kind != oauth.Unavailable {
		t.Errorf("%+v", fault)
	}
	server.Close()
	if came != "" {
		t.Errorf("%d bytes of the form came", len(came))
	}
}
