package test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"hotcell/hotcelltest"
	"hotcell/test/acme"
)

// firm is the company and a server beside it.
type firm struct {
	*acme.Company
	*hotcelltest.Server
	api string
}

func openAcme(t testing.TB, more string) *firm {
	t.Helper()
	return openAcmeWith(t, more, func(*acme.Company) {})
}

// openAcmeWith is openAcme, of a company to which something was done before its
// server starts.
func openAcmeWith(t testing.TB, more string, first func(*acme.Company)) *firm {
	t.Helper()
	// PostgreSQL may run as another user, who must get there.
	dir, err := os.MkdirTemp("", "hotcell-acme-")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	c, err := acme.Start(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	first(c)
	s := hotcelltest.Start(t, c.Configuration()+more)
	return &firm{c, s, fmt.Sprintf("%s:%d", acme.APIName, c.APIPort)}
}

// database starts the company's database, and says where it is.
func (a *firm) database(t testing.TB) string {
	t.Helper()
	if err := a.StartDatabase(t.Context()); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s:%d", acme.DatabaseName, a.DatabasePort)
}

// secret makes a secret of a .env file's text.
func (a *firm) secret(t *testing.T, name, env string, more ...string) {
	t.Helper()
	if r := a.RunWith(env, append([]string{"secrets", "create", name, "--env-file", "-"}, more...)...); r.Code != 0 {
		t.Fatalf("%+v", r)
	}
}

func TestAKeyThatNoJobHas(t *testing.T) {
	t.Parallel()
	a := openAcme(t, "")
	if r := a.RunWith(a.Key+"\n", "connections", "create", "http", "--name", "billing", "--host", a.api, "--auth", "bearer", "--api-key-file", "-"); r.Code != 0 {
		t.Fatalf("%+v", r)
	}
	a.OK("assignments", "create", "report", "--command", `env; curl -sS https://`+a.api+`/v1/invoices; curl -sSi -H 'Authorization: Bearer own' https://`+a.api+`/echo; curl -sSi --http1.1 --compressed https://`+a.api+`/echo; curl -sS -o /dev/null -w 'code %{http_code}\n' https://`+a.api+`/v1/%2e%2e/echo`)
	a.OK("assignments", "attach", "report", "billing", "--as", "http")
	r := a.Server.Run("run", "report")
	if r.Code != 0 || !strings.Contains(r.Out, "INV-1") || strings.Count(r.Out, "[hotcell:billing]") < 2 || !strings.Contains(r.Out, "code 403") {
		t.Errorf("%+v", r)
	}
	a.Canaries(a.Key)
	if events := a.OK("audit", "list", "--kind", "connection.use"); strings.Count(events, "connection.use") != 3 {
		t.Errorf("uses in the log:\n%s", events)
	}
}

func TestAStandInWorksWhereItIsBoundAndNowhereElse(t *testing.T) {
	t.Parallel()
	a := openAcme(t, "")
	a.secret(t, "billing", "API_KEY="+a.Key+"\n", "--hosts", a.api)
	a.OK("assignments", "create", "report", "--allow", a.api, "--command",
		`curl -sS -H "Authorization: Bearer $API_KEY" https://`+a.api+`/v1/invoices; echo; curl -sS -H "Authorization: Bearer $API_KEY" https://`+a.api+`/echo; printf '%s' "$API_KEY" > out/key`)
	a.OK("assignments", "attach", "report", "billing", "--as", "stand-in")
	r := a.Server.Run("run", "report")
	if r.Code != 0 || !strings.Contains(r.Out, "INV-1") || !strings.Contains(r.Out, "[hotcell:billing]") {
		t.Errorf("%+v", r)
	}
	a.Canaries(a.Key)
}

func TestADatabaseBehindAStandIn(t *testing.T) {
	t.Parallel()
	a := openAcme(t, "")
	db := a.database(t)
	a.secret(t, "database", "DATABASE_URL="+a.DatabaseURL()+"\n", "--hosts", db)
	a.OK("assignments", "create", "report", "--allow", db+"/postgres", "--command", `psql "$DATABASE_URL" -Atc "SELECT invoice, cents, current_user FROM payments"; psql "$(echo "$DATABASE_URL" | sed 's/report:[^@]*@/report:wrong-password@/')" -c 'SELECT 1' 2>&1; psql "$(echo "$DATABASE_URL" | sed 's/verify-full/disable/')" -c 'SELECT 1' 2>&1; true`)
	a.OK("assignments", "attach", "report", "database", "--as", "stand-in")
	r := a.Server.Run("run", "report")
	if r.Code != 0 || !strings.Contains(r.Out, "INV-1|129900|report") || !strings.Contains(r.Out, "password authentication failed") || !strings.Contains(r.Out, "not under TLS") {
		t.Errorf("%+v", r)
	}
	a.Canaries(a.Password, a.DatabaseURL())
}

func TestABoundValueLeavesForItsHostsOnly(t *testing.T) {
	t.Parallel()
	a := openAcme(t, "")
	a.secret(t, "other", "OTHER="+apiKey+"\n", "--hosts", "api.elsewhere.example")
	a.secret(t, "billing", "API_KEY="+a.Key+"\n", "--hosts", a.api)
	a.OK("assignments", "create", "report", "--allow", a.api, "--command",
		`curl -sS -H "Authorization: Bearer $API_KEY" https://`+a.api+`/v1/invoices; curl -sS -w ' code %{http_code}\n' -H "Authorization: Bearer $API_KEY" -d "note=$OTHER" https://`+a.api+`/v1/invoices`)
	a.OK("assignments", "attach", "report", "billing")
	a.OK("assignments", "attach", "report", "other")
	r := a.Server.Run("run", "report")
	if r.Code != 0 || !strings.Contains(r.Out, "INV-1") || !strings.Contains(r.Out, "code 403") || !strings.Contains(r.Out, "a value of other (raw)") {
		t.Errorf("%+v", r)
	}
	if events := a.OK("audit", "list", "--kind", "guard"); !strings.Contains(events, "other") || !strings.Contains(events, a.api) {
		t.Errorf("the log:\n%s", events)
	}
}

func TestAJobAsksForMore(t *testing.T) {
	t.Parallel()
	a := openAcme(t, "")
	a.OK("assignments", "create", "report", "--command", `
set -e
curl -sS --max-time 5 https://`+a.api+`/open && exit 1
curl -sS -d '{"host":"`+a.api+`","why":"to read the invoices"}' "$HOTCELL_URL/request"; echo
curl -sS -o /dev/null -w 'code %{http_code}\n' https://`+a.api+`/open
curl -sS -H 'Content-Type: application/json' -H 'Accept: application/json, text/event-stream' -d '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"request_access","arguments":{"host":"refused.example","why":"because"}}}' "$HOTCELL_MCP_URL"
curl -sS --cacert "$(ls /usr/share/ca-certificates/mozilla/*.crt | head -1)" https://`+a.api+`/open && exit 1
echo; curl -sS -H 'Content-Type: application/json' -H 'Accept: application/json, text/event-stream' -d '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_refusals","arguments":{}}}' "$HOTCELL_MCP_URL"`)
	id := strings.TrimSpace(a.OK("run", "report", "--detach"))
	decide := func(host, verb string, more ...string) {
		t.Helper()
		request := ""
		eventually(t, "a request for "+host, func() bool {
			for line := range strings.Lines(a.OK("requests", "list", "--state", "pending")) {
				if strings.Contains(line, host) {
					request, _, _ = strings.Cut(line, " ")
				}
			}
			return request != ""
		})
		a.OK(append([]string{"requests", verb, request}, more...)...)
		if r := a.Server.Run("requests", verb, request); r.Code != 5 {
			t.Errorf("decided twice: %+v", r)
		}
	}
	decide(acme.APIName, "approve", "--standing")
	decide("refused.example", "refuse")
	eventually(t, "the job's end", func() bool { return job(t, a.Server, id).State.Final() })
	shown := a.Server.Run("jobs", "logs", id)
	log := shown.Out + shown.Err
	for _, want := range []string{"may be reached from now on", "code 401", "it was refused",
		"hotcell: a program broke its connection to " + a.api + " off: it does not trust the job's own authority",
		`"reason":"the host and port are not in the assignment's allow-list"`,
	} {
		if !strings.Contains(log, want) {
			t.Errorf("the log has no %q:\n%s", want, log)
		}
	}
	for target, code := range map[string]int{"https://" + a.api + "/v1/invoices": 0, "https://evil.example/": 4} {
		if r := a.Server.Run("explain", "report", "GET", target); r.Code != code {
			t.Errorf("explain %s: %+v", target, r)
		}
	}
}
