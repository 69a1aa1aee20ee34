package test

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"hotcell"
	"hotcell/hotcelltest"
)

// service is a document of an operator's own, whose tools are those of the
// conformance suite as far as a connector has such.
const service = `
slug: test
name: Test
category: other
about: A service with a tool of each kind.
base: %s
auth:
  kind: key
  put: {kind: bearer}
tools:
- name: simple_text
  about: Answer with a text.
  hint: read
  input: {type: object, properties: {channel: {type: string}}}
  request: {method: GET, path: /text, query: {channel: "${args.?channel.orValue('')}"}}
  result: "${{'text': answer.text}}"
- {name: image_content, about: Answer with a picture., hint: read, input: {type: object}, request: {method: GET, path: /text}, content: {type: image/png, base64: "${answer.data}"}}
- {name: audio_content, about: Answer with a sound., hint: read, input: {type: object}, request: {method: GET, path: /text}, content: {type: audio/wav, base64: "${answer.data}"}}
- {name: embedded_resource, about: Answer with a file., hint: read, input: {type: object}, request: {method: GET, path: /text}, content: {type: application/zip, base64: "${answer.data}"}}
- {name: error_handling, about: Fail., hint: read, input: {type: object}, request: {method: GET, path: /error}}
- name: asked
  about: What a person approves.
  hint: write
  approve: true
  input: {type: object, required: [text], properties: {text: {type: string}}}
  request: {method: POST, path: /asked, json: {text: "${args.text}"}}
  result: "${{'text': answer.text}}"
`

const serviceTools = "simple_text,image_content,audio_content,embedded_resource,error_handling,asked"

// office is a server with a connection to that service, and an external job.
type office struct {
	*hotcelltest.Server
	t     testing.TB
	mu    sync.Mutex
	asked []string
}

func openOffice(t testing.TB) *office {
	t.Helper()
	o := &office{t: t}
	o.Server = serving(t, service, o.serve)
	o.OK("assignments", "create", "talk", "--external")
	o.OK("assignments", "attach", "talk", "team", "--tools", serviceTools, "--when", `simple_text: !has(args.channel) || args.channel == "#ops"`)
	return o
}

// serving is a server with the connection "team" to a service of a connector's document,
// in which %s is where the service is.
func serving(t testing.TB, document string, handler http.HandlerFunc) *hotcelltest.Server {
	t.Helper()
	upstream := httptest.NewTLSServer(handler)
	t.Cleanup(upstream.Close)
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(upstream.URL)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"ca.pem":    string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: upstream.Certificate().Raw})),
		"test.yaml": fmt.Sprintf(document, "https://example.com:"+u.Port()), "key.txt": apiKey,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	documents := filepath.Join(dir, "documents")
	if err := os.Mkdir(documents, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, "test.yaml"), filepath.Join(documents, "test.yaml")); err != nil {
		t.Fatal(err)
	}
	s := hotcelltest.Start(t, fmt.Sprintf(`listen: 127.0.0.1:0
egress:
  extra_ca: %s
  allow_private: [example.com]
  hosts: {name: example.com, address: 127.0.0.1}
connectors: {folder: %s}
`, filepath.Join(dir, "ca.pem"), documents))
	s.OK("connections", "create", "test", "--name", "team", "--api-key-file", filepath.Join(dir, "key.txt"))
	return s
}

func (o *office) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	switch {
	case r.Header.Get("Authorization") != "Bearer "+apiKey:
		w.WriteHeader(http.StatusUnauthorized)
	case r.URL.Path == "/error":
		w.Header().Set("Retry-After", "17")
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = fmt.Fprintf(w, `{"message":"slow down, %s"}`, r.Header.Get("Authorization"))
	default:
		if r.URL.Path == "/asked" {
			text, _ := io.ReadAll(r.Body)
			o.mu.Lock()
			o.asked = append(o.asked, string(text))
			o.mu.Unlock()
		}
		_, _ = fmt.Fprintf(w, `{"text":"This is a simple text response for testing. %s","data":"aGVsbG8="}`, r.Header.Get("Authorization"))
	}
}

// elsewhere makes an external job.
func (o *office) elsewhere(life string) (id hotcell.JobID, endpoint, token string) {
	o.t.Helper()
	var made struct {
		ID         hotcell.JobID
		Token, URL string
	}
	if err := json.Unmarshal([]byte(o.OK("jobs", "create", "talk", "--external", "--ttl", life, "-o", "json")), &made); err != nil {
		o.t.Fatal(err)
	}
	return made.ID, made.URL, made.Token
}

func (o *office) agent(endpoint, token string, options *mcp.ClientOptions) *mcp.ClientSession {
	o.t.Helper()
	by := &http.Client{Transport: carrier{&http.Transport{}, token}}
	s, err := mcp.NewClient(&mcp.Implementation{Name: "agent", Version: "1"}, options).Connect(o.t.Context(), &mcp.StreamableClientTransport{Endpoint: endpoint, HTTPClient: by, MaxRetries: -1}, nil)
	if err != nil {
		o.t.Fatal(err)
	}
	o.t.Cleanup(func() { _ = s.Close() })
	return s
}

// knock is what a request with a token is answered.
func knock(t *testing.T, endpoint, token string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, endpoint, strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"ping"}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = http.Header{"Authorization": {"Bearer " + token}, "Content-Type": {"application/json"}, "Accept": {"application/json, text/event-stream"}}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	return answer.StatusCode
}

func told(r *mcp.CallToolResult) string {
	text, _ := json.Marshal(r)
	return string(text)
}

func TestAnAgentElsewhereHasToolsAndNoToken(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	id, endpoint, token := o.elsewhere("10m")
	_, _, other := o.elsewhere("10m")
	s := o.agent(endpoint, token, nil)
	list, err := s.ListTools(t.Context(), nil)
	if err != nil || len(list.Tools) != 6 {
		t.Fatalf("%+v, %v", list, err)
	}
	r, err := s.CallTool(t.Context(), &mcp.CallToolParams{Name: "test_simple_text", Arguments: map[string]any{"channel": "#ops"}})
	if err != nil || r.IsError || !strings.Contains(told(r), "simple text response") || strings.Contains(told(r), apiKey) {
		t.Errorf("%s, %v", told(r), err)
	}
	r, err = s.CallTool(t.Context(), &mcp.CallToolParams{Name: "test_simple_text", Arguments: map[string]any{"channel": "#general"}})
	if err != nil || !r.IsError || !strings.Contains(told(r), `"code":"refused"`) {
		t.Errorf("another channel: %s, %v", told(r), err)
	}
	r, err = s.CallTool(t.Context(), &mcp.CallToolParams{Name: "test_error_handling"})
	if err != nil || !r.IsError || !strings.Contains(told(r), `"retry_after":17`) || strings.Contains(told(r), apiKey) {
		t.Errorf("an error: %s, %v", told(r), err)
	}
	if _, err = s.CallTool(t.Context(), &mcp.CallToolParams{Name: "gmail_send"}); err == nil {
		t.Error("a tool of another connector is there")
	}
	// The token is told once, and opens one job.
	for _, command := range [][]string{{"jobs", "list", "-o", "json"}, {"jobs", "show", string(id), "-o", "json"}, {"audit", "list", "-o", "json"}} {
		if out := o.OK(command...); strings.Contains(out, "hct_") || strings.Contains(out, apiKey) {
			t.Errorf("%v: %s", command, out)
		}
	}
	if found, err := exec.Command("grep", "-rlaF", token, o.Data).Output(); err == nil {
		t.Errorf("it lies in %s", found)
	}
	if o.OK("jobs", "cancel", string(id)); knock(t, endpoint, token) != http.StatusUnauthorized {
		t.Error("a cancelled job is open")
	}
	if status := knock(t, endpoint, other); status == http.StatusUnauthorized {
		t.Errorf("the other job was closed with it: %d", status)
	}
	if log := o.OK("audit", "list", "-o", "json"); strings.Count(log, `"connection.call"`) < 3 {
		t.Errorf("the log has too few calls: %s", log)
	}
	if r := o.Run("run", "talk"); r.Code != 6 || !strings.Contains(r.Err, "hotcell jobs create --external") {
		t.Errorf("a job in a cell, without a command: %+v", r)
	}
	if r := o.Run("assignments", "create", "other", "--external", "--command", "true"); r.Code != 2 {
		t.Errorf("both: %+v", r)
	}
}

// TestAnAgentElsewhereOutlivesTheServer stops and kills the server below an agent, which
// goes on with the token that it has; what ends a job ends it afterwards as before.
func TestAnAgentElsewhereOutlivesTheServer(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	id, _, token := o.elsewhere("10m")
	short, _, brief := o.elsewhere("1s")
	for _, end := range []func(){o.Stop, o.Kill} {
		end()
		o.Restart()
		endpoint := "http://" + o.Address() + "/mcp"
		eventually(t, "the token is good again", func() bool { return knock(t, endpoint, token) != http.StatusUnauthorized })
		s := o.agent(endpoint, token, nil)
		r, err := s.CallTool(t.Context(), &mcp.CallToolParams{Name: "test_simple_text", Arguments: map[string]any{"channel": "#ops"}})
		if err != nil || r.IsError || !strings.Contains(told(r), "simple text response") {
			t.Errorf("%s, %v", told(r), err)
		}
		if out := o.OK("jobs", "list", "--state", "running"); !strings.Contains(out, string(id)) {
			t.Errorf("it does not run: %s", out)
		}
		eventually(t, "the other's time is over", func() bool { return strings.Contains(o.OK("jobs", "list", "--state", "timed out"), string(short)) })
		if status := knock(t, endpoint, brief); status != http.StatusUnauthorized {
			t.Errorf("a token whose time is over: %d", status)
		}
	}
	endpoint := "http://" + o.Address() + "/mcp"
	if o.OK("jobs", "cancel", string(id)); knock(t, endpoint, token) != http.StatusUnauthorized {
		t.Error("a cancelled job is open")
	}
	o.Stop()
	o.Restart()
	if status := knock(t, "http://"+o.Address()+"/mcp", token); status != http.StatusUnauthorized {
		t.Errorf("a cancelled job is open after a restart: %d", status)
	}
}

func TestACallWaitsForAPerson(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	id, endpoint, token := o.elsewhere("10m")
	notices := make(chan string, 100)
	s := o.agent(endpoint, token, &mcp.ClientOptions{ProgressNotificationHandler: func(_ context.Context, r *mcp.ProgressNotificationClientRequest) { notices <- r.Params.Message }})
	for _, verb := range []string{"approve", "refuse"} {
		done := make(chan *mcp.CallToolResult, 1)
		go func() {
			call := &mcp.CallToolParams{Name: "test_asked", Arguments: map[string]any{"text": "to " + verb + " \x1b[31m"}}
			call.SetProgressToken(verb)
			r, err := s.CallTool(t.Context(), call)
			if err != nil {
				t.Error(err)
			}
			done <- r
		}()
		_, ask, _ := strings.Cut(<-notices, "approve ")
		eventually(t, "the job is listed so", func() bool { return strings.Contains(o.OK("jobs", "list", "--state", "waiting"), string(id)) })
		if out := o.OK("requests", "show", ask); !strings.Contains(out, "to call asked") || !strings.Contains(out, `"text": "to `+verb) || strings.Contains(out, "\x1b") {
			t.Errorf("people see %q", out)
		}
		o.OK("requests", verb, ask)
		if r := <-done; r != nil && r.IsError != (verb == "refuse") {
			t.Errorf("%s: %s", verb, told(r))
		}
		eventually(t, "the job is listed so", func() bool { return strings.Contains(o.OK("jobs", "list", "--state", "running"), string(id)) })
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.asked) != 1 {
		t.Errorf("the service was asked %q", o.asked)
	}
}

func TestAnExternalJobEndsWithItsTimeAndItsConnection(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	short, endpoint, token := o.elsewhere("2s")
	long, _, another := o.elsewhere("10m")
	stream, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, endpoint, nil)
	stream.Header = http.Header{"Authorization": {"Bearer " + another}, "Accept": {"text/event-stream"}, "Mcp-Session-Id": {o.agentWithout(endpoint, another).ID()}}
	answer, err := http.DefaultClient.Do(stream)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%v, %v", answer, err)
	}
	defer func() { _ = answer.Body.Close() }()
	eventually(t, "the job is listed so", func() bool { return strings.Contains(o.OK("jobs", "list", "--state", "timed out"), string(short)) })
	if status := knock(t, endpoint, token); status != http.StatusUnauthorized {
		t.Errorf("after its time: %d", status)
	}
	closed := make(chan time.Time, 1)
	go func() {
		_, _ = io.Copy(io.Discard, answer.Body)
		closed <- time.Now()
	}()
	o.OK("connections", "delete", "--yes", "team")
	began := time.Now()
	if at := <-closed; at.Sub(began) > time.Second {
		t.Errorf("its stream ended %s after the revocation", at.Sub(began))
	}
	if status := knock(t, endpoint, another); status != http.StatusUnauthorized {
		t.Errorf("after the revocation: %d", status)
	}
	eventually(t, "the job is listed so", func() bool { return strings.Contains(o.OK("jobs", "list", "--state", "cancelled"), string(long)) })
}

// TestANewJobsTokenHoldsAtOnce knocks as soon as a job's token is told, with no moment in
// between: it holds, and so it does for many that are made at the same time.
func TestANewJobsTokenHoldsAtOnce(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 3 {
				job, endpoint, token := o.elsewhere("10m")
				if status := knock(t, endpoint, token); status == http.StatusUnauthorized || status >= http.StatusInternalServerError {
					t.Errorf("%s: %d", job, status)
				}
			}
		})
	}
	all.Wait()
}

// agentWithout is an agent that opens no stream of its own.
func (o *office) agentWithout(endpoint, token string) *mcp.ClientSession {
	o.t.Helper()
	by := &http.Client{Transport: carrier{&http.Transport{}, token}}
	s, err := mcp.NewClient(&mcp.Implementation{Name: "agent", Version: "1"}, nil).Connect(o.t.Context(), &mcp.StreamableClientTransport{Endpoint: endpoint, HTTPClient: by, DisableStandaloneSSE: true}, nil)
	if err != nil {
		o.t.Fatal(err)
	}
	return s
}

// TestConformance runs the scenarios of the conformance suite that apply against
// the open port of a whole server. docs/mcp.md says how to get the suite.
func TestConformance(t *testing.T) {
	t.Parallel()
	folder := os.Getenv("HOTCELL_CONFORMANCE")
	if folder == "" {
		t.Skip("HOTCELL_CONFORMANCE names no folder with @modelcontextprotocol/conformance: see docs/mcp.md")
	}
	o := openOffice(t)
	_, endpoint, token := o.elsewhere("1h")
	target, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	// The suite has no token to show.
	shows := httptest.NewServer(&httputil.ReverseProxy{FlushInterval: -1, Rewrite: func(p *httputil.ProxyRequest) {
		p.Out.URL.Scheme, p.Out.URL.Host, p.Out.URL.Path, p.Out.Host = "http", target.Host, target.Path, p.In.Host
		p.Out.Header.Set("Authorization", "Bearer "+token)
	}})
	t.Cleanup(shows.Close)
	for _, scenario := range []string{
		"server-initialize", "ping", "tools-list", "tools-call-simple-text", "tools-call-image", "tools-call-audio", "tools-call-embedded-resource",
		"tools-call-error", "server-sse-multiple-streams", "dns-rebinding-protection",
	} {
		t.Run(scenario, func(t *testing.T) {
			bin := filepath.Join(folder, "node_modules", ".bin")
			c := exec.CommandContext(t.Context(), filepath.Join(bin, "conformance"), "server", "--url", shows.URL, "--scenario", scenario)
			c.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"))
			if out, err := c.CombinedOutput(); err != nil || !strings.Contains(string(out), " 0 failed, 0 warnings") {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
