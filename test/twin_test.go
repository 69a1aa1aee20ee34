package test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"hotcell/internal/catalog/connector"
)

// toolCall is one call of a tool of a connected account, as an agent makes it.
type toolCall struct {
	tool string // such as gmail_send
	args map[string]any
	// fill, if set, adds arguments that earlier calls told of.
	fill func(map[string]any)
	// wants are what is in the answer; fails has the answer be an error of the tool.
	wants []string
	fails bool
	// then looks at the answer's JSON, and at what the service has now.
	then func(t *testing.T, answer string)
}

// clerk is an agent elsewhere, with all tools of one connected account.
type clerk struct {
	*firm
	session *mcp.ClientSession
}

// hire connects ada's account of a service by its OAuth, attaches all its tools
// and begins an external job with an agent. No call waits for a person: that is
// tested elsewhere.
func (a *firm) hire(t *testing.T, slug string) *clerk {
	t.Helper()
	if r := a.RunWith(a.ClientSecret(slug)+"\n", "connections", "clients", "set", slug, "--id", slug+"-client", "--secret-file", "-"); r.Code != 0 {
		t.Fatalf("%+v", r)
	}
	a.connect(t, slug, slug, "ada@acme.test")
	return a.employ(t, slug)
}

// employ begins an external job with an agent that has all tools of a connection,
// which is named as its connector is.
func (a *firm) employ(t *testing.T, slug string) *clerk {
	t.Helper()
	var tools, asked []string
	for _, tool := range catalogued(t, slug).Tools {
		tools = append(tools, tool.Name)
		if tool.Approve {
			asked = append(asked, tool.Name)
		}
	}
	return a.engage(t, slug, tools, asked)
}

// engage begins an external job with an agent that has tools of a connection;
// those that were asked for are called without a person.
func (a *firm) engage(t *testing.T, name string, tools, asked []string) *clerk {
	t.Helper()
	a.OK("assignments", "create", name, "--command", "true")
	attach := []string{"assignments", "attach", name, name, "--tools", strings.Join(tools, ",")}
	if asked != nil {
		attach = append(attach, "--no-approval", strings.Join(asked, ","))
	}
	a.OK(attach...)
	return a.begin(t, name)
}

// begin begins one more external job of an assignment.
func (a *firm) begin(t *testing.T, name string) *clerk {
	t.Helper()
	var made struct{ Token, URL string }
	if err := json.Unmarshal([]byte(a.OK("jobs", "create", name, "--external", "-o", "json")), &made); err != nil {
		t.Fatal(err)
	}
	by := &http.Client{Transport: carrier{&http.Transport{}, made.Token}}
	s, err := mcp.NewClient(&mcp.Implementation{Name: "agent", Version: "1"}, nil).Connect(t.Context(), &mcp.StreamableClientTransport{Endpoint: made.URL, HTTPClient: by, MaxRetries: -1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return &clerk{a, s}
}

// shipped is the catalogue that comes with Hotcell, read once for all tests.
var shipped = sync.OnceValues(func() (*connector.Catalog, error) { return connector.Load(connector.Options{}) })

// catalogued is a connector as the catalogue has it.
func catalogued(t *testing.T, slug string) *connector.Connector {
	t.Helper()
	catalog, err := shipped()
	if err != nil {
		t.Fatal(err)
	}
	of, ok := catalog.Find(slug)
	if !ok {
		t.Fatalf("the catalogue has no %s", slug)
	}
	return of
}

// does makes the calls in their order. Each tool of the connector must be among
// them: a tool that nobody tried is not known to work.
func (c *clerk) does(t *testing.T, slug string, calls []toolCall) {
	t.Helper()
	for _, tool := range catalogued(t, slug).Tools {
		if name := strings.ReplaceAll(slug, "-", "_") + "_" + tool.Name; !slices.ContainsFunc(calls, func(one toolCall) bool { return one.tool == name && !one.fails }) {
			t.Errorf("no call of %s that succeeds", name)
		}
	}
	c.makes(t, calls)
}

// makes makes calls in their order.
func (c *clerk) makes(t *testing.T, calls []toolCall) {
	t.Helper()
	for _, one := range calls {
		args := one.args
		if args == nil {
			args = map[string]any{}
		}
		if one.fill != nil {
			one.fill(args)
		}
		answer, err := c.session.CallTool(t.Context(), &mcp.CallToolParams{Name: one.tool, Arguments: args})
		if err != nil {
			t.Errorf("%s: %v", one.tool, err)
			continue
		}
		text := told(answer)
		if answer.IsError != one.fails {
			t.Errorf("%s: failed: %t\n%s", one.tool, answer.IsError, text)
		}
		for _, want := range one.wants {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %q is not in %s", one.tool, want, text)
			}
		}
		if one.then != nil {
			one.then(t, text)
		}
	}
}

// pages reads a list with cursors to its end: each answer but the last says that
// there is more. All is how many there are, and limit is in args.
func (c *clerk) pages(t *testing.T, tool string, args map[string]any, list string, all int) {
	t.Helper()
	limit, seen := args["limit"].(int), map[string]bool{}
	for rest := all; ; rest -= limit {
		answer, err := c.session.CallTool(t.Context(), &mcp.CallToolParams{Name: tool, Arguments: args})
		if err != nil || answer.IsError {
			t.Errorf("%s: %v %s", tool, err, told(answer))
			return
		}
		items, _ := field(t, told(answer), list).([]any)
		for _, one := range items {
			text, _ := json.Marshal(one)
			seen[string(text)] = true
		}
		more, _ := field(t, told(answer), "more").(bool)
		if len(items) != min(limit, rest) || more != (rest > limit) {
			t.Errorf("%s: %d of %d, and more: %t", tool, len(items), rest, more)
		}
		if args["cursor"] = field(t, told(answer), "cursor"); args["cursor"] == nil {
			break
		}
	}
	if len(seen) != all {
		t.Errorf("%s: %d of %d were given", tool, len(seen), all)
	}
}

// failure is a call to which the service says no, after something was done to it,
// and what the agent is told.
type failure struct {
	tool   string
	args   map[string]any
	before func()
	wants  []string
}

func (c *clerk) fails(t *testing.T, calls []failure) {
	t.Helper()
	for _, one := range calls {
		if one.before != nil {
			one.before()
		}
		if one.args == nil {
			one.args = map[string]any{}
		}
		answer, err := c.session.CallTool(t.Context(), &mcp.CallToolParams{Name: one.tool, Arguments: one.args})
		if err != nil || !answer.IsError {
			t.Errorf("%s: %v, and no error: %s", one.tool, err, told(answer))
			continue
		}
		text := told(answer)
		for _, want := range one.wants {
			if !strings.Contains(text, want) && !strings.Contains(text, strings.ReplaceAll(want, `"`, `\"`)) {
				t.Errorf("%s: %q is not in %s", one.tool, want, text)
			}
		}
	}
}
