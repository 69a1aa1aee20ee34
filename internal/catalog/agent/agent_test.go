package agent_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"hotcell"
	"hotcell/internal/catalog/agent"
)

// run has a shell run an agent's command in a home of its own, and returns what it said
// and the home.
func run(t *testing.T, a *agent.Agent, env []string, arguments ...string) (said, home string, err error) {
	t.Helper()
	home = t.TempDir()
	bin := filepath.Join(home, "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	if a.Program != "" {
		script := "#!/bin/sh\nfor x in \"$@\"; do printf '<%s>' \"$x\"; done; echo; env\n"
		if err := os.WriteFile(filepath.Join(bin, a.Program), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	c := exec.Command("/bin/sh", append([]string{"-c", a.Shell(), "hotcell"}, arguments...)...)
	c.Env = append([]string{"PATH=" + bin + ":/usr/bin:/bin", "HOME=" + home, "HOTCELL_MCP_URL=http://127.0.0.1:1/mcp"}, env...)
	for name, value := range a.Environment {
		c.Env = append(c.Env, name+"="+value)
	}
	out, err := c.CombinedOutput()
	return string(out), home, err
}

// TestEachAgentIsToldOfItsTools starts what comes with Hotcell: a program of the same
// name says what it was given.
func TestEachAgentIsToldOfItsTools(t *testing.T) {
	t.Parallel()
	catalog, err := agent.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range catalog.Names() {
		a, _ := catalog.Find(name)
		said, home, err := run(t, a, nil, "two words", "it's $HOME")
		if err != nil || !strings.Contains(said, "<two words><it's $HOME>") {
			t.Errorf("%s: %v %s", name, err, said)
		}
		if a.Key.Variable == "" || !strings.Contains(said, a.Key.Variable+"="+agent.Placeholder) {
			t.Errorf("%s has no key to start with: %s", name, said)
		}
		told := ""
		for file := range a.Files {
			text, err := os.ReadFile(filepath.Join(home, file))
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			told += string(text)
		}
		if !strings.Contains(told, `"http://127.0.0.1:1/mcp"`) || strings.Contains(told, "${") {
			t.Errorf("%s is told\n%s", name, told)
		}
		for _, instead := range append([]string{a.Key.Variable}, a.Key.Unless...) {
			if said, _, _ := run(t, a, []string{instead + "=own"}); strings.Contains(said, agent.Placeholder) {
				t.Errorf("%s with a %s of its own: %s", name, instead, said)
			}
		}
	}
}

func TestWhatIsMissingIsSaid(t *testing.T) {
	t.Parallel()
	a, err := agent.Parse([]byte("name: own\nprogram: no-such-program\ntoolchain: own-tools\ncommand: no-such-program go\n"))
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command("/bin/sh", "-c", a.Shell())
	out, err := c.CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 127 || !strings.Contains(string(out), "hotcell toolchains add own-tools") {
		t.Errorf("%v %s", err, out)
	}
}

func TestOwnAgents(t *testing.T) {
	t.Parallel()
	mine := agent.Document{Name: "claude.yaml", Text: []byte("name: claude\ncommand: my-claude\n")}
	catalog, err := agent.Load(mine)
	if err != nil {
		t.Fatal(err)
	}
	if a, err := catalog.Find("claude"); err != nil || a.Command != "my-claude" {
		t.Errorf("%+v", a)
	}
	for what, text := range map[string]string{
		"no name": "command: x\n", "a name with a space": "name: a b\ncommand: x\n", "no command": "name: a\n", "an unknown field": "name: a\ncommand: x\nsecret: y\n",
		"a way out": "name: a\ncommand: x\nfiles: {../x: y}\n", "an absolute path": "name: a\ncommand: x\nfiles: {/etc/x: y}\n", "a variable that is none": "name: a\ncommand: x\nkey: {variable: 'a;b'}\n",
		"the cell's own": "name: a\ncommand: x\nenvironment: {PATH: y}\n",
	} {
		if _, err := agent.Load(agent.Document{Name: "x.yaml", Text: []byte(text)}); !errors.Is(err, hotcell.ErrInvalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := agent.Load(mine, mine); !errors.Is(err, hotcell.ErrInvalid) {
		t.Errorf("two of a name: %v", err)
	}
}
