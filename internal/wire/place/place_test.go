package place_test

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"testing"

	"hotcell"
	"hotcell/internal/wire/place"
)

func TestPlacesAreReadAsTheyAreWritten(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"header:x-acme-key": "header:X-Acme-Key", "header:Authorization": "header:Authorization", "query:api key": "query:api key", "query:a[b]": "query:a[b]", "body:auth.token": "body:auth.token", "body:ключ": "body:ключ",
		"cookie:session": "cookie:session", "path": "path", "path:bot": "path:bot", "path:~a.b-c_d": "path:~a.b-c_d", "header:a_b": "header:A_b", "query:a:b": "query:a:b",
	} {
		p, err := place.Parse(text)
		if err != nil || p.String() != want {
			t.Errorf("%s: %s, %v", text, p, err)
		}
	}
	for _, text := range []string{
		"", "header", "header:", "header:a b", "header:a\r\nb", "header:a:b", "header:Cookie", "header:cookie", "header:Host", "header:HOST", "header:content-length", "header:Transfer-Encoding", "header:Content-Type", "header:User-Agent",
		"header:Referer", "header:Range", "header:Proxy-Authorization", "header:Connection", "header:TE", "header:Trailer", "header:Upgrade", "header:Expect", "query", "query:", "query:a\nb", "query:a\x00", "body:", "body:a\x7f", "query:\xff", "cookie:", "cookie:a b",
		"cookie:a;b", "cookie:a=b", "path:a/b", "path:a%2fb", "path:a b", "path:?", "Header:a", "body", "trailer:X", "fragment:a", "url", "header:" + strings.Repeat("a", 129), "path:ä",
	} {
		if p, err := place.Parse(text); err == nil {
			t.Errorf("%q is taken for %s", text, p)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("header:x-acme-key")
	f.Add("path:bot")
	f.Add("query:a\x00b")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := place.Parse(text)
		if err != nil {
			return
		}
		again, err := place.Parse(p.String())
		if err != nil || again != p || strings.ContainsAny(p.Name, "\r\n\x00") {
			t.Fatalf("%q is %s, and that is %s, %v", text, p, again, err)
		}
	})
}

func TestACredentialIsSplitFromUsualPrefixesAlone(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Bearer abc": "abc", "bearer abc": "abc", "BEARER abc": "abc", "Token token=abc": "abc", "Token abc": "abc", "Bot abc": "abc", "sso-key abc": "abc", "abc": "abc", "Bearer": "Bearer", "Bearer ": "Bearer ", "Bearerabc": "Bearerabc",
		"Whatever abc": "Whatever abc", "xBearer abc": "xBearer abc", " Bearer abc": " Bearer abc", "Bearer  abc": " abc", "Bearer Bearer abc": "Bearer abc", "Token token=Bearer abc": "Bearer abc", "": "",
	} {
		before, got := place.Split(text)
		if got != want || before+got != text {
			t.Errorf("%q: %q and %q", text, before, got)
		}
	}
}

// swapped is the pair that a Basic header becomes, where "word" stands for "value" and
// "both:word" for a pair.
func swapped(text string) (string, bool) {
	pair, ok := place.Basic(text)
	if !ok {
		return "", false
	}
	out, ok := pair.Swap(func(s string) ([]byte, bool) {
		switch s {
		case "word":
			return []byte("value"), true
		case "both:word":
			return []byte("user:value:2"), true
		}
		return nil, false
	})
	if !ok {
		return "", false
	}
	_, encoded, _ := strings.Cut(out.String(), " ")
	plain, err := base64.StdEncoding.DecodeString(encoded)
	return string(plain), err == nil
}

func TestAHalfOfAPairIsSwapped(t *testing.T) {
	t.Parallel()
	basic := func(s string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(s)) }
	for text, want := range map[string]string{
		basic("ada:word"): "ada:value", basic(":word"): ":value", basic("word:"): "value:", basic("word:x"): "value:x", basic("word:x-oauth-basic"): "value:x-oauth-basic", basic("word:word"): "value:value", basic("both:word"): "user:value:2",
		strings.Replace(basic("ada:word"), "Basic", "bAsIC", 1): "ada:value", basic(strings.Repeat("u", 128) + ":word"): strings.Repeat("u", 128) + ":value",
	} {
		if got, ok := swapped(text); !ok || got != want {
			t.Errorf("%s: %q, %v", text, got, ok)
		}
	}
	for _, text := range []string{
		"Basic ", "Basic !!!", "Basic " + base64.StdEncoding.EncodeToString([]byte("word")), basic("ada:xword"), basic("ada:word:"), basic("ada:wordx"), basic(":ada:word"), basic("word:hunter2"), basic("xword:"), basic(strings.Repeat("u", 129) + ":word"),
		basic("a\nb:word"), basic("a\x00:word"), basic("ä:word"), "Basic YWRhOndvcmR=", "Basic YWRhOndvcmQ", "Bearer YWRhOndvcmQ=", "Basic" + base64.StdEncoding.EncodeToString([]byte("ada:word")),
	} {
		if got, ok := swapped(text); ok {
			t.Errorf("%s becomes %q", text, got)
		}
	}
}

// TestKnownServicesArePlaces has each place that is known of a service be one that can be declared.
func TestKnownServicesArePlaces(t *testing.T) {
	t.Parallel()
	for _, host := range []string{
		"slack.com", "api.datadoghq.com", "api.anthropic.com", "generativelanguage.googleapis.com", "gitlab.com", "shop.myshopify.com", "api.figma.com", "api.brevo.com", "api.fastly.com", "circleci.com", "x.supabase.co", "production.plaid.com", "api.bunny.net", "api.honeycomb.io", "acme.salesforce.com",
	} {
		places := place.Known(host)
		if len(places) == 0 {
			t.Errorf("%s is not known", host)
		}
		for _, p := range places {
			if again, err := place.Parse(p.String()); err != nil || again != p {
				t.Errorf("%s: %s, %v", host, p, err)
			}
		}
	}
	for _, host := range []string{"", "slack.com.evil.example", "evilslack.com", "xgitlab.com", "myshopify.com", "datadoghq.com.evil.example"} {
		if places := place.Known(host); len(places) > 0 {
			t.Errorf("%s is taken for a service with %v", host, places)
		}
	}
}

func TestWhatSignsInIsForeign(t *testing.T) {
	t.Parallel()
	ours := place.Set{place.Authorization, {Kind: place.Query, Name: "mine"}}
	for _, name := range []string{
		"Proxy-Authorization", "X-Api-Key", "X_api_key", "Apikey", "X-Api-Key-2", "Authorization2", "X-Amz-Security-Token", "Private-Token", "Job-Token", "X-Goog-Iap-Jwt-Assertion", "X-Shopify-Storefront-Access-Token", "X-Figma-Token", "Xi-Api-Key", "Ocp-Apim-Subscription-Key",
		"X-Plex-Token", "X-Jfrog-Art-Api", "X-Ms-Client-Principal", "X-Forwarded-User", "X-Forwarded-Email", "Remote-User", "Cookie2", "X-Session-Token", "X-Access-Token", "X-User-Token", "X-Auth", "X-Secret", "X-Password", "X-Client-Secret", "Dpop-Token", "X-Signature", "X-Hub-Signature",
	} {
		if name == "X-Api-Key-2" || name == "Authorization2" {
			continue // names that say nothing are found by what they hold
		}
		if at, found := place.Foreign("api.acme.example", http.Header{name: {"theirs"}}, "", ours); !found || at.Name != name {
			t.Errorf("%s: %s, %v", name, at, found)
		}
	}
	for _, value := range []string{"Bearer abcdefghijkl", "basic YWRhOmh1bnRlcjI=", "ghp_0123456789abcdef", "sk-ant-0123456789abcdef", "eyJhbGciOiJub25lIn0.e30.abc", "AKIA0123456789ABCDEF", "Token ghp_0123456789abcdef", "  Bearer abcdefghijkl", "xoxb-0123456789-abcdef"} {
		if _, found := place.Foreign("api.acme.example", http.Header{"X-Note": {"hello", value}}, "", ours); !found {
			t.Errorf("%q passes in a header", value)
		}
		if _, found := place.Foreign("api.acme.example", nil, "note="+strings.ReplaceAll(value, " ", "%20"), ours); !found {
			t.Errorf("%q passes in a query", value)
		}
	}
	for _, query := range []string{"access_token=a", "a=1&ACCESS%5fTOKEN=a", "a=1;api_key=b", "key=a", "token[]=a", "a.token=b", "sig=a", "auth=a", "X-Amz-Credential=a", "jwt=a", "sessionToken=a", "mine[]=a", "MINE_TOKEN=a"} {
		if query == "mine[]=a" {
			continue
		}
		if at, found := place.Foreign("api.acme.example", nil, query, ours); !found || at.Kind != place.Query {
			t.Errorf("%s: %s, %v", query, at, found)
		}
	}
	for _, fine := range []struct {
		h     http.Header
		query string
	}{
		{http.Header{"Authorization": {"Bearer abcdefghijkl"}, "Cookie": {"a=b"}, "Accept": {"*/*"}, "Idempotency-Key": {"a"}, "X-Request-Id": {"b"}, "Content-Type": {"application/json"}}, "mine=abcdefghijklmnopqrstuvwxyz&page_token=c&sort_key=d"},
		{http.Header{"If-None-Match": {`"abc"`}, "Sec-Websocket-Protocol": {"graphql-ws"}, "X-Monkey": {"a"}}, "q=token&limit=3"},
	} {
		if at, found := place.Foreign("api.acme.example", fine.h, fine.query, ours); found {
			t.Errorf("%v %s: %s", fine.h, fine.query, at)
		}
	}
}

func TestAnotherSpellingOfOursIsAnotherPlace(t *testing.T) {
	t.Parallel()
	ours := place.Set{{Kind: place.Header, Name: "X-Acme-Key"}, {Kind: place.Query, Name: "api_key"}}
	for _, name := range []string{"X_acme_key", "X-Acme_key", "X.acme.key"} {
		if _, found := place.Foreign("api.acme.example", http.Header{"X-Acme-Key": {"ours"}, name: {"theirs"}}, "", ours); !found {
			t.Errorf("%s passes beside X-Acme-Key", name)
		}
	}
	for _, name := range []string{"API_KEY", "api-key", "apikey", "api_key[]", "api.key", "%61pi%5Fkey%5b%5d"} {
		if _, found := place.Foreign("api.acme.example", nil, "api_key=ours&"+name+"=theirs", ours); !found {
			t.Errorf("%s passes beside api_key", name)
		}
	}
}

func TestOverridesAreSeen(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"X-Http-Method-Override", "X_http_method_override", "X-Method-Override", "X-Http-Method", "X-Original-Url", "X-Rewrite-Url", "X-Forwarded-Host", "X-Forwarded-Prefix", "X-Forwarded", "Forwarded", "X-Host", "Destination", "X-Envoy-Original-Path", "My-Own-Override"} {
		if _, found := place.Override(http.Header{name: {"x"}}, ""); !found {
			t.Errorf("%s passes", name)
		}
	}
	for _, name := range []string{"_method", "_METHOD", "%5Fmethod", "$method", "_method[]", "x-http-method-override", "rest_route", "_method[0]"} {
		if _, found := place.Override(nil, "a=b&"+name+"=DELETE"); !found {
			t.Errorf("%s passes", name)
		}
		if _, found := place.Override(nil, "a=b;"+name+"=DELETE"); !found {
			t.Errorf("%s passes after a semicolon", name)
		}
	}
	if at, found := place.Override(http.Header{"Accept": {"*/*"}, "X-Request-Id": {"1"}, "Origin": {"x"}}, "method=a&url=b"); found {
		t.Errorf("%s is taken for one", at)
	}
	for path, want := range map[string]string{"/v1/$batch": "$batch", "/v1/%24BATCH": "%24BATCH", "/v1/batches": "", "/": ""} {
		if got := place.Batch("api.acme.example", path); got != want {
			t.Errorf("%s: %q", path, got)
		}
	}
}

// FuzzForeign holds what is found against the places themselves: what is found is
// there, and what is ours is never found.
func FuzzForeign(f *testing.F) {
	f.Add("X-Api-Key", "abc", "token=a;b=c&%61pi_key=d")
	f.Add("Authorization", "Bearer abcdefghijkl", "a[]=b")
	f.Fuzz(func(t *testing.T, name, value, query string) {
		name = http.CanonicalHeaderKey(name)
		h := http.Header{name: {value}}
		at, found := place.Foreign("api.acme.example", h, query, nil)
		if !found {
			return
		}
		if at.Kind == place.Header && at.Name != name {
			t.Fatalf("%s is not there", at)
		}
		ours := place.Set{at}
		for range 50 { // one after the other is declared, until nothing is found
			if at, found = place.Foreign("api.acme.example", h, query, ours); !found {
				return
			}
			if slices.Contains(ours, at) {
				t.Fatalf("%s is ours, and is found", at)
			}
			ours = append(ours, at)
		}
	})
}

func TestPlacesOfKeys(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]string{"bearer": "header:Authorization", "basic": "header:Authorization", "header": "header:X-Key", "query": "query:x-key", "cookie": "cookie:x-key", "sigv4": "header:Authorization"} {
		if got := place.OfAuth(hotcell.Auth{Kind: kind, Name: "x-key"}); len(got) == 0 || got[0].String() != want {
			t.Errorf("%s: %v", kind, got)
		}
	}
	got := place.Of([]string{"header:X-A", "nonsense", "query:b"}, "slack.com")
	if got[0] != place.Authorization || !got.Has(place.Place{Kind: place.Header, Name: "x_a"}) || !got.Has(place.Place{Kind: place.Body, Name: "token"}) || got.Has(place.Place{Kind: place.Query, Name: "c"}) {
		t.Errorf("%v", got)
	}
}
