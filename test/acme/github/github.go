// Package github is a twin of the parts of GitHub's REST API that tools use, as
// its documentation has them: issues and pull requests, contents, branches, search.
package github

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"hotcell/test/acme/account"
	"hotcell/test/acme/twin"
)

// object is a JSON object.
type object = map[string]any

// Twin is the service, with one repository: acme/app.
type Twin struct {
	twin.Desk
	check account.Check
	mux   *http.ServeMux

	mu        sync.Mutex
	secondary int
	issues    []*issue
	branches  map[string]map[string]*blob // by branch and path
	commits   int
}

// New is a twin; check finds out whose a token is.
func New(check account.Check) *Twin {
	t := &Twin{check: check, mux: http.NewServeMux(), branches: map[string]map[string]*blob{"main": {}}}
	for pattern, fn := range map[string]func(account.Account, *http.Request) (int, any){
		"GET /user":                                       t.user,
		"GET /repos/acme/app/issues":                      t.list,
		"POST /repos/acme/app/issues":                     t.open,
		"GET /repos/acme/app/issues/{n}":                  t.read,
		"PATCH /repos/acme/app/issues/{n}":                t.change,
		"GET /repos/acme/app/issues/{n}/comments":         t.comments,
		"POST /repos/acme/app/issues/{n}/comments":        t.comment,
		"GET /repos/acme/app/pulls":                       t.pulls,
		"POST /repos/acme/app/pulls":                      t.openPull,
		"GET /repos/acme/app/pulls/{n}":                   t.pull,
		"PATCH /repos/acme/app/pulls/{n}":                 t.changePull,
		"GET /repos/acme/app/pulls/{n}/files":             t.pullFiles,
		"GET /repos/acme/app/pulls/{n}/reviews":           t.reviews,
		"POST /repos/acme/app/pulls/{n}/reviews":          t.review,
		"PUT /repos/acme/app/pulls/{n}/merge":             t.merge,
		"GET /repos/acme/app/contents/{path...}":          t.contents,
		"PUT /repos/acme/app/contents/{path...}":          t.write,
		"DELETE /repos/acme/app/contents/{path...}":       t.remove,
		"GET /repos/acme/app/commits":                     t.log,
		"POST /repos/acme/app/git/refs":                   t.branch,
		"DELETE /repos/acme/app/git/refs/heads/{name...}": t.removeBranch,
		"GET /search/issues":                              t.searchIssues,
		"GET /search/code":                                t.searchCode,
	} {
		t.mux.HandleFunc(pattern, t.serve(fn))
	}
	t.mux.HandleFunc("/", t.serve(func(account.Account, *http.Request) (int, any) { return missing() }))
	return t
}

// ServeHTTP implements [http.Handler].
func (t *Twin) ServeHTTP(w http.ResponseWriter, r *http.Request) { t.mux.ServeHTTP(w, r) }

// Slow has the next n requests run into a secondary rate limit.
func (t *Twin) Slow(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.secondary = n
}

const docs = "https://docs.github.com/rest"

func problem(message string) object { return object{"message": message, "documentation_url": docs} }

func missing() (int, any) {
	return http.StatusNotFound, object{"message": "Not Found", "documentation_url": docs, "status": "404"}
}

// unprocessable is 422, with what is wrong with which field.
func unprocessable(resource, field, code string) (int, any) {
	return http.StatusUnprocessableEntity, object{"message": "Validation Failed", "errors": []object{{"resource": resource, "field": field, "code": code}}, "documentation_url": docs, "status": "422"}
}

// serve checks a request, and answers as GitHub does.
func (t *Twin) serve(fn func(account.Account, *http.Request) (int, any)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-GitHub-Media-Type", "github.v3; format=json")
		if r.Header.Get("User-Agent") == "" {
			http.Error(w, "Request forbidden by administrative rules. Please make sure your request has a User-Agent header.", http.StatusForbidden)
			return
		}
		if v := r.Header.Get("X-GitHub-Api-Version"); v != "" && v != "2022-11-28" {
			twin.JSON(w, http.StatusBadRequest, problem("The API version is not supported"))
			return
		}
		if status, body := t.limits(w); status != 0 {
			twin.JSON(w, status, body)
			return
		}
		who, ok := t.check(r)
		if !ok {
			twin.JSON(w, http.StatusUnauthorized, object{"message": "Bad credentials", "documentation_url": docs, "status": "401"})
			return
		}
		w.Header().Set("X-OAuth-Scopes", strings.Join(who.Scopes, ", "))
		if r.URL.Path != "/user" && !slices.Contains(who.Scopes, "repo") {
			if r.Method == http.MethodGet {
				twin.JSON(w, http.StatusNotFound, object{"message": "Not Found", "documentation_url": docs, "status": "404"}) // it is not even there
				return
			}
			twin.JSON(w, http.StatusForbidden, problem("Resource not accessible by personal access token"))
			return
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		status, body := fn(who, r)
		t.answer(w, r, status, body)
	}
}

// limits are the two kinds that GitHub has.
func (t *Twin) limits(w http.ResponseWriter) (int, any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.secondary > 0 {
		t.secondary--
		w.Header().Set("Retry-After", "60")
		return http.StatusForbidden, problem("You have exceeded a secondary rate limit. Please wait a few minutes before you try again.")
	}
	if t.Over() {
		w.Header().Set("X-RateLimit-Limit", "5000")
		w.Header().Set("X-RateLimit-Remaining", "0")
		w.Header().Set("X-RateLimit-Reset", strconv.FormatInt(time.Now().Add(2*time.Minute).Unix(), 10))
		return http.StatusForbidden, problem("API rate limit exceeded for user ID 1.")
	}
	w.Header().Set("X-RateLimit-Remaining", "4999")
	return 0, nil
}

// diff is a body that is no JSON.
type diff string

// file is a body that is a file as it is.
type file []byte

// list is a page of a list, with the links to others.
type list struct {
	items any
	links []string
}

func (t *Twin) answer(w http.ResponseWriter, r *http.Request, status int, body any) {
	switch body := body.(type) {
	case diff:
		w.Header().Set("Content-Type", "application/vnd.github.diff; charset=utf-8")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	case file:
		w.Header().Set("Content-Type", "application/vnd.github.raw+json; charset=utf-8")
		w.WriteHeader(status)
		_, _ = w.Write(body)
	case list:
		if len(body.links) > 0 {
			w.Header().Set("Link", strings.Join(body.links, ", "))
		}
		twin.JSON(w, status, body.items)
	case nil:
		w.WriteHeader(status)
	default:
		if r.Method == http.MethodPost && status == http.StatusCreated {
			w.Header().Set("Location", "https://api.github.com"+r.URL.Path)
		}
		twin.JSON(w, status, body)
	}
}

// paged is the page of a list that a request asks for. GitHub names its own host
// in links, whatever it was reached by.
func paged[T any](t *Twin, r *http.Request, all []T) (part []T, links []string) {
	number := func(name string, usual, most int) int {
		n, err := strconv.Atoi(r.URL.Query().Get(name))
		if err != nil || n < 1 {
			return usual
		}
		return min(n, most)
	}
	per, page := number("per_page", 30, 100), number("page", 1, 1<<20)
	if per, _ = t.Page(1<<20, 0, per); per < 1 {
		per = 1
	}
	from := min((page-1)*per, len(all))
	end := min(from+per, len(all))
	link := func(n int, rel string) string {
		q := r.URL.Query()
		q.Set("page", strconv.Itoa(n))
		return fmt.Sprintf(`<https://api.github.com%s?%s>; rel="%s"`, r.URL.EscapedPath(), q.Encode(), rel)
	}
	if page > 1 {
		links = append(links, link(page-1, "prev"))
	}
	if end < len(all) {
		links = append(links, link(page+1, "next"), link((len(all)+per-1)/per, "last"))
	}
	return all[from:end], links
}

func (t *Twin) user(who account.Account, _ *http.Request) (int, any) {
	return http.StatusOK, object{"login": strings.ToLower(who.Name), "id": len(who.Name), "type": "User", "name": who.Name}
}

// words are what a search looks for, and its qualifiers.
func words(r *http.Request) (plain []string, is map[string]string) {
	is = map[string]string{}
	for word := range strings.FieldsSeq(r.URL.Query().Get("q")) {
		if key, value, ok := strings.Cut(word, ":"); ok {
			is[key] = value
			continue
		}
		plain = append(plain, strings.ToLower(word))
	}
	return plain, is
}

func (t *Twin) found(r *http.Request, all []object) (int, any) {
	if r.URL.Query().Get("q") == "" {
		return unprocessable("Search", "q", "missing")
	}
	part, links := paged(t, r, all)
	return http.StatusOK, list{object{"total_count": len(all), "incomplete_results": false, "items": part}, links}
}

func (t *Twin) searchIssues(_ account.Account, r *http.Request) (int, any) {
	plain, is := words(r)
	all := []object{}
	for _, i := range slices.Backward(t.issues) {
		text := strings.ToLower(i.title + " " + i.body)
		if is["state"] != "" && i.state != is["state"] || slices.ContainsFunc(plain, func(w string) bool { return !strings.Contains(text, w) }) {
			continue
		}
		all = append(all, i.shown())
	}
	return t.found(r, all)
}

func (t *Twin) searchCode(_ account.Account, r *http.Request) (int, any) {
	plain, _ := words(r)
	all := []object{}
	for path, b := range t.branches["main"] {
		if len(plain) > 0 && strings.Contains(strings.ToLower(string(b.content)), plain[0]) {
			all = append(all, object{"name": path[strings.LastIndex(path, "/")+1:], "path": path, "sha": b.sha(), "html_url": "https://github.com/acme/app/blob/main/" + (&url.URL{Path: path}).EscapedPath()})
		}
	}
	slices.SortFunc(all, func(a, b object) int { return strings.Compare(fmt.Sprint(a["path"]), fmt.Sprint(b["path"])) })
	return t.found(r, all)
}
