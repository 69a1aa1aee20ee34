package github

import (
	"fmt"
	"net/http"
	"strings"

	"hotcell/test/acme/account"
	"hotcell/test/acme/twin"
)

// Pull opens a pull request as somebody, that changes files.
func (t *Twin) Pull(user, title, from, into string, files ...string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := t.add(&issue{title: title, user: user, from: from, into: into})
	for _, name := range files {
		i.files = append(i.files, object{"filename": name, "status": "modified", "additions": 1, "deletions": 1, "changes": 2, "patch": "@@ -1 +1 @@\n-old of " + name + "\n+new of " + name})
	}
	return i.number
}

func (i *issue) pull() object {
	out := i.shown()
	delete(out, "pull_request")
	delete(out, "labels")
	out["head"], out["base"] = object{"ref": i.from, "sha": strings.Repeat("a", 40)}, object{"ref": i.into, "sha": strings.Repeat("b", 40)}
	out["draft"], out["merged_at"] = false, nil
	if i.merged {
		out["merged_at"] = "2026-11-02T08:00:00Z"
	}
	return out
}

func (t *Twin) pulls(_ account.Account, r *http.Request) (int, any) {
	part, links := paged(t, r, t.listed(r, true))
	out := []object{}
	for _, i := range part {
		out = append(out, i.pull())
	}
	return http.StatusOK, list{out, links}
}

func (t *Twin) openPull(who account.Account, r *http.Request) (int, any) {
	in, err := twin.Object(r)
	if err != nil {
		return http.StatusBadRequest, problem("Problems parsing JSON")
	}
	title, _ := in["title"].(string)
	from, _ := in["head"].(string)
	into, _ := in["base"].(string)
	switch {
	case title == "":
		return unprocessable("PullRequest", "title", "missing_field")
	case t.branches[from] == nil:
		return unprocessable("PullRequest", "head", "invalid")
	case t.branches[into] == nil:
		return unprocessable("PullRequest", "base", "invalid")
	}
	body, _ := in["body"].(string)
	i := t.add(&issue{title: title, body: body, user: strings.ToLower(who.Name), from: from, into: into})
	return http.StatusCreated, i.pull()
}

// pull is one, or its diff, as the media type says.
func (t *Twin) pull(_ account.Account, r *http.Request) (int, any) {
	i := t.of(r, true)
	if i == nil {
		return missing()
	}
	if strings.Contains(r.Header.Get("Accept"), "diff") {
		var out strings.Builder
		for _, f := range i.files {
			_, _ = fmt.Fprintf(&out, "diff --git a/%[1]s b/%[1]s\n--- a/%[1]s\n+++ b/%[1]s\n%[2]s\n", f["filename"], f["patch"])
		}
		return http.StatusOK, diff(out.String())
	}
	out := i.pull()
	out["merged"], out["mergeable"], out["commits"], out["changed_files"] = i.merged, !i.merged, 1, len(i.files)
	return http.StatusOK, out
}

func (t *Twin) changePull(_ account.Account, r *http.Request) (int, any) {
	i := t.of(r, true)
	if i == nil {
		return missing()
	}
	in, err := twin.Object(r)
	if err != nil {
		return http.StatusBadRequest, problem("Problems parsing JSON")
	}
	if base, given := in["base"].(string); given && t.branches[base] == nil {
		return unprocessable("PullRequest", "base", "invalid")
	}
	if wrong := i.set(in); wrong != "" {
		return unprocessable("PullRequest", wrong, "invalid")
	}
	return http.StatusOK, i.pull()
}

func (t *Twin) pullFiles(_ account.Account, r *http.Request) (int, any) {
	i := t.of(r, true)
	if i == nil {
		return missing()
	}
	part, links := paged(t, r, i.files)
	return http.StatusOK, list{append([]object{}, part...), links}
}

func (t *Twin) reviews(_ account.Account, r *http.Request) (int, any) {
	i := t.of(r, true)
	if i == nil {
		return missing()
	}
	part, links := paged(t, r, i.reviews)
	return http.StatusOK, list{append([]object{}, part...), links}
}

func (t *Twin) review(who account.Account, r *http.Request) (int, any) {
	i := t.of(r, true)
	if i == nil {
		return missing()
	}
	in, err := twin.Object(r)
	if err != nil {
		return http.StatusBadRequest, problem("Problems parsing JSON")
	}
	event, _ := in["event"].(string)
	body, _ := in["body"].(string)
	states := map[string]string{"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED", "": "PENDING"}
	login := strings.ToLower(who.Name)
	switch {
	case states[event] == "":
		return unprocessable("PullRequestReview", "event", "invalid")
	case body == "" && event != "APPROVE":
		return unprocessable("PullRequestReview", "body", "missing_field")
	case login == i.user && event == "APPROVE":
		return http.StatusUnprocessableEntity, object{"message": "Unprocessable Entity", "errors": []string{"Can not approve your own pull request"}, "documentation_url": docs}
	}
	one := object{"id": 9000 + len(i.reviews), "user": person(login), "body": body, "state": states[event], "html_url": fmt.Sprintf("https://github.com/acme/app/pull/%d#pullrequestreview", i.number)}
	i.reviews = append(i.reviews, one)
	return http.StatusOK, one
}

func (t *Twin) merge(_ account.Account, r *http.Request) (int, any) {
	i := t.of(r, true)
	if i == nil {
		return missing()
	}
	in, err := twin.Object(r)
	if err != nil {
		return http.StatusBadRequest, problem("Problems parsing JSON")
	}
	switch sha, _ := in["sha"].(string); {
	case i.merged || i.state != "open":
		return http.StatusMethodNotAllowed, problem("Pull Request is not mergeable")
	case sha != "" && sha != strings.Repeat("a", 40):
		return http.StatusConflict, problem("Head branch was modified. Review and try the merge again.")
	}
	i.merged, i.state = true, "closed"
	return http.StatusOK, object{"sha": strings.Repeat("c", 40), "merged": true, "message": "Pull Request successfully merged"}
}
