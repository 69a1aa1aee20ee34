package test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"

	"hotcell/hotcelltest"
)

// TestAServerComesBack makes a backup of a server at work, loses its disk, and restores
// it by the recovery identity alone.
func TestAServerComesBack(t *testing.T) {
	t.Parallel()
	own, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	identity := file(t, "recovery.txt", own.String()+"\n")
	folder := filepath.Join(t.TempDir(), "backups")
	s := hotcelltest.Start(t, "backup:\n  recipients: ["+own.Recipient().String()+"]\n  folder: "+folder+"\n  every: 1h\n")
	s.OK("secrets", "create", "billing", "--env-file", file(t, ".env", dotenv))
	s.OK("secrets", "create", "gone", "--env-file", file(t, "gone.env", "GONE=a-value-that-goes\n"))
	s.OK("assignments", "create", "lengths", "--command", `printf '%s|' "${#API_KEY}"`, "--files", filepath.Dir(file(t, "data.txt", "what is in the folder\n")))
	s.OK("assignments", "attach", "lengths", "billing")
	before := s.OK("run", "lengths")
	s.OK("assignments", "create", "talk", "--external", "--browser")
	token := s.OK("jobs", "create", "talk", "--external", "-o", "json")
	eventually(t, "a backup by itself", func() bool {
		list, _ := filepath.Glob(filepath.Join(folder, "hotcell-*.backup"))
		return len(list) == 1
	})
	made := filepath.Join(t.TempDir(), "one.backup")
	s.OK("backup", made)
	if r := s.Run("backup", made); r.Code != 5 {
		t.Errorf("over a file that is there: %+v", r)
	}
	text, err := os.ReadFile(made)
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"billing", "lengths", "what is in the folder", "hotcell_"} {
		if bytes.Contains(text, []byte(word)) {
			t.Errorf("the file tells %q", word)
		}
	}
	s.OK("secrets", "delete", "gone", "--yes")
	s.OK("secrets", "create", "later", "--env-file", file(t, "later.env", "LATER=a-value-that-came-later\n"))
	log := file(t, "log.jsonl", s.OK("audit", "export")+"\n")
	if r := s.Run("restore", made); r.Code != 5 || !strings.Contains(r.Err, "a server runs on it") {
		t.Errorf("over a server that runs: %+v", r)
	}
	if out := s.OK("backup", "verify", made); !strings.Contains(out, "credentials: 2,") {
		t.Errorf("%s", out)
	}
	s.Stop()
	if r := s.Run("restore", made); r.Code != 5 || !strings.Contains(r.Err, "is newer: its log goes on for") {
		t.Errorf("over a vault: %+v", r)
	}
	notRestored(t, s, made, identity)
	if err := os.RemoveAll(s.Data); err != nil {
		t.Fatal(err)
	}
	out := s.OK("restore", made, "--identity", identity, "--log", log)
	for _, want := range []string{"it was restored into " + s.Data, "credentials: 2,", "folders of assignments: 1", "secret.delete", "gone"} {
		if !strings.Contains(out, want) {
			t.Errorf("nothing of %q in\n%s", want, out)
		}
	}
	// A log from which a deletion was taken out tells so.
	all, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	cut := ""
	for line := range strings.Lines(string(all)) {
		if !strings.Contains(line, `"secret.delete"`) {
			cut += line
		}
	}
	if r := s.Run("restore", made, "--data", filepath.Join(t.TempDir(), "data"), "--identity", identity, "--log", file(t, "cut.jsonl", cut)); r.Code == 0 || !strings.Contains(r.Err, "does not hold") {
		t.Errorf("a log without a deletion: %+v", r)
	}
	s.Restart()
	if after := s.OK("run", "lengths"); after != before {
		t.Errorf("the job saw %q, and before %q", after, before)
	}
	if out := s.OK("audit", "verify"); !strings.Contains(out, "unbroken") {
		t.Errorf("%s", out)
	}
	if out := s.OK("audit", "list", "--kind", "workspace.restore"); !strings.Contains(out, "workspace.restore") {
		t.Errorf("no event tells of the restore: %s", out)
	}
	var job struct {
		ID, URL, Token string
	}
	if err := json.Unmarshal([]byte(token), &job); err != nil {
		t.Fatal(err)
	}
	if out := s.OK("jobs", "show", job.ID); !strings.Contains(out, "restored from a backup") {
		t.Errorf("the job of before: %s", out)
	}
	ask, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+s.Address()+"/mcp", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	ask.Header.Set("Authorization", "Bearer "+job.Token)
	answer, err := http.DefaultClient.Do(ask)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if job.Token == "" || answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("its token is answered with %d", answer.StatusCode)
	}
	s.Canaries("a-value-that-goes", own.String())
}

// notRestored tries what does not open, and looks whether anything was written.
func notRestored(t *testing.T, s *hotcelltest.Server, made, identity string) {
	t.Helper()
	text, err := os.ReadFile(made)
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	changed := bytes.Clone(text)
	changed[len(changed)/2] ^= 1
	for name, c := range map[string]struct {
		text     []byte
		identity string
		says     string
	}{
		"cut off":          {text[:len(text)-100], identity, "is cut off"},
		"changed":          {changed, identity, "is not as it was made"},
		"something else":   {[]byte("something else"), identity, "is no backup of Hotcell's"},
		"another identity": {text, file(t, "other.txt", stranger.String()+"\n"), "was made for other recipients, or by another vault"},
	} {
		into := filepath.Join(t.TempDir(), "data")
		r := s.Run("restore", file(t, "spoilt", string(c.text)), "--data", into, "--identity", c.identity)
		if r.Code == 0 || !strings.Contains(r.Err, c.says) {
			t.Errorf("%s: %+v", name, r)
		}
		if _, err := os.Lstat(into); err == nil {
			t.Errorf("%s: something was written", name)
		}
	}
}
