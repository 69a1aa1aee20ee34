package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"hotcell/hotcelltest"
)

// TestAJobFindsWhatTheLastOneKept has a cache through its life: it is kept, guarded, not
// kept by a job that failed, begins anew when more is attached, and goes with its limit.
func TestAJobFindsWhatTheLastOneKept(t *testing.T) {
	t.Parallel()
	s := hotcelltest.Start(t, "")
	const value = "cn-real-7f31c2aa90de41b8"
	for _, name := range []string{"billing", "more"} {
		s.OK("secrets", "create", name, "--env-file", file(t, name+".env", strings.ToUpper(name)+"_KEY="+value+name+"\n"))
	}
	s.OK("assignments", "create", "build", "--cache", "8MiB", "--command", `case "$1" in
write) umask 077; mkdir -p ~/.cache/pip/deep; echo "$2 $BILLING_KEY" > ~/.cache/pip/deep/kept; ln -s /etc/passwd ~/.cache/link; ln -s deep/kept ~/.cache/pip/near; chmod 755 ~/.cache/pip/deep/kept;;
fail) echo changed > ~/.cache/pip/deep/kept; exit 3;;
full) head -c 20000000 /dev/zero > ~/.cache/zero; echo full;;
large) mkdir ~/.cache/many; for i in $(seq 90); do head -c 90000 /dev/urandom > ~/.cache/many/$i; done;;
esac
cat ~/.cache/pip/deep/kept; readlink ~/.cache/link; env | grep -E '^(npm_config_cache|GOMODCACHE)=' | sort; touch ~/.cache/x && rm ~/.cache/x`)
	s.OK("assignments", "attach", "build", "billing", "--as", "env")
	run := func(args ...string) hotcelltest.Result {
		return s.Run(append([]string{"run", "build", "--"}, args...)...)
	}
	const variables = "GOMODCACHE=/home/job/.cache/go-mod\nnpm_config_cache=/home/job/.cache/npm\n"

	if r := run("look"); r.Out != variables {
		t.Errorf("the first job: %+v", r)
	}
	if r := run("write", "first"); r.Code != 0 || !strings.HasPrefix(r.Out, "first ") {
		t.Errorf("%+v", r)
	}
	const found = "first [hotcell:billing]\n/etc/passwd\n" + variables
	if r := run("look"); r.Out != found {
		t.Errorf("the next job, without the value: %+v", r)
	}
	if r := run("fail"); r.Code == 0 {
		t.Errorf("%+v", r)
	}
	if r := run("look"); r.Out != found {
		t.Errorf("after one that failed: %+v", r)
	}
	if r := run("full"); !strings.Contains(r.Err, "No space left") {
		t.Errorf("its size: %+v", r)
	}
	if r := run("large"); r.Code != 0 {
		t.Errorf("%+v", r)
	}
	s.Stop()
	s.Restart()
	if r := run("look"); !strings.HasPrefix(r.Out, "first [hotcell:billing]\n") {
		t.Errorf("after a restart: %+v", r)
	}
	archives, err := filepath.Glob(filepath.Join(s.Data, "caches", "*"))
	if err != nil || len(archives) != 1 {
		t.Fatalf("%v %v", archives, err)
	}
	listed, err := exec.CommandContext(t.Context(), "tar", "-tf", archives[0]).Output()
	if err != nil || !strings.Contains(string(listed), "pip/deep/kept\n") {
		t.Errorf("%s %v", listed, err)
	}

	s.OK("assignments", "create", "other", "--cache", "8MiB", "--command", "ls -A ~/.cache")
	s.OK("assignments", "attach", "other", "billing", "--as", "env")
	if r := s.Run("run", "other"); r.Out != "" || r.Code != 0 {
		t.Errorf("another assignment's: %+v", r)
	}
	s.OK("assignments", "attach", "build", "more", "--as", "env")
	if r := run("look"); r.Out != variables {
		t.Errorf("when more is attached: %+v", r)
	}
	if out := s.OK("assignments", "show", "build"); !strings.Contains(out, "8") || !strings.Contains(out, "cache") {
		t.Error(out)
	}
	s.OK("assignments", "change", "build", "--cache", "0")
	if r := run("look"); r.Out != "" {
		t.Errorf("without a cache: %+v", r)
	}
	left, err := filepath.Glob(filepath.Join(s.Data, "caches", "*"))
	if err != nil || len(left) != 0 {
		t.Errorf("%v %v", left, err)
	}
	for _, size := range []string{"1KiB", "1TiB", "-1", "much"} {
		if r := s.Run("assignments", "change", "build", "--cache="+size); r.Code == 0 {
			t.Errorf("%s is a cache", size)
		}
	}
	s.Canaries(value)
}

// TestAHostileCacheLeavesTheCellsFolderAlone puts archives in the place of a cache, as
// somebody could who has the machine's disk: the job starts with an empty one.
func TestAHostileCacheLeavesTheCellsFolderAlone(t *testing.T) {
	t.Parallel()
	s := hotcelltest.Start(t, "")
	s.OK("assignments", "create", "build", "--cache", "2MiB", "--command", `ls -A ~/.cache; cat ~/.cache/kept ~/evil /job/evil 2>/dev/null; [ "$1" != write ] || echo good > ~/.cache/kept`)
	if r := s.Run("run", "build", "--", "write"); r.Code != 0 {
		t.Fatalf("%+v", r)
	}
	archives, err := filepath.Glob(filepath.Join(s.Data, "caches", "*.tar"))
	if err != nil || len(archives) != 1 {
		t.Fatalf("%v %v", archives, err)
	}
	for name, archive := range map[string]string{
		"garbage":   "head -c 5000 /dev/urandom",
		"out of it": "tar -cP --transform 's,.*,../evil,' -f - evil",
		"by a link": "ln -sfn .. up; tar -c up -f - ; true",
		"a device":  "mkfifo pipe; tar -c -f - pipe",
		"much":      "head -c 5000000 /dev/zero > zero; tar -c -f - zero",
		"cut off":   "head -c 500000 /dev/zero > zero; tar -c -f - evil zero | head -c 100000",
	} {
		folder := t.TempDir()
		if err := os.WriteFile(filepath.Join(folder, "evil"), []byte("evil\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), "bash", "-c", archive)
		cmd.Dir = folder
		text, err := cmd.Output()
		if err != nil {
			t.Fatal(name, err)
		}
		if err := os.WriteFile(archives[0], text, 0o600); err != nil {
			t.Fatal(err)
		}
		r := s.Run("run", "build")
		if r.Code != 0 && r.Code != 1 || strings.Contains(r.Out, "good") || strings.Contains(r.Out, "evil\nevil") {
			t.Errorf("%s: %+v", name, r)
		}
		if name != "by a link" && r.Out != "" {
			t.Errorf("%s: %+v", name, r)
		}
	}
}
