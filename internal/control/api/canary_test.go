package api_test

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"
	"testing"
)

// canary stands for a value that somebody puts where it does not belong.
const canary = "CANARY7q4vXr9kTz2mPwLd81"

// holds says whether a text holds the canary, in one of the forms in which an
// answer could repeat it.
func holds(text string) bool {
	text = strings.ToLower(text)
	for _, form := range []string{
		canary, canary[:12], hex.EncodeToString([]byte(canary)), url.QueryEscape(canary),
		base64.RawStdEncoding.EncodeToString([]byte(canary))[:20], base64.RawURLEncoding.EncodeToString([]byte(canary))[:20],
	} {
		if strings.Contains(text, strings.ToLower(form)) {
			return true
		}
	}
	return false
}

// hostile is one request that must be refused, with the canary somewhere in it.
type hostile struct {
	method, path, body string
	headers            []string
}

func hostileSecrets(id string) (all []hostile) {
	bodies := []string{
		`{"name":{"C":"C"}}`, `{"name":["C"],"values":{}}`, `{"name":"x","values":"C"}`, `{"name":"x","values":{"K":{"C":1}}}`, `{"name":"x","values":["C"]}`,
		`{"name":"x","values":{"PATH":"C"}}`, `{"name":"x","values":{"LD_C":"C"}}`, `{"name":"x","C":"C"}`, `{"name":"x","shared":"C"}`, `{"name":"x","service":{"C":1}}`,
		`{"name":"CCCCCCCCC","values":{"K":["C"]}}`, `{"name":"x","variables":[{"name":"C","sealed":"C"}]}`, `{"name":"x","variables":[{"name":"C","sealed":"Qw=="}]}`,
		`{"name":"x","variables":[{"name":"C","sealed":"!C"}]}`, `{"name":"x","variables":[{"name":"C","C":"C"}]}`, `{"name":"x","variables":[{"sealed":"C"}]}`, `{"name":"x","variables":"C"}`,
		`C`, `{"name":"C`, `["C"]`, `"C"`, `1C`, `{"name":"x","name":"C","values":{"K":"C"}}`, `{"name":"x","Name":"C","values":{"K":"C"}}`, `{"name":"x","values":{"K":"C","K":"C"}}`,
		`{"name":"x","values":{"K":"C\ud800"}}`, "{\"name\":\"x\",\"values\":{\"K\":\"C\xff\"}}", `{"name":"x","values":{"K":"C"}}{"C":1}`, strings.Repeat("[", 100) + `"C"`,
		`{"name":"x","hosts":"C","values":{"K":"C"}}`, `{"name":"x","hosts":[{"C":"C"}],"values":{"K":"C"}}`, `{"name":"x","set":"C"}`, `{"name":"x","rename":{"C":1}}`, `{"name":"x","rename":"C"}`, `{"name":"x","unset":"C"}`, `{"name":"x","unset":{"C":"C"}}`, `{"name":"x","replace":"C"}`,
	}
	for _, body := range bodies {
		all = append(all, hostile{"POST", "/v1/secrets", body, nil}, hostile{"PATCH", "/v1/secrets/" + id, body, []string{"If-Match", "*"}})
	}
	return append(all,
		hostile{"PATCH", "/v1/secrets/" + id, `{"unset":["C"]}`, []string{"If-Match", "*"}},
		hostile{"PATCH", "/v1/secrets/" + id, `{"name":"C"}`, []string{"If-Match", "C"}},
		hostile{"PATCH", "/v1/secrets/" + id, `{"name":"C"}`, []string{"If-Match", `"9"`}},
		hostile{"PATCH", "/v1/secrets/" + id, `{"name":"C"}`, nil},
		hostile{"DELETE", "/v1/secrets/" + id, "", []string{"If-Match", "C"}},
		hostile{"POST", "/v1/secrets", `{"name":"x","values":{"K":"C"}}`, []string{"Idempotency-Key", strings.Repeat("C", 20)}},
		hostile{"POST", "/v1/secrets", `{"name":"x","values":{"K":"C"}}`, []string{"Content-Type", "text/C"}},
		hostile{"POST", "/v1/secrets", `name=C`, []string{"Content-Type", "application/x-www-form-urlencoded"}},
		hostile{"POST", "/v1/secrets", `{"name":"x","values":{"K":"C` + strings.Repeat("C", 2<<20) + `"}}`, nil},
	)
}

func hostileConnections(id string) (all []hostile) {
	http := `"http":{"host":"a.test","auth":{"kind":"bearer"}}`
	for _, body := range []string{
		`{"name":"x",` + http + `,"key":{"C":1}}`, `{"name":"x",` + http + `,"key":"C","sealed_key":"Qw=="}`, `{"name":"x",` + http + `,"sealed_key":"!C"}`, `{"name":"x",` + http + `,"sealed_key":"C"}`,
		`{"name":"x",` + http + `,"key":"C\ud800"}`, `{"name":"x",` + http + `,"api_key":"C"}`, `{"name":"x",` + http + `,"key":"C","Key":"C"}`, `{"name":["C"],` + http + `,"key":"C"}`,
		`{"name":"x","http":"C","key":"C"}`, `{"name":"x","http":{"host":["C"],"auth":{"kind":"bearer"}},"key":"C"}`, `{"name":"x","http":{"host":"a.test","port":"C","auth":{"kind":"bearer"}},"key":"C"}`,
		`{"name":"x","http":{"host":"a.test","auth":{"kind":"C"}},"key":"C"}`, `{"name":"x","http":{"host":"a.test","auth":"C"},"key":"C"}`, `{"name":"x","http":{"host":"a.test","auth":{"kind":"bearer","C":"C"}},"key":"C"}`,
		`{"name":"x","http":{"host":"a.test","auth":{"kind":"bearer","key":"C"}},"key":"C"}`, `"C"`, `{"name":"x","key":"C"`,
	} {
		all = append(all, hostile{"POST", "/v1/connections", body, nil}, hostile{"PATCH", "/v1/connections/" + id, body, []string{"If-Match", "*"}})
	}
	return append(all,
		hostile{"POST", "/v1/connections", `{"name":"x","key":"C"}`, nil}, hostile{"PATCH", "/v1/connections/" + id, `{"key":"C"}`, nil},
		hostile{"PATCH", "/v1/connections/" + id, `{"key":"C"}`, []string{"If-Match", `"9"`}}, hostile{"PATCH", "/v1/connections/C", `{"key":"C"}`, []string{"If-Match", "*"}},
		hostile{"GET", "/v1/connections/C", "", nil}, hostile{"GET", "/v1/connections?C=C", "", nil}, hostile{"DELETE", "/v1/connections/C", "", []string{"If-Match", "*"}},
		hostile{"POST", "/v1/connections/C/share", "", nil},
	)
}

func hostileWork(assignment, secret string) (all []hostile) {
	for _, work := range []string{
		`{"command":["C"]}`, `{"command":"x","allow":"C"}`, `{"command":"x","allow":[{"host":"h","port":"C","protocol":"https"}]}`, `{"command":"x","allow":[{"C":"C"}]}`,
		`{"command":"x","limits":{"timeout":"C"}}`, `{"command":"x","limits":{"memory":"C"}}`, `{"command":"x","limits":{"C":1}}`, `{"command":"x","environment":{"LD_C":"C"}}`,
		`{"command":"x","environment":{"K":["C"]}}`, `{"command":"x","files":{"digest":["C"],"size":1}}`, `{"command":"x","files":"C"}`, `"C"`, `{"C":1,"command":"x"}`,
		`{"command":"x","Command":"C"}`, `{"limits":{"pids":1,"PIDS":"C"},"command":"x"}`,
	} {
		all = append(all, hostile{"POST", "/v1/assignments", `{"name":"y","work":` + work + `}`, nil},
			hostile{"PATCH", "/v1/assignments/" + assignment, `{"work":` + work + `}`, []string{"If-Match", "*"}})
	}
	return append(all,
		hostile{"POST", "/v1/assignments/" + assignment + "/attachments", `{"credential":"C"}`, nil},
		hostile{"POST", "/v1/assignments/" + assignment + "/attachments", `{"credential":"` + secret + `","as":"C"}`, nil},
		hostile{"POST", "/v1/assignments/" + assignment + "/attachments", `{"credential":"` + secret + `","hosts":"C"}`, nil},
		hostile{"POST", "/v1/assignments/" + assignment + "/attachments", `{"credential":"` + secret + `","methods":["C",{"C":1}]}`, nil},
		hostile{"POST", "/v1/assignments/" + assignment + "/attachments", `{"credential":"` + secret + `","paths":{"C":"/C"}}`, nil},
		hostile{"POST", "/v1/assignments/" + assignment + "/attachments", `{"credential":"` + secret + `","bodies":"C"}`, nil},
		hostile{"POST", "/v1/assignments/" + assignment + "/jobs", `{"arguments":"C"}`, nil},
		hostile{"POST", "/v1/assignments/" + assignment + "/jobs", `{"arguments":["C\u0000"]}`, nil},
		hostile{"POST", "/v1/assignments/" + assignment + "/jobs", `{"C":["C"]}`, nil},
		hostile{"POST", "/v1/assignments/C/jobs", `{}`, nil}, hostile{"POST", "/v1/jobs/C/cancel", ``, nil}, hostile{"DELETE", "/v1/attachments/C", ``, nil},
		hostile{"PUT", "/v1/files", `C`, nil}, hostile{"PUT", "/v1/files?C=C", `C`, nil},
	)
}

func hostilePaths() (all []hostile) {
	for _, path := range []string{
		"/v1/secrets/C", "/v1/secrets/sec_C", "/v1/assignments/C", "/v1/jobs/C", "/v1/jobs/C/log", "/v1/jobs/C/out", "/C", "/v1/C?q=C", "/v1/secrets/%00C", "/v1//C", "/v1/../C/..%2f",
		"/v1/secrets?limit=C", "/v1/secrets?C=1", "/v1/secrets?name=x&C=C", "/v1/jobs?limit=C", "/v1/jobs?state=C", "/v1/events?before=C", "/v1/events?decision=C", "/v1/events?ascending=C",
		"/v1/jobs/C/log?after=C", "/v1/secrets?after=C", "/v1/assignments?after=C", "/v1/jobs?after=C", "/v1/workspace?C",
	} {
		all = append(all, hostile{"GET", path, "", nil})
	}
	for _, method := range []string{"C", "OPTIONS", "TRACE"} {
		all = append(all, hostile{method, "/v1/secrets/C", "", nil})
	}
	return append(all,
		hostile{"GET", "/v1/secrets", "", []string{"Sec-Fetch-Site", "C"}}, hostile{"GET", "/v1/secrets", "", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://C.example", "Cookie", "C=C"}},
		hostile{"GET", "/v1/secrets", "", []string{"Host", "C.example"}}, hostile{"GET", "/v1/nothing", "", []string{"Accept", "C/C", "Authorization", "Bearer C", "User-Agent", "C"}},
	)
}

// No answer and no line of the log repeats what was sent, wherever it was put.
func TestNothingRepeatsWhatWasSent(t *testing.T) {
	t.Parallel()
	f := setup(t)
	secret := f.made("/v1/secrets", `{"name":"billing","values":{"KEY":"a-value-of-mine"}}`)
	assignment := f.made("/v1/assignments", `{"name":"report","work":{"command":"out hello"}}`)
	connection := f.made("/v1/connections", `{"name":"stripe","http":{"host":"api.stripe.test","auth":{"kind":"bearer"}},"key":"a-value-of-mine"}`)
	all := append(append(hostileSecrets(secret), hostileWork(assignment, secret)...), append(hostileConnections(connection), hostilePaths()...)...)
	for _, h := range all {
		plant := func(s string) string {
			if len(s) > 2<<20 {
				return strings.Replace(s, "C", canary, 1)
			}
			return strings.ReplaceAll(s, "C", canary)
		}
		for i := 1; i < len(h.headers); i += 2 {
			if h.headers[i-1] != "Host" || h.headers[i] != "C.example" {
				h.headers[i] = plant(h.headers[i])
			} else {
				h.headers[i] = canary + ".example"
			}
		}
		what := fmt.Sprintf("%s %.60s %.80s %.80q", h.method, h.path, h.body, h.headers)
		r := f.ask(plant(h.method), plantPath(h.path), plantBody(h.body, plant), h.headers...)
		if r.status < 400 {
			t.Errorf("%s: %d, want a refusal", what, r.status)
			continue
		}
		if holds(r.body + fmt.Sprint(r.header)) {
			t.Errorf("%s: the answer repeats it: %s %v", what, r.body, r.header)
		}
		if r.Code == "" || r.Title == "" || r.Detail == "" || r.RequestID == "" || r.RequestID != r.header.Get("X-Request-Id") {
			t.Errorf("%s: %d is no whole problem: %s", what, r.status, r.body)
		}
		if r.status >= 500 {
			t.Errorf("%s: %d: %s", what, r.status, r.body)
		}
	}
	if log := f.world.Logged.String(); holds(log) || strings.Contains(log, "a-value-of-mine") || strings.Count(log, "\n") < len(all) {
		t.Errorf("the log repeats it, or is not there:\n%.4000s", log)
	}
	if holds(f.world.Remembered()) {
		t.Error("what is remembered of requests holds it")
	}
	if n := f.world.Secrets(); n != 2 {
		t.Errorf("there are %d credentials: a refused request made one", n)
	}
}

// plantPath leaves what is not the canary's in a path.
func plantPath(path string) string { return strings.ReplaceAll(path, "C", canary) }

// plantBody plants where a C stands alone, and not in the words of JSON.
func plantBody(body string, plant func(string) string) string {
	return strings.ReplaceAll(plant(strings.ReplaceAll(body, "Command", "\x01")), "\x01", "Command")
}
