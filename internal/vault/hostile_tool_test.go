package vault_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
)

// What a hostile service answers is searched for the key when the test ends,
// with all else that the vault said: see [scene.search].
func TestNothingOfAKeyComesBack(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	key := o.plant("key")
	c := o.account(o.me, "work chat", key)
	_, job := o.with(o.me, reading, c.ID)
	var escaped strings.Builder
	for _, b := range []byte(key) {
		fmt.Fprintf(&escaped, `\u%04x`, b)
	}
	for name, answer := range map[string]http.HandlerFunc{
		"echo": func(w http.ResponseWriter, r *http.Request) {
			for name, values := range r.Header {
				w.Header()["X-"+name] = values
			}
			_ = json.NewEncoder(w).Encode(r.Header)
		},
		"encoded": func(w http.ResponseWriter, _ *http.Request) {
			_ = json.NewEncoder(w).Encode([]string{key, strings.ToUpper(key), hex.EncodeToString([]byte(key)), base64.StdEncoding.EncodeToString([]byte("-" + key)), "Bearer " + key})
		},
		"escaped": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"a":"`+escaped.String()+`"}`) },
		"packed": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			_, _ = io.WriteString(z, key)
			_ = z.Close()
		},
		"an error": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"error":{"message":"what is `+key+`?"}}`)
		},
		"a crash": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, key, http.StatusInternalServerError) },
		"a redirect": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "https://evil.example.com/?k="+key)
			w.WriteHeader(http.StatusFound)
		},
		"another coding": func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Encoding", key) },
		"a picture": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "image/png")
			_, _ = io.WriteString(w, "PNG"+key)
		},
	} {
		o.answers(answer)
		for tool, arguments := range map[string]string{"chat_post": `{"channel":"#ops","text":"t"}`, "chat_history": `{"channel":"x"}`} {
			answer, err := o.call(job, tool, arguments)
			must(t, err)
			if answer.Result == nil && answer.Error == nil && answer.Content == nil {
				t.Errorf("%s to %s: nothing was told", name, tool)
			}
			if answer.Error != nil && (strings.Contains(answer.Error.Message, "evil") || strings.Contains(answer.Error.Message, "127.0.0.1")) {
				t.Errorf("%s to %s tells of a place: %s", name, tool, answer.Error.Message)
			}
		}
	}
	o.answers(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, `{"message":"`+key+` is dead"}`, http.StatusUnauthorized)
	})
	// Nobody can ask this service who is connected: the third in a row breaks it, and not
	// one operation alone.
	for tool, args := range map[string]string{"chat_post": `{"channel":"#ops","text":"t"}`, "chat_history": `{"channel":"x"}`} {
		_, err := o.call(job, tool, args)
		must(t, err)
	}
	answer, err := o.call(job, "chat_post", `{"channel":"#ops","text":"t"}`) // last: it breaks the connection
	must(t, err)
	if answer.Error == nil || answer.Error.Code != "reconnect" || !strings.Contains(answer.Error.Message, "is dead") {
		t.Errorf("a key that is not known: %+v", answer.Error)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, host := range o.dialed {
		if host != "example.com:443" {
			t.Errorf("%s was dialled", host)
		}
	}
}

// robot is a service that gives out tokens, and forgets them.
type robot struct {
	*office
	current atomic.Value // the token that is good
	given   atomic.Int64
	done    atomic.Int64
	// deaf is true while no token is good.
	deaf atomic.Bool
}

const robotDocument = `
slug: robot
name: Robot
category: other
about: A service of tests.
base: https://example.com
auth: {kind: client_credentials, token: "https://example.com/token", client: post, put: {kind: bearer}}
tools:
- name: work
  title: Work
  about: Do some work.
  hint: write
  input: {type: object}
  request: {method: POST, path: /work, json: {x: 1}}
`

func newRobot(t *testing.T) (*robot, hotcell.JobID) {
	t.Helper()
	r := &robot{}
	r.office = newOfficeOf(t, robotDocument)
	r.current.Store("")
	r.answers(func(w http.ResponseWriter, q *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if q.URL.Path == "/token" {
			r.given.Add(1)
			token := r.plant("token")
			r.current.Store(token)
			_ = json.NewEncoder(w).Encode(map[string]any{"access_token": token, "token_type": "Bearer", "expires_in": 3600})
			return
		}
		if q.Header.Get("Authorization") != "Bearer "+r.current.Load().(string) || r.deaf.Load() {
			http.Error(w, `{"message":"token `+q.Header.Get("Authorization")+` is not known"}`, http.StatusUnauthorized)
			return
		}
		r.done.Add(1)
		_, _ = io.WriteString(w, `{"done":true}`)
	})
	key := r.sealedKey("robot", "client-1:"+r.plant("client"))
	c, err := r.connect(&vaultrpc.CreateConnectionRequest{By: vaultrpc.As(r.me), Name: "robot", Connector: "robot", Key: key})
	must(t, err)
	_, job := r.with(r.me, hotcell.Narrowing{Tools: []string{"work"}}, c.ID)
	return r, job
}

func TestATokenThatIsNotKnownAnyMoreIsRenewedAndTheCallMadeOnce(t *testing.T) {
	t.Parallel()
	r, job := newRobot(t)
	r.done2(job, 1, 1)
	before := r.prints(job)
	r.current.Store("forgotten")
	r.done2(job, 2, 2)
	if after := r.prints(job); after <= before {
		t.Errorf("the gateway is not told that there is a new value: %d, then %d", before, after)
	}
	r.ticks.Add(time.Minute.Milliseconds()) // a service that knows no token gets no other at once
	r.current.Store("forgotten")
	var wait sync.WaitGroup
	for range 16 {
		wait.Go(func() {
			if answer, err := r.call(job, "robot_work", `{}`); err != nil || answer.Error != nil {
				t.Errorf("%+v, %v", answer, err)
			}
		})
	}
	wait.Wait()
	if given, done := r.given.Load(), r.done.Load(); given != 3 || done != 18 {
		t.Errorf("%d tokens were asked for, and %d calls done", given, done)
	}
}

// done2 makes a call, and holds what was given and done in all against what was to be.
func (r *robot) done2(job hotcell.JobID, given, done int64) {
	r.t.Helper()
	if got := r.office.done(job, "robot_work", `{}`); got != `{"done":true}` {
		r.t.Errorf("the result is %s", got)
	}
	if r.given.Load() != given || r.done.Load() != done {
		r.t.Errorf("%d tokens were given out and %d calls done, want %d and %d", r.given.Load(), r.done.Load(), given, done)
	}
}

func (r *robot) prints(job hotcell.JobID) int64 {
	r.t.Helper()
	answer, err := r.call(job, "robot_work", `{}`)
	must(r.t, err)
	r.done.Add(-1)
	return answer.Prints
}

func TestAServiceThatKnowsNoTokenAtAll(t *testing.T) {
	t.Parallel()
	r, job := newRobot(t)
	r.deaf.Store(true)
	answer, err := r.call(job, "robot_work", `{}`)
	must(t, err)
	if e := answer.Error; e == nil || e.Code != "reconnect" || !strings.Contains(e.Message, "robot") {
		t.Errorf("got %+v", answer.Error)
	}
	if r.given.Load() != 2 || len(r.arrived()) != 4 {
		t.Errorf("%d tokens were asked for", r.given.Load())
	}
	for range 10 { // it is broken by then, and nobody asks
		r.refuses(job, "robot_work", `{}`, "reconnect", "hotcell connections reconnect con_")
	}
}

// TestOneOperationsRefusalIsItsOwn has a server that does not let one tool's calls
// through, and then takes its key no more, and then takes it again.
func TestOneOperationsRefusalIsItsOwn(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	server := mcp.NewServer(&mcp.Implementation{Name: "remote", Version: "1"}, nil)
	key := o.plant("mcp")
	mcp.AddTool(server, &mcp.Tool{Name: "say", Description: "Say something."}, func(context.Context, *mcp.CallToolRequest, map[string]any) (*mcp.CallToolResult, any, error) {
		return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: "said"}}}, nil, nil
	})
	handler := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, nil)
	var picky, deaf atomic.Bool
	o.answers(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body, r.Host = io.NopCloser(bytes.NewReader(body)), "localhost"
		if deaf.Load() || picky.Load() && bytes.Contains(body, []byte("tools/call")) {
			http.Error(w, "who?", http.StatusUnauthorized)
			return
		}
		handler.ServeHTTP(w, r)
	})
	c, err := o.connect(&vaultrpc.CreateConnectionRequest{
		By: vaultrpc.As(o.me), Name: "team", Connector: "mcp", Settings: map[string]string{"url": "https://example.com/mcp"}, Key: o.sealedKey("team", key),
	})
	must(t, err)
	_, job := o.with(o.me, hotcell.Narrowing{Tools: []string{"say"}}, c.ID)
	picky.Store(true)
	for range 5 {
		answer, err := o.call(job, "team_say", `{}`)
		must(t, err)
		if answer.Error == nil || answer.Error.Code != "service" || answer.Error.Status != http.StatusUnauthorized || o.show(o.me, c.ID).Connected.Broken != nil {
			t.Fatalf("got %+v, and it is %+v", answer.Error, o.show(o.me, c.ID).Connected.Broken)
		}
	}
	picky.Store(false)
	o.done(job, "team_say", `{}`) // what was known is forgotten
	deaf.Store(true)
	answer, err := o.call(job, "team_say", `{}`)
	must(t, err)
	if answer.Error == nil || answer.Error.Code != "reconnect" || o.show(o.me, c.ID).Connected.Broken == nil {
		t.Fatalf("got %+v, and it is not broken", answer.Error)
	}
	deaf.Store(false)
	tested, err := o.control.TestConnection(t.Context(), &vaultrpc.TestConnectionRequest{By: vaultrpc.As(o.me), ID: c.ID})
	must(t, err)
	if !tested.Works || o.show(o.me, c.ID).Connected.Broken != nil {
		t.Errorf("a test says %+v, and it is %+v", tested, o.show(o.me, c.ID).Connected.Broken)
	}
	o.done(job, "team_say", `{}`)
}

func TestTheToolsOfAnMCPServer(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	server := mcp.NewServer(&mcp.Implementation{Name: "remote", Version: "1"}, nil)
	type in struct {
		Say string `json:"say"`
	}
	key := o.plant("mcp")
	mcp.AddTool(server, &mcp.Tool{Name: "say", Description: "Say something."}, func(_ context.Context, _ *mcp.CallToolRequest, i in) (*mcp.CallToolResult, any, error) {
		return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: i.Say + " " + key}}}, nil, nil
	})
	handler := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, nil)
	o.answers(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+key {
			http.Error(w, "who?", http.StatusUnauthorized)
			return
		}
		r.Host = "localhost"
		handler.ServeHTTP(w, r)
	})
	c, err := o.connect(&vaultrpc.CreateConnectionRequest{
		By: vaultrpc.As(o.me), Name: "team tools", Connector: "mcp", Settings: map[string]string{"url": "https://example.com/mcp"}, Key: o.sealedKey("team tools", key),
	})
	must(t, err)
	_, job := o.with(o.me, hotcell.Narrowing{Tools: []string{"say"}, Rules: []hotcell.ToolRule{{When: `args.say != "no"`}}}, c.ID)
	tools, _ := o.list(job)
	if tools["team_tools_say"].Name == "" {
		t.Fatalf("listed %v", tools)
	}
	answer, err := o.call(job, "team_tools_say", `{"say":"hello"}`)
	must(t, err)
	if answer.Error != nil || len(answer.Content) != 1 || answer.Content[0].Text != "hello [hotcell:team tools]" {
		t.Errorf("got %+v, %+v", answer.Content, answer.Error)
	}
	o.arrived()
	o.refuses(job, "team_tools_say", `{"say":"no"}`, "refused", "rule")
	o.refuses(job, "team_tools_say", `{"say":7}`, "invalid", "")
	// The server's own schema is open, and some readers look at neither case nor form.
	for _, more := range []string{`"Say":"no"`, `"\u017fay":"no"`, `"ｓay":"no"`, `"s\u200bay":"no"`, `"say ":"no"`, `"other":1`} {
		o.refuses(job, "team_tools_say", `{"say":"yes",`+more+`}`, "invalid", "")
	}
	o.refuses(job, "team_tools_say", `{"say":"yes","say":"no"}`, "invalid", "twice")
	if _, err := o.tools(o.me, o.assignment(o.me, "other"), c.ID, hotcell.Narrowing{Tools: []string{"shout"}}); !errors.Is(err, hotcell.ErrInvalid) {
		t.Errorf("a tool that the server does not have: %v", err)
	}
}

// TestGuessingByToolsEnds has a job try a key's characters by what is taken out of a
// tool's results; what it may not any more by tools, it may not by requests either.
func TestGuessingByToolsEnds(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	key := "Qm7Zr2Lx9Kd4Vw8Tn5Bm1Jc6Hs3Pf0Yg"
	c := o.account(o.me, "work chat", key)
	_, job := o.with(o.me, reading, c.ID)
	o.answers(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(text)
	})
	learnt := 0
	for at := 0; at+8 <= len(key); at++ {
		answer, err := o.call(job, "chat_post", `{"channel":"#ops","text":"is it `+key[at:at+8]+` ?"}`)
		must(t, err)
		if answer.Error != nil {
			if !strings.Contains(answer.Error.Message, "guessing") {
				t.Errorf("it is told %+v", answer.Error)
			}
			break
		}
		if !strings.Contains(string(answer.Result), "[hotcell:") {
			t.Errorf("it is told %s", answer.Result)
		}
		learnt++
	}
	if learnt > 5 {
		t.Errorf("%d parts of the key were confirmed", learnt)
	}
}
