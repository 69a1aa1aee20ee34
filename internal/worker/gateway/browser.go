package gateway

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"hotcell"
	"hotcell/internal/line/border"
	"hotcell/internal/line/cellrpc"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/value/guard"
)

// Browsers makes browsers' cells.
type Browsers interface {
	// Tools lists what an agent may have a browser do.
	Tools(evaluate bool) []vaultrpc.Tool
	// Start starts a cell. The gateway serves its line by serve until the cell ends.
	Start(ctx context.Context, job hotcell.Job, serve func(net.Listener)) (*Browser, error)
}

// Browser is a browser's cell that runs.
type Browser struct {
	// Dial opens a connection on which the cell is asked.
	Dial func(context.Context) (net.Conn, error)
	Kill func()
	// Ended is closed when nothing of the cell is left; Why says why then.
	Ended <-chan struct{}
	Why   func() string
}

// browsing is the job's browser, from its first use on.
type browsing struct {
	// starting is held while the cell is made.
	starting sync.Mutex
	mu       sync.Mutex
	ended    bool
	at       *Browser
	client   *http.Client
	armed    *armed
	proposal *proposal
	sessions []session
	filling  *filling
	// spent finds the codes that the vault put onto requests.
	spent []*guard.Patterns
}

// end ends the browser for good.
func (b *browsing) end() {
	b.mu.Lock()
	at := b.at
	b.ended = true
	b.mu.Unlock()
	if at != nil {
		at.Kill()
		<-at.Ended
	}
}

// running is how the browser is asked; nil where there is none now.
func (b *browsing) running() *http.Client {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.at == nil {
		return nil
	}
	select {
	case <-b.at.Ended:
		return nil
	default:
		return b.client
	}
}

// browser starts the job's browser where there is none.
func (g *Gateway) browser(ctx context.Context) (*http.Client, error) {
	b := &g.browsing
	b.starting.Lock()
	defer b.starting.Unlock()
	if client := b.running(); client != nil {
		return client, nil
	}
	if g.ctx.Err() != nil {
		return nil, fmt.Errorf("%w: %w", hotcell.ErrDenied, context.Cause(g.ctx))
	}
	// Its life is the gateway's, and not that of the call which wants it first.
	at, err := g.Browsers.Start(g.ctx, g.Job, g.serveBrowser)
	if err != nil {
		return nil, err
	}
	if err := g.report(hotcell.Event{Kind: "browser.start", Decision: hotcell.Allowed}); err != nil {
		at.Kill()
		return nil, err
	}
	client := &http.Client{Transport: &http.Transport{
		DialContext:     func(ctx context.Context, _, _ string) (net.Conn, error) { return at.Dial(ctx) },
		MaxIdleConns:    4,
		IdleConnTimeout: time.Minute,
	}}
	b.mu.Lock()
	b.at, b.client = at, client
	over := b.ended
	b.mu.Unlock()
	if over {
		at.Kill()
	}
	return client, ctx.Err()
}

type browserKey struct{}

// fromBrowser says whether a request came on the line of the browser's cell.
func fromBrowser(ctx context.Context) bool { return ctx.Value(browserKey{}) != nil }

// serveBrowser serves the line of the browser's cell: what a job's cell can say
// cannot be said here, and the other way round.
func (g *Gateway) serveBrowser(l net.Listener) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+cellrpc.PathBrowser, g.browserSpec)
	mux.HandleFunc("POST "+cellrpc.PathRefused, g.refused)
	g.loginDoors(mux)
	server := &http.Server{
		ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 16 << 10,
		BaseContext: func(net.Listener) context.Context { return context.WithValue(g.ctx, browserKey{}, true) },
		ErrorLog:    slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
		Handler: g.border("the gateway of a browser's cell", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodConnect {
				g.connect(w, r)
				return
			}
			mux.ServeHTTP(w, r)
		})),
	}
	defer border.WithEnd(g.ctx, "the end of a browser's gateway", border.Log(g.Config.Log), func() { _ = server.Close() })()
	_ = server.Serve(l)
}

// browserTools are the browser's tools, as the toolbox has them.
type browserTools Gateway

// Tools implements [toolbox.Own].
func (t *browserTools) Tools() []vaultrpc.Tool {
	g := (*Gateway)(t)
	if !g.mayBrowse() {
		return nil
	}
	return g.Browsers.Tools(g.mayEvaluate())
}

// mayBrowse says whether the job has a browser.
func (g *Gateway) mayBrowse() bool {
	return g.Browsers != nil && (g.Job.Work.Browser || slices.ContainsFunc(g.rules().Uses, func(u hotcell.Use) bool { return u.As == hotcell.InjectLogin }))
}

// mayEvaluate says whether the agent may run scripts in pages: any attachment
// that does not say so keeps all from it, since they share a browser, and one by
// which the browser itself has a password does too.
func (g *Gateway) mayEvaluate() bool {
	some := false
	for _, u := range g.rules().Uses {
		if u.As != hotcell.InjectLogin {
			continue
		}
		if !u.Evaluate || u.Fill {
			return false
		}
		some = true
	}
	return some
}

// toolEvaluate is the tool that runs a script in a page.
const toolEvaluate = "browser_evaluate"

// callTime is how long a call of a browser's tool may take: a sign-in may wait
// for a person.
const callTime = 15 * time.Minute

// maxAnswer is how long a browser's answer may be, in bytes: a picture.
const maxAnswer = 32 << 20

// Doing implements [toolbox.Own].
func (t *browserTools) Doing() string {
	if id := (*Gateway)(t).asking.Load(); id != nil {
		return "a person is asked for a login (request " + string(*id) + ")"
	}
	return "the browser works on it"
}

// CallTool implements [toolbox.Own].
func (t *browserTools) CallTool(ctx context.Context, tool string, arguments json.RawMessage) (*vaultrpc.CallToolAnswer, error) {
	g := (*Gateway)(t)
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	// Its browser may have started when it still might: a person has let it have
	// another login since.
	if tool == toolEvaluate && !g.mayEvaluate() {
		return nil, fmt.Errorf("%w: a login of this job is attached without --evaluate: no script runs in its browser", hotcell.ErrInvalid)
	}
	client, err := g.browser(ctx)
	if err != nil {
		return nil, err
	}
	// What an agent does is on record before it is done.
	if err := g.report(hotcell.Event{Kind: "browser.call", Decision: hotcell.Allowed, Reason: tool}); err != nil {
		return nil, err
	}
	var out cellrpc.CallAnswer
	if err := askBrowser(ctx, client, cellrpc.PathCall, cellrpc.Call{Tool: tool, Arguments: arguments}, &out); err != nil {
		return nil, g.unbrowsed(ctx, err)
	}
	return answerOf(&out), nil
}

// unbrowsed is why a browser did not answer.
func (g *Gateway) unbrowsed(ctx context.Context, err error) error {
	g.browsing.mu.Lock()
	at := g.browsing.at
	g.browsing.mu.Unlock()
	select {
	case <-at.Ended:
		return fmt.Errorf("%w: the browser has ended: %s; the next call starts another", hotcell.ErrInvalid, cmp.Or(at.Why(), "it was closed"))
	default:
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%w: the call was given up", hotcell.ErrInvalid)
	}
	g.Config.Log.Error("asking a browser", "job", g.Job.ID, "error", err)
	return hotcell.ErrUnavailable
}

func answerOf(a *cellrpc.CallAnswer) *vaultrpc.CallToolAnswer {
	if a.Error {
		return &vaultrpc.CallToolAnswer{Error: &vaultrpc.ToolError{Code: "browser", Message: a.Text}}
	}
	out := &vaultrpc.CallToolAnswer{Content: []vaultrpc.ToolContent{{Kind: "text", Text: a.Text}}}
	if len(a.Picture) > 0 {
		out.Content = append(out.Content, vaultrpc.ToolContent{Kind: "image", Data: a.Picture, Type: cmp.Or(a.Type, "image/png")})
	}
	return out
}

// askBrowser asks a browser's cell.
func askBrowser(ctx context.Context, client *http.Client, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://browser"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode/100 != 2 {
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 2048))
		return errors.New(strings.TrimSpace(string(text)))
	}
	if out == nil || answer.StatusCode == http.StatusNoContent {
		return nil
	}
	return json.NewDecoder(io.LimitReader(answer.Body, maxAnswer)).Decode(out)
}
