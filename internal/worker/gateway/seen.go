package gateway

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// Seen is what a job's command did that an agent does: one that ends well and did neither
// was never told of its tools, or reached no model.
type Seen struct {
	// Tools is true where it asked which tools there are, Model where a model answered it.
	Tools, Model bool
	// Refusal says what came of the last question to a model that was not answered well.
	Refusal string
}

type seen struct {
	mu      sync.Mutex
	model   bool
	refusal string
}

// Seen says what the job's command did that an agent does.
func (g *Gateway) Seen() Seen {
	g.seen.mu.Lock()
	defer g.seen.mu.Unlock()
	return Seen{Tools: g.box.Asked(), Model: g.seen.model, Refusal: g.seen.refusal}
}

// spoken notes how a request to a model was answered; reason says why it was not let out.
func (g *Gateway) spoken(host string, status int, reason string) {
	g.seen.mu.Lock()
	defer g.seen.mu.Unlock()
	switch {
	case reason != "":
		g.seen.refusal = host + " was refused, " + reason
	case status/100 == 2:
		g.seen.model = true
	default:
		g.seen.refusal = fmt.Sprintf("%s answered %d %s", host, status, http.StatusText(status))
	}
}

// unseen notes a connection that nobody looks into: a model may be at its end.
func (g *Gateway) unseen() {
	g.seen.mu.Lock()
	defer g.seen.mu.Unlock()
	g.seen.model = true
}

// questions are how the paths end at which models are asked, at their providers and at
// what stands before them: Anthropic's Messages, OpenAI's Responses and Chat Completions,
// Gemini's, Bedrock's and Ollama's.
var questions = []string{
	"/messages", "/responses", "/completions", ":generateContent", ":streamGenerateContent", ":rawPredict", ":streamRawPredict",
	"/invoke", "/invoke-with-response-stream", "/converse", "/converse-stream", "/api/chat", "/api/generate",
}

// spoken notes what came of a request, if it is the cell's question to a model.
func (x *exchange) spoken(status int, refusal string) {
	asks := func(end string) bool { return strings.HasSuffix(x.path, end) }
	if !x.browser && x.method == http.MethodPost && slices.ContainsFunc(questions, asks) {
		x.gateway.spoken(x.about.Host, status, refusal)
	}
}
