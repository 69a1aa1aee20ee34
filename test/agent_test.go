package test

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hotcell/hotcelltest"
	"hotcell/internal/text/shell"
	"hotcell/test/acme/model"
	"hotcell/test/prove"
)

// scriptedKey is the key of the model's provider: no agent ever has it.
const scriptedKey = "mk-51Hx9Zq2eTyVb3Lw8Rn4Kd7"

// studio is a server with a connection of tools, and one to a scripted model.
type studio struct {
	*hotcelltest.Server
	model *model.Twin
	host  string // the model's host and port
	asked []string
}

// openStudio opens a studio, with a provider's connector for the model.
func openStudio(t *testing.T, provider string, script ...model.Step) *studio {
	t.Helper()
	d := &studio{model: &model.Twin{Key: scriptedKey, Script: script, Words: "all of it is done"}}
	tools := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/asked" {
			_, _ = fmt.Fprint(w, `{"text":"written"}`)
			return
		}
		_, _ = fmt.Fprintf(w, `{"text":"the word is heliotrope for %s"}`, r.URL.Query().Get("channel"))
	}))
	t.Cleanup(tools.Close)
	models := httptest.NewTLSServer(d.model)
	t.Cleanup(models.Close)
	port := func(s *httptest.Server) string { return s.URL[strings.LastIndex(s.URL, ":")+1:] }
	d.host = "example.com:" + port(models)
	dir := t.TempDir()
	documents := filepath.Join(dir, "documents")
	if err := os.Mkdir(documents, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"ca.pem": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: tools.Certificate().Raw})), "documents/test.yaml": fmt.Sprintf(service, "https://example.com:"+port(tools)),
		"key.txt": apiKey, "model.txt": scriptedKey, "task.md": "Find the word, write it down, and say that you are done.\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, own := range ownAgents {
		text := fmt.Sprintf("name: own-%s\nkey: {variable: OWN_KEY}\ncommand: |\n  sh -c %s\n", name, shell.Quote(own.command))
		if err := os.WriteFile(filepath.Join(dir, name+".yaml"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	d.Server = hotcelltest.Start(t, fmt.Sprintf(`listen: 127.0.0.1:0
egress:
  extra_ca: %s
  allow_private: [example.com]
  hosts: {name: example.com, address: 127.0.0.1}
connectors: {folder: %s}
agents: {folder: %s}
cells: {toolchains: %s}
`, filepath.Join(dir, "ca.pem"), documents, dir, toolchainsFolder()))
	d.OK("connections", "create", "test", "--name", "team", "--api-key-file", filepath.Join(dir, "key.txt"))
	d.OK("connections", "create", provider, "--name", "model", "--set", "url=https://"+d.host, "--zero-data-retention", "--api-key-file", filepath.Join(dir, "model.txt"))
	d.asked = []string{"--instructions", filepath.Join(dir, "task.md")}
	return d
}

// toolchainsFolder is where `make install` puts the agents' programs: where all users of
// the machine can read them.
func toolchainsFolder() string {
	if os.Geteuid() == 0 {
		return "/opt/hotcell"
	}
	folder, _ := filepath.Abs("../bin/toolchains")
	return folder
}

// programs are the programs that people have, with what tells each where the twin is.
var programs = []struct {
	name, provider string
	env            func(base string) []string
	flags          []string
}{
	{"claude", "anthropic", func(base string) []string { return []string{"ANTHROPIC_BASE_URL=" + base} }, nil},
	{"codex", "openai", func(base string) []string { return []string{"OPENAI_BASE_URL=" + base + "/v1"} }, []string{"-m", "gpt-5.1-codex"}},
	{"gemini", "google-ai", func(base string) []string { return []string{"GOOGLE_GEMINI_BASE_URL=" + base} }, []string{"-m", "gemini-2.5-flash"}},
	{"opencode", "anthropic", func(base string) []string { return []string{"ANTHROPIC_BASE_URL=" + base} }, []string{"-m", "anthropic/claude-sonnet-4-5"}},
}

// TestAgentsRun has each agent, as npm has it, follow instructions in a cell: it lists
// its tools, calls one, calls one that waits for a person, and ends. The key of its model
// is on its requests, and nowhere in its cell. Each run of the tests has Claude Code and
// one of the others.
func TestProveAgentsRun(t *testing.T) {
	t.Parallel()
	other := 1 + rand.IntN(len(programs)-1)
	for i, one := range programs {
		if i > 0 && i != other && !prove.Full() {
			continue
		}
		t.Run(one.name, func(t *testing.T) {
			d := openStudio(t, one.provider, model.Step{Tool: "simple_text", Arguments: map[string]any{"channel": "ops"}}, model.Step{Tool: "asked", Arguments: map[string]any{"text": "heliotrope"}})
			create := append([]string{"assignments", "create", "clerk", "--agent", one.name, "--timeout", "10m"}, d.asked...)
			for _, variable := range one.env("https://" + d.host) {
				create = append(create, "--env", variable)
			}
			if r := d.Run(create...); r.Code != 0 || strings.Contains(r.Err, "toolchains add") {
				t.Fatalf("%+v", r)
			}
			d.OK("assignments", "attach", "clerk", "team", "--tools", "simple_text,asked")
			d.OK("assignments", "attach", "clerk", "model")
			approved := make(chan string, 1)
			go func() { approved <- d.approve() }()
			r := d.Run(append([]string{"run", "clerk", "--"}, one.flags...)...)
			if r.Code != 0 || !strings.Contains(r.Out, "all of it is done") {
				t.Errorf("%d\n%s\n%s", r.Code, r.Out, r.Err)
			}
			if why := <-approved; why != "" {
				t.Error(why)
			}
			said := d.model.Asked()
			if len(said) == 0 {
				t.Fatal("the model was never asked")
			}
			last := said[len(said)-1]
			if !strings.Contains(last, "heliotrope for ops") || !strings.Contains(last, "written") {
				t.Errorf("what the tools answered did not get to the model: %.3000s", last)
			}
			if keys := d.model.Keys(); !slices.Equal(keys, []string{scriptedKey}) {
				t.Errorf("the provider was shown %d keys", len(keys))
			}
			if strings.Contains(strings.Join(said, ""), scriptedKey) {
				t.Error("the model was told its own key")
			}
			d.Canaries(scriptedKey, apiKey)
		})
	}
}

const (
	asksModel = `curl -sS -H "x-api-key: $OWN_KEY" -d '{"messages":[]}' "$BASE/v1/messages" >/dev/null`
	asksTools = `curl -sS -H 'Content-Type: application/json' -H 'Accept: application/json, text/event-stream' -d '{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}' "$HOTCELL_MCP_URL" >/dev/null`
)

// ownAgents are an operator's own, each a line of shell, and why its job fails.
var ownAgents = map[string]struct {
	command, reason string
	without         bool // the model's key is not attached
}{
	"nothing": {command: "true", reason: "no model answered it"},
	"deaf":    {command: asksModel, reason: "never asked which tools"},
	"mute":    {command: asksTools, reason: "no model answered it"},
	"refused": {command: asksModel + "; " + asksTools, reason: "answered 401", without: true},
	"well":    {command: asksModel + "; " + asksTools},
	"busy":    {command: asksModel + "; " + asksTools + "; exit 3", reason: "exit code 3"},
	"gone":    {command: "no-such-program", reason: "exit code 127"},
}

// TestAnAgentThatDidNothingHasNotSucceeded has agents of an operator's own end well
// without having done what agents do.
func TestAnAgentThatDidNothingHasNotSucceeded(t *testing.T) {
	t.Parallel()
	d := openStudio(t, "anthropic")
	for name, c := range ownAgents {
		d.OK(append([]string{"assignments", "create", name, "--agent", "own-" + name, "--allow", d.host, "--env", "BASE=https://" + d.host}, d.asked...)...)
		if !c.without {
			d.OK("assignments", "attach", name, "model")
		}
		r := d.Run("run", name)
		if (r.Code == 0) != (c.reason == "") || !strings.Contains(r.Err, c.reason) {
			t.Errorf("%s: %d %s%s", name, r.Code, r.Out, r.Err)
		}
	}
	if r := d.Run(append([]string{"assignments", "create", "none", "--agent", "no-such-agent"}, d.asked...)...); r.Code != 0 {
		t.Errorf("a command of one word: %+v", r)
	}
}

// approve says yes to the first call that waits for a person.
func (d *studio) approve() (failed string) {
	for {
		r := d.Run("requests", "list", "-o", "json")
		var list []struct{ ID string }
		if err := json.Unmarshal([]byte(r.Out), &list); err != nil {
			return fmt.Sprintf("%v %+v", err, r)
		}
		for _, one := range list {
			if r := d.Run("requests", "approve", one.ID); r.Code != 0 {
				return fmt.Sprintf("%+v", r)
			}
			return ""
		}
		jobs := d.Run("jobs", "list", "-o", "json")
		if strings.Contains(jobs.Out, `"ended_at": "`) {
			return "the job ended without having asked"
		}
		time.Sleep(200 * time.Millisecond)
	}
}
