package test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hotcell/hotcelltest"
)

const overTLS = "tls:\n  authority: true\n  hosts: [localhost, 127.0.0.1]\n"

// machine is somebody's machine that trusts the server, with their password in a file.
func machine(t *testing.T, s *hotcelltest.Server, password string) (d *hotcelltest.Desk, ca, file string) {
	t.Helper()
	d = s.Desk(t)
	pem, err := os.ReadFile(filepath.Join(s.Data, "control", "tls", "authority.pem"))
	if err != nil {
		t.Fatal(err)
	}
	file = d.File("password", password)
	d.Variables = []string{"HOTCELL_PASSWORD_FILE=" + file}
	return d, d.File("authority.pem", string(pem)), file
}

// Two people, from an empty machine to a job that one runs with what the other shared, all
// of it typed.
func TestTwoPeoplesFirstTenMinutes(t *testing.T) {
	t.Parallel()
	s := hotcelltest.Start(t, overTLS)
	const adas, bobs, value, personal = "four words of adas own", "bobs own words are four", "sk-canary-team-0123456789abcdef", "sk-canary-mine-0123456789abcdef"
	s.OK("auth", "password", "--user", "ada@acme.test", "--password-file", s.Desk(t).File("password", adas+"\n"))
	ada, ca, file := machine(t, s, adas)
	ada.OK("auth", "login", s.URL(), "--ca", ca, "--user", "ada@acme.test", "--password-file", file)
	ada.OK("secrets", "create", "billing", "--env-file", ada.File(".env", "BILLING_KEY="+value+"\n"))
	ada.OK("secrets", "create", "mine", "--env-file", ada.File(".env", "MINE="+personal+"\n"))
	if r := ada.Run("secrets", "share", "billing"); r.Code != 0 || !strings.Contains(r.Err, `share the secret "billing"`) {
		t.Fatalf("%+v", r)
	}
	invitation := ada.OK("members", "invite", "--role", "builder", "--for", "bob@acme.test")
	bob, ca, file := machine(t, s, bobs)
	bob.OK("auth", "join", s.URL(), "--ca", ca, "--user", "bob@acme.test", "--password-file", file, "--invitation-file", bob.File("invitation", invitation+"\n"))
	if r := bob.Run("auth", "join", s.URL(), "--ca", ca, "--user", "eve", "--password-file", file, "--name", "again", "--invitation-file", bob.File("invitation", invitation)); r.Code == 0 || !strings.Contains(r.Err, "this invitation is not good") {
		t.Errorf("an invitation, again: %+v", r)
	}
	if list := bob.OK("secrets", "list", "-q"); strings.Count(list, "sec_") != 1 {
		t.Errorf("bob sees %s", list)
	}
	bob.OK("assignments", "create", "report", "--command", "test -n \"$BILLING_KEY\" && echo it has the key")
	bob.OK("assignments", "attach", "report", "billing")
	if log := bob.OK("run", "report"); !strings.Contains(log, "it has the key") {
		t.Errorf("the job: %s", log)
	}
	if r := bob.Run("assignments", "attach", "report", "mine"); r.Code == 0 {
		t.Errorf("what is ada's alone: %+v", r)
	}
	if r := bob.Run("members", "invite", "--role", "member"); r.Code == 0 || !strings.Contains(r.Err, "administrator") {
		t.Errorf("a builder invites: %+v", r)
	}
	token := strings.TrimSpace(bob.OK("tokens", "create", "ci", "--scopes", "jobs:run,jobs:read,assignments:read", "--assignment", "report"))
	robot := s.Desk(t)
	robot.Variables = []string{"HOTCELL_URL=" + s.URL(), "HOTCELL_TOKEN=" + token, "HOTCELL_CA=" + ca}
	if log := robot.OK("run", "report"); !strings.Contains(log, "it has the key") {
		t.Errorf("the robot's job: %s", log)
	}
	if r := robot.Run("secrets", "list"); r.Code == 0 || !strings.Contains(r.Err, "token") {
		t.Errorf("the robot lists secrets: %+v", r)
	}
	ada.OK("members", "remove", "bob@acme.test", "--yes")
	for who, r := range map[string]hotcelltest.Result{"bob": bob.Run("secrets", "list"), "his robot": robot.Run("run", "report")} {
		if r.Code == 0 || !strings.Contains(r.Err, "sign") {
			t.Errorf("%s, after he was removed: %+v", who, r)
		}
	}
	log := ada.OK("audit", "list", "--json", "kind,name,reason,decision")
	for _, kind := range []string{"account.password", "account.sign_in", "account.confirm", "member.invite", "member.join", "member.remove", "token.create"} {
		if !strings.Contains(log, kind) {
			t.Errorf("the log does not tell of %s", kind)
		}
	}
	s.Canaries(value, personal, adas, bobs)
}

// What a stranger reaches at the open port is what signs them in, and no more.
func TestTheOpenPortTakesBearersAlone(t *testing.T) {
	t.Parallel()
	s := hotcelltest.Start(t, overTLS)
	get := func(d *http.Client, path, bearer string) (int, string) {
		r, err := http.NewRequest(http.MethodGet, s.URL()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if bearer != "" {
			r.Header.Set("Authorization", "Bearer "+bearer)
		}
		answer, err := d.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = answer.Body.Close() }()
		var text bytes.Buffer
		_, _ = text.ReadFrom(answer.Body)
		if path == "/v1/server" && answer.Header.Get("Strict-Transport-Security") == "" {
			t.Error("browsers may come back in plain")
		}
		return answer.StatusCode, text.String()
	}
	c := trusting(t, filepath.Join(s.Data, "control", "tls", "authority.pem"))
	var document struct {
		Paths map[string]map[string]any `json:"paths"`
	}
	_, text := get(c, "/openapi.json", "")
	if err := json.Unmarshal([]byte(text), &document); err != nil {
		t.Fatal(err)
	}
	asked := 0
	for path, methods := range document.Paths {
		if _, reads := methods["get"]; !reads || path == "/v1/server" {
			continue
		}
		asked++
		for _, bearer := range []string{"", "hcl_made-up", "hc_ses_made-up", "hct_made-up"} {
			if status, text := get(c, strings.NewReplacer("{id}", "x", "{connector}", "slack").Replace(path), bearer); status != http.StatusUnauthorized {
				t.Errorf("GET %s with %q: %d %.200s", path, bearer, status, text)
			}
		}
	}
	if asked < 20 {
		t.Errorf("%d operations were asked", asked)
	}
	if status, text := get(c, "/v1/server", ""); status != http.StatusOK || !strings.Contains(text, "public_key") {
		t.Errorf("%d %s", status, text)
	}
}

func TestAServerOffLoopbackWantsTLS(t *testing.T) {
	t.Parallel()
	s := hotcelltest.Start(t, "")
	s.Stop()
	s.Flags("--listen", "192.0.2.1:7878") // it is refused before anything listens
	if text, code := s.Refused(); code == 0 || !strings.Contains(text, "tls: {authority: true}") || !strings.Contains(text, "tls: {certificate: FILE") || !strings.Contains(text, "url: https://") {
		t.Errorf("exit code %d: %s", code, text)
	}
}

// trusting is a client that takes the certificates of a file's authority.
func trusting(t *testing.T, file string) *http.Client {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}
