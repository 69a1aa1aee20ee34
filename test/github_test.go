package test

import (
	"bytes"
	"fmt"
	"maps"
	"strings"
	"testing"

	"hotcell/test/acme/github"
)

func repo(more map[string]any) map[string]any {
	out := map[string]any{"owner": "acme", "repo": "app"}
	maps.Copy(out, more)
	return out
}

func TestGitHubAsItsDocumentationHasIt(t *testing.T) {
	t.Parallel()
	a := turned(t, "")
	c := a.hire(t, "github")
	bug := a.GitHub.Issue("", "of one who is gone", "bug")
	a.GitHub.Comment(bug, "", "so am I")
	a.GitHub.Put("src/main.go", []byte("package main // grüße\n"))
	a.GitHub.Put("src/lib/a b.go", []byte("package lib\n"))
	a.GitHub.Put("logo.png", []byte("\x89PNG\r\n\x1a\n\xff\x00\xfe"))
	a.GitHub.Put("large.txt", bytes.Repeat([]byte("0123456789abcde\n"), 1<<17))
	pull := a.GitHub.Pull("bob", "faster", "speed", "main", "src/main.go", "go.mod")
	is := func(number int, title, state string, said ...string) func(*testing.T, string) {
		return func(t *testing.T, _ string) {
			gotTitle, gotState, _, gotSaid := a.GitHub.Shown(number)
			if gotTitle != title || gotState != state {
				t.Errorf("%d: %q %q", number, gotTitle, gotState)
			}
			same(t, fmt.Sprint(number), gotSaid, said...)
		}
	}
	var sha string
	c.does(t, "github", []toolCall{
		{tool: "github_issues", args: repo(nil), wants: []string{"of one who is gone", `"ghost"`, `"bug"`}, then: func(t *testing.T, answer string) {
			if strings.Contains(answer, "faster") {
				t.Error("a pull request is among the issues")
			}
		}},
		{tool: "github_issue", args: repo(map[string]any{"number": bug}), wants: []string{"so am I", `"body":""`}},
		{tool: "github_create_issue", args: repo(map[string]any{"title": "new", "body": "b", "labels": []string{"x"}}), wants: []string{`"number":3`}, then: is(3, "new", "open")},
		{tool: "github_update_issue", args: repo(map[string]any{"number": 3, "state": "closed"}), wants: []string{"closed"}, then: is(3, "new", "closed")},
		{tool: "github_comment", args: repo(map[string]any{"number": 3, "body": "done"}), then: is(3, "new", "closed", "done")},
		{tool: "github_pulls", args: repo(nil), wants: []string{"faster", `"from":"speed"`}},
		{tool: "github_pull", args: repo(map[string]any{"number": pull}), wants: []string{"new of src/main.go", "go.mod", `"mergeable":true`, strings.Repeat("a", 40)}},
		{tool: "github_diff", args: repo(map[string]any{"number": pull}), wants: []string{"diff --git a/src/main.go"}},
		{tool: "github_review", args: repo(map[string]any{"number": pull, "verdict": "request_changes", "body": "no"}), wants: []string{"CHANGES_REQUESTED"}, then: is(pull, "faster", "open", "no")},
		{tool: "github_reviews", args: repo(map[string]any{"number": pull}), wants: []string{"CHANGES_REQUESTED", `"user":"ada"`}},
		{tool: "github_update_pull", args: repo(map[string]any{"number": pull, "title": "fastest"}), then: is(pull, "fastest", "open", "no")},
		{tool: "github_merge", args: repo(map[string]any{"number": pull, "method": "squash", "sha": strings.Repeat("a", 40)}), wants: []string{`"merged":true`}, then: is(pull, "fastest", "closed", "no")},
		{tool: "github_folder", args: repo(map[string]any{"path": []string{"src"}}), wants: []string{`"path":"src/lib"`, `"type":"dir"`, "src/main.go"}},
		{tool: "github_file", args: repo(map[string]any{"path": []string{"src", "main.go"}}), wants: []string{"grüße"}, then: func(_ *testing.T, answer string) {
			_, rest, _ := strings.Cut(answer, `"structuredContent"`)
			_, rest, _ = strings.Cut(rest, `"sha":"`)
			sha = rest[:40]
		}},
		{tool: "github_download", args: repo(map[string]any{"path": []string{"logo.png"}}), wants: []string{"iVBORw0KGgr/AP4="}},
		{tool: "github_create_branch", args: repo(map[string]any{"branch": "fix/it", "from": "main"}), wants: []string{"fix/it"}},
		{tool: "github_write_file", args: repo(map[string]any{"path": []string{"src", "main.go"}, "text": "package main\n", "message": "less", "branch": "fix/it"}), fill: func(m map[string]any) { m["sha"] = sha }, then: func(t *testing.T, _ string) {
			if got, was := a.GitHub.File("fix/it", "src/main.go"), a.GitHub.File("main", "src/main.go"); string(got) != "package main\n" || string(was) != "package main // grüße\n" {
				t.Errorf("%q, and on main %q", got, was)
			}
		}},
		{tool: "github_create_pull", args: repo(map[string]any{"title": "less", "head": "fix/it", "base": "main"}), then: is(4, "less", "open")},
		{tool: "github_search", args: map[string]any{"query": "repo:acme/app less"}, wants: []string{`"total":1`, `"less"`}},
	})
	if out := c.tells(t, "github_search", map[string]any{"query": "package", "in": "code"}); fmt.Sprint(names(out["items"], "path")) != "[src/lib/a b.go src/main.go]" {
		t.Errorf("%v", out)
	}
	if out := c.tells(t, "github_folder", repo(nil)); fmt.Sprint(names(out["entries"], "path")) != "[large.txt logo.png src]" {
		t.Errorf("%v", out)
	}
	// What is no text of a file is not to look like an empty one.
	c.refuses(t, "github_file", repo(map[string]any{"path": []string{"src"}}), "a folder", "github_folder")
	c.refuses(t, "github_file", repo(map[string]any{"path": []string{"large.txt"}}), "2097152 bytes", "github_download")
	c.refuses(t, "github_file", repo(map[string]any{"path": []string{"logo.png"}}), "no text")
	c.refuses(t, "github_download", repo(map[string]any{"path": []string{"src"}}), "a folder")
	c.refuses(t, "github_folder", repo(map[string]any{"path": []string{"logo.png"}}), "no folder")

	for i := range 7 {
		a.GitHub.Issue("bob", fmt.Sprint("many ", i))
	}
	a.GitHub.Short(2)
	same(t, "issues", names(c.listed(t, "github_issues", "issues", repo(map[string]any{"state": "all"}), 3, 9), "title"),
		"many 6", "many 5", "many 4", "many 3", "many 2", "many 1", "many 0", "new", "of one who is gone")
	c.listed(t, "github_search", "items", map[string]any{"query": "many"}, 3, 7)

	a.GitHub.Slow(1)
	c.refuses(t, "github_issues", repo(nil), `"status":403`, `"retryable":true`, `"retry_after":60`, "secondary rate limit")
	a.GitHub.Limit(1)
	c.refuses(t, "github_issues", repo(nil), `"status":403`, `"retryable":true`, `"retry_after":1`) // 119 or 120
	c.refuses(t, "github_issue", repo(map[string]any{"number": 99}), `"status":404`, `"retryable":false`)
	c.refuses(t, "github_write_file", repo(map[string]any{"path": []string{"src", "main.go"}, "text": "x", "message": "m"}), `"status":422`, "wasn't supplied")
	c.refuses(t, "github_write_file", repo(map[string]any{"path": []string{"src", "main.go"}, "text": "x", "message": "m", "sha": strings.Repeat("0", 40)}), `"status":409`)
	c.refuses(t, "github_create_pull", repo(map[string]any{"title": "x", "head": "nowhere", "base": "main"}), `"status":422`, "head invalid")
	c.refuses(t, "github_review", repo(map[string]any{"number": 4, "verdict": "approve"}), "Can not approve your own pull request")
	c.refuses(t, "github_merge", repo(map[string]any{"number": pull}), `"status":405`, "not mergeable")
	c.refuses(t, "github_create_branch", repo(map[string]any{"branch": "fix/it"}), "already exists")
	c.refuses(t, "github_file", repo(map[string]any{"path": []string{"src/main.go"}}))
	a.Withhold("repo")
	c.refuses(t, "github_issues", repo(nil), `"status":404`)
	c.refuses(t, "github_comment", repo(map[string]any{"number": 3, "body": "x"}), `"status":403`, `"retryable":false`)
	a.Withhold("")
	a.gone(t, "github", "revoked at the service")
	if a.Identity.Counts().Revocations != 1 {
		t.Errorf("%+v", a.Identity.Counts())
	}
	a.Canaries(a.ClientSecret("github"))
}

func TestGitHubRefusesWhatGitHubDoes(t *testing.T) {
	t.Parallel()
	twin := github.New(keyOf("Bearer key", "repo"))
	for _, c := range []struct{ method, path, body, want string }{
		{"POST", "/repos/acme/app/issues", `{"body":"x"}`, "422 "},
		{"POST", "/repos/acme/app/issues", `not json`, "400 "},
		{"POST", "/repos/acme/app/git/refs", `{"ref":"fix","sha":"` + strings.Repeat("a", 40) + `"}`, "422 "},
		{"POST", "/repos/acme/app/git/refs", `{"ref":"refs/heads/fix","sha":"abc"}`, "422 "},
		{"PUT", "/repos/acme/app/contents/x", `{"message":"m","content":"not base64!"}`, "422 "},
		{"PUT", "/repos/acme/app/contents/x", `{"content":"eA=="}`, "422 "},
		{"GET", "/search/issues", ``, "422 "},
		{"GET", "/repos/acme/app/pulls/1", ``, "404 "},
		{"GET", "/repos/acme/other/issues", ``, "404 "},
	} {
		if got := shown(t, twin, c.method, c.path, "application/json", "Bearer key", c.body); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s %s: %s", c.method, c.path, got)
		}
	}
	if got := shown(t, twin, "GET", "/user", "", "Bearer other", ""); !strings.HasPrefix(got, "401 ") || !strings.Contains(got, "Bad credentials") {
		t.Error(got)
	}
}
