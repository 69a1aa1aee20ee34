package api_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"hotcell"
	"hotcell/internal/control/api"
	"hotcell/internal/control/api/apitest"
)

func TestEachSentinelHasItsAnswer(t *testing.T) {
	t.Parallel()
	f := setup(t)
	for _, c := range []struct {
		err    error
		status int
		code   string
		detail string
	}{
		{hotcell.ErrNotFound, 404, "not_found", "not found"},
		{fmt.Errorf("%w: it is another's", hotcell.ErrDenied), 403, "denied", "denied: it is another's"},
		{fmt.Errorf("saving: %w: it is there already", hotcell.ErrConflict), 409, "conflict", "it is there already"},
		{&hotcell.StaleError{Current: 7}, 412, "stale", "the current version is 7"},
		{hotcell.Invalid("/variables/0/name", "a rule"), 422, "invalid", "variables.0.name: a rule"},
		{fmt.Errorf("%w: the vault restarts", hotcell.ErrUnavailable), 503, "unavailable", "the vault restarts"},
		{hotcell.ErrNeedsReconnect, 409, "needs_reconnect", "reconnected"},
		{hotcell.ErrRateLimited, 429, "rate_limited", "rate limited"},
		{hotcell.ErrTampered, 500, "tampered", "stored data was altered"},
		{errors.New("a row of " + canary), 500, "internal", "internal error"},
	} {
		f.world.Fail(c.err)
		r := f.ask("GET", "/v1/workspace", "")
		if r.status != c.status || r.Code != c.code || !strings.Contains(r.Detail, c.detail) || !strings.HasSuffix(r.Type, "/"+c.code) || !strings.HasSuffix(r.Instance, r.RequestID) {
			t.Errorf("%v: %d %s", c.err, r.status, r.body)
		}
		if holds(r.body) {
			t.Errorf("%v: the chain goes outside: %s", c.err, r.body)
		}
		if tag := r.header.Get("ETag"); c.code == "stale" && (tag != `"7"` || r.Current != 7) || c.code != "stale" && tag != "" {
			t.Errorf("%v: the ETag is %q: %s", c.err, tag, r.body)
		}
		if c.code == "invalid" && (len(r.Errors) != 1 || r.Errors[0].Pointer != "/variables/0/name") {
			t.Errorf("the field: %s", r.body)
		}
		if c.status == 500 && !strings.Contains(f.world.Logged.String(), r.RequestID+`","operation":"workspace"`) {
			t.Errorf("%v is not in the log under %s", c.err, r.RequestID)
		}
	}
	if !holds(f.world.Logged.String()) {
		t.Error("the log does not have the chain of the internal error")
	}
}

func TestWhoIsNotKnownIsAskedNothing(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.world.Who = func(*http.Request) (hotcell.Principal, error) { return hotcell.Principal{}, hotcell.ErrDenied }
	for _, path := range []string{"/v1/workspace", "/v1/secrets", "/openapi.json", "/v1/files"} {
		if r := f.ask("GET", path, ""); r.status != 403 || r.Code != "denied" {
			t.Errorf("%s: %d %s", path, r.status, r.body)
		}
	}
}

func TestABrowserOfAnotherSiteIsRefused(t *testing.T) {
	t.Parallel()
	f := setup(t)
	for _, c := range []struct {
		status  int
		headers []string
	}{
		{200, nil}, {200, []string{"Sec-Fetch-Site", "none"}}, {200, []string{"Sec-Fetch-Site", "same-origin"}},
		{200, []string{"Host", "127.0.0.1:7878"}}, {200, []string{"Host", "[::1]:7878"}}, {200, []string{"Host", "localhost:1"}}, {200, []string{"Host", "hotcell"}},
		{403, []string{"Sec-Fetch-Site", "cross-site"}}, {403, []string{"Sec-Fetch-Site", "same-site"}},
		{403, []string{"Host", "evil.example"}}, {403, []string{"Host", "127.0.0.1.evil.example:7878"}}, {403, []string{"Host", "localhost.evil.example"}}, {403, []string{"Host", "10.0.0.1"}}, {403, []string{"Host", "0.0.0.0"}},
	} {
		r := f.ask("GET", "/v1/workspace", "", c.headers...)
		if r.status != c.status {
			t.Errorf("%q: %d %s", c.headers, r.status, r.body)
		}
		h := r.header
		if h.Get("Access-Control-Allow-Origin") != "" || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Cache-Control") != "no-store" || !strings.HasPrefix(h.Get("X-Request-Id"), "req_") || !strings.Contains(h.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%q: headers %v", c.headers, h)
		}
	}
	// What a page can send without asking first is no request of ours.
	for _, kind := range []string{"text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"} {
		if r := f.ask("POST", "/v1/secrets", `{"name":"x","values":{"K":"value"}}`, "Content-Type", kind); r.status != 415 {
			t.Errorf("%s: %d %s", kind, r.status, r.body)
		}
	}
}

func TestAChangeSaysWhatItIsOf(t *testing.T) {
	t.Parallel()
	f := setup(t)
	secret := "/v1/secrets/" + f.made("/v1/secrets", `{"name":"a","values":{"K":"value"}}`)
	assignment := "/v1/assignments/" + f.made("/v1/assignments", `{"name":"a","work":{"command":"out x"}}`)
	for _, path := range []string{secret, assignment} {
		for _, method := range []string{"PATCH", "DELETE"} {
			body := map[string]string{"PATCH": `{"name":"b"}`}[method]
			if r := f.ask(method, path, body); r.status != 428 || r.Code != "precondition_required" || !strings.Contains(r.Detail, "If-Match") {
				t.Errorf("%s %s without If-Match: %d %s", method, path, r.status, r.body)
			}
			for _, wrong := range []string{"x", `""`, `"0"`, `"-1"`, `"1", "2"`, `"99999999999999999999"`} {
				if r := f.ask(method, path, body, "If-Match", wrong); r.status != 422 {
					t.Errorf("%s %s with %s: %d %s", method, path, wrong, r.status, r.body)
				}
			}
			if r := f.ask(method, path, body, "If-Match", `"5"`); r.status != 412 || r.Current != 1 || r.header.Get("ETag") != `"1"` {
				t.Errorf("%s %s of another revision: %d %s", method, path, r.status, r.body)
			}
		}
		first := f.ask("GET", path, "").header.Get("ETag")
		if r := f.ask("PATCH", path, `{"name":"b"}`, "If-Match", first); r.status != 200 || r.header.Get("ETag") != `"2"` {
			t.Errorf("%s: %d %v %s", path, r.status, r.header, r.body)
		}
		if r := f.ask("PATCH", path, `{"name":"c"}`, "If-Match", first); r.status != 412 {
			t.Errorf("%s: a lost update: %d", path, r.status)
		}
		if r := f.ask("PATCH", path, `{"name":"d"}`, "If-Match", "*"); r.status != 200 {
			t.Errorf("%s with *: %d", path, r.status)
		}
		if r := f.ask("DELETE", path, "", "If-Match", `W/"3"`); r.status != 204 || r.body != "" {
			t.Errorf("deleting %s: %d %s", path, r.status, r.body)
		}
	}
}

func TestAnIdOfAnotherKindIsNotFound(t *testing.T) {
	t.Parallel()
	f := setup(t)
	secret := f.made("/v1/secrets", `{"name":"a","values":{"K":"value"}}`)
	assignment := f.made("/v1/assignments", `{"name":"a","work":{"command":"out x"}}`)
	other := hotcell.NewID(hotcell.PrefixSecret)
	for _, path := range []string{"/v1/secrets/" + assignment, "/v1/secrets/a", "/v1/secrets/" + other, "/v1/assignments/" + secret, "/v1/jobs/" + secret, "/v1/jobs/" + secret + "/log", "/v1/jobs/" + secret + "/out"} {
		if r := f.ask("GET", path, ""); r.status != 404 || r.Code != "not_found" {
			t.Errorf("%s: %d %s", path, r.status, r.body)
		}
	}
	for _, credential := range []string{assignment, other, "a"} {
		if r := f.ask("POST", "/v1/assignments/"+assignment+"/attachments", `{"credential":"`+credential+`"}`); r.status != 404 {
			t.Errorf("attaching %s: %d %s", credential, r.status, r.body)
		}
	}
}

// failing are jobs whose output breaks within an answer.
type failing struct{ jobs }

type jobs = api.Jobs

func (failing) Output(context.Context, hotcell.Principal, hotcell.JobID) (io.ReadCloser, int64, error) {
	return io.NopCloser(&halfway{}), 1000, nil
}

type halfway struct{ n int }

func (h *halfway) Read(p []byte) (int, error) {
	if h.n++; h.n > 1 {
		panic("value " + canary)
	}
	return copy(p, "the first half"), nil
}

func TestAPanicEndsItsRequestAlone(t *testing.T) {
	t.Parallel()
	world := apitest.New(t)
	config := world.Config()
	config.Jobs = failing{}
	config.Ready = func(context.Context) []string { panic("value " + canary) }
	server := httptest.NewServer(api.New(config))
	t.Cleanup(server.Close)
	answer, err := http.Get(server.URL + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusInternalServerError || !strings.Contains(string(text), `"internal"`) || holds(string(text)) {
		t.Errorf("%d %s", answer.StatusCode, text)
	}
	if answer, err = http.Get(server.URL + "/v1/jobs/" + hotcell.NewID(hotcell.PrefixJob) + "/out"); err == nil {
		text, err = io.ReadAll(answer.Body)
		_ = answer.Body.Close()
	}
	if err == nil {
		t.Errorf("half an answer looks whole: %q", text)
	}
	if answer, err = http.Get(server.URL + "/healthz"); err != nil || answer.StatusCode != http.StatusOK {
		t.Errorf("after it: %v", err)
	} else {
		_ = answer.Body.Close()
	}
	if log := world.Logged.String(); strings.Count(log, "a request panicked") < 2 || holds(log) {
		t.Errorf("the log: %s", log)
	}
}

func TestTheOpenPortShowsNothing(t *testing.T) {
	t.Parallel()
	world := apitest.New(t)
	config := world.Config()
	config.Vault, config.Jobs, config.Files = nil, nil, nil // it has no way to them
	server := httptest.NewServer(api.Public(config))
	t.Cleanup(server.Close)
	get := func(path string) (int, string) {
		answer, err := http.Get(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = answer.Body.Close() }()
		text, _ := io.ReadAll(answer.Body)
		return answer.StatusCode, string(text)
	}
	for path, want := range map[string]int{
		"/": 200, "/healthz": 200, "/readyz": 200, "/openapi.json": 200, "/v1/secrets": 401, "/v1/workspace": 401, "/v1/events": 401, "/v1/files": 401, "/v1/nothing": 401, "/openapi": 404, "/docs": 404, "/.git/config": 404,
	} {
		if status, text := get(path); status != want {
			t.Errorf("%s: %d %s", path, status, text)
		}
	}
	if _, text := get("/"); !strings.Contains(text, "hotcell run report") {
		t.Errorf("the page: %s", text)
	}
	world.Unready("the vault does not answer", "the disk is full")
	if status, text := get("/readyz"); status != 503 || text != "the vault does not answer\nthe disk is full\n" {
		t.Errorf("%d %s", status, text)
	}
	if status, _ := get("/healthz"); status != 200 {
		t.Errorf("it lives: %d", status)
	}
}
