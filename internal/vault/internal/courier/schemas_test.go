package courier_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"hotcell"
	"hotcell/internal/catalog/connector"
	"hotcell/internal/value/sensitive"
	"hotcell/internal/vault/internal/courier"
)

// doubled is a schema of which each level refers to the next one twice.
func doubled(levels int) string {
	var defs []string
	for i := range levels {
		defs = append(defs, fmt.Sprintf(`"d%d":{"allOf":[{"$ref":"#/$defs/d%d"},{"$ref":"#/$defs/d%d"}]}`, i, i+1, i+1))
	}
	return fmt.Sprintf(`{"type":"object","allOf":[{"$ref":"#/$defs/d0"}],"$defs":{%s,"d%d":{"type":"object"}}}`, strings.Join(defs, ","), levels)
}

// chained is one whose first reference is followed by as many more.
func chained(links int) string {
	var defs []string
	for i := range links {
		defs = append(defs, fmt.Sprintf(`"d%d":{"$ref":"#/$defs/d%d"}`, i, i+1))
	}
	return fmt.Sprintf(`{"type":"object","$ref":"#/$defs/d0","$defs":{%s,"d%d":{"type":"object"}}}`, strings.Join(defs, ","), links)
}

// strange are schemas of a hostile server's tools; those in refused are left out, and
// the others are there, and say less.
var (
	refused = map[string]string{
		"itself": `{"type":"object","$ref":"#"}`, "all_of": `{"type":"object","allOf":[{"$ref":"#"}]}`, "any_of": `{"type":"object","anyOf":[{},{"$ref":"#"}]}`,
		"not": `{"type":"object","not":{"$ref":"#"}}`, "dynamic": `{"type":"object","$dynamicAnchor":"a","$dynamicRef":"#a"}`,
		"dependent": `{"type":"object","dependentSchemas":{"say":{"$ref":"#"}}}`, "huge": `{"type":"object","description":"` + strings.Repeat("x", 300<<10) + `"}`,
		"chain_long": chained(20_000),
	}
	lessened = map[string]string{
		"doubled": doubled(45), "chain": chained(2000), "dangling": `{"type":"object","properties":{"say":{"$ref":"#/$defs/none"}}}`,
		"tree":    `{"type":"object","properties":{"say":{},"below":{"type":"array","items":{"$ref":"#"}}}}`,
		"pattern": `{"type":"object","properties":{"say":{"pattern":"((a{0,900}){0,900})"}}}`,
		"deep":    `{"type":"object","properties":{"say":` + strings.Repeat(`{"not":`, 400) + `{}` + strings.Repeat(`}`, 400) + `}}`,
	}
)

func TestSchemasOfAHostileServer(t *testing.T) {
	t.Parallel()
	server := mcp.NewServer(&mcp.Implementation{Name: "remote", Version: "1"}, nil)
	add := func(name, input, output string) {
		tool := &mcp.Tool{Name: name, Description: "Hidden: \u200b\U000e0041", InputSchema: json.RawMessage(input)}
		if output != "" {
			tool.OutputSchema = json.RawMessage(output)
		}
		server.AddTool(tool, func(context.Context, *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: "said"}}}, nil
		})
	}
	for _, all := range []map[string]string{refused, lessened} {
		for name, schema := range all {
			add(name, schema, "")
		}
	}
	add("good", `{"type":"object","properties":{"say":{"type":"string"}},"required":["say"]}`, `{"type":"object","$ref":"#"}`)
	handler := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, nil)
	w := setup(t, func(w http.ResponseWriter, r *http.Request) {
		r.Host = "localhost"
		handler.ServeHTTP(w, r)
	}, courier.Limits{})
	tools, err := w.courier.Discover(t.Context(), "https://example.com/mcp", bearer, sensitive.Copy([]byte(token)))
	if err != nil || len(tools) != len(refused)+len(lessened)+1 {
		t.Fatalf("it lists %d, %v", len(tools), err)
	}
	c := connector.FromTools("remote", tools)
	told := strings.Join(c.Missing, "\n")
	for name := range refused {
		if _, there := c.Tool(name); there || !strings.Contains(told, name+": its schema is not taken") {
			t.Errorf("%s is taken: %s", name, told)
		}
	}
	for name := range lessened {
		tool, there := c.Tool(name)
		if !there || !strings.Contains(told, name+" is there, and of its schema") {
			t.Errorf("%s: %v, %s", name, there, told)
			continue
		}
		args, err := tool.Check(t.Context(), json.RawMessage(`{"say":{"say":"x"}}`))
		if err != nil || args == nil || len(tool.Input) > 256<<10 {
			t.Errorf("%s: %v", name, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := tool.Check(ctx, wide(200_000)); err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, hotcell.ErrInvalid) {
			t.Errorf("%s, cancelled: %v", name, err)
		}
	}
	good, there := c.Tool("good")
	if !there || good.Output != nil || !strings.Contains(told, "good is there, without the schema of its results") || strings.ContainsAny(good.About, "\u200b\U000e0041") {
		t.Fatalf("the good one: %v, %+v", there, good)
	}
	if _, err := good.Check(t.Context(), json.RawMessage(`{"say":5}`)); !errors.Is(err, hotcell.ErrInvalid) {
		t.Errorf("it takes a number: %v", err)
	}
	if seen, _, err := w.ask(t.Context(), "good", "x"); err != nil || !strings.Contains(seen, "said") {
		t.Errorf("it cannot be called: %v", err)
	}
}

// wide are arguments with a list of many.
func wide(n int) json.RawMessage {
	return json.RawMessage(`{"say":[` + strings.Join(slices.Repeat([]string{"1"}, n), ",") + `]}`)
}

func TestAServerAsksBackWithASchema(t *testing.T) {
	t.Parallel()
	server := mcp.NewServer(&mcp.Implementation{Name: "remote", Version: "1"}, nil)
	mcp.AddTool(server, &mcp.Tool{Name: "say"}, func(ctx context.Context, r *mcp.CallToolRequest, _ map[string]any) (*mcp.CallToolResult, any, error) {
		_, err := r.Session.Elicit(ctx, &mcp.ElicitParams{Message: "?", RequestedSchema: json.RawMessage(`{"type":"object","$ref":"#"}`)})
		return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: fmt.Sprint("declined: ", err != nil)}}}, nil, nil
	})
	handler := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, nil)
	w := setup(t, func(w http.ResponseWriter, r *http.Request) {
		r.Host = "localhost"
		handler.ServeHTTP(w, r)
	}, courier.Limits{})
	if seen, _, err := w.ask(t.Context(), "say", "x"); err != nil || !strings.Contains(seen, "declined: true") {
		t.Errorf("it is answered: %s, %v", seen, err)
	}
}
