package test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hotcell/hotcelltest"
)

func TestASecretThroughItsLife(t *testing.T) {
	t.Parallel()
	s := hotcelltest.Start(t, "")
	id := s.OK("secrets", "create", "billing", "--env-file", file(t, ".env", dotenv), "-q")
	if !strings.HasPrefix(id, "sec_") || strings.Contains(id, "\n") {
		t.Fatalf("-q printed %q", id)
	}
	if r := s.RunWith("a-fresh-value\n", "secrets", "set", "billing", "API_KEY"); r.Code != 0 || !strings.Contains(r.Err, "version 2") {
		t.Errorf("set from standard input: %+v", r)
	}
	if r := s.RunWith(" padded ", "secrets", "set", id, "API_KEY"); r.Code != 6 {
		t.Errorf("set to a value with white space: %+v", r)
	}
	if r := s.RunWith(" padded ", "secrets", "set", id, "API_KEY", "--verbatim"); r.Code != 0 {
		t.Errorf("set to it verbatim: %+v", r)
	}
	s.OK("secrets", "rename-key", "billing", "API_KEY", "KEY")
	s.OK("secrets", "unset", "billing", "HASH")
	var shown struct {
		Version   int
		Variables []struct{ Name string }
	}
	if err := json.Unmarshal([]byte(s.OK("secrets", "show", "billing", "-o", "json")), &shown); err != nil || shown.Version != 5 || len(shown.Variables) != 2 {
		t.Errorf("%+v, %v", shown, err)
	}
	s.OK("assignments", "create", "lengths", "--command", `printf '%s|' "${#KEY}" "${#PASSWORD}" "${HASH-gone}"`)
	s.OK("assignments", "attach", "lengths", "billing")
	if out := s.OK("run", "lengths"); out != "8|17|gone|" {
		t.Errorf("the job saw %q", out)
	}
	if r := s.Run("secrets", "unset", "billing", "NOTHING"); r.Code != 3 {
		t.Errorf("unset of what is not there: %+v", r)
	}
	s.OK("secrets", "share", "billing")
	if list := s.OK("secrets", "list"); !strings.Contains(list, "team") || !strings.Contains(list, "KEY PASSWORD") {
		t.Errorf("%s", list)
	}
	// A personal one of the same name is another; a name that is both is asked for.
	s.OK("secrets", "create", "billing", "--env-file", file(t, "own.env", "OWN=my-own-value\n"))
	if r := s.Run("secrets", "show", "billing"); r.Code != 5 || !strings.Contains(r.Err, id) || !strings.Contains(r.Err, "personal") {
		t.Errorf("a name that is both: %+v", r)
	}
	if r := s.Run("secrets", "unshare", id); r.Code != 5 {
		t.Errorf("taken back into a name that is taken: %+v", r)
	}
	s.OK("secrets", "replace", id, "--env-file", file(t, "new.env", "ONLY=the-only-value\n"))
	s.OK("secrets", "delete", "--yes", id)
	if r := s.Run("secrets", "show", id); r.Code != 3 {
		t.Errorf("after its deletion: %+v", r)
	}
	s.Canaries(apiKey, password, hashed, "a-fresh-value", "my-own-value", "the-only-value")
}

func TestMachinesReadJSON(t *testing.T) {
	t.Parallel()
	s := hotcelltest.Start(t, "")
	s.OK("secrets", "create", "billing", "--env-file", file(t, ".env", dotenv))
	s.OK("assignments", "create", "a", "--command", "echo hi")
	s.OK("run", "a")
	for _, args := range [][]string{
		{"secrets", "list"}, {"secrets", "show", "billing"}, {"assignments", "list"}, {"assignments", "show", "a"}, {"jobs", "list"}, {"audit", "list"}, {"audit", "verify"}, {"workspace", "show"}, {"version"},
	} {
		if out := s.OK(append(args, "-o", "json")...); !json.Valid([]byte(out)) {
			t.Errorf("%q: %s", args, out)
		}
	}
	r := s.Run("secrets", "show", "nothing", "-o", "json")
	var e struct {
		Error struct{ Code, Message, Hint string }
	}
	if err := json.Unmarshal([]byte(r.Err), &e); err != nil || e.Error.Code != "not_found" || e.Error.Message == "" || r.Out != "" || r.Code != 3 {
		t.Errorf("an error: %+v, %v", r, err)
	}
	export := s.OK("audit", "export")
	for line := range strings.Lines(export) {
		if !json.Valid([]byte(line)) {
			t.Errorf("not JSON: %s", line)
		}
	}
	if strings.Count(export, "\n") < 5 {
		t.Errorf("the export is short:\n%s", export)
	}
}

func TestEveryCommandHelps(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := hotcelltest.Start(t, "")
	for _, args := range [][]string{{}, {"secrets"}, {"secrets", "create"}, {"assignments"}, {"run"}, {"jobs"}, {"audit"}, {"serve"}, {"doctor"}} {
		out := s.OK(append(args, "--help")...)
		if !strings.Contains(out, "Usage:") || !strings.Contains(out, "EXIT STATUS") {
			t.Errorf("%q:\n%s", args, out)
		}
	}
	if out := s.OK("completion", "bash"); !strings.Contains(out, "hotcell") {
		t.Error("no completion for bash")
	}
	away := s.Run("secrets", "list", "--data", filepath.Join(dir, "none"))
	if away.Code != 8 || !strings.Contains(away.Err, "hotcell serve --data") {
		t.Errorf("without a server: %+v", away)
	}
	if _, err := os.Stat(filepath.Join(dir, "none")); err == nil {
		t.Error("a client made a data folder")
	}
}
