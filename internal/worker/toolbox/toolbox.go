// Package toolbox is the MCP server of one job: it lists the tools that the
// vault lists for the job, and has the vault call them (Model Context Protocol,
// streamable HTTP).
//
// It guards that no answer goes on before the guard knows every value that it
// could hold, and that one client cannot take more than its share: sessions,
// calls at once and bytes are bounded. What may be called, and how, it does not
// decide: the vault does, for each call, on what the call says. One way to use it:
//
//	box := toolbox.New(toolbox.Config{Job: id, Vault: vault, Guard: gateway.knowing, …})
//	mux.Handle("/mcp", box)
package toolbox

import (
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"hotcell"
	"hotcell/internal/line/border"
	"hotcell/internal/line/cellrpc"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/value/guard"
)

// Vault is what a toolbox asks of the vault.
type Vault interface {
	ListTools(context.Context, *vaultrpc.ListToolsRequest) (*vaultrpc.ListToolsAnswer, error)
	CallTool(context.Context, *vaultrpc.CallToolRequest) (*vaultrpc.CallToolAnswer, error)
	// AwaitRequest returns when the request is decided, or still pending when the
	// call ends.
	AwaitRequest(context.Context, *vaultrpc.AwaitRequestRequest) (*vaultrpc.RequestAnswer, error)
}

// Config is one job's.
type Config struct {
	Job   hotcell.JobID
	Vault Vault
	// Guard returns what to look for, once it knows the values up to prints.
	Guard func(ctx context.Context, prints int64) (*guard.Patterns, error)
	// Head makes what is told to the agent of the vault's words on its access.
	Head func(access string) string
	// Ask asks a person for a host; nil where there is no cell that could reach it.
	Ask func(ctx context.Context, question cellrpc.Ask) (cellrpc.Asked, error)
	// Refusals are what the job was refused; nil where there is no cell.
	Refusals func() []cellrpc.Refusal
	// Own are tools that are not the vault's but the job's: its browser's. Nil for none.
	Own Own
	// Waiting says that the job waits for a person, until what it returns is called.
	// It fails where too much of the job waits already.
	Waiting func() (over func(), err error)
	// Ended ends what is under way.
	Ended context.Context //nolint:containedctx // it is the gateway's life, and not a call's
	// Sessions and Calls bound how many there are at once; 0 is the default.
	Sessions, Calls int
	// Notices is how often a client is told that its call waits; 0 is 5 s.
	Notices time.Duration
	Log     *slog.Logger
}

// Own are tools of the job's own.
type Own interface {
	// Tools lists them as they are now.
	Tools() []vaultrpc.Tool
	// CallTool calls one; its answer passes the guard like the vault's.
	CallTool(ctx context.Context, tool string, arguments json.RawMessage) (*vaultrpc.CallToolAnswer, error)
	// Doing is what a client that waits for a call is told.
	Doing() string
}

// The bounds of who sets none.
const (
	defaultSessions = 32
	defaultCalls    = 64
	defaultNotices  = 5 * time.Second
	maxBody         = 4 << 20
)

// Box is one job's tools. Its methods may be called at once from anywhere.
type Box struct {
	Config
	server  *mcp.Server
	handler http.Handler
	// single answers messages outside of any session, each by itself: curl's.
	single   http.Handler
	sessions sessions
	// exchanges are the requests under way, by the mark that each was given.
	exchanges sync.Map
	// quick are the shortcut's calls under way.
	quick  sync.Map
	marks  atomic.Int64
	calls  chan struct{}
	access atomic.Pointer[string]
	// asked is true once somebody asked which tools there are.
	asked atomic.Bool

	// listing is held while the list is asked for anew.
	listing sync.Mutex
	listed  map[string]string
}

// New makes a toolbox; what is in it is asked for when somebody first looks.
func New(c Config) *Box {
	c.Sessions, c.Calls, c.Notices = cmp.Or(c.Sessions, defaultSessions), cmp.Or(c.Calls, defaultCalls), cmp.Or(c.Notices, defaultNotices)
	b := &Box{Config: c, listed: map[string]string{}, calls: make(chan struct{}, c.Calls)}
	// The capabilities are those of tools alone: there is nothing to log here.
	b.server = mcp.NewServer(&mcp.Implementation{Name: "hotcell", Title: "Hotcell", Version: "1"}, &mcp.ServerOptions{
		Capabilities: &mcp.ServerCapabilities{Tools: &mcp.ToolCapabilities{ListChanged: true}},
	})
	b.sessions.caught = border.Log(c.Log)
	b.server.AddReceivingMiddleware(b.guarded, b.receive)
	if c.Ask != nil {
		b.addAsk()
	}
	if c.Refusals != nil {
		b.addRefusals()
	}
	// With sessions: without, the library makes one for each request (measured: a
	// third slower), and a list that changes, and a call that waits, can be told of.
	b.handler = mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return b.server }, &mcp.StreamableHTTPOptions{
		MaxRequestBodyBytes:        maxBody,
		DisableLocalhostProtection: true, // the line is not TCP, and the public listener has its own
	})
	b.single = mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return b.server }, &mcp.StreamableHTTPOptions{
		Stateless: true, JSONResponse: true, MaxRequestBodyBytes: maxBody, DisableLocalhostProtection: true,
	})
	return b
}

// guarded has a fault of ours end one message: the library calls what handles one
// in a goroutine of its own.
func (b *Box) guarded(next mcp.MethodHandler) mcp.MethodHandler {
	return func(ctx context.Context, method string, request mcp.Request) (result mcp.Result, err error) {
		err = border.Run("a message to the tools", func() (err error) {
			result, err = next(ctx, method, request)
			return err
		})
		if border.Tell(b.Log, err) {
			return nil, err
		}
		return result, err
	}
}

// receive is where every message of a client comes by.
func (b *Box) receive(next mcp.MethodHandler) mcp.MethodHandler {
	return func(ctx context.Context, method string, request mcp.Request) (mcp.Result, error) {
		switch r := request.(type) {
		case *mcp.CallToolRequest:
			if !b.house(r.Params.Name) {
				return b.call(ctx, r)
			}
		case *mcp.ListToolsRequest:
			b.asked.Store(true)
			if err := b.Refresh(ctx); err != nil {
				return nil, b.told(err)
			}
		}
		if method == "initialize" || method == "server/discover" {
			if err := b.ready(ctx); err != nil {
				return nil, b.told(err)
			}
		}
		result, err := next(ctx, method, request)
		switch r := result.(type) {
		case *mcp.InitializeResult:
			r.Instructions = b.Instructions()
		case *mcp.DiscoverResult:
			r.Instructions = b.Instructions()
		}
		return result, err
	}
}

// Asked says whether a client has asked which tools there are.
func (b *Box) Asked() bool { return b.asked.Load() }

// Instructions are what an agent is told of its access, as far as it is known.
func (b *Box) Instructions() string {
	if access := b.access.Load(); access != nil {
		return b.Head(*access)
	}
	return b.Head("")
}

func (b *Box) ready(ctx context.Context) error {
	if b.access.Load() != nil {
		return nil
	}
	return b.Refresh(ctx)
}

// Refresh asks the vault which tools there are, and tells the clients where that
// is not what they know.
func (b *Box) Refresh(ctx context.Context) error {
	b.listing.Lock()
	defer b.listing.Unlock()
	answer, err := b.Vault.ListTools(ctx, &vaultrpc.ListToolsRequest{Job: b.Job})
	if err != nil {
		return err
	}
	patterns, err := b.Guard(ctx, 0)
	if err != nil {
		return err
	}
	there := map[string]string{}
	tools := answer.Tools
	if b.Own != nil {
		own := b.Own.Tools()
		// A service's tool does not take the name of one of ours.
		tools = slices.Concat(own, slices.DeleteFunc(tools, func(t vaultrpc.Tool) bool {
			return slices.ContainsFunc(own, func(o vaultrpc.Tool) bool { return o.Name == t.Name })
		}))
	}
	for _, tool := range tools {
		// What a service says of its tools is not to be believed either.
		text, err := json.Marshal(tool)
		if err != nil {
			continue
		}
		// Into one of its own: JSON that is read into a tool writes over its schema,
		// which others have too.
		var clean vaultrpc.Tool
		if text = patterns.Redact(text); json.Unmarshal(text, &clean) != nil || clean.Name == "" || b.house(clean.Name) {
			continue
		}
		tool = clean
		if b.listed[tool.Name] == string(text) || b.add(tool) {
			there[tool.Name] = string(text)
		}
	}
	for name := range b.listed {
		if _, still := there[name]; !still {
			b.server.RemoveTools(name)
		}
	}
	b.listed = there
	access := string(patterns.Redact([]byte(answer.Access)))
	b.access.Store(&access)
	return nil
}

// add puts a tool into the list. The library throws what it cannot list: a
// service's own description may be anything.
func (b *Box) add(t vaultrpc.Tool) (ok bool) {
	defer func() {
		if recover() != nil {
			b.Log.Warn("a tool cannot be listed: its schema is none", "job", b.Job, "tool", t.Name)
			ok = false
		}
	}()
	open := true
	tool := &mcp.Tool{
		Name: t.Name, Title: t.Title, Description: t.Description, InputSchema: t.Input,
		Annotations: &mcp.ToolAnnotations{Title: t.Title, ReadOnlyHint: t.ReadOnly, DestructiveHint: &t.Destructive, IdempotentHint: t.Idempotent, OpenWorldHint: &open},
	}
	if len(t.Output) > 0 {
		tool.OutputSchema = t.Output
	}
	if t.Approval {
		tool.Description += "\n\nEach call waits until a person has approved it."
	}
	b.server.AddTool(tool, b.call)
	return true
}

// Close ends every session.
func (b *Box) Close() {
	for s := range b.server.Sessions() {
		_ = s.Close()
	}
}
