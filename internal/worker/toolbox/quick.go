package toolbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
)

// message is what a client most often sends: a call of a tool, with nothing about
// it that the library would be needed for; or that it gives one up.
type message struct {
	JSONRPC string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Method  string          `json:"method"`
	Params  struct {
		Name      string          `json:"name"`
		Arguments json.RawMessage `json:"arguments"`
		RequestID json.RawMessage `json:"requestId"`
		Meta      json.RawMessage `json:"_meta"`
		Input     json.RawMessage `json:"inputResponses"`
		State     json.RawMessage `json:"requestState"`
	} `json:"params"`
}

// protocols are the versions whose calls the shortcut answers; the library says
// what becomes of others.
var protocols = []string{"", "2025-03-26", "2025-06-18", "2025-11-25"}

// shortcut answers a call of a tool itself, in JSON: the library would take more
// time over it than the vault does. It says whether it has; the rest is the
// library's, to which the body is left.
func (b *Box) shortcut(w http.ResponseWriter, r *http.Request, session string) bool {
	if !plainJSON(r.Header) || !slices.Contains(protocols, r.Header.Get("Mcp-Protocol-Version")) {
		return false
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		http.Error(w, "hotcell: a message has at most 4 MiB", http.StatusRequestEntityTooLarge)
		return true
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	var m message
	if err != nil || json.Unmarshal(body, &m) != nil || m.JSONRPC != "2.0" {
		return false
	}
	if m.Method == "notifications/cancelled" {
		if cancel, there := b.quick.Load(session + " " + string(m.Params.RequestID)); there {
			if cancel, ok := cancel.(context.CancelFunc); ok {
				cancel()
			}
		}
		return false // of the others, the library knows
	}
	if !m.simple(r.Header) || b.house(m.Params.Name) {
		return false
	}
	b.answer(w, r, session, &m)
	return true
}

// plainJSON says whether a client sends JSON and takes it.
func plainJSON(h http.Header) bool {
	kind, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	accepted := strings.Join(h["Accept"], ",")
	return strings.TrimSpace(kind) == "application/json" && strings.Contains(accepted, "application/json") && strings.Contains(accepted, "text/event-stream")
}

// simple says whether a message is a call without more: no wish for notices, and
// nothing of a newer protocol.
func (m *message) simple(h http.Header) bool {
	if m.Method != "tools/call" || m.Params.Name == "" || m.Params.Input != nil || m.Params.State != nil {
		return false
	}
	if meta := bytes.TrimSpace(m.Params.Meta); len(meta) > 0 && !bytes.Equal(meta, []byte("{}")) {
		return false
	}
	for name, want := range map[string]string{"Mcp-Method": m.Method, "Mcp-Name": m.Params.Name} {
		if said := h.Get(name); said != "" && said != want {
			return false // the library says what is wrong
		}
	}
	id := bytes.TrimSpace(m.ID)
	return len(id) > 0 && (id[0] == '"' || id[0] == '-' || id[0] >= '0' && id[0] <= '9')
}

// answer calls the tool. A client that leaves does not end what is under way at a
// service: nobody would know what came of it.
func (b *Box) answer(w http.ResponseWriter, r *http.Request, session string, m *message) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
	defer cancel()
	key := session + " " + string(m.ID)
	b.quick.Store(key, cancel)
	defer b.quick.Delete(key)
	out := struct {
		JSONRPC string          `json:"jsonrpc"`
		ID      json.RawMessage `json:"id"`
		Result  any             `json:"result,omitempty"`
		Error   *jsonrpc.Error  `json:"error,omitempty"`
	}{JSONRPC: "2.0", ID: m.ID}
	result, err := b.ask(ctx, &question{tool: m.Params.Name, arguments: m.Params.Arguments, exchange: r.Context()})
	if err == nil {
		out.Result = result
	} else if coded, ok := errors.AsType[*jsonrpc.Error](err); ok {
		out.Error = coded
	} else {
		out.Error = &jsonrpc.Error{Code: jsonrpc.CodeInternalError, Message: "internal error"}
	}
	text, err := json.Marshal(out)
	if err != nil || b.Ended.Err() != nil {
		http.Error(w, "hotcell: the job has ended", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-cache, no-transform")
	_, _ = w.Write(text)
}
