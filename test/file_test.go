package test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hotcell/hotcelltest"
)

// TestASecretAsAFile gives a job a value in a file, where its assignment's own folder
// has a link that leads out of it, and has the job look.
func TestASecretAsAFile(t *testing.T) {
	t.Parallel()
	s := hotcelltest.Start(t, "")
	folder := t.TempDir()
	if err := os.Symlink("/tmp", filepath.Join(folder, "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "token"), []byte("the folder's own"), 0o600); err != nil {
		t.Fatal(err)
	}
	const netrc, token = "machine api.acme.test login bot password p9-Wq7ZkT2m", "tk-4fJ8sQ0vXz1LbN6y"
	env := filepath.Join(t.TempDir(), ".env")
	if err := os.WriteFile(env, []byte("NETRC=\""+netrc+"\"\nTOKEN="+token+"\nPLAIN=pl-8dK3nVwA5rTe\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.OK("secrets", "create", "keys", "--env-file", env)
	s.OK("assignments", "create", "files", "--files", folder, "--command", `
echo "at: $(stat -c '%a %U' /home/job/.netrc /home/job/.config /job/token | tr '\n' ' ')"
echo "env: $(env | cut -d= -f1 | grep -c 'NETRC\|TOKEN') ${PLAIN:+plain}"
wc -c < /home/job/.netrc; wc -c < /home/job/.config/acme/token; wc -c < /job/token
cat /home/job/.netrc /home/job/.config/acme/token`)
	for _, refused := range []string{
		"TOKEN=/etc/token", "TOKEN=/job/out/token", "TOKEN=/job", "TOKEN=token", "TOKEN=/home/job/../x", "TOKEN=/home/job/./x", "TOKEN=/job/INSTRUCTIONS.md",
		"TOKEN=/home/job/x\ny", "OTHER=/tmp/x", "TOKEN=/job/out", "TOKEN=/home/job/a/", "TOKEN=/home/jobs/a", "TOKEN=/tmp/" + strings.Repeat("x", 300),
	} {
		if r := s.Run("assignments", "attach", "files", "keys", "--file-secret", refused); r.Code != 6 {
			t.Errorf("%q: %d %s", refused, r.Code, r.Err)
		}
	}
	if r := s.Run("assignments", "attach", "files", "keys", "--file-secret", "TOKEN=/tmp/a", "--file-secret", "NETRC=/tmp/a/b"); r.Code != 6 {
		t.Errorf("a file in a file: %d %s", r.Code, r.Err)
	}
	s.OK("assignments", "attach", "files", "keys", "--file-secret", "NETRC=/home/job/.netrc", "--file-secret", "TOKEN=/home/job/.config/acme/token")
	if r := s.Run("secrets", "rename-key", "keys", "TOKEN", "KEY"); r.Code == 0 {
		t.Errorf("a variable that is a file was renamed: %s", r.Out)
	}
	r := s.Run("run", "files")
	for _, want := range []string{"at: 400 job 700 job 644 job", "env: 0 plain", "52\n19\n16\n", "[hotcell:keys]"} {
		if !strings.Contains(r.Out, want) {
			t.Errorf("no %q in %+v", want, r)
		}
	}
	s.OK("assignments", "change-attachment", "files", "keys", "--yes", "--file-secret", "TOKEN=/job/token", "--file-secret", "NETRC=/job/link/n")
	if r := s.Run("run", "files"); r.Code == 0 || !strings.Contains(r.Err, "putting the variable NETRC") {
		t.Errorf("through a link: %+v", r)
	}
	s.OK("assignments", "change-attachment", "files", "keys", "--yes", "--file-secret", "TOKEN=/job/token")
	r = s.Run("run", "files")
	if !strings.Contains(r.Out, "400 job") || !strings.Contains(r.Out, "env: 1 plain") || strings.Contains(r.Out, "16\n") {
		t.Errorf("over the folder's own: %+v", r)
	}
	for _, value := range []string{netrc[40:], token} {
		if strings.Contains(r.Out, value) {
			t.Errorf("the log has %q", value)
		}
	}
	s.Canaries(token, netrc[40:])
}
