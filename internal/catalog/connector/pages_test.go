package connector_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"hotcell"
	"hotcell/internal/catalog/connector"
)

const lists = `
slug: lists
name: Lists
category: other
about: For tests.
base: https://lists.acme.test
advise: {hosts: [lists.acme.test]}
auth: {kind: key}
tools:
- name: query
  about: Lists things in one of many ways.
  hint: read
  input: {type: object, properties: {limit: {type: integer, default: 5, description: limit}}}
  request: {method: GET, path: /q, query: {a: b c}}
  pages: {items: "${answer.items}", next: "${answer.next}", into: {query: page}, limit: args.limit}
  result: "${{'things': items}}"
- name: body
  about: Lists things in one of many ways.
  hint: read
  input: {type: object, properties: {limit: {type: integer, default: 5, description: limit}}}
  request: {method: POST, path: /j, json: {variables: {first: 10}, n: 9007199254740993}}
  pages: {items: "${answer.items}", next: "${answer.next}", into: {json: variables.after}, limit: args.limit}
  result: "${{'things': items}}"
- name: form
  about: Lists things in one of many ways.
  hint: read
  input: {type: object, properties: {limit: {type: integer, default: 5, description: limit}}}
  request: {method: POST, path: /f, form: {x: y}}
  pages: {items: "${answer.items}", next: "${answer.next}", into: {form: page}, limit: args.limit}
  result: "${{'things': items}}"
- name: link
  about: Lists things in one of many ways.
  hint: read
  input: {type: object, properties: {limit: {type: integer, default: 5, description: limit}}}
  request: {method: GET, path: /q, query: {a: b c}}
  pages: {items: "${answer.items}", link: true, limit: args.limit}
  result: "${{'things': items}}"
- name: numbered
  about: Lists things in one of many ways.
  hint: read
  input: {type: object, properties: {limit: {type: integer, default: 5, description: limit}}}
  request: {method: GET, path: /q, query: {a: b c}}
  pages: {items: "${answer.items}", link: true, into: {query: page}, limit: args.limit}
  result: "${{'things': items}}"
- name: said
  about: Lists things in one of many ways.
  hint: read
  input: {type: object, properties: {limit: {type: integer, default: 5, description: limit}}}
  request: {method: GET, path: /q, query: {a: b c}}
  pages: {items: "${answer.items}", next: "${answer.next}", into: {query: page}, limit: args.limit}
  result: {things: "${items}", truncated: "${more}", cursor: "${more ? 'own' : ''}"}
- name: plain
  about: Lists without a word on the result.
  hint: read
  request: {method: GET, path: /p}
  pages: {items: "${answer.items}", next: "${answer.next}", into: {query: page}}
`

func listed(t *testing.T, tool, arguments string) *connector.Run {
	t.Helper()
	return beginOf(t, lists, tool, arguments)
}

func TestAListIsReadToItsEnd(t *testing.T) {
	t.Parallel()
	r := begin(t, "list", `{}`)
	if q := next(t, r); q.URL.RawQuery != "channel=c" {
		t.Errorf("%s", q.URL)
	}
	answer(t, r, `{"items":[1,2],"next":"p&2 +"}`)
	if q := next(t, r); q.URL.RawQuery != "channel=c&cursor=p%262%20%2B" {
		t.Errorf("%s", q.URL)
	}
	answer(t, r, `{"items":[3,4],"next":"p&2 +"}`) // a page that was there before
	if got := result(t, r); got != `{"items":[1,2,3,4]}` {
		t.Errorf("%s", got)
	}
	r = begin(t, "links", `{}`)
	next(t, r)
	answer(t, r, `[1]`, "Link", `<https://chat.acme.test/api/links?page=1>; rel="prev", <https://chat.acme.test/api/links?page=2>; rel="next"`)
	if q := next(t, r); q.URL.String() != "https://chat.acme.test/api/links?page=2" {
		t.Errorf("%s", q.URL)
	}
	answer(t, r, `[2]`)
	if got := result(t, r); got != `{"items":[1,2]}` {
		t.Errorf("%s", got)
	}
}

// TestACutListGoesOnWhereItEnded reads a list of seven, in pages of three, in calls
// of every size, and misses and repeats none.
func TestACutListGoesOnWhereItEnded(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"query", "body", "form", "numbered"} {
		for limit := 1; limit <= 8; limit++ {
			t.Run(fmt.Sprint(tool, limit), func(t *testing.T) {
				t.Parallel()
				var got []string
				for cursor, calls := "", 0; ; calls++ {
					arguments := fmt.Sprintf(`{"limit":%d}`, limit)
					if cursor != "" {
						arguments = fmt.Sprintf(`{"limit":%d,"cursor":%q}`, limit, cursor)
					}
					r := listed(t, tool, arguments)
					for q := next(t, r); q != nil; q = next(t, r) {
						serve(t, r, q)
					}
					var out struct {
						Things []string
						More   bool
						Cursor string
					}
					unmarshal(t, result(t, r), &out)
					if got = append(got, out.Things...); len(out.Things) > limit || out.More != (len(got) < 7) || out.More != (out.Cursor != "") || calls > 8 {
						t.Fatalf("%+v", out)
					}
					if cursor = out.Cursor; !out.More {
						break
					}
				}
				if strings.Join(got, "") != "abcdefg" {
					t.Errorf("%v", got)
				}
			})
		}
	}
}

// serve answers as a service that has seven things, three a page.
func serve(t *testing.T, r *connector.Run, q *connector.Request) {
	t.Helper()
	at := q.URL.Query().Get("page")
	switch post := q.Method == http.MethodPost; {
	case post && q.Body[0] == '{':
		var body struct {
			N         int64
			Variables struct {
				First int
				After string
			}
		}
		unmarshal(t, string(q.Body), &body)
		if at = body.Variables.After; body.N != 9007199254740993 || body.Variables.First != 10 {
			t.Errorf("%s", q.Body)
		}
	case post:
		form, err := url.ParseQuery(string(q.Body))
		if at = form.Get("page"); err != nil || form.Get("x") != "y" {
			t.Errorf("%s", q.Body)
		}
	case q.URL.Query().Get("a") != "b c":
		t.Errorf("%s", q.URL)
	}
	of := map[string][2]string{"": {`"a","b","c"`, "2.+ &#"}, "2.+ &#": {`"d","e","f"`, "3"}, "3": {`"g"`, ""}}[at]
	headers := []string{}
	if of[1] != "" {
		headers = append(headers, "Link", `<https://lists.acme.test/q?x=1&page=`+url.QueryEscape(of[1])+`>; rel="next"`)
	}
	answer(t, r, fmt.Sprintf(`{"items":[%s],"next":%q}`, of[0], of[1]), headers...)
}

func TestACutListSaysSo(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ tool, arguments, answer, link, want string }{
		{"query", `{"limit":2}`, `{"items":[1,2],"next":"n"}`, "", `{"cursor":"0.n","more":true,"things":[1,2]}`},
		{"query", `{"limit":2}`, `{"items":[1,2,3]}`, "", `{"cursor":"2","more":true,"things":[1,2]}`},
		{"query", `{"limit":2}`, `{"items":[1,2]}`, "", `{"things":[1,2]}`},
		{"query", `{"limit":2}`, `{"items":[1,2],"next":30}`, "", `{"cursor":"0#30","more":true,"things":[1,2]}`},
		{"link", `{"limit":2}`, `{"items":[1,2]}`, `<https://lists.acme.test/q?page=2>; rel=next`, `{"more":true,"things":[1,2]}`},
		{"numbered", `{"limit":2}`, `{"items":[1,2]}`, `<https://lists.acme.test/q?page=2>; rel=next`, `{"cursor":"0.2","more":true,"things":[1,2]}`},
		{"said", `{"limit":1}`, `{"items":[1,2]}`, "", `{"cursor":"own","more":true,"things":[1],"truncated":true}`},
		{"plain", `{}`, `{"items":[1,2],"other":1}`, "", `{"items":[1,2]}`},
	} {
		r := listed(t, c.tool, c.arguments)
		next(t, r)
		answer(t, r, c.answer, "Link", c.link)
		if got := result(t, r); got != c.want {
			t.Errorf("%s %s: %s", c.tool, c.answer, got)
		}
	}
	r := listed(t, "body", `{"cursor":"0#30"}`)
	if q := next(t, r); string(q.Body) != `{"n":9007199254740993,"variables":{"after":30,"first":10}}` {
		t.Errorf("%s", q.Body)
	}
}

func TestAPageThatLeadsToItselfIsReadOnce(t *testing.T) {
	t.Parallel()
	r := listed(t, "query", `{"cursor":"0.n"}`)
	next(t, r)
	answer(t, r, `{"items":[1],"next":"n"}`)
	if got := result(t, r); got != `{"things":[1]}` {
		t.Errorf("%s", got)
	}
}

func TestACursorLeadsNowhereElse(t *testing.T) {
	t.Parallel()
	q := next(t, listed(t, "numbered", `{"cursor":"0.https://evil.test/x?page=1&a=evil"}`))
	if q.URL.Host != "lists.acme.test" || q.URL.Path != "/q" || q.URL.Query().Get("a") != "b c" || q.URL.Query().Get("page") != "https://evil.test/x?page=1&a=evil" {
		t.Errorf("%s", q.URL)
	}
	for _, bad := range []string{`{"cursor":"x"}`, `{"cursor":"-1"}`, `{"cursor":".n"}`, `{"cursor":"1#x"}`} {
		if _, err := listed(t, "query", bad).Next(t.Context()); !errors.Is(err, hotcell.ErrInvalid) {
			t.Errorf("%s: %v", bad, err)
		}
	}
	if c := parseOf(t, lists); c != nil {
		link, _ := c.Tool("link")
		if _, err := link.Check(t.Context(), []byte(`{"cursor":"0.x"}`)); err == nil {
			t.Error("a tool that follows addresses takes one from an agent")
		}
	}
}
