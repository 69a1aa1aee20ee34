package test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"hotcell/hotcelltest"
)

// What was sent is not sent again when the vault dies before the answer: it may have
// been done.
func TestARequestWhoseAnswerIsLostIsSentOnce(t *testing.T) {
	t.Parallel()
	a := openAcme(t, "")
	if r := a.RunWith(a.Key+"\n", "connections", "create", "http", "--name", "billing", "--host", a.api, "--auth", "bearer", "--api-key-file", "-"); r.Code != 0 {
		t.Fatalf("%+v", r)
	}
	a.secret(t, "bound", "API_KEY="+a.Key+"\n", "--hosts", a.api)
	for _, as := range []string{"http", "stand-in"} {
		name, header := "billing", ""
		if as == "stand-in" {
			name, header = "bound", `-H "Authorization: Bearer $API_KEY" `
		}
		a.OK("assignments", "create", as, "--allow", a.api, "--command", `curl -sS -o /dev/null -w '%{http_code}\n' -X "$1" `+header+`-d "$2" "https://`+a.api+`/lost/$1/`+as+`"; sleep 3`)
		a.OK("assignments", "attach", as, name, "--as", as)
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE"} {
			what := "/lost/" + method + "/" + as
			old := part(t, a.Server, "part-vault")
			a.First(func(r *http.Request) {
				if r.URL.Path == what {
					_ = syscall.Kill(old, syscall.SIGKILL)
				}
			})
			r := a.Server.Run("run", as, "--", method, map[bool]string{true: "x=1"}[method != "GET" && method != "HEAD"])
			if r.Code != 0 || strings.HasPrefix(r.Out, "2") {
				t.Errorf("%s: %+v", what, r)
			}
			eventually(t, "the vault answers again", func() bool {
				return a.Server.Run("secrets", "list").Code == 0 && part(t, a.Server, "part-vault") != old
			})
			n := 0
			for _, path := range a.Requests() {
				if path == what {
					n++
				}
			}
			if n != 1 {
				t.Errorf("%s was sent %d times", what, n)
			}
		}
	}
	a.Canaries(a.Key)
}

// ready asks a server whether it is, as probes do: at the open port. (Who is let in by the
// socket waits for the vault.)
func ready(t *testing.T, s *hotcelltest.Server) (int, string) {
	t.Helper()
	probe := &http.Client{Timeout: time.Minute}
	answer, err := probe.Get(s.URL() + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	must(t, err)
	return answer.StatusCode, string(text)
}

// A server is ready where its parts work, part by part, and again once they do.
func TestReadinessIsWhatWorks(t *testing.T) {
	t.Parallel()
	dir := smallDisk(t)
	s := hotcelltest.StartIn(t, "", dir)
	becomes := func(status int, says string) {
		t.Helper()
		eventually(t, fmt.Sprintf("/readyz answers %d, %q", status, says), func() bool {
			got, text := ready(t, s)
			return got == status && strings.Contains(text, says)
		})
	}
	becomes(200, "ok")
	for name, says := range map[string]string{"part-vault": "the vault does not answer", "part-worker": "the worker does not answer"} {
		pid := part(t, s, name)
		must(t, syscall.Kill(pid, syscall.SIGSTOP))
		becomes(503, says)
		must(t, syscall.Kill(pid, syscall.SIGCONT))
		becomes(200, "ok")
	}
	env := file(t, ".env", dotenv)
	s.OK("secrets", "create", "before", "--env-file", env)
	filler := filepath.Join(dir, "filler")
	f, err := os.Create(filler)
	must(t, err)
	for block := make([]byte, 1<<16); err == nil; {
		_, err = f.Write(block)
	}
	must(t, f.Close())
	becomes(503, "full")
	r := s.Run("secrets", "create", "meanwhile", "--env-file", env)
	if r.Code != 0 && r.Code != 8 {
		t.Errorf("a write to a full disk: %+v", r)
	}
	must(t, os.Remove(filler))
	becomes(200, "ok")
	if again := s.Run("secrets", "create", "after", "--env-file", env); again.Code != 0 {
		t.Errorf("a write when there is room again: %+v", again)
	}
	list := s.OK("secrets", "list")
	if !strings.Contains(list, "before") || !strings.Contains(list, "after") || strings.Contains(list, "meanwhile") != (r.Code == 0) {
		t.Errorf("what is there does not agree with what was said (%d):\n%s", r.Code, list)
	}
	if r := s.Run("audit", "verify"); r.Code != 0 {
		t.Errorf("the audit log: %+v", r)
	}
}
