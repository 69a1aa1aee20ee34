package test

import (
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"hotcell/hotcelltest"
	"hotcell/test/acme/keys"
)

// What can be wrong with the local key file has a sentence of its own, the same from
// serve and doctor, and nothing is written in the key's place.
func TestWhatIsWrongWithTheKeyFileIsSaidAlike(t *testing.T) {
	t.Parallel()
	other := hotcelltest.Start(t, "")
	other.Stop()
	foreign, err := os.ReadFile(filepath.Join(other.Data, "local.key"))
	if err != nil {
		t.Fatal(err)
	}
	s := hotcelltest.Start(t, "")
	s.OK("secrets", "create", "billing", "--env-file", file(t, "good.env", dotenv))
	if r := s.Run("doctor"); !strings.Contains(r.Out, "opens what is stored") {
		t.Errorf("doctor, while the server runs: %s", r.Out)
	}
	s.Stop()
	key := filepath.Join(s.Data, "local.key")
	good, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	if r := s.Run("doctor"); !strings.Contains(r.Out, "opens what is stored") {
		t.Errorf("doctor, while no server runs: %s", r.Out)
	}
	write := func(text []byte, mode os.FileMode) func() error {
		return func() error {
			if err := os.WriteFile(key, text, 0o600); err != nil {
				return err
			}
			return os.Chmod(key, mode)
		}
	}
	for name, c := range map[string]struct {
		spoil func() error
		says  string
	}{
		"missing":         {func() error { return nil }, "the key file " + key + " is missing"},
		"empty":           {write(nil, 0o600), "the key file " + key + " is empty"},
		"unreadable":      {write(good, 0), "chmod 600 " + key},
		"readable by all": {write(good, 0o644), "mode 0644"},
		"another's":       {write(foreign, 0o600), "is not the one of this vault"},
		"garbage":         {write([]byte("garbage"), 0o600), "is damaged, or something else"},
		"cut off":         {write(good[:40], 0o600), "is damaged, or something else"},
		"a link":          {func() error { return os.Symlink("/etc/hostname", key) }, "symbolic link"},
		"a folder":        {func() error { return os.Mkdir(key, 0o700) }, "it is a folder"},
	} {
		if err := os.RemoveAll(key); err != nil {
			t.Fatal(err)
		}
		if err := c.spoil(); err != nil {
			t.Fatal(err)
		}
		before := looks(t, key)
		r := s.Run("doctor")
		line := lineOf(r.Out, "key")
		if r.Code == 0 || !strings.HasPrefix(line, "LACK") || !strings.Contains(line, c.says) {
			t.Errorf("%s: doctor exits with %d and says %q", name, r.Code, line)
		}
		said, code := s.Refused()
		if _, sentence, _ := strings.Cut(line, "key "); code == 0 || !strings.Contains(said, strings.TrimSpace(sentence)) {
			t.Errorf("%s: serve exits with %d and says\n%s\nand doctor %q", name, code, said, line)
		}
		for _, secret := range []string{string(good[21:60]), string(foreign[21:60])} {
			if strings.Contains(said+r.Out, secret) {
				t.Errorf("%s: the key is in what is said", name)
			}
		}
		if after := looks(t, key); after != before {
			t.Errorf("%s: the key file was %q and is %q", name, before, after)
		}
	}
	if err := os.RemoveAll(key); err != nil {
		t.Fatal(err)
	}
	if err := write(good, 0o600)(); err != nil {
		t.Fatal(err)
	}
	s.Restart()
	s.OK("secrets", "show", "billing")
}

// looks is what lies at a path: its mode, without who owns it, and its content.
func looks(t *testing.T, path string) string {
	t.Helper()
	info, err := os.Lstat(path)
	if os.IsNotExist(err) {
		return "nothing"
	}
	if err != nil {
		t.Fatal(err)
	}
	text, _ := os.ReadFile(path)
	return info.Mode().String() + " " + string(text)
}

// lineOf is doctor's line on something.
func lineOf(out, name string) string {
	for line := range strings.Lines(out) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[1] == name {
			return strings.TrimSpace(line)
		}
	}
	return ""
}

// A server whose key a service has needs no key file, says what is wrong while the
// service is away, uses nothing when its time is over, and heals by itself.
func TestAServerWhoseKeyAServiceHas(t *testing.T) {
	t.Parallel()
	twin := keys.NewTransit()
	service := httptest.NewServer(twin)
	t.Cleanup(service.Close)
	token := file(t, "token", twin.Token)
	dir, err := os.MkdirTemp("", "hotcell-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	config := fmt.Sprintf("key: hcvault://%s/transit/keys/hotcell?tls=off&token_file=%s\nkey_warm: 3s\n", strings.TrimPrefix(service.URL, "http://"), token)
	s := hotcelltest.StartIn(t, config, dir)
	s.OK("secrets", "create", "billing", "--env-file", file(t, "good.env", dotenv))
	if _, err := os.Lstat(filepath.Join(s.Data, "local.key")); !os.IsNotExist(err) {
		t.Errorf("there is a key file: %v", err)
	}
	doctor := func() string {
		return lineOf(s.Run("doctor", "--config", filepath.Join(dir, "hotcell.yaml")).Out, "key")
	}
	if line := doctor(); !strings.HasPrefix(line, "ok") || !strings.Contains(line, "hcvault:127.0.0.1") {
		t.Errorf("doctor: %s", line)
	}
	// Credentials come from the environment too, and are in no other process's.
	bare := filepath.Join(dir, "bare.yaml")
	must(t, os.WriteFile(bare, []byte(strings.Split(config, "&token_file")[0]+"\n"), 0o600))
	for says, env := range map[string]string{"hcvault:127.0.0.1": "VAULT_TOKEN=" + twin.Token, "there is no token": "X=y", "credentials": "VAULT_TOKEN=hc-canary-wrong-token"} {
		cmd := s.Command("doctor", "--config", bare)
		cmd.Env = append(cmd.Env, env)
		out, _ := cmd.CombinedOutput()
		if line := lineOf(string(out), "key"); !strings.Contains(line, says) || strings.Contains(line, "canary") {
			t.Errorf("doctor, where it should say %q: %s", says, line)
		}
	}
	if status, text := ready(t, s); status != 200 {
		t.Errorf("/readyz: %d, %s", status, text)
	}
	twin.Fail(keys.Throttled)
	eventually(t, "the keys close", func() bool {
		status, text := ready(t, s)
		return status == 503 && strings.Contains(text, "the keys are closed")
	})
	refused := s.Run("secrets", "replace", "billing", "--env-file", file(t, "other.env", "OTHER=hc-canary-other-value\n"))
	if refused.Code != 8 || !strings.Contains(refused.Err, "too many requests") {
		t.Errorf("a write exits with %d: %s", refused.Code, refused.Err)
	}
	if line := doctor(); !strings.HasPrefix(line, "LACK") || !strings.Contains(line, "too many requests") {
		t.Errorf("doctor: %s", line)
	}
	s.OK("secrets", "list")
	twin.Fail(keys.Well)
	eventually(t, "it heals", func() bool {
		return s.Run("secrets", "replace", "billing", "--env-file", file(t, "other.env", "OTHER=hc-canary-other-value\n")).Code == 0
	})
	s.Stop()
	if r := s.Run("serve", "--data", s.Data, "--listen", "127.0.0.1:0"); r.Code == 0 || !strings.Contains(r.Err, "local.key is missing") {
		t.Errorf("without key: in its configuration it exits with %d: %s", r.Code, r.Err)
	}
	twin.Fail(keys.Denied)
	if text, code := s.Refused(); code == 0 || !strings.Contains(text, "does not let this server use the key") {
		t.Errorf("denied, it exits with %d: %s", code, text)
	}
	// Started while the service is away, it waits; so does its vault alone.
	twin.Fail(keys.Gone)
	began := make(chan struct{})
	go func() { defer close(began); s.Restart() }()
	eventually(t, "it says that it waits", func() bool {
		return strings.Contains(s.Log(), "not ready: ") && strings.Contains(s.Log(), "does not answer")
	})
	twin.Fail(keys.Well)
	<-began
	s.OK("secrets", "show", "billing")
	twin.Fail(keys.Gone)
	must(t, syscall.Kill(part(t, s, "part-vault"), syscall.SIGKILL))
	eventually(t, "its vault waits", func() bool {
		status, text := ready(t, s)
		return status == 503 && strings.Contains(text, "waits for the key service")
	})
	twin.Fail(keys.Well)
	eventually(t, "its vault opens", func() bool { return s.Run("secrets", "show", "billing").Code == 0 })
	s.OK("audit", "verify")
	s.Canaries(twin.Token, "hc-canary-other-value")
}
