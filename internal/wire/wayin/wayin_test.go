package wayin_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"hotcell"
	"hotcell/internal/wire/wayin"
	"hotcell/test/prove"
)

const (
	word     = "Hc7_standinstandin01"
	code     = "918273"
	password = `p"&+%äß<x> end`
	form     = "application/x-www-form-urlencoded"
)

var words = wayin.Words{Password: []byte(word), Code: []byte(code)}

func request(method, target, kind, body string) wayin.Request {
	u, err := url.Parse("https://example.com" + target)
	if err != nil {
		panic(err)
	}
	header := http.Header{}
	if kind != "" {
		header.Set("Content-Type", kind)
	}
	return wayin.Request{Method: method, URL: u, Header: header, Body: []byte(body), Username: "ada"}
}

func learned(t *testing.T, r wayin.Request) hotcell.WayStep {
	t.Helper()
	step, ok := wayin.Learn(r, words)
	if !ok {
		t.Fatalf("nothing is learned from %s %s %s", r.Method, r.URL, r.Body)
	}
	return step
}

// A request that is not the one that was learned gets nothing, however near it is.
func TestOnlyTheLearnedRequestIsOne(t *testing.T) {
	t.Parallel()
	boundary := "multipart/form-data; boundary=xx"
	part := func(name, value string) string {
		return "--xx\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n"
	}
	for name, c := range map[string]struct {
		is           wayin.Request
		same, others []wayin.Request
	}{
		"a form": {
			request("POST", "/session", form, "user=ada&csrf=k3j4h5k3j4h5k3j4h5&action=login&keep=1&password="+word),
			[]wayin.Request{
				request("POST", "/session", form, "user=bob.smith%40x&csrf=0987&action=login&keep=1&password="+word),
				request("POST", "/session", form+"; charset=UTF-8", "password="+word+"&user=ada&csrf=&action=login&keep=1"),
				request("POST", "/session", "Application/X-WWW-Form-Urlencoded", "keep=1&action=login&password="+word),
			},
			[]wayin.Request{
				request("PUT", "/session", form, "action=login&keep=1&password="+word),
				request("post", "/session", form, "action=login&keep=1&password="+word),
				request("POST", "/comments", form, "action=login&keep=1&password="+word),
				request("POST", "/session/", form, "action=login&keep=1&password="+word),
				request("POST", "//session", form, "action=login&keep=1&password="+word),
				request("POST", "/session;x=1", form, "action=login&keep=1&password="+word),
				request("POST", "/Session", form, "action=login&keep=1&password="+word),
				request("POST", "/%73ession", form, "action=login&keep=1&password="+word),
				request("POST", "/a/../session", form, "action=login&keep=1&password="+word),
				request("POST", "/session%2f", form, "action=login&keep=1&password="+word),
				request("POST", "/session?next=/comments", form, "action=login&keep=1&password="+word),
				request("POST", "/session?_method=delete", form, "action=login&keep=1&password="+word),
				request("POST", "/session", form, "action=comment&keep=1&password="+word),
				request("POST", "/session", form, "keep=1&password="+word),
				request("POST", "/session", form, "action=login&keep=2&password="+word),
				request("POST", "/session", form, "action=login&keep=1&_method=put&password="+word),
				request("POST", "/session", form, "action=login&keep=1&text="+word),
				request("POST", "/session", form, "action=login&keep=1&Password="+word),
				request("POST", "/session", form, "action=login&keep=1&password="+word+"&password="+word),
				request("POST", "/session", form, "action=login&keep=1&password=&password="+word),
				request("POST", "/session", form, "action=login&keep=1&PASSWORD=x&password="+word),
				request("POST", "/session", form, "action=login&keep=1&password[]="+word),
				request("POST", "/session", form, "action=login&keep=1&password=x"+word),
				request("POST", "/session", form, "action=login&keep=1&password="+word+"%20"),
				request("POST", "/session", form, "action=login;password="+word+"&keep=1"),
				request("POST", "/session", "text/plain", "action=login&keep=1&password="+word),
				request("POST", "/session", "", "action=login&keep=1&password="+word),
				request("POST", "/session", form+"; charset=utf-7", "action=login&keep=1&password="+word),
				request("POST", "/session", "application/json", `{"action":"login","keep":"1","password":"`+word+`"}`),
				request("POST", "/session", boundary, part("action", "login")+part("keep", "1")+part("password", word)+"--xx--\r\n"),
			},
		},
		"JSON": {
			request("POST", "/api", "application/json", `{"op":"login","v":{"user":"ada","password":"`+word+`"},"n":17.5}`),
			[]wayin.Request{
				request("POST", "/api", "application/json;charset=utf-8", "{ \"v\" : {\"password\" : \""+word+"\" ,\n\"user\":\"eve@x\"}, \"n\":1700000, \"op\":\"login\"}"),
				request("POST", "/api", "application/json", `{"op":"login","v":{"password":"`+strings.ReplaceAll(word, "H", `\u0048`)+`"}}`),
			},
			[]wayin.Request{
				request("POST", "/api", "application/json", `{"op":"comment","v":{"user":"ada","password":"`+word+`"}}`),
				request("POST", "/api", "application/json", `{"op":"login","password":"`+word+`"}`),
				request("POST", "/api", "application/json", `{"op":"login","v":{"password":["`+word+`"]}}`),
				request("POST", "/api", "application/json", `{"op":"login","v":{"password":"`+word+`","password":"`+word+`"}}`),
				request("POST", "/api", "application/json", `{"op":"login","v":{"Password":"x","password":"`+word+`"}}`),
				request("POST", "/api", "application/json", `{"op":"login","v":{"password":"`+word+`"},"v":{}}`),
				request("POST", "/api", "application/json", `{"op":"login","v":{"password":"`+word+`","note":"x"}}`),
				request("POST", "/api", "application/json", `[{"op":"login","v":{"password":"`+word+`"}}]`),
				request("POST", "/api", "application/json", `{"op":"login","v":{"password":"`+word+`"}} {}`),
				request("POST", "/api", "text/plain", `{"op":"login","v":{"password":"`+word+`"}}`),
				request("POST", "/api", "application/vnd.api+json", `{"op":"login","v":{"password":"`+word+`"}}`),
			},
		},
		"GraphQL": {
			request("POST", "/graphql", "application/json", `{"query":"mutation Login($p: String!) { login(password: $p) { id } }","variables":{"p":"`+word+`"}}`),
			nil,
			[]wayin.Request{
				request("POST", "/graphql", "application/json", `{"query":"mutation Post($p: String!) { comment(text: $p) { id } }","variables":{"p":"`+word+`"}}`),
				request("POST", "/graphql", "application/json", `{"query":"mutation{comment(text:\"`+word+`\"){id}}","variables":{"p":"`+word+`"}}`),
				request("POST", "/graphql", "application/json", `{"variables":{"p":"`+word+`"}}`),
			},
		},
		"parts": {
			request("POST", "/session", boundary, part("user", "ada")+part("password", word)+"--xx--\r\n"),
			[]wayin.Request{request("POST", "/session", `multipart/form-data; boundary="yy"`, strings.ReplaceAll(part("password", word)+part("user", "")+"--xx--\r\n", "--xx", "--yy"))},
			[]wayin.Request{
				request("POST", "/session", boundary, part("user", "ada")+part("password", word)+part("note", "x")+"--xx--\r\n"),
				request("POST", "/session", boundary, part("password", word)+part("password", word)+"--xx--\r\n"),
				request("POST", "/session", boundary, part(`password"; filename="x`, word)+"--xx--\r\n"),
				request("POST", "/session", boundary, part("password\"\r\nX-Y: \"z", word)+"--xx--\r\n"),
				request("POST", "/session", boundary, "preamble\r\n"+part("password", word)+"--xx--\r\n"),
				request("POST", "/session", boundary, part("password", word)+"--xx--\r\nmore"),
				request("POST", "/session", form, "user=ada&password="+word),
			},
		},
		"a query": {
			request("POST", "/index.php?route=account/login&t=8f7e6d5c4b3a2910", form, "password="+word),
			[]wayin.Request{request("POST", "/index.php?t=1111111111&route=account/login", form, "password="+word)},
			[]wayin.Request{
				request("POST", "/index.php?route=blog/comment&t=8f7e6d5c4b3a2910", form, "password="+word),
				request("POST", "/index.php?t=8f7e6d5c4b3a2910", form, "password="+word),
				request("POST", "/index.php?route=account/login&t=8f7e6d5c4b3a2910&route=blog", form, "password="+word),
				request("POST", "/index.php", form, "password="+word),
			},
		},
		"XML": {
			request("POST", "/soap", "text/xml", `<?xml version="1.0"?><e:Body><Login v="1"><user>ada</user><pass>`+word+`</pass></Login></e:Body>`),
			nil,
			[]wayin.Request{
				request("POST", "/soap", "text/xml", `<e:Body><Comment><pass>`+word+`</pass></Comment></e:Body>`),
				request("POST", "/soap", "text/xml", `<!DOCTYPE x><e:Body><Login v="1"><pass>`+word+`</pass></Login></e:Body>`),
				request("POST", "/soap", "text/xml", `<e:Body><Login v="1"><pass>`+word+`</pass><pass>`+word+`</pass></Login></e:Body>`),
			},
		},
		"lines":   {request("POST", "/session", "text/plain", "user=ada\r\npassword="+word+"\r\n"), nil, []wayin.Request{request("POST", "/session", "text/plain", "user=ada\r\ncomment="+word+"\r\n")}},
		"the lot": {request("POST", "/session", "text/plain", word), nil, []wayin.Request{request("POST", "/session", "text/plain", "x"+word), request("POST", "/session", "application/octet-stream", word)}},
	} {
		step := learned(t, c.is)
		for i, r := range append([]wayin.Request{c.is}, c.same...) {
			if _, ok := wayin.Match([]hotcell.WayStep{step}, r, words); !ok {
				t.Errorf("%s, same %d: %s %s is not %+v", name, i, r.URL, r.Body, step)
			}
		}
		for i, r := range c.others {
			if _, ok := wayin.Match([]hotcell.WayStep{step}, r, words); ok {
				t.Errorf("%s, other %d: %s %s %s is taken for it", name, i, r.Method, r.URL, r.Body)
			}
		}
	}
}

func TestHeadersThatMeanAnotherRequest(t *testing.T) {
	t.Parallel()
	is := request("POST", "/session", form, "password="+word)
	step := learned(t, is)
	for _, name := range []string{"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Prefix"} {
		r := request("POST", "/session", form, "password="+word)
		r.Header.Set(name, "/comments")
		if _, ok := wayin.Match([]hotcell.WayStep{step}, r, words); ok {
			t.Errorf("with %s it is taken for it", name)
		}
		if _, ok := wayin.Learn(r, words); ok {
			t.Errorf("with %s it is learned", name)
		}
	}
	r := request("POST", "/session", form, "password="+word)
	r.Header.Add("Content-Type", "application/json")
	if _, ok := wayin.Match([]hotcell.WayStep{step}, r, words); ok {
		t.Error("with two kinds it is taken for it")
	}
}

// What stands in for a value and is a name, or a part of an address, is not learned.
func TestAStandInIsNoName(t *testing.T) {
	t.Parallel()
	for _, r := range []wayin.Request{
		request("POST", "/session", form, word+"=x&password="+word), request("POST", "/"+word, form, "password="+word),
		request("POST", "/session?q="+word, form, "password="+word), request("POST", "/session", "application/json", `{"`+word+`":1,"password":"`+word+`"}`),
	} {
		if step, ok := wayin.Learn(r, words); ok {
			t.Errorf("%s %s: %+v", r.URL, r.Body, step)
		}
	}
}

// A code goes into its field, or its digits into theirs.
func TestCodes(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		"code=" + code:                         "code=314159",
		"a=9&b=1&c=8&d=2&e=7&f=3&note=918273x": "a=3&b=1&c=4&d=1&e=5&f=9&note=918273x",
		"n=1&a=9&b=1&c=8&d=2&e=7&f=3":          "n=1&a=3&b=1&c=4&d=1&e=5&f=9",
	} {
		r := request("POST", "/code", form, body)
		found, ok := wayin.Match([]hotcell.WayStep{learned(t, r)}, r, wayin.Words{Code: []byte(code)})
		if got := wayin.Put(r.Body, found, map[string][]byte{hotcell.FieldOTP: []byte("314159")}); !ok || string(got) != want {
			t.Errorf("%s: %s", body, got)
		}
		if got := wayin.Put(r.Body, found, map[string][]byte{hotcell.FieldOTP: []byte("31415926")}); len(found[hotcell.FieldOTP]) > 1 && string(got) != body {
			t.Errorf("a code of another length: %s", got)
		}
	}
}

// body is a list of fields, written in a kind and read again by what shares nothing
// with the matcher.
type body struct {
	names, values []string
}

func (b body) written(kind string, rnd *rand.Rand) (contentType, text string) {
	switch kind {
	case "form":
		var pairs []string
		for i := range b.names {
			pairs = append(pairs, url.QueryEscape(b.names[i])+"="+url.QueryEscape(b.values[i]))
		}
		return form, strings.Join(pairs, "&")
	case "parts":
		var out bytes.Buffer
		w := multipart.NewWriter(&out)
		for i := range b.names {
			_ = w.WriteField(b.names[i], b.values[i])
		}
		_ = w.Close()
		return w.FormDataContentType(), out.String()
	}
	var members []string
	for i := range b.names {
		name, _ := json.Marshal(b.names[i])
		value, _ := json.Marshal(b.values[i])
		space := strings.Repeat(" ", rnd.IntN(2))
		members = append(members, space+string(name)+space+":"+space+string(value))
	}
	return "application/json", "{" + strings.Join(members, ",") + "}"
}

func readBody(contentType, text string) (out body) {
	switch {
	case contentType == form:
		for pair := range strings.SplitSeq(text, "&") {
			name, value, _ := strings.Cut(pair, "=")
			n, _ := url.QueryUnescape(name)
			v, _ := url.QueryUnescape(value)
			out.names, out.values = append(out.names, n), append(out.values, v)
		}
	case strings.HasPrefix(contentType, "multipart"):
		_, boundary, _ := strings.Cut(contentType, "boundary=")
		r := multipart.NewReader(strings.NewReader(text), boundary)
		for p, err := r.NextPart(); err == nil; p, err = r.NextPart() {
			v, _ := io.ReadAll(p)
			out.names, out.values = append(out.names, p.FormName()), append(out.values, string(v))
		}
	default:
		d := json.NewDecoder(strings.NewReader(text))
		_, _ = d.Token()
		for d.More() {
			name, _ := d.Token()
			value, _ := d.Token()
			out.names, out.values = append(out.names, fmt.Sprint(name)), append(out.values, fmt.Sprint(value))
		}
	}
	return out
}

// TestProveAValueGoesIntoItsFieldOnce holds the matcher against a model that knows the
// fields as lists: a request is the learned one where it has the same path, no field
// that was not there, no name twice in whatever case, and the words that were there; and
// then the value is in the one field, and everything else is as it was.
func TestProveAValueGoesIntoItsFieldOnce(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(20, 26))
	names := []string{"user", "password", "Password", "action", "token", "a=b", "é", "x y", "pass[word]", "text", "n"}
	values := []string{word, word + "x", "login", "comment", "k3j4h5k3j4h5k3j4h5", "ada", "", "two words", "9", "7", "8f7e6d5c4b3a2910", `"&+%`}
	paths := []string{"/session", "/session", "/session", "/session/", "/comments"}
	random := func() body {
		b := body{}
		for range 1 + rnd.IntN(4) {
			b.names, b.values = append(b.names, names[rnd.IntN(len(names))]), append(b.values, values[rnd.IntN(len(values))])
		}
		return b
	}
	taken, refused := 0, 0
	for range prove.Trials(40_000, 5_000_000) {
		kind := []string{"form", "parts", "JSON"}[rnd.IntN(3)]
		first, second := random(), random()
		if rnd.IntN(3) > 0 { // near to the first: in another order, with one change perhaps
			second = body{slices.Clone(first.names), slices.Clone(first.values)}
			for i, j := range rnd.Perm(len(first.names)) {
				second.names[i], second.values[i] = first.names[j], first.values[j]
			}
			if at := rnd.IntN(len(second.names)); rnd.IntN(2) == 0 {
				second.values[at] = values[rnd.IntN(len(values))]
			}
		}
		from, to := paths[rnd.IntN(len(paths))], paths[rnd.IntN(len(paths))]
		contentType, text := first.written(kind, rnd)
		step, ok := wayin.Learn(request("POST", from, contentType, text), wayin.Words{Password: []byte(word)})
		if ok != first.learnable(kind) {
			t.Fatalf("%s %q: learned %v", contentType, text, ok)
		}
		if !ok {
			continue
		}
		contentType, text = second.written(kind, rnd)
		found, ok := wayin.Match([]hotcell.WayStep{step}, request("POST", to, contentType, text), wayin.Words{Password: []byte(word)})
		if want := from == to && second.like(first, kind); ok != want {
			t.Fatalf("%+v learned from %v, and %q: %v, want %v", step, first, text, ok, want)
		}
		if !ok {
			refused++
			continue
		}
		taken++
		at := slices.Index(second.names, first.names[slices.Index(first.values, word)])
		second.values[at] = password
		if got := readBody(contentType, string(wayin.Put([]byte(text), found, map[string][]byte{hotcell.FieldPassword: []byte(password)}))); !slices.Equal(got.names, second.names) || !slices.Equal(got.values, second.values) {
			t.Fatalf("%s: %q, want %q", text, got, second)
		}
	}
	if taken == 0 || refused == 0 {
		t.Errorf("%d taken, %d refused", taken, refused)
	}
}

// twice says whether a name is there twice, in whatever case.
func (b body) twice(name string) bool {
	n := 0
	for _, one := range b.names {
		if strings.EqualFold(one, name) {
			n++
		}
	}
	return n > 1
}

func (b body) learnable(kind string) bool {
	at := slices.Index(b.values, word)
	if at < 0 || b.twice(b.names[at]) {
		return false
	}
	return kind != "JSON" || !slices.ContainsFunc(b.names, b.twice)
}

// like says whether a body has the shape of another one.
func (b body) like(first body, kind string) bool {
	if kind == "JSON" && slices.ContainsFunc(b.names, b.twice) {
		return false
	}
	field := first.names[slices.Index(first.values, word)]
	at := slices.Index(b.names, field)
	if at < 0 || b.values[at] != word || b.twice(field) {
		return false
	}
	fixed := func(value string) bool {
		return slices.Contains([]string{"login", "comment", "two words", "9", "7"}, value) || value == word || value == word+"x"
	}
	shape := func(of body) map[string]bool {
		out := map[string]bool{}
		for i, name := range of.names {
			if name != field {
				if fixed(of.values[i]) {
					name += "\x00" + of.values[i]
				}
				out[name] = true
			}
		}
		return out
	}
	was, is := shape(first), shape(b)
	for one := range is {
		name, _, _ := strings.Cut(one, "\x00")
		if !was[one] && !was[name] {
			return false
		}
	}
	for one := range was {
		if strings.Contains(one, "\x00") && !is[one] {
			return false
		}
	}
	return true
}

func FuzzMatch(f *testing.F) {
	for _, kind := range []string{form, "application/json", "text/xml", "text/plain", "multipart/form-data; boundary=xx"} {
		f.Add(kind, "password="+word, "password="+word)
	}
	f.Add("application/json", `{"a":{"b":"`+word+`"}}`, `{"a":{"b":"`+word+`"},"c":[1,{}]}`)
	f.Add("text/xml", `<a><b>`+word+`</b></a>`, `<a>x<b>`+word+`</b></a>`)
	f.Fuzz(func(t *testing.T, kind, first, second string) {
		step, ok := wayin.Learn(request("POST", "/", kind, first), words)
		if !ok {
			return
		}
		r := request("POST", "/", kind, second)
		found, _ := wayin.Match([]hotcell.WayStep{step}, r, words)
		got := wayin.Put(r.Body, found, map[string][]byte{hotcell.FieldPassword: []byte("the-password-itself"), hotcell.FieldOTP: []byte("314159")})
		if n := bytes.Count(got, []byte("the-password-itself")); n > 1 {
			t.Errorf("the password is %d times in %q", n, got)
		}
	})
}
