package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hotcell"
	"hotcell/internal/config"
)

func load(t *testing.T, text string) (config.Config, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "hotcell.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return config.Load(path, func(string) string { return "" })
}

func TestOneOrAList(t *testing.T) {
	t.Parallel()
	one, err := load(t, "egress:\n  allow_private: 127.0.0.1:8443\n  extra_ca: /ca.pem\n  hosts: {name: api.acme.test, address: 127.0.0.1}\njobs: {memory: 512MiB, timeout: 10m}\n")
	if err != nil {
		t.Fatal(err)
	}
	many, err := load(t, "egress:\n  allow_private: [127.0.0.1:8443]\n  extra_ca:\n  - /ca.pem\n  hosts:\n  - name: api.acme.test\n    address: 127.0.0.1\njobs:\n  memory: 536870912\n  timeout: 10m\n")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(one, many); d != "" {
		t.Errorf("one and a list differ:\n%s", d)
	}
	if one.Jobs.Memory != 512<<20 || one.Jobs.Timeout != 10*time.Minute || one.Listen != "127.0.0.1:7878" || one.Check() != nil {
		t.Errorf("%+v, %v", one, one.Check())
	}
	pins, err := one.Pins()
	if err != nil || pins["api.acme.test"].String() != "127.0.0.1" {
		t.Errorf("pins %v, %v", pins, err)
	}
}

func TestMistakesAreToldWithTheirPlace(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"egres: {}\n":                  "egres",
		"egress:\n  allow_privat: x\n": "allow_privat",
		"egress:\n  hosts: {nam: x}\n": "nam",
		"listen: [\n":                  "1",
		"jobs: {memory: lots}\n":       "512MiB",
	} {
		if _, err := load(t, text); !errors.Is(err, hotcell.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, text := range []string{"egress: {allow_private: 'http://x'}\n", "egress: {hosts: {name: x, address: y}}\n", "jobs: {concurrency: 0}\n", "jobs: {memory: 1MiB}\n", "vault: {issuers: {'https://a.test/': []}}\n", "vault: {proof_keys: 'https://a.test/'}\n", "vault: {proof_keys: [http://a.test]}\n", "vault: {proof_keys: a.test}\n", "url: http://hotcell.acme.test\n", "url: https://a.test/x\n", "url: ftp://a.test\n", "url: https://u@a.test\n"} {
		c, err := load(t, text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
		} else if err := c.Check(); !errors.Is(err, hotcell.ErrInvalid) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestUnguardedConnectionsNeedTheOperator(t *testing.T) {
	t.Parallel()
	c, err := load(t, "egress:\n  hosts:\n  - {name: 'ssh.acme.test:22', tcp: true}\n  - {name: db.acme.test}\n")
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range []struct {
		host string
		port int
		may  bool
	}{{"ssh.acme.test", 22, true}, {"ssh.acme.test", 23, false}, {"db.acme.test", 22, false}, {"x.ssh.acme.test", 22, false}} {
		if got := c.TCP(hotcell.Allow{Host: a.host, Port: a.port, Protocol: hotcell.ProtocolTCP}); got != a.may {
			t.Errorf("%s:%d: %v", a.host, a.port, got)
		}
	}
}

func TestAFileThatSaysNothingChangesNothing(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "\n", "# listen: x\n", "jobs:\n", "{}\n"} {
		c, err := load(t, text)
		if d := cmp.Diff(config.Default(), c); err != nil || d != "" {
			t.Errorf("%q: %v\n%s", text, err, d)
		}
	}
}

func TestTheLaterGoesOverTheEarlier(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, second := filepath.Join(dir, "first.yaml"), filepath.Join(dir, "second.yaml")
	for path, text := range map[string]string{first: "listen: 127.0.0.1:1\n", second: "listen: 127.0.0.1:2\njobs: {pids: 9}\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	nowhere := filepath.Join(dir, "nowhere.yaml")
	for _, c := range []struct {
		path, variable string
		candidates     []string
		want           string
	}{
		{"", "", nil, "127.0.0.1:7878"},
		{"", "", []string{nowhere}, "127.0.0.1:7878"},
		{"", "", []string{nowhere, second, first}, "127.0.0.1:2"},
		{first, "", []string{second}, "127.0.0.1:1"},
		{first, "127.0.0.1:3", nil, "127.0.0.1:3"},
	} {
		got, err := config.Load(c.path, func(name string) string { return map[string]string{"HOTCELL_LISTEN": c.variable}[name] }, c.candidates...)
		if err != nil || got.Listen != c.want {
			t.Errorf("%+v: %s, %v", c, got.Listen, err)
		}
		if got.Jobs.Memory != config.Default().Jobs.Memory {
			t.Errorf("%+v: memory is %d", c, got.Jobs.Memory)
		}
	}
	if _, err := config.Load(nowhere, func(string) string { return "" }, first); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("one that was named and is not there: %v", err)
	}
}

func TestSizes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]config.Size{
		"0": 0, "1048576": 1 << 20, "512MiB": 512 << 20, "512 MiB": 512 << 20, "1GB": 1e9, "2K": 2 << 10, "7B": 7, "8388607TiB": 8388607 << 40,
	} {
		if got, err := config.ParseSize(text); err != nil || got != want {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "MiB", "-1", "-1MiB", "1.5GiB", "1XB", "lots", "8388608TiB", "9223372036854775808", "1 2", "0x10", "1e9"} {
		if got, err := config.ParseSize(text); !errors.Is(err, hotcell.ErrInvalid) {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
}

func TestModelHostsAreReadAsRequestsHaveThem(t *testing.T) {
	t.Parallel()
	c, err := load(t, "models:\n- {host: LLM.Acme.Test.:8443, zero_data_retention: true}\n- {host: '*.Bücher.example'}\n")
	if err != nil {
		t.Fatal(err)
	}
	hosts, err := c.ModelHosts()
	if err != nil {
		t.Fatal(err)
	}
	if model, declared := hosts.Find("llm.acme.test", 8443); !model || !declared {
		t.Errorf("a host in capitals: a model %t, declared %t", model, declared)
	}
	if model, declared := hosts.Find("a.xn--bcher-kva.example", 443); !model || declared {
		t.Errorf("a host beyond ASCII: a model %t, declared %t", model, declared)
	}
	if c, err = load(t, "models: {host: 'https://llm.acme.test'}\n"); err != nil || !errors.Is(c.Check(), hotcell.ErrInvalid) {
		t.Errorf("a URL for a host: %v, %v", err, c.Check())
	}
}
