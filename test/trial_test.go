package test

import (
	"regexp"
	"strings"
	"testing"
)

// TestDoctorLooksIntoACell has the doctor look into the cells of three assignments: one
// that lacks nothing, one whose program is not there, and an agent's. None of their commands runs, and no value is told.
func TestDoctorLooksIntoACell(t *testing.T) {
	t.Parallel()
	a := openAcme(t, "")
	a.secret(t, "billing", "API_KEY="+a.Key+"\n", "--hosts", a.api)
	a.OK("connections", "create", "http", "--name", "api", "--host", a.api, "--auth", "bearer", "--api-key-file", file(t, "key", a.Key))
	for name, more := range map[string][]string{
		"well":    {"--command", "curl -sS https://" + a.api + "/open; echo it ran"},
		"lacking": {"--command", "no-such-program; echo it ran"},
		"agent":   {"--agent", "gemini", "--instructions", file(t, "task.md", "Do nothing.")},
	} {
		a.OK(append([]string{"assignments", "create", name, "--allow", a.api, "--yes"}, more...)...)
	}
	if r := a.Server.Run("assignments", "change", "lacking", "--command", "no-such-program; echo it ran"); r.Code != 0 || !strings.Contains(r.Err, "warning: there is no program no-such-program in cells") {
		t.Errorf("%+v", r)
	}
	if r := a.Server.Run("assignments", "change", "well", "--command", "curl -sS https://"+a.api+"/open; echo it ran"); r.Code != 0 || strings.Contains(r.Err, "warning") {
		t.Errorf("%+v", r)
	}
	a.OK("assignments", "attach", "well", "billing")
	a.OK("assignments", "attach", "well", "api", "--as", "http")

	r := a.Server.Run("doctor", "--cell", "well")
	for _, want := range []string{`ok +cell +job_\w+ looked around`, `ok +program +curl is /usr/bin/curl: curl \d`, `ok +programs .* python3`, `ok +tools +\d+ can be called`, `ok +trust +` + regexp.QuoteMeta(a.api) + `: openssl python3 node trust`, `note +connection +api: nobody but you knows`} {
		if !regexp.MustCompile(want).MatchString(r.Out) {
			t.Errorf("no %s in\n%s%s", want, r.Out, r.Err)
		}
	}
	if r.Code != 0 || strings.Contains(r.Out, "it ran") {
		t.Errorf("%+v", r)
	}
	r = a.Server.Run("doctor", "--cell", "lacking")
	if r.Code != 8 || !regexp.MustCompile(`LACK +program +no-such-program is not in the cell`).MatchString(r.Out) || strings.Contains(r.Out, "it ran") {
		t.Errorf("%+v", r)
	}
	r = a.Server.Run("doctor", "--cell", "agent")
	if !regexp.MustCompile(`(ok|LACK) +program +gemini`).MatchString(r.Out) {
		t.Errorf("%+v", r)
	}
	for _, args := range [][]string{{"doctor", "well"}, {"doctor", "--cell"}} {
		if r := a.Server.Run(args...); r.Code != 2 {
			t.Errorf("%v: %+v", args, r)
		}
	}
	if log := a.OK("audit", "list", "--kind", "network"); strings.Contains(log, "network.request") {
		t.Errorf("a request was sent:\n%s", log)
	}
	a.Canaries(a.Key)
}
