package gateway_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"hotcell"
	"hotcell/internal/line/cellrpc"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/value/guard"
	"hotcell/internal/worker/gateway"
)

// toolWorld is the vault's side of tools.
type toolWorld struct {
	token   []byte
	expires *time.Time

	tools   []vaultrpc.Tool
	calls   []vaultrpc.CallToolRequest
	reply   func(*vaultrpc.CallToolRequest) (*vaultrpc.CallToolAnswer, error)
	decided chan hotcell.RequestState
	awaited atomic.Int64
	// newer are values that were renewed since the lease, count how many.
	newer []string
	count int64
	// printless is why no fingerprints come.
	printless error
	asks      int
	waits     []bool
}

func (w *world) ListTools(context.Context, *vaultrpc.ListToolsRequest) (*vaultrpc.ListToolsAnswer, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return &vaultrpc.ListToolsAnswer{Tools: w.tools, Access: "slack as ada@acme.test: post to #ops"}, nil
}

func (w *world) CallTool(_ context.Context, r *vaultrpc.CallToolRequest) (*vaultrpc.CallToolAnswer, error) {
	w.mu.Lock()
	w.calls = append(w.calls, *r)
	reply := w.reply
	w.mu.Unlock()
	return reply(r)
}

func (w *world) AwaitRequest(ctx context.Context, r *vaultrpc.AwaitRequestRequest) (*vaultrpc.RequestAnswer, error) {
	w.awaited.Add(1)
	select {
	case state := <-w.decided:
		return &vaultrpc.RequestAnswer{Request: hotcell.Request{ID: r.ID, State: state}}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (w *world) Prints(context.Context, *vaultrpc.PrintsRequest) (*vaultrpc.PrintsAnswer, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asks++
	if w.printless != nil {
		return nil, w.printless
	}
	b := guard.NewBuilder()
	for _, value := range w.newer {
		if err := b.Add(guard.Label{ID: "con_a", Name: "slack"}, []byte(value)); err != nil {
			return nil, err
		}
	}
	text, err := b.Fingerprints().MarshalBinary()
	return &vaultrpc.PrintsAnswer{Prints: w.count, Fingerprints: text}, err
}

func (w *world) Waiting(_ context.Context, waits bool) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waits = append(w.waits, waits)
	return nil
}

func (w *world) told() []bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.waits)
}

func (w *world) called() []vaultrpc.CallToolRequest {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.calls)
}

var post = vaultrpc.Tool{
	Name: "slack_post", Title: "Post a message", Description: "Post a message to a channel.",
	Input:  json.RawMessage(`{"type":"object","required":["channel"],"properties":{"channel":{"type":"string","const":"#ops"}}}`),
	Output: json.RawMessage(`{"type":"object"}`), Destructive: true,
}

// lined is a client that talks to a gateway on its line, as a cell does.
func (w *world) lined() *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return net.Dial("unix", w.line) }}}
}

// agent is an MCP client in the cell.
func (w *world) agent(t *testing.T, o *mcp.ClientOptions) *mcp.ClientSession {
	t.Helper()
	return dial(t, "http://127.0.0.1/mcp", w.lined(), o)
}

func dial(t *testing.T, endpoint string, by *http.Client, o *mcp.ClientOptions) *mcp.ClientSession {
	t.Helper()
	s, err := mcp.NewClient(&mcp.Implementation{Name: "agent", Version: "1"}, o).Connect(t.Context(), &mcp.StreamableClientTransport{Endpoint: endpoint, HTTPClient: by, MaxRetries: -1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func tooled(t *testing.T, changes ...func(*world, *gateway.Config)) *world {
	t.Helper()
	return start(t, append([]func(*world, *gateway.Config){func(w *world, _ *gateway.Config) {
		w.tools, w.decided = []vaultrpc.Tool{post}, make(chan hotcell.RequestState)
		w.reply = func(*vaultrpc.CallToolRequest) (*vaultrpc.CallToolAnswer, error) {
			return &vaultrpc.CallToolAnswer{Result: json.RawMessage(`{"ts":"1.2"}`)}, nil
		}
	}}, changes...)...)
}

func textOf(r *mcp.CallToolResult) string {
	var out strings.Builder
	for _, c := range r.Content {
		if text, ok := c.(*mcp.TextContent); ok {
			out.WriteString(text.Text)
		}
	}
	return out.String()
}

func TestTheAgentSeesWhatTheVaultLists(t *testing.T) {
	t.Parallel()
	w := tooled(t)
	changed := make(chan struct{}, 10)
	s := w.agent(t, &mcp.ClientOptions{ToolListChangedHandler: func(context.Context, *mcp.ToolListChangedRequest) { changed <- struct{}{} }})
	if text := s.InitializeResult().Instructions; !strings.Contains(text, "post to #ops") || !strings.Contains(text, "Never write") {
		t.Errorf("instructions %q", text)
	}
	list, err := s.ListTools(t.Context(), nil)
	if err != nil || len(list.Tools) != 3 {
		t.Fatalf("%+v, %v", list, err)
	}
	got := list.Tools[slices.IndexFunc(list.Tools, func(t *mcp.Tool) bool { return t.Name == "slack_post" })]
	schema, _ := json.Marshal(got.InputSchema)
	a := got.Annotations
	if got.Title != post.Title || !strings.Contains(string(schema), `"const":"#ops"`) || a.ReadOnlyHint || !*a.DestructiveHint || a.IdempotentHint || !*a.OpenWorldHint {
		t.Errorf("%+v %+v %s", got, a, schema)
	}
	for len(changed) > 0 {
		<-changed
	}
	w.mu.Lock()
	w.tools = append(w.tools, vaultrpc.Tool{Name: "slack_reply", Description: "Reply.", Input: json.RawMessage(`{"type":"object"}`)})
	w.tools = append(w.tools, vaultrpc.Tool{Name: "odd", Description: "What cannot be listed.", Input: json.RawMessage(`[1]`)})
	w.mu.Unlock()
	if err := w.gateway.Widened(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-changed
	if list, err = s.ListTools(t.Context(), nil); err != nil || len(list.Tools) != 4 {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestACallGoesToTheVaultAsItCame(t *testing.T) {
	t.Parallel()
	w := tooled(t, func(w *world, _ *gateway.Config) {
		if err := w.builder.Add(guard.Label{ID: "con_a", Name: "slack"}, []byte(payload)); err != nil {
			t.Fatal(err)
		}
	})
	if status, text := w.say(t, "POST /lease HTTP/1.1\r\nHost: g\r\nContent-Length: 21\r\n\r\n"+`{"public_key":"a2V5"}`); status != 200 {
		t.Fatal(text)
	}
	token := hotcell.NewToken(hotcell.JobID(hotcell.NewID(hotcell.PrefixJob)))
	arguments := json.RawMessage(`{"channel":"#ops","n":12345678901234567890,"text":"` + payload + ` ` + token + `"}`)
	r, err := w.agent(t, nil).CallTool(t.Context(), &mcp.CallToolParams{Name: "slack_post", Arguments: arguments})
	if err != nil || r.IsError || textOf(r) != `{"ts":"1.2"}` {
		t.Fatalf("%+v, %v", r, err)
	}
	if d := cmp.Diff(map[string]any{"ts": "1.2"}, r.StructuredContent); d != "" {
		t.Error(d)
	}
	calls := w.called()
	if len(calls) != 1 || calls[0].Job != "job_a" || string(calls[0].Arguments) != string(arguments) {
		t.Errorf("the vault got %+v", calls)
	}
	if want := `{"channel":"#ops","n":12345678901234567890,"text":"[hotcell:slack] [hotcell:token]"}`; string(calls[0].Shown) != want {
		t.Errorf("people see %s", calls[0].Shown)
	}
}

func TestAToolThatIsNotListedIsTheVaultsToRefuse(t *testing.T) {
	t.Parallel()
	w := tooled(t)
	w.reply = func(*vaultrpc.CallToolRequest) (*vaultrpc.CallToolAnswer, error) {
		return &vaultrpc.CallToolAnswer{Error: &vaultrpc.ToolError{Code: "not_found", Message: "there is no such tool"}}, nil
	}
	_, err := w.agent(t, nil).CallTool(t.Context(), &mcp.CallToolParams{Name: "stripe_refund", Arguments: map[string]any{}})
	if err == nil || !strings.Contains(err.Error(), `unknown tool "stripe_refund"`) || len(w.called()) != 1 {
		t.Errorf("%v, %d calls", err, len(w.called()))
	}
}

func TestErrorsAreForTheAgentToActOn(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer *vaultrpc.CallToolAnswer
		err    error
		want   map[string]any
	}{
		"the service's":  {&vaultrpc.CallToolAnswer{Error: &vaultrpc.ToolError{Code: "rate_limited", Message: "slow down", Status: 429, Retryable: true, RetryAfter: 30}}, nil, map[string]any{"code": "rate_limited", "message": "slow down", "status": 429.0, "retryable": true, "retry_after": 30.0}},
		"a refusal":      {nil, fmt.Errorf("%w: args.channel is not #ops", hotcell.ErrDenied), map[string]any{"code": "refused", "message": "denied: args.channel is not #ops", "retryable": false}},
		"a bad argument": {nil, hotcell.Invalid("/arguments/channel", "it is missing"), map[string]any{"code": "invalid", "message": "arguments.channel: it is missing", "retryable": false}},
		"nobody there":   {nil, fmt.Errorf("%w: dial /run/secret.sock", hotcell.ErrUnavailable), map[string]any{"code": "unavailable", "message": "a part of the server does not answer", "retryable": true}},
		"a fault":        {nil, errors.New("at /secret/path"), map[string]any{"code": "unavailable", "message": "the call could not be made", "retryable": true}},
		"a broken one":   {nil, fmt.Errorf("%w: ask bob", hotcell.ErrNeedsReconnect), map[string]any{"code": "reconnect", "retryable": false}},
	} {
		w := tooled(t)
		w.reply = func(*vaultrpc.CallToolRequest) (*vaultrpc.CallToolAnswer, error) { return c.answer, c.err }
		r, err := w.agent(t, nil).CallTool(t.Context(), &mcp.CallToolParams{Name: "slack_post"})
		if err != nil || !r.IsError {
			t.Fatalf("%s: %+v, %v", name, r, err)
		}
		got, _ := r.StructuredContent.(map[string]any)
		for key, want := range c.want {
			if key != "message" && got[key] != want || key == "message" && !strings.Contains(fmt.Sprint(got[key]), strings.TrimPrefix(fmt.Sprint(want), "denied: ")) {
				t.Errorf("%s: %s is %v, want %v", name, key, got[key], want)
			}
		}
		if text := textOf(r); text == "" || strings.Contains(text, "secret") || name == "the service's" && !strings.Contains(text, "after 30 s") {
			t.Errorf("%s: %q", name, text)
		}
	}
}

func TestACallThatWaitsGoesOnOnceItIsApproved(t *testing.T) {
	t.Parallel()
	w := tooled(t)
	w.reply = func(r *vaultrpc.CallToolRequest) (*vaultrpc.CallToolAnswer, error) {
		if r.Approved == "" {
			return &vaultrpc.CallToolAnswer{Waits: "ask_a"}, nil
		}
		return &vaultrpc.CallToolAnswer{Result: json.RawMessage(`{"ts":"1.2"}`)}, nil
	}
	notices := make(chan string, 10)
	s := w.agent(t, &mcp.ClientOptions{ProgressNotificationHandler: func(_ context.Context, r *mcp.ProgressNotificationClientRequest) { notices <- r.Params.Message }})
	call := &mcp.CallToolParams{Name: "slack_post", Arguments: map[string]any{"channel": "#ops"}}
	call.SetProgressToken("p1")
	type outcome struct {
		r   *mcp.CallToolResult
		err error
	}
	for _, state := range []hotcell.RequestState{hotcell.RequestApproved, hotcell.RequestRefused, hotcell.RequestExpired} {
		done := make(chan outcome, 1)
		go func() {
			r, err := s.CallTool(t.Context(), call)
			done <- outcome{r, err}
		}()
		if text := <-notices; !strings.Contains(text, "ask_a") {
			t.Errorf("the notice %q", text)
		}
		await(t, func() bool { told := w.told(); return len(told) > 0 && told[len(told)-1] })
		w.decided <- state
		out := <-done
		if out.err != nil || out.r.IsError != (state != hotcell.RequestApproved) {
			t.Errorf("%s: %+v, %v", state, out.r, out.err)
		}
		if told := w.told(); told[len(told)-1] {
			t.Errorf("%s: the job waits still", state)
		}
	}
	calls := w.called()
	if len(calls) != 4 || calls[1].Approved != "ask_a" || string(calls[1].Arguments) != string(calls[0].Arguments) {
		t.Errorf("the vault got %+v", calls)
	}
}

func await(t *testing.T, fn func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for range 2000 {
		if fn() {
			return
		}
		<-tick.C
	}
	t.Fatal("it never happened")
}

func TestAClientThatLeavesTakesItsWaitingCallWithIt(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"cancels", "hangs up"} {
		w := tooled(t)
		w.reply = func(*vaultrpc.CallToolRequest) (*vaultrpc.CallToolAnswer, error) {
			return &vaultrpc.CallToolAnswer{Waits: "ask_a"}, nil
		}
		by := w.lined()
		s := dial(t, "http://127.0.0.1/mcp", by, nil)
		ctx, cancel := context.WithCancel(t.Context())
		if how == "hangs up" {
			body := strings.NewReader(`{"jsonrpc":"2.0","id":77,"method":"tools/call","params":{"name":"slack_post","arguments":{}}}`)
			r, _ := http.NewRequestWithContext(ctx, http.MethodPost, "http://127.0.0.1/mcp", body)
			r.Header = http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json, text/event-stream"}, "Mcp-Session-Id": {s.ID()}, "Mcp-Protocol-Version": {"2025-11-25"}}
			go func() {
				if answer, err := by.Do(r); err == nil {
					_, _ = io.Copy(io.Discard, answer.Body)
					_ = answer.Body.Close()
				}
			}()
		} else {
			go func() { _, _ = s.CallTool(ctx, &mcp.CallToolParams{Name: "slack_post"}) }()
		}
		await(t, func() bool { told := w.told(); return len(told) > 0 && told[0] })
		cancel()
		await(t, func() bool { told := w.told(); return len(told) == 2 && !told[1] })
		if n := len(w.called()); n != 1 {
			t.Errorf("%s: %d calls", how, n)
		}
	}
}

func TestNothingGoesOnBeforeTheGuardKnowsWhatIsNew(t *testing.T) {
	t.Parallel()
	const renewed = "CANARY-renewed-8w5zKq2m"
	w := tooled(t)
	w.newer, w.count = []string{renewed}, 7
	w.reply = func(*vaultrpc.CallToolRequest) (*vaultrpc.CallToolAnswer, error) {
		return &vaultrpc.CallToolAnswer{
			Prints: 7, Result: json.RawMessage(`{"echo":"` + renewed + `"}`),
			Content: []vaultrpc.ToolContent{{Kind: "text", Text: "x " + renewed}, {Kind: "image", Type: "image/png", Data: []byte("PNG " + renewed)}, {Kind: "image", Type: "image/png", Data: []byte("PNG")}},
		}, nil
	}
	s := w.agent(t, nil)
	for range 3 {
		r, err := s.CallTool(t.Context(), &mcp.CallToolParams{Name: "slack_post"})
		if err != nil {
			t.Fatal(err)
		}
		text, _ := json.Marshal(r)
		if strings.Contains(string(text), "CANARY") || !strings.Contains(string(text), "[hotcell:slack]") || len(r.Content) != 4 {
			t.Errorf("the agent got %s", text)
		}
	}
	if w.asks != 1 {
		t.Errorf("the fingerprints were asked for %d times", w.asks)
	}
	for name, change := range map[string]func(*world){
		"no fingerprints come":  func(w *world) { w.printless = hotcell.ErrUnavailable },
		"they are older":        func(w *world) { w.count = 6 },
		"a job that had values": func(w *world) { w.newer = nil; w.count = 9 },
	} {
		w := tooled(t)
		w.newer, w.count = []string{payload}, 3
		w.reply = func(*vaultrpc.CallToolRequest) (*vaultrpc.CallToolAnswer, error) {
			return &vaultrpc.CallToolAnswer{Prints: 3}, nil
		}
		s := w.agent(t, nil)
		if r, err := s.CallTool(t.Context(), &mcp.CallToolParams{Name: "slack_post"}); err != nil || r.IsError {
			t.Fatalf("%s: %+v, %v", name, r, err)
		}
		w.mu.Lock()
		change(w)
		w.reply = func(*vaultrpc.CallToolRequest) (*vaultrpc.CallToolAnswer, error) {
			return &vaultrpc.CallToolAnswer{Prints: 9, Result: json.RawMessage(`{"echo":"` + renewed + `"}`)}, nil
		}
		w.mu.Unlock()
		r, err := s.CallTool(t.Context(), &mcp.CallToolParams{Name: "slack_post"})
		if text, _ := json.Marshal(r); err != nil || !r.IsError || strings.Contains(string(text), "CANARY") {
			t.Errorf("%s: %s, %v", name, text, err)
		}
	}
}

func TestAnAnswerOfTheVaultWaitsForTheGuardToo(t *testing.T) {
	t.Parallel()
	const renewed = "CANARY-renewed-8w5zKq2m"
	use := hotcell.Use{Attachment: "att_a", Credential: "con_b", Name: "api", As: hotcell.InjectHTTP, HTTP: &hotcell.HTTPAccess{Host: "example.com", Port: 443}}
	tools := hotcell.Use{Attachment: "att_b", Credential: "con_a", Name: "slack", As: hotcell.InjectTools}
	s := openSite(t, func(http.ResponseWriter, *http.Request) {}, use, tools)
	s.newer, s.count = []string{renewed}, 2
	s.forward = func() *http.Response {
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{vaultrpc.HeaderPrints: {"2"}, "X-Echo": {renewed}}, Body: io.NopCloser(strings.NewReader("it is " + renewed))}
	}
	answer, err := s.client(t, false).Get("https://example.com/v1")
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(answer.Body)
	if strings.Contains(string(text)+fmt.Sprint(answer.Header), "CANARY") || answer.Header.Get(vaultrpc.HeaderPrints) != "" || s.asks != 1 {
		t.Errorf("%q %v, asked %d times", text, answer.Header, s.asks)
	}
	s.mu.Lock()
	s.printless = hotcell.ErrUnavailable
	s.forward = func() *http.Response {
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{vaultrpc.HeaderPrints: {"3"}}, Body: io.NopCloser(strings.NewReader("it is another"))}
	}
	s.mu.Unlock()
	if answer, err = s.client(t, false).Get("https://example.com/v1"); err != nil || answer.StatusCode != http.StatusBadGateway {
		t.Errorf("%v, %v", answer, err)
	}
}

// elsewhere is an external job's gateway behind a server, with its token.
func elsewhere(t *testing.T) (*world, *httptest.Server, string) {
	t.Helper()
	job := hotcell.JobID(hotcell.NewID(hotcell.PrefixJob))
	token := hotcell.NewToken(job)
	w := tooled(t, func(w *world, c *gateway.Config) {
		c.Job.ID, c.Job.External = job, true
		sum, until := sha256.Sum256([]byte(token)), time.Now().Add(time.Hour)
		w.token, w.expires = sum[:], &until
	})
	if err := w.gateway.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(w.gateway.ServeElsewhere))
	t.Cleanup(server.Close)
	return w, server, token
}

// bearer shows a token with each request.
type bearer struct{ token string }

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+b.token)
	return http.DefaultTransport.RoundTrip(r)
}

func TestAnAgentElsewhereNeedsTheTokenOfItsJob(t *testing.T) {
	t.Parallel()
	w, server, token := elsewhere(t)
	s := dial(t, server.URL, &http.Client{Transport: bearer{token}}, nil)
	if list, err := s.ListTools(t.Context(), nil); err != nil || len(list.Tools) != 1 {
		t.Errorf("%+v, %v: there is no cell that could ask for hosts", list, err)
	}
	if r, err := s.CallTool(t.Context(), &mcp.CallToolParams{Name: "slack_post"}); err != nil || r.IsError {
		t.Errorf("%+v, %v", r, err)
	}
	other := hotcell.NewToken(hotcell.JobID(hotcell.NewID(hotcell.PrefixJob)))
	for name, header := range map[string][]string{
		"none": nil, "empty": {"Bearer "}, "another scheme": {"Basic " + token}, "another job's": {"Bearer " + other}, "made up": {"Bearer " + hotcell.NewToken(w.job())},
		"cut": {"Bearer " + token[:len(token)-1]}, "two": {"Bearer " + token, "Bearer " + token}, "the hash": {fmt.Sprintf("Bearer %x", w.token)},
	} {
		for _, target := range []string{server.URL, server.URL + "?access_token=" + token + "&token=" + token} {
			r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, target, strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"ping"}`))
			r.Header = http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json, text/event-stream"}, "Mcp-Session-Id": {s.ID()}, "Cookie": {"token=" + token}}
			if header != nil {
				r.Header["Authorization"] = header
			}
			answer, err := http.DefaultTransport.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			text, _ := io.ReadAll(answer.Body)
			_ = answer.Body.Close()
			if answer.StatusCode != http.StatusUnauthorized || !strings.HasPrefix(answer.Header.Get("WWW-Authenticate"), "Bearer ") || strings.Contains(string(text), "hct_") {
				t.Errorf("%s: %d %q %q", name, answer.StatusCode, answer.Header.Get("WWW-Authenticate"), text)
			}
		}
	}
}

func (w *world) job() hotcell.JobID { return w.gateway.Job.ID }

func TestAnEndedJobIsClosedToItsAgent(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*world){
		"revoked": func(w *world) { w.gateway.Revoke("the connection was deleted") },
		"closed":  func(w *world) { w.gateway.Close() },
		"expired": func(w *world) {
			past := time.Now().Add(-time.Second)
			w.mu.Lock()
			w.expires = &past
			w.mu.Unlock()
			if err := w.gateway.Refresh(t.Context()); err != nil {
				t.Error(err)
			}
		},
	} {
		w, server, token := elsewhere(t)
		by := &http.Client{Transport: bearer{token}}
		s := dial(t, server.URL, by, nil)
		w.reply = func(*vaultrpc.CallToolRequest) (*vaultrpc.CallToolAnswer, error) {
			return &vaultrpc.CallToolAnswer{Waits: "ask_a"}, nil
		}
		waiting := make(chan error, 1)
		go func() {
			r, err := s.CallTool(t.Context(), &mcp.CallToolParams{Name: "slack_post"})
			if err == nil && r.IsError {
				err = errors.New(textOf(r))
			}
			waiting <- err
		}()
		await(t, func() bool { return w.awaited.Load() > 0 })
		end(w)
		if name != "expired" { // there, the control plane ends the run
			began := time.Now()
			if err := <-waiting; err == nil || time.Since(began) > time.Second {
				t.Errorf("%s: the waiting call ended with %v after %s", name, err, time.Since(began))
			}
		}
		ping, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"ping"}`))
		answer, err := by.Do(ping)
		if err != nil || answer.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: %v, %v", name, answer, err)
		}
		w.gateway.Close()
	}
}

func TestAFloodOfSessionsIsBounded(t *testing.T) {
	t.Parallel()
	_, server, token := elsewhere(t)
	by := &http.Client{Transport: bearer{token}}
	first := dial(t, server.URL, by, nil)
	var last *mcp.ClientSession
	for range 80 {
		c := mcp.NewClient(&mcp.Implementation{Name: "flood", Version: "1"}, nil)
		s, err := c.Connect(t.Context(), &mcp.StreamableClientTransport{Endpoint: server.URL, HTTPClient: by, DisableStandaloneSSE: true}, nil)
		if err != nil {
			t.Fatal(err)
		}
		last = s
	}
	if _, err := last.ListTools(t.Context(), nil); err != nil {
		t.Errorf("the newest: %v", err)
	}
	if _, err := first.ListTools(t.Context(), nil); err == nil {
		t.Error("the oldest of more than there may be is open still")
	}
	big := strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"slack_post","arguments":{"text":"` + strings.Repeat("x", 5<<20) + `"}}}`)
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, big)
	r.Header = http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json, text/event-stream"}, "Mcp-Session-Id": {last.ID()}}
	if answer, err := by.Do(r); err != nil || answer.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("%v, %v", answer, err)
	}
}

func (w *world) Logins(context.Context, *vaultrpc.LoginsRequest) (*vaultrpc.LoginsAnswer, error) {
	return &vaultrpc.LoginsAnswer{}, nil
}

func (w *world) AskWay(context.Context, *vaultrpc.AskWayRequest) (*vaultrpc.AskLoginAnswer, error) {
	return nil, hotcell.ErrDenied
}

func (w *world) ArmLogin(context.Context, *vaultrpc.ArmLoginRequest) (*vaultrpc.ArmLoginAnswer, error) {
	return &vaultrpc.ArmLoginAnswer{ArmAnswer: cellrpc.ArmAnswer{ID: "arm_a"}, Steps: w.steps}, nil
}

func (w *world) AwaitArm(context.Context, *vaultrpc.AwaitArmRequest) (*vaultrpc.AwaitArmAnswer, error) {
	return nil, hotcell.ErrDenied
}

func (w *world) FillLogin(context.Context, *vaultrpc.FillLoginRequest) (*vaultrpc.FillLoginAnswer, error) {
	return &vaultrpc.FillLoginAnswer{Message: []byte("sealed")}, nil
}

func (w *world) AskLogin(context.Context, *vaultrpc.AskLoginRequest) (*vaultrpc.AskLoginAnswer, error) {
	return nil, hotcell.ErrDenied
}
