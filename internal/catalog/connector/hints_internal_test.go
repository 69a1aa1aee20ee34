package connector

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestHeadersSayWhatToDo(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	for name, c := range map[string]struct {
		status int
		header map[string]string
		retry  bool
		wait   time.Duration
		words  string
	}{
		"nothing":                      {429, nil, false, 0, ""},
		"Stripe says yes":              {409, map[string]string{"Stripe-Should-Retry": "true"}, true, 0, ""},
		"GitHub's limit":               {403, map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1800000060"}, true, time.Minute, ""},
		"a time in milliseconds":       {429, map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1800000060000"}, true, time.Minute, ""},
		"seconds from now":             {429, map[string]string{"RateLimit-Remaining": "0", "RateLimit-Reset": "30"}, true, 30 * time.Second, ""},
		"a limit that is not used up":  {403, map[string]string{"X-RateLimit-Remaining": "12", "X-RateLimit-Reset": "1800000060"}, false, 0, ""},
		"a time that is over":          {429, map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1700000000"}, false, 0, ""},
		"a time far away":              {429, map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "9223372036854775807"}, true, time.Hour, ""},
		"no time":                      {429, map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "soon"}, false, 0, ""},
		"a limit beside another fault": {404, map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1800000060"}, false, 0, ""},
		"single sign-on":               {403, map[string]string{"X-GitHub-SSO": "required; url=https://github.com/orgs/acme/sso"}, false, 0, "https://github.com/orgs/acme/sso"},
		"a delay":                      {429, map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset-After": "1.5"}, true, 1500 * time.Millisecond, ""},
		"a limit in one header":        {429, map[string]string{"RateLimit": "limit=100, remaining=0, reset=50"}, true, 50 * time.Second, ""},
		"a limit of the newest draft":  {429, map[string]string{"RateLimit": `"burst";r=3;t=5, "daily";r=0;t=30`}, true, 30 * time.Second, ""},
		"one that is not used up":      {429, map[string]string{"RateLimit": `"daily";r=10;t=30`}, false, 0, ""},
		"a challenge": {403, map[string]string{"WWW-Authenticate": `Basic realm="x", Bearer error="insufficient_scope", error_description="Ask \"Ada\"", scope="a b"`}, false, 0,
			`; it says insufficient_scope; it says: Ask \"Ada\"; it wants the scopes a b`},
		"a challenge without quotes": {401, map[string]string{"WWW-Authenticate": "Bearer error=invalid_token, realm=x"}, false, 0, "; it says invalid_token"},
		"a challenge of no refusal":  {200, map[string]string{"WWW-Authenticate": `Bearer error="invalid_token"`}, false, 0, ""},
		"a part of single sign-on":   {200, map[string]string{"X-GitHub-SSO": "partial-results; organizations=1"}, false, 0, ""},
	} {
		h := http.Header{}
		for name, value := range c.header {
			h.Set(name, value)
		}
		f := &Failure{Status: c.status}
		words := f.hints(h, now)
		if f.Retryable != c.retry || f.RetryAfter != c.wait || (words == "") != (c.words == "") || !strings.Contains(words, c.words) {
			t.Errorf("%s: %+v, %q", name, f, words)
		}
	}
	f := &Failure{Status: 503, Retryable: true}
	if f.hints(http.Header{"Stripe-Should-Retry": {"false"}}, now); f.Retryable {
		t.Error("a call that the service says not to repeat may be repeated")
	}
}

func TestWhatCameIsSaid(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ kind, body, want string }{
		{"text/html; charset=utf-8", "<html><head><TITLE lang=en>502 Bad Gateway</TITLE></head>", "what came is text/html and begins with: 502 Bad Gateway"},
		{"text/html", "<html>\n<body>", "what came is text/html and begins with: <html>"},
		{"text/plain", "\n \n upstream connect error\nmore", "what came is text/plain and begins with: upstream connect error"},
		{"", "no", "what came is a body without a type and begins with: no"},
		{"application/json", `{"odd":1}`, `what came is application/json and begins with: {"odd":1}`},
		{"text/html", "<title>\x1b]0;x\x07" + strings.Repeat("a", 9000), "what came is text/html and begins with: "},
		{"text/html", "", "it said no more than that"},
		{"text/html", "İ<title>x</title>", "what came is text/html and begins with: "},
	} {
		a := &Answer{Status: 502, Header: http.Header{"Content-Type": {c.kind}}, Body: []byte(c.body)}
		if got := a.came(); !strings.HasPrefix(got, c.want) || len(got) > 400 || strings.ContainsAny(got, "\x1b\x07\n") {
			t.Errorf("%q: %q", c.body[:min(len(c.body), 40)], got)
		}
	}
}

func TestWhenToTryAgainIsRead(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name, text, date string
		want             time.Duration
	}{
		{"Retry-After", "17", "", 17 * time.Second}, {"Retry-After", " 17 ", "", 17 * time.Second}, {"Retry-After", "2.0", "", 2 * time.Second}, {"Retry-After", "0.5", "", time.Second / 2},
		{"Retry-After", "Sun, 01 Mar 2026 12:00:30 GMT", "", 30 * time.Second}, {"Retry-After", "Sun, 01 Mar 2026 12:00:30 GMT", "Sun, 01 Mar 2026 12:00:20 GMT", 10 * time.Second},
		{"Retry-After", "Sunday, 01-Mar-26 12:00:30 GMT", "", 30 * time.Second}, {"Retry-After", "Sun, 01 Mar 2020 12:00:30 GMT", "", 0},
		{"Retry-After-Ms", "250", "", time.Second / 4},
		{"Retry-After", "0", "", 0}, {"Retry-After", "-1", "", 0}, {"Retry-After", "NaN", "", 0}, {"Retry-After", "soon", "", 0}, {"Retry-After", "", "", 0},
		{"Retry-After", "Inf", "", time.Hour}, {"Retry-After", "1e300", "", time.Hour}, {"Retry-After", "99999999999999999999", "", time.Hour}, {"Retry-After", "1e999", "", time.Hour},
	} {
		h := http.Header{}
		h.Set(c.name, c.text)
		if c.date != "" {
			h.Set("Date", c.date)
		}
		if got := RetryAfter(h, now); got != c.want {
			t.Errorf("%s: %q at %q is %v, want %v", c.name, c.text, c.date, got, c.want)
		}
	}
}

func TestARefusalWithoutADocument(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status     int
		kind, body string
		want       string
		retry      bool
	}{
		{400, "application/json", `{"error":"invalid_request","error_description":"no session"}`, "it answered 400 Bad Request: no session", false},
		{404, "application/json", `{"jsonrpc":"2.0","error":{"code":-32001,"message":"Session not found"}}`, "it answered 404 Not Found: Session not found", false},
		{502, "text/html", "<html><title>Bad gateway</title>", "it answered 502 Bad Gateway: what came is text/html and begins with: Bad gateway", true},
		{503, "", "", "it answered 503 Service Unavailable: it said no more than that", true},
		{400, "application/json", `{"a":`, `it answered 400 Bad Request: what came is application/json and begins with: {"a":`, false},
	} {
		h := http.Header{"Content-Type": {c.kind}, "Retry-After": {"7"}}
		f := Refusal("it", &Answer{Status: c.status, Header: h, Body: []byte(c.body)}, time.Now())
		if f.Message != c.want || f.Retryable != c.retry || (f.RetryAfter == 7*time.Second) != c.retry {
			t.Errorf("%+v, want %q", f, c.want)
		}
	}
}
