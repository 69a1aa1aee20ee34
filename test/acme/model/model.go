// Package model is a twin of model providers: their streaming APIs, as agents' programs
// speak to them, with a script in the place of a model. In each conversation it calls the
// script's tools one after the other, as many as have been answered, and then says its
// last words.
//
// It speaks Anthropic's Messages, OpenAI's Responses and Chat Completions, and Gemini's
// streamGenerateContent.
package model

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
)

// object is a JSON object.
type object = map[string]any

// Step is one call of a tool. Tool is how its name ends: programs put a server's name
// before it.
type Step struct {
	Tool      string
	Arguments object
}

// Twin is the provider. Its fields are set before it serves.
type Twin struct {
	// Key is the one that it lets in.
	Key string
	// Script is what the model does, Words what it says at the end.
	Script []Step
	Words  string

	mu    sync.Mutex
	asked []string // the bodies of requests for answers
	keys  map[string]bool
}

// turn is what the twin answers: words, or a call.
type turn struct {
	words string
	call  string
	name  string
	args  object
}

// talk is what is the same in all dialects of a conversation.
type talk struct {
	tools    []string
	answered int
}

// ServeHTTP implements [http.Handler].
func (t *Twin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 32<<20))
	if err != nil {
		http.Error(w, "the body broke off", http.StatusBadRequest)
		return
	}
	key := r.Header.Get("X-Api-Key") + r.Header.Get("X-Goog-Api-Key") + strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	t.mu.Lock()
	if t.keys == nil {
		t.keys = map[string]bool{}
	}
	t.keys[key] = true
	t.mu.Unlock()
	if key != t.Key {
		answer(w, http.StatusUnauthorized, object{"type": "error", "error": object{"type": "authentication_error", "message": "invalid key"}})
		return
	}
	path := r.URL.Path
	switch {
	case r.Method != http.MethodPost:
		answer(w, http.StatusOK, object{"data": []object{{"id": "scripted", "type": "model", "display_name": "Scripted"}}})
	case strings.HasSuffix(path, "/count_tokens") || strings.HasSuffix(path, ":countTokens"):
		answer(w, http.StatusOK, object{"input_tokens": 10, "totalTokens": 10})
	case strings.HasSuffix(path, "/messages"):
		t.serve(w, body, messages, anthropic)
	case strings.HasSuffix(path, "/responses"):
		t.serve(w, body, responses, openai)
	case strings.HasSuffix(path, "/chat/completions"):
		t.serve(w, body, chat, completions)
	case strings.Contains(path, ":streamGenerateContent"), strings.Contains(path, ":generateContent"):
		t.serve(w, body, contents, gemini(strings.Contains(path, ":stream")))
	default:
		answer(w, http.StatusOK, object{})
	}
}

func (t *Twin) serve(w http.ResponseWriter, body []byte, read func([]byte) (talk, error), write func(http.ResponseWriter, turn)) {
	in, err := read(body)
	if err != nil {
		answer(w, http.StatusBadRequest, object{"error": object{"message": err.Error()}})
		return
	}
	t.mu.Lock()
	t.asked = append(t.asked, string(body))
	t.mu.Unlock()
	write(w, t.next(in))
}

// next is what the script has for a conversation. One without tools is about its title
// or the like, and is no part of the script.
func (t *Twin) next(in talk) turn {
	if in.answered >= len(t.Script) || len(in.tools) == 0 {
		return turn{words: t.Words}
	}
	step := t.Script[in.answered]
	for _, name := range in.tools {
		if strings.HasSuffix(name, step.Tool) {
			return turn{call: fmt.Sprintf("call_%d", in.answered+1), name: name, args: step.Arguments}
		}
	}
	return turn{words: "there is no tool " + step.Tool}
}

// Asked are the bodies of the requests.
func (t *Twin) Asked() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]string(nil), t.asked...)
}

// Keys are the keys that it was shown.
func (t *Twin) Keys() (keys []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for key := range t.keys {
		keys = append(keys, key)
	}
	return keys
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// stream begins a stream of events; send sends one, with its name where it has one.
func stream(w http.ResponseWriter) (send func(name string, data any)) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.WriteHeader(http.StatusOK)
	return func(name string, data any) {
		text, ok := data.(string)
		if !ok {
			b, _ := json.Marshal(data)
			text = string(b)
		}
		if name != "" {
			_, _ = fmt.Fprintf(w, "event: %s\n", name)
		}
		_, _ = fmt.Fprintf(w, "data: %s\n\n", text)
		_ = http.NewResponseController(w).Flush()
	}
}
