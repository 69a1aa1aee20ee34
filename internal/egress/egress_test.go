package egress_test

import (
	"net/url"
	"path"
	"strings"
	"testing"

	"hotcell"
	"hotcell/internal/egress"
)

func TestAPathMeansWhatItSays(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"/", "/v1/charges", "/v1/charges/", "/v1/charges?a=../..&b=//", "/a%20b", "/%C3%A4", "/a.b/..c/d..", "/~user/@scope", "*", "/100%25"} {
		if err := egress.CheckPath(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{
		"", "v1", "//", "/a//b", "/..", "/a/../b", "/a/./b", "/a/..", "/.", "/%2e%2e/b", "/a/%2E%2e/b", "/a/.%2e/b", "/a/%2e./b", "/a/%2e", "/a/..%2fb", "/a%2fb", "/a%2Fb", "/a%5cb", "/a%5Cb", "/a\\b", "/a\\..\\b",
		"/a;b", "/a/..;/b", "/a%3bb", "/a/%252e%252e/b", "/a%252fb", "/a%25252fb", "/a/%25%32%65%25%32%65/b", "/a\x00b", "/a%00b", "/a%0ab", "/a b", "/a\tb", "/a#b", "/%zz", "/%", "/a%2", "/a/..%00/b", "/a%0d%0ab", "/%2f%2fevil",
	} {
		if egress.CheckPath(bad) == nil {
			t.Errorf("%q passes", bad)
		}
	}
}

func FuzzCheckPath(f *testing.F) {
	f.Add("/a/%2e%2e/b")
	f.Fuzz(func(t *testing.T, uri string) {
		if egress.CheckPath(uri) != nil || uri == "*" {
			return
		}
		raw, _, _ := strings.Cut(uri, "?")
		text, err := url.PathUnescape(raw)
		if err != nil || strings.TrimSuffix(path.Clean(text), "/") != strings.TrimSuffix(text, "/") {
			t.Fatalf("%q passes, and means %q", uri, path.Clean(text))
		}
	})
}

func TestPatterns(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, path string
		want          bool
	}{
		{"/v1/charges", "/v1/charges", true}, {"/v1/charges", "/v1/charges/", false}, {"/v1/charges", "/v1/chargesX", false}, {"/v1/*", "/v1/a", true}, {"/v1/*", "/v1/", false}, {"/v1/*", "/v1/a/b", false},
		{"/v1/**", "/v1/a/b", true}, {"/v1/**", "/v2/a", false}, {"/v1/a b", "/v1/a%20b", true}, {"/**", "/", true}, {"/V1", "/v1", false}, {"/v1/*/c", "/v1/b/c", true},
	} {
		if got := egress.MatchPath(c.pattern, c.path); got != c.want {
			t.Errorf("%s on %s: %v", c.pattern, c.path, got)
		}
	}
}

func rules() egress.Rules {
	return egress.Rules{
		Allow: []hotcell.Allow{{Host: "api.acme.test", Port: 443, Protocol: "https"}, {Host: "db.acme.test", Port: 5432, Protocol: "postgres"}, {Host: "raw.acme.test", Port: 22, Protocol: "tcp"}, {Host: "git.acme.test", Port: 22, Protocol: "tcp"}, {Host: "api.openai.com", Port: 443, Protocol: "https"}, {Host: "llm.acme.test", Port: 443, Protocol: "https"}},
		Uses: []hotcell.Use{
			{Attachment: "att_1", Name: "stripe", As: hotcell.InjectHTTP, Tier: hotcell.TierConnection, HTTP: &hotcell.HTTPAccess{Host: "api.stripe.com", Port: 443}, Narrowing: hotcell.Narrowing{Methods: []string{"GET"}, Paths: []string{"/v1/**"}}},
			{Attachment: "att_2", Name: "api", As: hotcell.InjectStandIn, Tier: hotcell.TierSecret, Narrowing: hotcell.Narrowing{Hosts: []string{"*.acme.test:443"}}},
			{Attachment: "att_3", Name: "git", As: hotcell.InjectEnvironment, Tier: hotcell.TierSecret, Narrowing: hotcell.Narrowing{Hosts: []string{"git.acme.test:22"}}},
		},
		Models: egress.Models{{Host: "llm.acme.test", ZeroDataRetention: true}},
	}
}

func TestRequestsAreDecidedOneByOne(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		host        string
		port        int
		method, uri string
		allowed     bool
		use         string
	}{
		{"api.stripe.com", 443, "GET", "/v1/charges", true, "stripe"}, {"api.stripe.com", 443, "POST", "/v1/charges", false, ""}, {"api.stripe.com", 443, "GET", "/v2", false, ""}, {"api.stripe.com", 443, "GET", "/v1/../v2", false, ""},
		{"api.stripe.com", 8443, "GET", "/v1/charges", false, ""}, {"files.stripe.com", 443, "GET", "/v1/charges", false, ""}, {"api.acme.test", 443, "POST", "/a", true, "api"}, {"api.acme.test", 443, "GET", "/a//b", false, ""},
		{"api.acme.test", 443, "TRACE", "/", false, ""}, {"db.acme.test", 5432, "GET", "/", false, ""}, {"evil.example", 443, "GET", "/", false, ""}, {"api.openai.com", 443, "POST", "/v1", false, ""}, {"llm.acme.test", 443, "POST", "/v1", true, "api"},
	} {
		v := rules().Request(c.host, c.port, c.method, c.uri)
		use := ""
		if len(v.Uses) > 0 {
			use = v.Uses[0].Name
		}
		if v.Allowed != c.allowed || use != c.use || v.Allowed == (v.Reason != "") || v.Allowed == (v.Rule == "") {
			t.Errorf("%s %s:%d%s: %+v", c.method, c.host, c.port, c.uri, v)
		}
	}
}

func TestUnguardedConnectionsNeedAWord(t *testing.T) {
	t.Parallel()
	r := rules()
	if r.Connection("raw.acme.test", 22).Allowed {
		t.Error("tcp without the operator's word")
	}
	if v := r.Connection("git.acme.test", 22); !v.Allowed || v.Protocol != hotcell.ProtocolTCP {
		t.Errorf("tcp to what a secret is bound to: %+v", v)
	}
	r.TCP = func(a hotcell.Allow) bool { return a.Host == "raw.acme.test" }
	if !r.Connection("raw.acme.test", 22).Allowed {
		t.Error("tcp with the operator's word")
	}
	if v := r.Connection("llm.acme.test", 443); !v.Allowed || !v.Model {
		t.Errorf("a declared model: %+v", v)
	}
}

func TestModelsThatEverybodyKnows(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{
		"api.openai.com": true, "acme.openai.azure.com": true, "bedrock-runtime.eu-west-1.amazonaws.com": true, "europe-west1-aiplatform.googleapis.com": true, "api.anthropic.com": true,
		"openai.azure.com": false, "api.github.com": false, "s3.amazonaws.com": false, "api.anthropic.com.evil.example": false,
	} {
		if got, _ := (egress.Models{}).Find(host, 443); got != want {
			t.Errorf("%s: %v", host, got)
		}
	}
}
