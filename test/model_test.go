package test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anthropics/anthropic-sdk-go"
	anthropicoption "github.com/anthropics/anthropic-sdk-go/option"
	"github.com/openai/openai-go"
	openaioption "github.com/openai/openai-go/option"

	"hotcell"
	"hotcell/internal/line/vaultclient"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/value/guard"
	"hotcell/internal/wire/egress"
	"hotcell/internal/wire/netguard"
	"hotcell/internal/worker/gateway"
)

// provider is a model's API as its documentation has it: messages and chat
// completions, whole and streamed. It keeps what it was sent.
type provider struct {
	mu   sync.Mutex
	got  []string
	seen http.Header
}

func (p *provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	p.mu.Lock()
	p.got, p.seen = append(p.got, string(body)), r.Header
	p.mu.Unlock()
	var asked struct{ Stream bool }
	if json.Unmarshal(body, &asked) != nil || r.ContentLength >= 0 && r.ContentLength != int64(len(body)) {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	events := map[string][]string{
		"/v1/messages": {
			`event: message_start` + "\n" + `data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","content":[],"model":"m","usage":{"input_tokens":1,"output_tokens":1}}}`,
			`event: content_block_start` + "\n" + `data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`,
			`event: content_block_delta` + "\n" + `data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello"}}`,
			`event: content_block_stop` + "\n" + `data: {"type":"content_block_stop","index":0}`,
			`event: message_delta` + "\n" + `data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":2}}`,
			`event: message_stop` + "\n" + `data: {"type":"message_stop"}`,
		},
		"/v1/chat/completions": {
			`data: {"id":"c","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"Hello"}}]}`,
			`data: {"id":"c","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`, `data: [DONE]`,
		},
	}[r.URL.Path]
	if asked.Stream {
		w.Header().Set("Content-Type", "text/event-stream")
		for _, e := range events {
			_, _ = io.WriteString(w, e+"\n\n")
			_ = http.NewResponseController(w).Flush()
		}
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, map[string]string{
		"/v1/messages":         `{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"Hello"}],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1}}`,
		"/v1/chat/completions": `{"id":"c","object":"chat.completion","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}]}`,
	}[r.URL.Path])
}

func (p *provider) last() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.got[len(p.got)-1]
}

// scripted is a vault that says what a test needs.
type scripted struct {
	*vaultclient.Worker
	allow  []hotcell.Allow
	uses   []hotcell.Use
	prints []byte
}

func (s *scripted) Rules(context.Context, hotcell.JobID) (*vaultrpc.RulesAnswer, error) {
	return &vaultrpc.RulesAnswer{Allow: s.allow, Uses: s.uses}, nil
}

func (s *scripted) Lease(context.Context, hotcell.JobID, []byte) (message, fingerprints []byte, err error) {
	return nil, s.prints, nil
}
func (s *scripted) Report(context.Context, hotcell.JobID, ...hotcell.Event) error { return nil }

// modelClient is an HTTP client in a cell whose gateway knows the value.
func modelClient(t *testing.T, p *provider, models egress.Models, value string) (*http.Client, string) {
	t.Helper()
	upstream := httptest.NewTLSServer(p)
	t.Cleanup(upstream.Close)
	u, _ := url.Parse(upstream.URL)
	port, _ := strconv.Atoi(u.Port())
	roots := x509.NewCertPool()
	roots.AddCert(upstream.Certificate())
	private, err := netguard.ParsePrivate(benchHost)
	if err != nil {
		t.Fatal(err)
	}
	builder := guard.NewBuilder()
	if err := builder.Add(guard.Label{ID: "sec_1", Name: "billing"}, []byte(value)); err != nil {
		t.Fatal(err)
	}
	s := &scripted{allow: []hotcell.Allow{{Host: benchHost, Port: port, Protocol: hotcell.ProtocolHTTPS}}, uses: []hotcell.Use{{Credential: "sec_1", Tier: hotcell.TierSecret, Name: "billing", As: hotcell.InjectEnvironment}}}
	s.prints, err = builder.Fingerprints().MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	g, err := gateway.New(gateway.Config{
		Job: hotcell.Job{ID: "job_model"}, Vault: s, Dialer: netguard.New(netguard.Config{AllowPrivate: []netguard.Private{private}, Pins: map[string]netip.Addr{benchHost: netip.MustParseAddr("127.0.0.1")}}),
		Models: models, Roots: roots, Now: time.Now, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	line := filepath.Join(t.TempDir(), "line")
	l, err := net.Listen("unix", line)
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = g.Serve(l) }()
	ca, err := openCell(t.Context(), line)
	if err != nil {
		t.Fatal(err)
	}
	return throughLine(line, ca, true), "https://" + net.JoinHostPort(benchHost, strconv.Itoa(port))
}

// TestAPromptArrivesWithoutTheValue has the official SDKs talk to a model
// through the gateway, whole and streamed.
func TestAPromptArrivesWithoutTheValue(t *testing.T) {
	t.Parallel()
	const value = `sk_live_"quoted"\51Hx9Zq2eTy`
	p := &provider{}
	do, base := modelClient(t, p, egress.Models{{Host: benchHost, ZeroDataRetention: true}}, value)
	prompt := "The key is " + value + ", what now?"
	a := anthropic.NewClient(anthropicoption.WithHTTPClient(do), anthropicoption.WithBaseURL(base), anthropicoption.WithAPIKey("stand-in-key"))
	params := anthropic.MessageNewParams{Model: "m", MaxTokens: 10, Messages: []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock(prompt))}}
	message, err := a.Messages.New(t.Context(), params)
	if err != nil || message.Content[0].Text != "Hello" {
		t.Fatalf("%+v, %v", message, err)
	}
	checkPrompt(t, "anthropic", p.last(), value)
	stream, said := a.Messages.NewStreaming(t.Context(), params), anthropic.Message{}
	for stream.Next() {
		if err := said.Accumulate(stream.Current()); err != nil {
			t.Fatal(err)
		}
	}
	if err := stream.Err(); err != nil || said.Content[0].Text != "Hello" {
		t.Errorf("streamed: %+v, %v", said, err)
	}
	checkPrompt(t, "anthropic, streamed", p.last(), value)
	o := openai.NewClient(openaioption.WithHTTPClient(do), openaioption.WithBaseURL(base+"/v1"), openaioption.WithAPIKey("stand-in-key"))
	chat := openai.ChatCompletionNewParams{Model: "m", Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage(strings.Repeat("All work and no play. ", 200_000) + prompt)}}
	completion, err := o.Chat.Completions.New(t.Context(), chat)
	if err != nil || completion.Choices[0].Message.Content != "Hello" {
		t.Fatalf("%+v, %v", completion, err)
	}
	checkPrompt(t, "openai", p.last(), value)
	chunks, text := o.Chat.Completions.NewStreaming(t.Context(), chat), ""
	for chunks.Next() {
		for _, c := range chunks.Current().Choices {
			text += c.Delta.Content
		}
	}
	if err := chunks.Err(); err != nil || text != "Hello" {
		t.Errorf("streamed: %q, %v", text, err)
	}
	checkPrompt(t, "openai, streamed", p.last(), value)
}

func checkPrompt(t *testing.T, who, body, value string) {
	t.Helper()
	if !json.Valid([]byte(body)) || !strings.Contains(body, "[hotcell:billing]") || strings.Contains(body, "51Hx9Zq2eTy") || strings.Contains(body, value) {
		t.Errorf("%s: what arrived ends in %q", who, body[max(0, len(body)-200):])
	}
}

func TestAModelThatIsNotDeclaredIsNotReached(t *testing.T) {
	t.Parallel()
	p := &provider{}
	do, base := modelClient(t, p, egress.Models{{Host: benchHost}}, "sk_live_51Hx9Zq2eTy")
	answer, err := do.Get(base + "/v1/models")
	if err == nil {
		_ = answer.Body.Close()
	}
	if err == nil || !strings.Contains(err.Error(), "zero data retention") {
		t.Errorf("%v", err)
	}
}
