package egress_test

import (
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"

	"hotcell"
	"hotcell/internal/wire/egress"
	"hotcell/test/prove"
)

func TestAPathMeansWhatItSays(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"/", "/v1/charges", "/v1/charges/", "/v1/charges?a=../..&b=//", "/a%20b", "/%C3%A4", "/a.b/..c/d..", "/~user/@scope", "*", "/100%25", "//", "/a//b", "/a%2fb", "/@acme%2Fprivate", "/api/queues/%2F/jobs", "/%2f%2fevil"} {
		if err := egress.CheckPath(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{
		"", "v1", "/..", "/a/../b", "/a/./b", "/a/..", "/.", "/%2e%2e/b", "/a/%2E%2e/b", "/a/.%2e/b", "/a/%2e./b", "/a/%2e", "/a/..%2fb", "/a%2f..", "/a%2f%2e%2e%2fb", "/%2e%2f", "/a%2f.%2fb", "//..", "/a//../b", "/a%5cb", "/a%5Cb", "/a\\b", "/a\\..\\b",
		"/a;b", "/a/..;/b", "/a%3bb", "/a/%252e%252e/b", "/a%252fb", "/a%25252fb", "/a/%25%32%65%25%32%65/b", "/a\x00b", "/a%00b", "/a%0ab", "/a b", "/a\tb", "/a#b", "/%zz", "/%", "/a%2", "/a/..%00/b", "/a%0d%0ab", "/a%25%32%66b",
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
		for text := raw; ; { // however often a server decodes, there is no way up, and no slash more
			next, err := url.PathUnescape(text)
			if err != nil {
				break
			}
			for segment := range strings.SplitSeq(next, "/") {
				if segment == ".." || segment == "." {
					t.Fatalf("%q passes, and means %q", uri, next)
				}
			}
			if text != raw && strings.Count(next, "/") != strings.Count(text, "/") {
				t.Fatalf("%q passes, and holds a slash encoded twice", uri)
			}
			if next == text {
				break
			}
			text = next
		}
	})
}

// naive says by a list of words whether a path is a pattern's, read in one way.
func naive(pattern, have []string) bool {
	if len(pattern) == 1 && pattern[0] == "**" {
		return true
	}
	if len(pattern) == 0 || len(have) == 0 {
		return len(pattern) == len(have)
	}
	if pattern[0] == "*" && have[0] == "" || pattern[0] != "*" && pattern[0] != have[0] {
		return false
	}
	return naive(pattern[1:], have[1:])
}

// TestProvePathsHoldInEveryReading holds patterns against a model that knows each
// segment's text, and reads its slashes as data and as slashes, and empty
// segments as they are and not at all.
func TestProvePathsHoldInEveryReading(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	words, wild := []string{"a", "b", "v1", "", "x"}, []string{"a", "b", "v1", "*", "*", "x"}
	for range prove.Trials(50_000, 5_000_000) {
		var patterns []string
		for range 1 + random.IntN(3) {
			p := ""
			for range 1 + random.IntN(4) {
				p += "/" + wild[random.IntN(len(wild))]
			}
			if random.IntN(3) == 0 {
				p += "/**"
			}
			patterns = append(patterns, p)
		}
		spelt, data := "", []string{""}
		for range 1 + random.IntN(4) {
			word := words[random.IntN(len(words))]
			written := strings.ReplaceAll(word, "a", "%61")
			if random.IntN(4) == 0 {
				more := words[random.IntN(len(words))]
				word, written = word+"/"+more, written+"%2"+string("fF"[random.IntN(2)])+more
			}
			spelt, data = spelt+"/"+written, append(data, word)
		}
		slashes := strings.Split(strings.Join(data, "/"), "/")
		want := true
		for _, reading := range [][]string{data, slashes, strings.Split(squeezed(data), "\x00"), strings.Split(squeezed(slashes), "\x00")} {
			want = want && slices.ContainsFunc(patterns, func(p string) bool { return naive(strings.Split(p, "/"), reading) })
		}
		if got := egress.MatchPaths(patterns, spelt); got != want {
			t.Fatalf("%q on %s: %v, want %v", patterns, spelt, got, want)
		}
	}
}

// squeezed joins segments, those in the middle that are empty left out.
func squeezed(segments []string) string {
	text := segments[0]
	for i, s := range segments[1:] {
		if s != "" || i == len(segments)-2 {
			text += "\x00" + s
		}
	}
	return text
}

func TestPatterns(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, path string
		want          bool
	}{
		{"/v1/charges", "/v1/charges", true}, {"/v1/charges", "/v1/charges/", false}, {"/v1/charges", "/v1/chargesX", false}, {"/v1/*", "/v1/a", true}, {"/v1/*", "/v1/", false}, {"/v1/*", "/v1/a/b", false},
		{"/v1/**", "/v1/a/b", true}, {"/v1/**", "/v2/a", false}, {"/v1/a b", "/v1/a%20b", true}, {"/**", "/", true}, {"/V1", "/v1", false}, {"/v1/*/c", "/v1/b/c", true},
		{"/v1/*", "/v1/a%2fb", false}, {"/v1/**", "/v1/a%2fb", true}, {"/v1/**", "/v1%2fa", false}, {"/v1/**", "//v1/a", false}, {"/v1/**", "/v1//a", true}, {"/v1/*/c", "/v1//b/c", false},
		{"/p/*+/i", "/p/acme%2Fprivate/i", true}, {"/p/*+/i", "/p/acme/private/i", false}, {"/p/*+/i", "/p/acme%2Fprivate%2Fi", false}, {"/p/*+/*", "/p/a%2Fb/c%2Fd", false}, {"/p/*+/**", "/p/a%2Fb/c%2Fd", true},
		{"/p/*+", "/p/%2F", true}, {"/p/*+/i", "/p//i", false}, {"/p/*+/i", "/p/a%2Fb//i", false}, {"/p/*+", "/p%2Fa/b", false},
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
		{"api.stripe.com", 8443, "GET", "/v1/charges", false, ""}, {"files.stripe.com", 443, "GET", "/v1/charges", false, ""}, {"api.acme.test", 443, "POST", "/a", true, "api"}, {"api.acme.test", 443, "GET", "/a//b%2Fc", true, "api"}, {"api.acme.test", 443, "GET", "/a/%252fb", false, ""}, {"api.stripe.com", 443, "GET", "/v1%2Fcharges", false, ""},
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
