package test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

func TestARemoteServerThatSaysWhereToSignIn(t *testing.T) {
	t.Parallel()
	a := openAcme(t, "")
	link := strings.TrimSpace(a.OK("connections", "create", "mcp", "--name", "remote", "--set", "url="+a.Base("mcp")+"/mcp", "--no-wait"))
	if page := a.consent(t, link, "ada@acme.test", "allow"); !strings.Contains(page, "Connected") {
		t.Fatal(page)
	}
	if tools := a.OK("connections", "tools", "remote"); !strings.Contains(tools, "greet") {
		t.Fatalf("its tools: %s", tools)
	}
	a.OK("assignments", "create", "talk", "--command", "true")
	a.OK("assignments", "attach", "talk", "remote", "--tools", "greet")
	var made struct{ Token, URL string }
	if err := json.Unmarshal([]byte(a.OK("jobs", "create", "talk", "--external", "-o", "json")), &made); err != nil {
		t.Fatal(err)
	}
	by := &http.Client{Transport: carrier{&http.Transport{}, made.Token}}
	s, err := mcp.NewClient(&mcp.Implementation{Name: "agent", Version: "1"}, nil).Connect(t.Context(), &mcp.StreamableClientTransport{Endpoint: made.URL, HTTPClient: by, MaxRetries: -1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	greet := func() {
		t.Helper()
		r, err := s.CallTool(t.Context(), &mcp.CallToolParams{Name: "remote_greet", Arguments: map[string]any{"name": "Babbage"}})
		if err != nil || r.IsError || !strings.Contains(told(r), "hello Babbage, you came with Bearer [hotcell:remote]") {
			t.Fatalf("%v: %s", err, told(r))
		}
	}
	greet()
	// Its tokens end at once from now on: each call renews them, without a secret.
	a.Identity.Life(time.Second)
	for range 2 {
		time.Sleep(1100 * time.Millisecond)
		greet()
	}
	if r := a.Server.Run("connections", "delete", "--yes", "--destroy", "remote", "remote"); r.Code != 0 || !strings.Contains(r.Err, "revoked at the service") {
		t.Errorf("%+v", r)
	}
}
