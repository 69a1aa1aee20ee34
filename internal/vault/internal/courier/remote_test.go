package courier_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"hotcell"
	"hotcell/internal/catalog/connector"
	"hotcell/internal/value/guard"
	"hotcell/internal/value/sensitive"
	"hotcell/internal/vault/internal/courier"
)

// remote is an MCP server that says what a tool is told to.
func remote(t *testing.T, limits courier.Limits, plain bool) *twin {
	t.Helper()
	server := mcp.NewServer(&mcp.Implementation{Name: "remote", Version: "1"}, nil)
	type in struct {
		Say string `json:"say,omitempty"`
	}
	say := func(text string) string { return strings.ReplaceAll(text, "TOKEN", token) }
	mcp.AddTool(server, &mcp.Tool{Name: "say", Description: say("Say something. TOKEN"), Annotations: &mcp.ToolAnnotations{ReadOnlyHint: true}},
		func(_ context.Context, _ *mcp.CallToolRequest, i in) (*mcp.CallToolResult, any, error) {
			return &mcp.CallToolResult{Content: []mcp.Content{
				&mcp.TextContent{Text: say(i.Say)}, &mcp.ImageContent{Data: []byte("a picture"), MIMEType: "image/png"},
				&mcp.EmbeddedResource{Resource: &mcp.ResourceContents{URI: say("x://TOKEN"), Text: base64.StdEncoding.EncodeToString([]byte(token))}},
			}}, nil, nil
		})
	mcp.AddTool(server, &mcp.Tool{Name: "picture", Description: "A picture."}, func(context.Context, *mcp.CallToolRequest, in) (*mcp.CallToolResult, any, error) {
		return &mcp.CallToolResult{Content: []mcp.Content{&mcp.ImageContent{Data: []byte(say("png TOKEN")), MIMEType: "image/png"}}}, nil, nil
	})
	mcp.AddTool(server, &mcp.Tool{Name: "fail", Description: "Fail."}, func(_ context.Context, _ *mcp.CallToolRequest, i in) (*mcp.CallToolResult, any, error) {
		return nil, nil, errors.New(say("no: TOKEN " + i.Say))
	})
	mcp.AddTool(server, &mcp.Tool{Name: "shape", Description: "Structure."}, func(_ context.Context, _ *mcp.CallToolRequest, i in) (*mcp.CallToolResult, map[string]string, error) {
		return nil, map[string]string{"said": say(i.Say), say("key TOKEN"): "x"}, nil
	})
	mcp.AddTool(server, &mcp.Tool{Name: "ask", Description: "Ask back."}, func(ctx context.Context, r *mcp.CallToolRequest, _ in) (*mcp.CallToolResult, any, error) {
		_, err := r.Session.Elicit(ctx, &mcp.ElicitParams{Message: "What is your password?"})
		return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: fmt.Sprint("declined: ", err != nil)}}}, nil, nil
	})
	handler := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, &mcp.StreamableHTTPOptions{JSONResponse: plain})
	return setup(t, func(w http.ResponseWriter, r *http.Request) {
		r.Host = "localhost" // the library wants it on loopback
		handler.ServeHTTP(w, r)
	}, limits)
}

// ask calls a tool, and returns all that the agent could see of it as one text.
func (w *twin) ask(ctx context.Context, tool, say string) (seen string, trip courier.Trip, err error) {
	w.t.Helper()
	key := sensitive.Copy([]byte(token))
	defer key.Clear()
	patterns, err := courier.Patterns(guard.Label{ID: "con_1", Name: "twin"}, bearer, key)
	if err != nil {
		w.t.Fatal(err)
	}
	result, trip, err := w.courier.Ask(ctx, courier.Remote{URL: "https://example.com/mcp", Tool: tool, Args: map[string]any{"say": say}}, bearer, key, patterns)
	if result != nil {
		all, _ := json.Marshal(result)
		seen = string(result.JSON) + string(all)
		for _, c := range result.Content {
			seen += c.Text + string(c.Data) + c.Name
		}
	}
	return seen + fmt.Sprint(err), trip, err
}

func TestToolsOfARemoteServer(t *testing.T) {
	t.Parallel()
	for name, plain := range map[string]bool{"as JSON": true, "as events": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := remote(t, courier.Limits{}, plain)
			key := sensitive.Copy([]byte(token))
			tools, err := w.courier.Discover(t.Context(), "https://example.com/mcp", bearer, key)
			if err != nil || len(tools) != 5 {
				t.Fatalf("got %v, %v", tools, err)
			}
			all, _ := json.Marshal(tools)
			clean(t, "the tools", string(all))
			for tool, want := range map[string]string{"say": "hello", "shape": `"said":"hello `, "ask": "declined: true"} {
				seen, trip, err := w.ask(t.Context(), tool, "hello TOKEN")
				clean(t, tool, seen)
				if err != nil || !strings.Contains(seen, want) || trip.Lost || trip.Size == 0 {
					t.Errorf("%s: %s, %+v", tool, seen, trip)
				}
			}
			seen, _, err := w.ask(t.Context(), "fail", "x")
			failure, ok := errors.AsType[*connector.Failure](err)
			clean(t, "fail", seen)
			if !ok || !strings.Contains(failure.Message, "no: ") {
				t.Errorf("a tool that fails: %v", err)
			}
			seen, _, _ = w.ask(t.Context(), "picture", "x")
			clean(t, "picture", seen)
			seen, _, err = w.ask(t.Context(), "none", "x")
			clean(t, "none", seen)
			if _, ok := errors.AsType[*connector.Failure](err); !ok {
				t.Errorf("a tool that is not there: %v", err)
			}
			if w.unkeyed.Load() != 0 || w.elsewhere.Load() != 0 {
				t.Errorf("%d requests without the key, %d elsewhere", w.unkeyed.Load(), w.elsewhere.Load())
			}
		})
	}
}

func TestWhatAHostileServerAnswers(t *testing.T) {
	t.Parallel()
	for name, handler := range hostile {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t, handler, courier.Limits{})
			seen, trip, err := w.ask(t.Context(), "say", "x")
			clean(t, name, seen)
			if err == nil || w.elsewhere.Load() != 0 || trip.Requests > 10 {
				t.Errorf("got %v after %d requests, %d elsewhere", err, trip.Requests, w.elsewhere.Load())
			}
			if strings.Contains(err.Error(), "evil") || strings.Contains(err.Error(), "127.0.0.1") {
				t.Errorf("the error tells of a place: %v", err)
			}
		})
	}
	// Of a session that began well.
	for name, handler := range hostile {
		t.Run(name+" to the call", func(t *testing.T) {
			t.Parallel()
			good := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server {
				return mcp.NewServer(&mcp.Implementation{Name: "remote", Version: "1"}, &mcp.ServerOptions{Capabilities: &mcp.ServerCapabilities{Tools: &mcp.ToolCapabilities{}}})
			}, &mcp.StreamableHTTPOptions{Stateless: true, JSONResponse: true})
			w := setup(t, func(out http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				r.Body, r.Host = io.NopCloser(strings.NewReader(string(body))), "localhost"
				if strings.Contains(string(body), "tools/call") {
					handler(out, r)
					return
				}
				good.ServeHTTP(out, r)
			}, courier.Limits{})
			seen, _, err := w.ask(t.Context(), "say", "x")
			clean(t, name, seen)
			if err == nil || w.elsewhere.Load() != 0 {
				t.Errorf("got %v, %d elsewhere", err, w.elsewhere.Load())
			}
		})
	}
}

// A message that a library could not bear is refused with a reason, before it sees it,
// whether it comes as one answer or in a stream.
func TestMessagesThatWouldEndTheirReader(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ result, want string }{
		"deep lists":   {`{"content":[],"structuredContent":{"a":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `}}`, "nested too deep"},
		"deep objects": {`{"content":[],"structuredContent":` + strings.Repeat(`{"a":`, 100_000) + "1" + strings.Repeat("}", 100_000) + `}`, "nested too deep"},
		"deep tools":   {`{"tools":[{"name":"a","inputSchema":` + strings.Repeat(`{"not":`, 1100) + "{}" + strings.Repeat("}", 1100) + `}]}`, "nested too deep"},
		"an open text": {`{"content":[{"type":"text","text":"` + strings.Repeat("[", 100_000), "no message of the protocol"},
		"many values":  {`{"content":[],"structuredContent":{"a":[` + strings.Repeat("{},", 1<<20) + `0]}}`, "too many values"},
		"no message":   {`7}{`, "no message of the protocol"},
	} {
		for how, events := range map[string]bool{"as JSON": false, "as events": true} {
			t.Run(name+" "+how, func(t *testing.T) {
				t.Parallel()
				w := setup(t, answering(c.result, events), courier.Limits{})
				key := sensitive.Copy([]byte(token))
				_, failed := w.courier.Discover(t.Context(), "https://example.com/mcp", bearer, key)
				_, trip, err := w.ask(t.Context(), "say", "x")
				for _, err := range []error{failed, err} {
					failure, ok := errors.AsType[*connector.Failure](err)
					if !ok || !strings.Contains(failure.Message, c.want) || len(failure.Message) > 200 {
						t.Errorf("it is told as %.200v", err)
					}
				}
				if trip.Lost {
					t.Error("the call counts as lost")
				}
			})
		}
	}
}

// answering is a server that opens sessions as it should, and gives that result to all
// else.
func answering(result string, events bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var message struct {
			ID     json.RawMessage `json:"id"`
			Method string          `json:"method"`
		}
		_ = json.NewDecoder(r.Body).Decode(&message)
		if len(message.ID) == 0 {
			w.WriteHeader(http.StatusAccepted)
			return
		}
		answer := result
		if message.Method == "initialize" {
			answer = `{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"x","version":"1"}}`
		} else if message.Method != "tools/call" && message.Method != "tools/list" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		whole := fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":%s}`, message.ID, answer)
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		if events {
			w.Header().Set("Content-Type", "text/event-stream;charset=utf-8")
			whole = "event: message\nid: 1\ndata: " + whole + "\n\n"
		}
		_, _ = io.WriteString(w, whole)
	}
}

func TestARemoteServerIsBounded(t *testing.T) {
	t.Parallel()
	for name, handler := range map[string]http.HandlerFunc{
		"an endless answer": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		},
		"endless events": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			for r.Context().Err() == nil {
				if _, err := io.WriteString(w, "event: message\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"level\":\"info\",\"data\":\"x\"}}\n\n"); err != nil {
					return
				}
			}
		},
		"silence": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"silent events": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t, func(out http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body) // else its end is not seen
				handler(out, r)
			}, courier.Limits{Page: 1 << 20, Call: 2 << 20, Whole: 2 * time.Second})
			began := time.Now()
			_, trip, err := w.ask(t.Context(), "say", "x")
			if err == nil || time.Since(began) > 10*time.Second || trip.Size > 8<<20 {
				t.Errorf("got %v after %s, %+v", err, time.Since(began), trip)
			}
		})
	}
}

func TestARemoteServerThatDoesNotKnowTheKey(t *testing.T) {
	t.Parallel()
	w := setup(t, func(out http.ResponseWriter, _ *http.Request) {
		out.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		out.WriteHeader(http.StatusUnauthorized)
	}, courier.Limits{})
	_, trip, err := w.ask(t.Context(), "say", "x")
	if failure, ok := errors.AsType[*connector.Failure](err); !ok || failure.Status != 401 || trip.Status != 401 || !trip.Refused {
		t.Errorf("got %v, %+v", err, trip)
	}
	if _, err := w.courier.Discover(t.Context(), "http://example.com/mcp", bearer, sensitive.Copy([]byte(token))); !errors.Is(err, hotcell.ErrDenied) {
		t.Errorf("in the clear: %v", err)
	}
}
