package api_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"hotcell/internal/control/api"
)

func TestAgentsElsewhereComeInByTheirTokenAlone(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(api.Public(api.Config{
		Log: slog.New(slog.DiscardHandler), Now: time.Now, Base: func() string { return "https://hotcell.acme.test" },
		Tools: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = fmt.Fprintf(w, "%s cookie=%q", r.Method, r.Header.Get("Cookie"))
		}),
	}))
	t.Cleanup(server.Close)
	for name, c := range map[string]struct {
		headers map[string]string
		host    string
		may     bool
	}{
		"a program":             {nil, "", true},
		"a page of here":        {map[string]string{"Origin": "http://localhost:6274"}, "", true},
		"the server's name":     {map[string]string{"Origin": "https://hotcell.acme.test"}, "hotcell.acme.test", true},
		"a rebound name":        {nil, "evil.example", false},
		"another's page":        {map[string]string{"Origin": "https://evil.example"}, "", false},
		"nobody's page":         {map[string]string{"Origin": "null"}, "", false},
		"what begins alike":     {map[string]string{"Origin": "http://localhost.evil.example"}, "", false},
		"another site, by word": {map[string]string{"Sec-Fetch-Site": "cross-site"}, "", false},
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
			r, _ := http.NewRequestWithContext(t.Context(), method, server.URL+"/mcp", nil)
			r.Header.Set("Cookie", "session=1")
			for k, v := range c.headers {
				r.Header.Set(k, v)
			}
			if c.host != "" {
				r.Host = c.host
			}
			answer, err := server.Client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			text, _ := io.ReadAll(answer.Body)
			_ = answer.Body.Close()
			want := http.StatusForbidden
			if c.may {
				want = http.StatusOK
			}
			if answer.StatusCode != want || c.may && string(text) != method+` cookie=""` {
				t.Errorf("%s %s: %d %s", name, method, answer.StatusCode, text)
			}
		}
	}
}
