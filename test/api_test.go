package test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"hotcell/hotcelltest"
)

// face is the API on the server's socket, as curl sees it.
type face struct {
	t      *testing.T
	client *http.Client
}

func faceOf(t *testing.T, s *hotcelltest.Server) *face {
	socket := filepath.Join(s.Data, "hotcell.sock")
	return &face{t, &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}}}
}

type reply struct {
	status int
	header http.Header
	body   string
}

func (f *face) do(method, path, body string, header ...string) reply {
	f.t.Helper()
	r, err := http.NewRequest(method, "http://localhost"+path, strings.NewReader(body))
	if err != nil {
		f.t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
		}
		r.Header.Set(header[i], header[i+1])
	}
	answer, err := f.client.Do(r)
	if err != nil {
		f.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	return reply{answer.StatusCode, answer.Header, string(text)}
}

func id(t *testing.T, r reply) string {
	t.Helper()
	var item struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal([]byte(r.body), &item); err != nil || item.ID == "" {
		t.Fatalf("%d %s", r.status, r.body)
	}
	return item.ID
}

func TestNoAnswerRepeatsWhatWasSent(t *testing.T) {
	t.Parallel()
	s := hotcelltest.Start(t, "")
	f := faceOf(t, s)
	secret := id(t, f.do("POST", "/v1/secrets", `{"name":"billing","values":{"KEY":"a-value-of-mine"}}`))
	assignment := id(t, f.do("POST", "/v1/assignments", `{"name":"report","work":{"command":"true"}}`))
	const c = "CANARY7q4vXr9kTz2mPwLd81"
	count := 0
	check := func(method, path, body string, header ...string) {
		t.Helper()
		count++
		r := f.do(method, path, body, header...)
		if r.status < 400 {
			t.Errorf("%s %s %s: %d, want a refusal", method, path, body, r.status)
		}
		all := r.body + fmt.Sprint(r.header)
		if strings.Contains(strings.ToLower(all), strings.ToLower(c)) {
			t.Errorf("%s %.80s %.100s: the answer repeats it: %s", method, path, body, all)
		}
		var p struct {
			Status    int    `json:"status"`
			Code      string `json:"code"`
			RequestID string `json:"request_id"`
		}
		if kind := r.header.Get("Content-Type"); !strings.HasPrefix(kind, "application/problem+json") {
			t.Errorf("%s %s: %d with the type %q: %s", method, path, r.status, kind, r.body)
		} else if json.Unmarshal([]byte(r.body), &p) != nil || p.Status != r.status || p.Code == "" {
			t.Errorf("%s %s: not a problem: %s", method, path, r.body)
		}
	}
	bodies := []string{
		`{"name":{"` + c + `":"` + c + `"}}`, `{"name":["` + c + `"],"values":{}}`, `{"name":"x","values":"` + c + `"}`, `{"name":"x","values":{"K":{"` + c + `":1}}}`,
		`{"name":"x","values":{"` + c + ` ":"v"}}`, `{"name":"x","values":{"PATH":"` + c + `"}}`, `{"name":"x","values":{"K":"` + c + `\u0000"}}`,
		`{"name":"x","` + c + `":"` + c + `"}`, `{"name":"x","shared":"` + c + `"}`, `{"name":"x","service":"` + c + ` ` + c + `","values":{"K":"` + c + `"}}`,
		`{"name":"` + strings.Repeat(c, 20) + `","values":{"K":"` + c + `"}}`, `{"name":"x","variables":[{"name":"` + c + `","sealed":"` + c + `"}]}`,
		`{"name":"x","variables":"` + c + `"}`, c, `{"name":"` + c, `["` + c + `"]`, `"` + c + `"`, `{"name":"x","name":"` + c + `","values":{"K":"` + c + `"}}`,
		`{"name":"x","Name":"` + c + `","values":{"K":"` + c + `"}}`, `{"name":"x","values":{"K":"` + c + `","K":"` + c + `"}}`, strings.Repeat("[", 100) + `"` + c + `"`,
		`{"name":"\n` + c + `","values":{"K":"` + c + `"}}`, `{"name":"x","values":{"K":""},"` + c + `":null}`,
	}
	for _, body := range bodies {
		check("POST", "/v1/secrets", body)
		check("PATCH", "/v1/secrets/"+secret, body, "If-Match", "*")
	}
	for _, work := range []string{
		`{"command":["` + c + `"]}`, `{"command":"x","allow":"` + c + `"}`, `{"command":"x","allow":[{"host":"` + c + ` ","port":443,"protocol":"https"}]}`,
		`{"command":"x","allow":[{"host":"h","port":"` + c + `","protocol":"https"}]}`, `{"command":"x","limits":{"timeout":"` + c + `"}}`, `{"command":"x","limits":{"memory":"` + c + `"}}`,
		`{"command":"x","environment":{"LD_X":"` + c + `"}}`, `{"command":"x","environment":{"` + c + `=":"` + c + `"}}`, `{"command":"x","files":{"digest":"` + c + `","size":1}}`, `"` + c + `"`, `{"` + c + `":1,"command":"x"}`,
	} {
		check("POST", "/v1/assignments", `{"name":"y","work":`+work+`}`)
		check("PATCH", "/v1/assignments/"+assignment, `{"work":`+work+`}`, "If-Match", "*")
	}
	check("POST", "/v1/assignments/"+assignment+"/attachments", `{"credential":"`+c+`"}`)
	check("POST", "/v1/assignments/"+assignment+"/attachments", `{"credential":"`+secret+`","as":"`+c+`"}`)
	check("POST", "/v1/assignments/"+assignment+"/jobs", `{"arguments":"`+c+`"}`)
	check("POST", "/v1/assignments/"+assignment+"/jobs", `{"arguments":["`+c+`\u0000"]}`)
	check("POST", "/v1/assignments/"+c+"/jobs", `{}`)
	check("PUT", "/v1/files", c)
	for _, path := range []string{
		"/v1/secrets/" + c, "/v1/secrets/sec_" + c, "/v1/assignments/" + c, "/v1/jobs/" + c, "/v1/jobs/" + c + "/log", "/v1/jobs/" + c + "/out", "/" + c, "/v1/" + c + "?q=" + c,
		"/v1/secrets?limit=" + c, "/v1/secrets?limit=99999", "/v1/jobs?limit=" + c, "/v1/events?before=" + c, "/v1/events?decision=" + c, "/v1/jobs/" + c + "/log?after=" + c, "/v1/secrets?after=" + c,
	} {
		check("GET", path, "")
	}
	check("DELETE", "/v1/secrets/"+secret, "", "If-Match", c)
	check("PATCH", "/v1/secrets/"+secret, `{"unset":["`+c+`"]}`, "If-Match", "*")
	check("PATCH", "/v1/secrets/"+secret, `{"rename":{"`+c+`":"`+c+`"}}`, "If-Match", "*")
	check("GET", "/v1/secrets", "", "Sec-Fetch-Site", "cross-site")
	check("GET", "/v1/secrets", "", "Host", c+".example")
	check("POST", "/v1/secrets", `{"name":"x","values":{"K":"`+c+`"}}`, "Idempotency-Key", strings.Repeat(c, 20))
	if count < 80 {
		t.Errorf("only %d requests were made", count)
	}
	s.Canaries(c, "a-value-of-mine")
}

func TestRevisionsAndRepeats(t *testing.T) {
	t.Parallel()
	s := hotcelltest.Start(t, "")
	f := faceOf(t, s)
	body := `{"name":"billing","values":{"A":"first-value","B":"second-value"}}`
	first := f.do("POST", "/v1/secrets", body, "Idempotency-Key", "k1")
	again := f.do("POST", "/v1/secrets", body, "Idempotency-Key", "k1")
	if first.status != 201 || again.status != 201 || again.body != first.body || again.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("a repeat: %d %s, then %d %s", first.status, first.body, again.status, again.body)
	}
	if other := f.do("POST", "/v1/secrets", `{"name":"other","values":{"A":"x-value"}}`, "Idempotency-Key", "k1"); other.status != 422 {
		t.Errorf("the key for another request: %d %s", other.status, other.body)
	}
	path, tag := "/v1/secrets/"+id(t, first), first.header.Get("ETag")
	if r := f.do("PATCH", path, `{"values":{"C":"third-value"}}`); r.status != 428 {
		t.Errorf("without If-Match: %d %s", r.status, r.body)
	}
	if r := f.do("PATCH", path, `{"values":{"C":"third-value"}}`, "If-Match", tag); r.status != 200 || !strings.Contains(r.body, `"C"`) || !strings.Contains(r.body, `"A"`) {
		t.Errorf("a change: %d %s", r.status, r.body)
	}
	r := f.do("PATCH", path, `{"unset":["A"]}`, "If-Match", tag)
	var p struct{ Current int }
	if err := json.Unmarshal([]byte(r.body), &p); err != nil || r.status != 412 || p.Current != 2 {
		t.Errorf("a stale change: %d %s", r.status, r.body)
	}
	if r := f.do("DELETE", path, "", "If-Match", `"2"`); r.status != 204 {
		t.Errorf("deleting: %d %s", r.status, r.body)
	}
	if r := f.do("GET", path, ""); r.status != 404 {
		t.Errorf("after: %d %s", r.status, r.body)
	}
}

func TestTheLogIsFollowedAsServerSentEvents(t *testing.T) {
	t.Parallel()
	s := hotcelltest.Start(t, "")
	f := faceOf(t, s)
	assignment := id(t, f.do("POST", "/v1/assignments", `{"name":"a","work":{"command":"echo one; sleep 0.3; echo two"}}`))
	job := id(t, f.do("POST", "/v1/assignments/"+assignment+"/jobs", `{}`))
	r := f.do("GET", "/v1/jobs/"+job+"/log", "", "Accept", "text/event-stream")
	if r.header.Get("Content-Type") != "text/event-stream" || strings.Count(r.body, "event: log") < 2 || !strings.Contains(r.body, "event: end") || !strings.Contains(r.body, `"succeeded"`) {
		t.Errorf("%v\n%s", r.header, r.body)
	}
	rest := f.do("GET", "/v1/jobs/"+job+"/log", "", "Accept", "text/event-stream", "Last-Event-ID", "1")
	if strings.Contains(rest.body, "id: 1\n") || !strings.Contains(rest.body, "id: 2\n") {
		t.Errorf("taken up again after 1:\n%s", rest.body)
	}
}

func TestTheDescriptionIsOpenAPI(t *testing.T) {
	t.Parallel()
	s := hotcelltest.Start(t, "")
	r := faceOf(t, s).do("GET", "/openapi.json", "")
	var d struct {
		OpenAPI string
		Paths   map[string]json.RawMessage
	}
	if err := json.Unmarshal([]byte(r.body), &d); err != nil || !strings.HasPrefix(d.OpenAPI, "3.1") || len(d.Paths) < 14 {
		t.Errorf("%v: %s, %d paths", err, d.OpenAPI, len(d.Paths))
	}
	_, address, _ := strings.Cut(s.Log(), "ready on ")
	address, _, _ = strings.Cut(address, " ")
	for path, want := range map[string]int{"/": 200, "/healthz": 200, "/readyz": 200, "/openapi.json": 200, "/v1/secrets": 401, "/v1/workspace": 401} {
		answer, err := http.Get(address + path)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if answer.StatusCode != want || bytes.Contains(text, []byte("wsp_")) {
			t.Errorf("the open port: %s: %d %s", path, answer.StatusCode, text)
		}
	}
}
