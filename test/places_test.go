package test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"hotcell"
)

const (
	realKey  = "sk_live_51Hx9Zq2eTyVb3QwErTy"
	otherKey = "app_7Gf2kLmNoPqRsTuVwXyZ0123"
	foreign  = "theirs-0123456789abcdef"
)

func basicOf(pair string) string {
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(pair))
}

// escaped has every byte of a text percent-encoded.
func escaped(text string) string {
	var out strings.Builder
	for _, c := range []byte(text) {
		out.WriteString("%" + strings.ToUpper(string("0123456789abcdef"[c>>4])+string("0123456789abcdef"[c&15])))
	}
	return out.String()
}

// unicode has every byte of a text as an escape of JSON.
func unicode(text string) string {
	var out strings.Builder
	for _, c := range []byte(text) {
		out.WriteString(`\u00` + string("0123456789abcdef"[c>>4]) + string("0123456789abcdef"[c&15]))
	}
	return out.String()
}

// TestAStandInIsSwappedWhereItBelongs has the value arrive in declared places
// alone, and the request refused where the stand-in stands anywhere else.
func TestAStandInIsSwappedWhereItBelongs(t *testing.T) {
	t.Parallel()
	b := openBooth(t, "api.acme.example")
	b.secret("KEY", realKey, hotcell.InjectStandIn, hotcell.Narrowing{Places: []string{"header:x-acme-key", "query:key", "body:auth.token", "body:token", "cookie:session", "path:bot"}})
	b.start()
	word := b.words["KEY"]
	if word == "" || word == realKey {
		t.Fatalf("the job has %q", word)
	}
	form, asJSON := "Content-Type: application/x-www-form-urlencoded", "Content-Type: application/json"
	parts := func(name, text string) string {
		return "--xx\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + text + "\r\n--xx\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\ncontent\r\n--xx--\r\n"
	}
	for name, raw := range map[string]string{
		"bearer":              get("/", "Authorization: Bearer "+word),
		"another case":        get("/", "AUTHORIZATION: bearer "+word),
		"token":               get("/", "authorization: token "+word),
		"by itself":           get("/", "Authorization: "+word),
		"a password":          get("/", basicOf("ada@acme.example:"+word)),
		"a user":              get("/", basicOf(word+":")),
		"a user of a kind":    get("/", basicOf(word+":x-oauth-basic")),
		"a declared header":   get("/", "X-ACME-Key: "+word),
		"a parameter":         get("/a?b=1&key=" + word + "&c=2"),
		"an encoded one":      get("/a?key=" + escaped(word)),
		"a form":              sent("POST", "/", "a=b&token="+word, form),
		"a form, encoded":     sent("POST", "/", "a=b&token="+escaped(word), form),
		"JSON":                sent("POST", "/", `{"a":[1,{"b":"c"}],"auth":{"token":"`+word+`"}}`, asJSON),
		"JSON, escaped":       sent("POST", "/", `{"auth":{"t\u006fken":"`+unicode(word)+`"}}`, asJSON),
		"parts":               sent("POST", "/", parts("token", word), "Content-Type: multipart/form-data; boundary=xx"),
		"a cookie":            get("/", "Cookie: a=b; session="+word),
		"a segment":           get("/bot" + word + "/getMe"),
		"an unlooked charset": sent("POST", "/", "token="+word, form+"; charset=UTF-8"),
	} {
		answer, text, arrived := b.send(raw)
		plain, _ := url.QueryUnescape(arrived)
		if answer.StatusCode != http.StatusOK || !strings.Contains(arrived+plain, realKey) && !strings.Contains(decodedBasic(arrived), realKey) || strings.Contains(plain, word) {
			t.Errorf("%s: %d %s, and there arrives\n%s", name, answer.StatusCode, text, arrived)
		}
		if strings.Contains(arrived, "a=b;") {
			t.Errorf("%s: a cookie of the job's own arrives:\n%s", name, arrived)
		}
	}
	half := len(word) / 2
	for name, raw := range map[string]string{
		"any header":               get("/", "X-Meta-Note: "+word),
		"User-Agent":               get("/", "User-Agent: "+word),
		"a longer User-Agent":      get("/", "User-Agent: curl/8 "+word),
		"Referer":                  get("/", "Referer: https://x/"+word),
		"a header's name":          get("/", word+": 1"),
		"a header of two lines":    get("/", "X-A: b", "X-B: "+word),
		"any parameter":            get("/?text=" + word),
		"any parameter, encoded":   get("/?text=" + escaped(word)),
		"a parameter's name":       get("/?" + word + "=1"),
		"a parameter twice":        get("/?key=" + word + "&key=" + word),
		"a parameter beside":       get("/?key=" + word + "&key=" + foreign),
		"a parameter in pieces":    get("/?key=" + word[:half] + "&" + word[half:]),
		"a parameter with more":    get("/?key=x" + word),
		"a list of parameters":     get("/?key[]=" + word),
		"a part of Authorization":  get("/", "Authorization: Bearer "+word+" x"),
		"Authorization of a kind":  get("/", "Authorization: Whatever "+word),
		"twice in Authorization":   get("/", "Authorization: Bearer "+word+word),
		"Authorization twice":      get("/", "Authorization: Bearer "+word, "Authorization: Bearer "+foreign),
		"the same twice":           get("/", "Authorization: Bearer "+word, "Authorization: Bearer "+word),
		"padded":                   get("/", "Authorization: "+strings.Repeat("x", 30)+" "+word),
		"within a pair":            get("/", basicOf("ada:x"+word)),
		"a pair with a password":   get("/", basicOf(word+":hunter2hunter2")),
		"a long user":              get("/", basicOf(strings.Repeat("u", 200)+":"+word)),
		"base64":                   get("/", "X-Note: "+base64.StdEncoding.EncodeToString([]byte("a "+word))),
		"the path":                 get("/a/" + word),
		"the path, encoded":        get("/a/" + escaped(word)),
		"the path with more":       get("/bot" + word + "x/getMe"),
		"any field":                sent("POST", "/", "text="+word, form),
		"a field beside":           sent("POST", "/", "token="+word+"&text="+word, form),
		"a field twice":            sent("POST", "/", "token="+word+"&token="+foreign, form),
		"a field within":           sent("POST", "/", "token=x"+word, form),
		"any field of JSON":        sent("POST", "/", `{"text":"`+word+`"}`, asJSON),
		"a field of JSON within":   sent("POST", "/", `{"token":"x `+word+`"}`, asJSON),
		"a field of JSON escaped":  sent("POST", "/", `{"text":"`+unicode(word)+`"}`, asJSON),
		"a name in JSON":           sent("POST", "/", `{"`+word+`":1}`, asJSON),
		"a field of JSON twice":    sent("POST", "/", `{"token":"`+word+`","token":"`+foreign+`"}`, asJSON),
		"another path in JSON":     sent("POST", "/", `{"x":{"token":"`+word+`"}}`, asJSON),
		"a list in JSON":           sent("POST", "/", `["`+word+`"]`, asJSON),
		"JSON that is none":        sent("POST", "/", `{"token":"`+word+`"`, asJSON),
		"a dot, and no path":       sent("POST", "/", `{"auth.token":"`+word+`"}`, asJSON),
		"any part":                 sent("POST", "/", parts("text", word), "Content-Type: multipart/form-data; boundary=xx"),
		"a part's file name":       sent("POST", "/", strings.Replace(parts("x", "y"), `filename="a"`, `filename="`+word+`"`, 1), "Content-Type: multipart/form-data; boundary=xx"),
		"parts without a boundary": sent("POST", "/", parts("token", word), "Content-Type: multipart/form-data"),
		"text":                     sent("POST", "/", "note "+word, "Content-Type: text/plain"),
		"bytes":                    sent("POST", "/", "note "+word, "Content-Type: application/octet-stream"),
		"no kind":                  sent("POST", "/", "note "+word),
		"two kinds":                sent("POST", "/", "token="+word, form, asJSON),
		"a cookie":                 get("/", "Cookie: note="+word),
		"a part of a cookie":       get("/", "Cookie: session=x"+word),
		"a cookie twice":           get("/", "Cookie: session="+word+"; session="+word),
		"chunks":                   "POST / HTTP/1.1\r\nHost: HOST\r\nContent-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n\r\n" + "5\r\nnote \r\n" + hexLength(word[:half]) + "\r\n" + word[:half] + "\r\n" + hexLength(word[half:]) + "\r\n" + word[half:] + "\r\n0\r\n\r\n",
	} {
		answer, text, arrived := b.send(raw)
		if answer.StatusCode < 400 || strings.Contains(arrived+decodedBasic(arrived), realKey) {
			t.Errorf("%s: %d %s, and there arrives\n%s", name, answer.StatusCode, text, arrived)
		}
		if strings.Contains(arrived, realKey[8:]) {
			t.Errorf("%s: the value arrives:\n%s", name, arrived)
		}
	}
	if log := b.recorded(); !strings.Contains(log, "header:X-Meta-Note") || !strings.Contains(log, "query:text") || !strings.Contains(log, "body:text") {
		t.Errorf("the log says\n%s", log)
	}
	// Pieces are worth nothing, and are nobody's to refuse.
	if answer, text, arrived := b.send(get("/?a="+word[:half]+"&b="+word[half:], "X-A: "+word[:half])); answer.StatusCode != http.StatusOK || strings.Contains(arrived, realKey) {
		t.Errorf("in pieces: %d %s\n%s", answer.StatusCode, text, arrived)
	}
	// A trailer is no place.
	trailed := "POST / HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n2\r\nab\r\n0\r\nX-Sum: " + word + "\r\nX-More: 1\r\n\r\n"
	if _, _, arrived := b.send(trailed); strings.Contains(arrived, realKey) || strings.Contains(arrived, word) || strings.Contains(arrived, "X-More") {
		t.Errorf("a trailer arrives:\n%s", arrived)
	}
}

func hexLength(text string) string {
	return string("0123456789abcdef"[len(text)>>4]) + string("0123456789abcdef"[len(text)&15])
}

func decodedBasic(arrived string) string {
	for line := range strings.Lines(arrived) {
		if _, rest, found := strings.Cut(line, "Authorization: Basic "); found {
			text, _ := base64.StdEncoding.DecodeString(strings.TrimSpace(rest))
			return string(text)
		}
	}
	return ""
}

// TestNoCredentialThatIsNotOursGoesBesideOurs tries every place that could sign
// somebody in, beside a key that is put on, beside a stand-in, and at the host of
// a narrowed one without it.
func TestNoCredentialThatIsNotOursGoesBesideOurs(t *testing.T) {
	t.Parallel()
	placed := openBooth(t, "api.acme.example")
	placed.connection("api", realKey, hotcell.Auth{Kind: "header", Name: "X-Acme-Key"}, hotcell.Narrowing{})
	placed.start()
	swapped := openBooth(t, "api.acme.example")
	swapped.secret("KEY", realKey, hotcell.InjectStandIn, hotcell.Narrowing{Places: []string{"header:X-Acme-Key"}})
	swapped.start()
	narrowed := openBooth(t, "api.acme.example")
	narrowed.secret("KEY", realKey, hotcell.InjectStandIn, hotcell.Narrowing{Methods: []string{"DELETE"}})
	narrowed.start()
	form := "Content-Type: application/x-www-form-urlencoded"
	type attempt struct {
		head   []string
		target string
	}
	for name, a := range map[string]attempt{
		"Authorization":          {head: []string{"Authorization: Bearer " + foreign}},
		"Authorization, basic":   {head: []string{basicOf("eve:" + foreign)}},
		"X-Api-Key":              {head: []string{"X-Api-Key: " + foreign}},
		"x-api-key":              {head: []string{"x-api-key: " + foreign}},
		"X_Api_Key":              {head: []string{"X_Api_Key: " + foreign}},
		"X_Acme_Key":             {head: []string{"X_Acme_Key: " + foreign}},
		"Api-Key":                {head: []string{"Api-Key: " + foreign}},
		"X-Goog-Api-Key":         {head: []string{"X-Goog-Api-Key: " + foreign}},
		"Private-Token":          {head: []string{"PRIVATE-TOKEN: " + foreign}},
		"X-Auth-Token":           {head: []string{"X-Auth-Token: " + foreign}},
		"DD-API-KEY":             {head: []string{"DD-API-KEY: " + foreign}},
		"X-Shopify-Access-Token": {head: []string{"X-Shopify-Access-Token: " + foreign}},
		"X-Vault-Token":          {head: []string{"X-Vault-Token: " + foreign}},
		"X-MBX-APIKEY":           {head: []string{"X-MBX-APIKEY: " + foreign}},
		"AccessKey":              {head: []string{"AccessKey: " + foreign}},
		"X-Acme-Secret":          {head: []string{"X-Acme-Secret: " + foreign}},
		"X-Tableau-Auth":         {head: []string{"X-Tableau-Auth: " + foreign}},
		"Signature":              {head: []string{"Signature: keyId=eve"}},
		"X-Remote-User":          {head: []string{"X-Remote-User: eve"}},
		"an unknown name":        {head: []string{"X-Whatever: Bearer " + foreign}},
		"a token's shape":        {head: []string{"X-Whatever: ghp_0123456789abcdefghij"}},
		"a WebSocket's protocol": {head: []string{"Sec-WebSocket-Protocol: bearer, " + foreign}},
		"key":                    {target: "?key=" + foreign},
		"access_token":           {target: "?access_token=" + foreign},
		"access_token, encoded":  {target: "?%61ccess%5Ftoken=" + foreign},
		"ACCESS_TOKEN":           {target: "?ACCESS_TOKEN=" + foreign},
		"access_token, a list":   {target: "?access_token[]=" + foreign},
		"access_token after ;":   {target: "?a=1;access_token=" + foreign},
		"token":                  {target: "?token=" + foreign},
		"api_key":                {target: "?api_key=" + foreign},
		"apikey":                 {target: "?apikey=" + foreign},
		"sig":                    {target: "?sv=1&sig=" + foreign},
		"X-Amz-Signature":        {target: "?X-Amz-Signature=00"},
		"AWSAccessKeyId":         {target: "?AWSAccessKeyId=AKIAEVE"},
		"client_secret":          {target: "?client_secret=" + foreign},
	} {
		for of, b := range map[string]*booth{"placed": placed, "swapped": swapped, "narrowed": narrowed} {
			head := a.head
			if of == "swapped" {
				head = append([]string{"X-Acme-Key: " + b.words["KEY"]}, head...)
			}
			answer, text, arrived := b.send(get("/v1/a"+a.target, head...))
			if answer.StatusCode != http.StatusForbidden || arrived != "" || !strings.Contains(text, "not the job's") {
				t.Errorf("%s, %s: %d %s\n%s", name, of, answer.StatusCode, text, arrived)
			}
		}
		if len(a.head) > 0 && a.target == "" { // without the stand-in, too
			if answer, _, arrived := swapped.send(get("/v1/a", a.head...)); answer.StatusCode != http.StatusForbidden || arrived != "" {
				t.Errorf("%s, without the stand-in: %d\n%s", name, answer.StatusCode, arrived)
			}
		}
	}
	for name, body := range map[string]string{
		"access_token": "access_token=" + foreign, "client_secret": "a=b&client_secret=" + foreign, "encoded": "%61ccess_token=" + foreign, "a list": "access_token[]=" + foreign, "a password": "username=eve&password=hunter2",
	} {
		if answer, text, arrived := placed.send(sent("POST", "/oauth/token", body, form)); answer.StatusCode != http.StatusForbidden || arrived != "" {
			t.Errorf("a form's %s: %d %s\n%s", name, answer.StatusCode, text, arrived)
		}
	}
	if answer, text, _ := placed.send(sent("POST", "/login", `{"user":"eve","password":"hunter2"}`, "Content-Type: application/json")); answer.StatusCode != http.StatusForbidden {
		t.Errorf("signing in by JSON: %d %s", answer.StatusCode, text)
	}
	for name, raw := range map[string]string{
		"what clients send": get("/v1/a?page_token=a&pageToken=b&next_token=c&sort_key=d&cursor=e&limit=3&q=token", "User-Agent: x/1", "Accept: */*", "Idempotency-Key: 0123456789abcdef0123", "X-Idempotency-Key: a",
			"X-CSRF-Token: abc", "If-None-Match: \"abc\"", "X-Request-Id: 1", "Traceparent: 00-a", "X-Amz-Meta-Token: a", "X-Stainless-Lang: go", "Anthropic-Version: 2023-06-01", "OpenAI-Organization: org", "X-GitHub-Api-Version: 1",
			"Mcp-Session-Id: abc", "X-Partition-Key: a", "X-Monkey: a", "Surrogate-Key: a", "X-Author: eve", "Sec-WebSocket-Protocol: graphql-ws"),
		"a password to be": sent("POST", "/v1/users", "name=ada&password=hunter2", form),
		"JSON":             sent("POST", "/v1/users", `{"name":"ada","password":"hunter2","token_type":"x"}`, "Content-Type: application/json"),
	} {
		for of, b := range map[string]*booth{"placed": placed, "swapped": swapped} {
			if answer, text, arrived := b.send(raw); answer.StatusCode != http.StatusOK || of == "placed" && !strings.Contains(arrived, "X-Acme-Key: "+realKey) {
				t.Errorf("%s, %s: %d %s\n%s", name, of, answer.StatusCode, text, arrived)
			}
		}
	}
	// What the client itself put where the key goes is overwritten, as SDKs need it.
	if _, _, arrived := placed.send(get("/", "X-Acme-Key: dummy")); !strings.Contains(arrived, "X-Acme-Key: "+realKey) || strings.Contains(arrived, "dummy") {
		t.Errorf("a dummy arrives:\n%s", arrived)
	}
}

func TestTwoOfOursGoOnTogether(t *testing.T) {
	t.Parallel()
	b := openBooth(t, "api.datadoghq.com")
	b.secret("API", realKey, hotcell.InjectStandIn, hotcell.Narrowing{})
	b.secret("APP", otherKey, hotcell.InjectStandIn, hotcell.Narrowing{Brings: []string{"header:X-Own-Token"}})
	b.connection("third", "third_0123456789abcdefXY", hotcell.Auth{Kind: "bearer"}, hotcell.Narrowing{})
	b.start()
	answer, text, arrived := b.send(get("/api/v1/monitor", "DD-API-KEY: "+b.words["API"], "dd-application-key: "+b.words["APP"], "X-Own-Token: allowed"))
	for _, want := range []string{"Dd-Api-Key: " + realKey, "Dd-Application-Key: " + otherKey, "Authorization: Bearer third_0123456789abcdefXY", "X-Own-Token: allowed"} {
		if answer.StatusCode != http.StatusOK || !strings.Contains(arrived, want) {
			t.Errorf("%d %s: there is no %q in\n%s", answer.StatusCode, text, want, arrived)
		}
	}
	if answer, text, arrived := b.send(get("/", "DD-API-KEY: "+b.words["API"], "DD-Application-Key: "+foreign)); answer.StatusCode != http.StatusForbidden || arrived != "" {
		t.Errorf("one of ours and another's: %d %s\n%s", answer.StatusCode, text, arrived)
	}
}

func TestKnownServicesTakeTheirOwnPlaces(t *testing.T) {
	t.Parallel()
	b := openBooth(t, "slack.com")
	b.secret("SLACK_TOKEN", "xoxb-"+realKey[8:]+"0123", hotcell.InjectStandIn, hotcell.Narrowing{})
	b.start()
	word, form := b.words["SLACK_TOKEN"], "Content-Type: application/x-www-form-urlencoded"
	if answer, text, arrived := b.send(sent("POST", "/api/chat.postMessage", "channel=a&token="+word, form)); answer.StatusCode != http.StatusOK || !strings.Contains(arrived, realKey[8:]) {
		t.Errorf("%d %s\n%s", answer.StatusCode, text, arrived)
	}
	for name, raw := range map[string]string{
		"the text, and their own token":          sent("POST", "/api/chat.postMessage?text="+word, "", "Authorization: Bearer xoxb-"+foreign),
		"the body's text, and their own":         sent("POST", "/api/chat.postMessage", "text="+word+"&token=xoxb-"+foreign, form),
		"ours, and their own in the body":        sent("POST", "/api/chat.postMessage", "text=a&token=xoxb-"+foreign, form, "Authorization: Bearer "+word),
		"ours, and their own in JSON":            sent("POST", "/api/chat.postMessage", `{"text":"a","token":"xoxb-`+foreign+`"}`, "Content-Type: application/json", "Authorization: Bearer "+word),
		"ours, and their own in JSON, in text":   sent("POST", "/api/chat.postMessage", `{"text":"a","Token":"xoxb-`+foreign+`"}`, "Content-Type: text/plain", "Authorization: Bearer "+word),
		"their own token, and ours nowhere":      sent("POST", "/api/chat.postMessage", "text=a&token=xoxb-"+foreign, form),
		"ours, and their own in a part":          sent("POST", "/api/files.upload", "--xx\r\nContent-Disposition: form-data; name=token\r\n\r\nxoxb-"+foreign+"\r\n--xx--\r\n", "Content-Type: multipart/form-data; boundary=xx", "Authorization: Bearer "+word),
		"ours, and their own in a part, oddly":   sent("POST", "/api/files.upload", "--xx\r\nContent-Disposition: form-data; name=file\r\n\r\n"+strings.Repeat("x", 9<<20)+"\r\n--xx\r\nContent-Disposition: form-data; x=\"a;b\"; name= token\r\n\r\nxoxb-"+foreign+"\r\n--xx--\r\n", "Content-Type: multipart/form-data; boundary=xx", "Authorization: Bearer "+word),
		"ours, and their own in a part, far off": sent("POST", "/api/files.upload", "--xx\r\nContent-Disposition: form-data; name=file\r\n\r\n"+strings.Repeat("x", 9<<20)+"\r\n--xx\r\nContent-Disposition: form-data; name=\"token\"\r\n\r\nxoxb-"+foreign+"\r\n--xx--\r\n", "Content-Type: multipart/form-data; boundary=xx", "Authorization: Bearer "+word),
	} {
		if answer, text, arrived := b.send(raw); answer.StatusCode != http.StatusForbidden || strings.Contains(arrived, foreign) {
			t.Errorf("%s: %d %s\n%.300s", name, answer.StatusCode, text, arrived)
		}
	}
}

func TestServicesCookiesAreKeptFromTheJob(t *testing.T) {
	t.Parallel()
	b := openBooth(t, "api.acme.example")
	b.connection("api", realKey, hotcell.Auth{Kind: "bearer"}, hotcell.Narrowing{})
	b.start()
	b.answers = "Set-Cookie: lb=node7; Path=/; Secure; HttpOnly\r\nSet-Cookie: fixed=chosen-by-the-job; Path=/\r\nSet-Cookie: wide=1; Domain=example\r\nSet-Cookie: there=1; Domain=other.example\r\n"
	answer, _, arrived := b.send(get("/?session=chosen-by-the-job", "Cookie: session=mine; lb=mine"))
	if answer.StatusCode != http.StatusOK || len(answer.Header["Set-Cookie"]) != 0 || strings.Contains(arrived, "Cookie") {
		t.Errorf("%v\n%s", answer.Header, arrived)
	}
	b.answers = ""
	if _, _, arrived := b.send(get("/", "Cookie: session=mine")); !strings.Contains(arrived, "Cookie: lb=node7\r\n") || strings.Contains(arrived, "mine") {
		t.Errorf("the second arrives with\n%s", arrived)
	}
	first := b.job
	b.start() // another job of the same assignment
	if _, _, arrived := b.send(get("/")); b.job == first || strings.Contains(arrived, "Cookie") {
		t.Errorf("another job's arrives with\n%s", arrived)
	}
}

func TestNarrowingCannotBeLedAround(t *testing.T) {
	t.Parallel()
	b := openBooth(t, "www.googleapis.com")
	b.connection("api", realKey, hotcell.Auth{Kind: "bearer"}, hotcell.Narrowing{Methods: []string{"GET", "POST"}, Paths: []string{"/v1/**", "/batch/**"}})
	b.start()
	form := "Content-Type: application/x-www-form-urlencoded"
	for name, raw := range map[string]string{
		"X-HTTP-Method-Override": sent("POST", "/v1/a", "", "X-HTTP-Method-Override: DELETE"),
		"X_HTTP_Method_Override": sent("POST", "/v1/a", "", "X_HTTP_Method_Override: DELETE"),
		"X-HTTP-Method":          sent("POST", "/v1/a", "", "X-HTTP-Method: DELETE"),
		"X-Method-Override":      sent("POST", "/v1/a", "", "x-method-override: DELETE"),
		"X-Original-URL":         get("/v1/a", "X-Original-URL: /v2/admin"),
		"X-Rewrite-URL":          get("/v1/a", "X-Rewrite-URL: /v2/admin"),
		"X-Forwarded-Prefix":     get("/v1/a", "X-Forwarded-Prefix: /v2"),
		"X-Forwarded-Host":       get("/v1/a", "X-Forwarded-Host: evil.example"),
		"X-Forwarded-For":        get("/v1/a", "X-Forwarded-For: 127.0.0.1"),
		"Forwarded":              get("/v1/a", "Forwarded: for=127.0.0.1;host=x"),
		"Destination":            sent("POST", "/v1/a", "", "Destination: /v2/b"),
		"_method":                get("/v1/a?_method=DELETE"),
		"_method, encoded":       get("/v1/a?%5Fmethod=DELETE"),
		"_METHOD":                get("/v1/a?_METHOD=DELETE"),
		"$method":                get("/v1/a?$method=DELETE"),
		"a form's":               sent("POST", "/v1/a", "a=b&_method=DELETE", form),
		"JSON's":                 sent("POST", "/v1/a", `{"_method":"DELETE"}`, "Content-Type: application/json"),
		"a part's":               sent("POST", "/v1/a", "--xx\r\nContent-Disposition: form-data; name=\"_method\"\r\n\r\nDELETE\r\n--xx--\r\n", "Content-Type: multipart/form-data; boundary=xx"),
		"a part's, folded":       sent("POST", "/v1/a", "--xx\r\nContent-Disposition: form-data;\r\n name=\"_method\"\r\n\r\nDELETE\r\n--xx--\r\n", "Content-Type: multipart/form-data; boundary=xx"),
		"a packed form's":        sent("POST", "/v1/a", "whatever", form, "Content-Encoding: gzip"),
		"a large part's":         sent("POST", "/v1/a", "--xx\r\nContent-Disposition: form-data; name=\"f\"\r\n\r\n"+strings.Repeat("x", 9<<20)+"\r\n--xx\r\nContent-Disposition: form-data; name= \"_method\"\r\n\r\nDELETE\r\n--xx--\r\n", "Content-Type: multipart/form-data; boundary=xx"),
		"a large JSON's":         sent("POST", "/v1/a", `{"x":"`+strings.Repeat("x", 9<<20)+`","_method":"DELETE"}`, "Content-Type: application/json"),
		"a looser kind's":        sent("POST", "/v1/a", `{"_method":"DELETE"}`, "Content-Type: application/json-seq"),
		"two kinds' in one":      sent("POST", "/v1/a", "_method=DELETE", form+", application/octet-stream"),
		"a batch":                sent("POST", "/batch/drive/v3", "x", "Content-Type: multipart/mixed; boundary=x"),
		"another batch":          sent("POST", "/v1/$batch", "x", "Content-Type: application/json"),
	} {
		if answer, text, arrived := b.send(raw); answer.StatusCode != http.StatusForbidden || strings.Contains(arrived, "_method") {
			t.Errorf("%s: %d %s\n%.300s", name, answer.StatusCode, text, arrived)
		}
	}
	for name, raw := range map[string]string{
		"a form": sent("POST", "/v1/a", "method=DELETE", form), "JSON": sent("POST", "/v1/a", `{"method":"x","list":[{"_method":"x"}]}`, "Content-Type: application/json"), "a read": get("/v1/a?method=x&original=y"),
	} {
		if answer, text, arrived := b.send(raw); answer.StatusCode != http.StatusOK || !strings.Contains(arrived, "Bearer "+realKey) {
			t.Errorf("%s: %d %s\n%s", name, answer.StatusCode, text, arrived)
		}
	}
}

// TestPathsArriveAsTheyAreWritten has one encoded slash and empty segments pass
// byte for byte, with a credential on and without one, and refuses what could be
// read in two ways.
func TestPathsArriveAsTheyAreWritten(t *testing.T) {
	t.Parallel()
	with, without := openBooth(t, "api.acme.example"), openBooth(t, "api.acme.example")
	with.connection("api", realKey, hotcell.Auth{Kind: "bearer"}, hotcell.Narrowing{})
	with.start()
	without.start()
	for _, b := range []*booth{with, without} {
		for _, target := range []string{
			"/@acme%2fprivate", "/api/v4/projects/acme%2Fprivate/issues?a=%2f&b=//", "/api/queues/%2F/jobs", "//a//b/", "/a%20b%C3%A4(c)'d!", "/x%2Fy%2fz", "/100%25", "/a+b@c:d", "/?", "/%7Euser",
		} {
			if answer, text, arrived := b.send(get(target)); answer.StatusCode != http.StatusOK || !strings.HasPrefix(arrived, "GET "+target+" HTTP/1.1\r\n") {
				t.Errorf("%s: %d %s\n%s", target, answer.StatusCode, text, arrived)
			}
		}
	}
	for _, target := range []string{"/a/../b", "/a/%2e%2e/b", "/a%2f..%2fb", "/a%252fb", "/a/%252e%252e/b", "/a%5cb", "/a;b", "/a/..;/b", "/a%2f%2e%2e"} {
		if answer, _, arrived := with.send(get(target)); answer.StatusCode != http.StatusForbidden || arrived != "" {
			t.Errorf("%s: %d\n%s", target, answer.StatusCode, arrived)
		}
	}
	narrowed := openBooth(t, "api.acme.example")
	narrowed.connection("api", realKey, hotcell.Auth{Kind: "bearer"}, hotcell.Narrowing{Paths: []string{"/projects/*+/issues", "/open/**"}})
	narrowed.start()
	for target, want := range map[string]int{
		"/projects/acme%2Fprivate/issues": 200, "/open/a%2Fb": 200, "/open//a": 200, "/projects/acme%2Fprivate%2Fissues": 403, "/open%2F..%2Fadmin": 403, "/open%2Fa": 403, "//open/a": 403, "/projects/a/b/issues": 403,
	} {
		if answer, text, _ := narrowed.send(get(target)); answer.StatusCode != want {
			t.Errorf("%s: %d %s", target, answer.StatusCode, text)
		}
	}
}
