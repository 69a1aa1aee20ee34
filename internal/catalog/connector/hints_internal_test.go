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
		"a part of single sign-on":     {200, map[string]string{"X-GitHub-SSO": "partial-results; organizations=1"}, false, 0, ""},
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
