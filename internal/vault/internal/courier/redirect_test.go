package courier_test

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"hotcell/internal/vault/internal/courier"
)

func TestRedirectsWithinAService(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		tool   string
		status int
		hops   int64
		done   bool
	}{
		{"get", http.StatusMovedPermanently, 1, true}, {"get", http.StatusFound, 5, true}, {"get", http.StatusTemporaryRedirect, 1, true}, {"get", http.StatusPermanentRedirect, 1, true},
		{"get", http.StatusFound, 6, false}, {"get", http.StatusSeeOther, 1, false},
		{"put", http.StatusTemporaryRedirect, 1, true}, {"put", http.StatusPermanentRedirect, 2, true}, {"put", http.StatusFound, 1, false}, {"put", http.StatusMovedPermanently, 1, false},
	} {
		var came atomic.Int64
		w := setup(t, func(w http.ResponseWriter, r *http.Request) {
			n := came.Add(1)
			if n <= c.hops {
				http.Redirect(w, r, "/hop/"+strconv.FormatInt(n, 10), c.status)
				return
			}
			answer(w, map[string]any{"method": r.Method, "length": r.ContentLength})
		}, courier.Limits{})
		args := map[string]any{}
		if c.tool == "put" {
			args["text"] = "t"
		}
		seen, _, err := w.do(t.Context(), c.tool, args)
		if (err == nil) != c.done || c.done && c.tool == "put" && !strings.Contains(seen, `POST`) || w.unkeyed.Load() != 0 || w.elsewhere.Load() != 0 || came.Load() > 6 {
			t.Errorf("%+v: %s, %v, after %d", c, seen, err, came.Load())
		}
	}
}

// A GET goes to the other origins that the document names, as archives and files do, and
// has no key there, nor on a way back; nothing goes anywhere else.
func TestRedirectsToWhatADocumentNames(t *testing.T) {
	t.Parallel()
	const files = "https://files.example.com"
	for _, c := range []struct {
		name, tool string
		status     int
		hops       []string // where it is sent from each place, and at the last answered
		done       bool
		keyed      int // how many requests had the key
	}{
		{"there", "get", http.StatusFound, []string{files + "/a"}, true, 1},
		{"by 301", "get", http.StatusMovedPermanently, []string{files + "/a"}, true, 1},
		{"by 308", "get", http.StatusPermanentRedirect, []string{files + ":443/a"}, true, 1},
		{"further there", "get", http.StatusTemporaryRedirect, []string{files + "/a", "/b"}, true, 1},
		{"and back", "get", http.StatusFound, []string{files + "/a", "https://example.com/b"}, true, 1},
		{"its own port", "get", http.StatusFound, []string{"https://example.com:443/a"}, true, 2},
		{"a name in capitals", "get", http.StatusFound, []string{"https://EXAMPLE.com/a"}, true, 2},
		{"not named", "get", http.StatusFound, []string{"https://evil.example/a"}, false, 1},
		{"a look-alike", "get", http.StatusFound, []string{files + ".evil.example/a"}, false, 1},
		{"another port", "get", http.StatusFound, []string{files + ":8443/a"}, false, 1},
		{"without TLS", "get", http.StatusFound, []string{"http://files.example.com/a"}, false, 1},
		{"a private address", "get", http.StatusFound, []string{"https://169.254.169.254/latest"}, false, 1},
		{"no address", "get", http.StatusFound, []string{"javascript:alert(1)"}, false, 1},
		{"a user", "get", http.StatusFound, []string{"https://a:b@files.example.com/a"}, false, 1},
		{"from there away", "get", http.StatusFound, []string{files + "/a", "https://evil.example/"}, false, 1},
		{"the key in it", "get", http.StatusFound, []string{files + "/a?t=" + token}, false, 1},
		{"what changes something", "put", http.StatusTemporaryRedirect, []string{files + "/a"}, false, 1},
	} {
		var came, keyed atomic.Int64
		w := setup(t, func(w http.ResponseWriter, r *http.Request) {
			n := int(came.Add(1)) - 1
			if r.Header.Get("Authorization") != "" {
				keyed.Add(1)
			}
			if n < len(c.hops) {
				w.Header().Set("Location", c.hops[n])
				w.WriteHeader(c.status)
				return
			}
			answer(w, map[string]any{"done": true})
		}, courier.Limits{})
		args := map[string]any{}
		if c.tool == "put" {
			args["text"] = "t"
		}
		seen, _, err := w.do(t.Context(), c.tool, args)
		clean(t, c.name, seen)
		if (err == nil) != c.done || int(keyed.Load()) != c.keyed {
			t.Errorf("%s: %s, %v, %d requests, %d with the key", c.name, seen, err, came.Load(), keyed.Load())
		}
	}
}

// Many MCP servers send from /mcp to /mcp/.
func TestAnMCPServerThatIsOneRedirectAway(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		to     string
		status int
		done   bool
	}{
		{"/mcp/", http.StatusTemporaryRedirect, true}, {"https://example.com/mcp/", http.StatusPermanentRedirect, true},
		{"/mcp/", http.StatusFound, false}, {"/mcp", http.StatusTemporaryRedirect, false}, {"http://example.com/mcp/", http.StatusTemporaryRedirect, false},
		{"https://elsewhere.example/mcp/", http.StatusTemporaryRedirect, false}, {"https://a:b@example.com/mcp/", http.StatusTemporaryRedirect, false},
		{"", http.StatusTemporaryRedirect, false}, {"/mcp/?t=" + token, http.StatusTemporaryRedirect, false},
	} {
		server := mcp.NewServer(&mcp.Implementation{Name: "remote", Version: "1"}, nil)
		var calls atomic.Int64
		mcp.AddTool(server, &mcp.Tool{Name: "say"}, func(context.Context, *mcp.CallToolRequest, map[string]any) (*mcp.CallToolResult, any, error) {
			calls.Add(1)
			return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: "hello"}}}, nil, nil
		})
		handler := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, nil)
		w := setup(t, func(out http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/mcp/" {
				out.Header().Set("Location", c.to)
				out.WriteHeader(c.status)
				return
			}
			r.Host = "localhost" // the library wants it on loopback
			handler.ServeHTTP(out, r)
		}, courier.Limits{})
		seen, trip, err := w.ask(t.Context(), "say", "x")
		clean(t, c.to, seen)
		if (err == nil) != c.done || c.done && (calls.Load() != 1 || !strings.Contains(seen, "hello") || trip.Lost) || !c.done && calls.Load() != 0 || w.unkeyed.Load() != 0 || w.elsewhere.Load() != 0 {
			t.Errorf("%d to %s: %s, %v, %d calls, %+v", c.status, c.to, seen, err, calls.Load(), trip)
		}
	}
}
