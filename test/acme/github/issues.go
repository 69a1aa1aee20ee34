package github

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"hotcell/test/acme/account"
	"hotcell/test/acme/twin"
)

// issue is one, or a pull request.
type issue struct {
	number             int
	title, body, state string
	user               string // empty where the account is gone
	labels             []string
	comments           []object
	// from and into are branches, of a pull request.
	from, into string
	merged     bool
	reviews    []object
	files      []object
}

func person(login string) any {
	if login == "" {
		return nil // whose account is gone
	}
	return object{"login": login, "type": "User"}
}

func (i *issue) shown() object {
	labels := []object{}
	for _, l := range i.labels {
		labels = append(labels, object{"name": l})
	}
	out := object{
		"number": i.number, "title": i.title, "state": i.state, "user": person(i.user), "labels": labels, "body": nil, "comments": len(i.comments),
		"html_url": fmt.Sprintf("https://github.com/acme/app/issues/%d", i.number), "created_at": "2026-11-01T08:00:00Z", "assignees": []any{},
	}
	if i.body != "" {
		out["body"] = i.body
	}
	if i.from != "" {
		out["pull_request"] = object{"url": fmt.Sprintf("https://api.github.com/repos/acme/app/pulls/%d", i.number)}
		out["html_url"] = fmt.Sprintf("https://github.com/acme/app/pull/%d", i.number)
	}
	return out
}

// Issue opens an issue as somebody; nobody of "" is one whose account is gone.
func (t *Twin) Issue(user, title string, labels ...string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.add(&issue{title: title, user: user, labels: labels}).number
}

func (t *Twin) add(i *issue) *issue {
	i.number, i.state = len(t.issues)+1, "open"
	t.issues = append(t.issues, i)
	return i
}

// Shown is an issue or a pull request as it is now: its title, state and labels,
// and what was said.
func (t *Twin) Shown(number int) (title, state string, labels, said []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if number < 1 || number > len(t.issues) {
		return "", "", nil, nil
	}
	i := t.issues[number-1]
	for _, c := range append(slices.Clone(i.comments), i.reviews...) {
		said = append(said, fmt.Sprint(c["body"]))
	}
	return i.title, i.state, i.labels, said
}

// of finds what a request is about.
func (t *Twin) of(r *http.Request, pull bool) *issue {
	n, err := strconv.Atoi(r.PathValue("n"))
	if err != nil || n < 1 || n > len(t.issues) || pull && t.issues[n-1].from == "" {
		return nil
	}
	return t.issues[n-1]
}

func (t *Twin) listed(r *http.Request, pulls bool) []*issue {
	state := r.URL.Query().Get("state")
	if state == "" {
		state = "open"
	}
	var out []*issue
	for _, i := range slices.Backward(t.issues) {
		if (state == "all" || state == i.state) && (!pulls || i.from != "") {
			out = append(out, i)
		}
	}
	return out
}

// list has pull requests among the issues, as GitHub does.
func (t *Twin) list(_ account.Account, r *http.Request) (int, any) {
	part, links := paged(t, r, t.listed(r, false))
	out := []object{}
	for _, i := range part {
		out = append(out, i.shown())
	}
	return http.StatusOK, list{out, links}
}

func (t *Twin) open(who account.Account, r *http.Request) (int, any) {
	in, err := twin.Object(r)
	if err != nil {
		return http.StatusBadRequest, problem("Problems parsing JSON")
	}
	title, _ := in["title"].(string)
	if strings.TrimSpace(title) == "" {
		return unprocessable("Issue", "title", "missing_field")
	}
	i := &issue{title: title, user: strings.ToLower(who.Name)}
	if problem := i.set(in); problem != "" {
		return unprocessable("Issue", problem, "invalid")
	}
	return http.StatusCreated, t.add(i).shown()
}

// set changes what is given; it names the field that is wrong.
func (i *issue) set(in object) string {
	for name, value := range in {
		text, is := value.(string)
		switch name {
		case "title":
			i.title = text
		case "body":
			i.body = text
		case "state":
			if text != "open" && text != "closed" {
				return name
			}
			i.state = text
		case "base":
			i.into = text
		case "labels":
			all, ok := value.([]any)
			if !ok {
				return name
			}
			i.labels, is = nil, true
			for _, l := range all {
				i.labels = append(i.labels, fmt.Sprint(l))
			}
		default: // the rest is not looked at, as at GitHub
			is = true
		}
		if !is {
			return name
		}
	}
	return ""
}

func (t *Twin) read(_ account.Account, r *http.Request) (int, any) {
	if i := t.of(r, false); i != nil {
		return http.StatusOK, i.shown()
	}
	return missing()
}

func (t *Twin) change(_ account.Account, r *http.Request) (int, any) {
	i := t.of(r, false)
	if i == nil {
		return missing()
	}
	in, err := twin.Object(r)
	if err != nil {
		return http.StatusBadRequest, problem("Problems parsing JSON")
	}
	if wrong := i.set(in); wrong != "" {
		return unprocessable("Issue", wrong, "invalid")
	}
	return http.StatusOK, i.shown()
}

func (t *Twin) comments(_ account.Account, r *http.Request) (int, any) {
	i := t.of(r, false)
	if i == nil {
		return missing()
	}
	part, links := paged(t, r, i.comments)
	return http.StatusOK, list{append([]object{}, part...), links}
}

// Comment says something on an issue, as somebody.
func (t *Twin) Comment(number int, user, body string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.issues[number-1].say(user, body)
}

func (i *issue) say(user, body string) object {
	c := object{"id": 1000*i.number + len(i.comments), "user": person(user), "body": body, "created_at": "2026-11-01T09:00:00Z", "html_url": fmt.Sprintf("https://github.com/acme/app/issues/%d#issuecomment-%d", i.number, len(i.comments))}
	i.comments = append(i.comments, c)
	return c
}

func (t *Twin) comment(who account.Account, r *http.Request) (int, any) {
	i := t.of(r, false)
	if i == nil {
		return missing()
	}
	in, err := twin.Object(r)
	body, _ := in["body"].(string)
	if err != nil || body == "" {
		return unprocessable("IssueComment", "body", "missing_field")
	}
	return http.StatusCreated, i.say(strings.ToLower(who.Name), body)
}
