package github

import (
	"crypto/sha1" //nolint:gosec // git's own names of blobs
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"hotcell/test/acme/account"
	"hotcell/test/acme/twin"
)

// blob is a file's content.
type blob struct{ content []byte }

// sha is git's name of it.
func (b *blob) sha() string {
	return fmt.Sprintf("%x", sha1.Sum(fmt.Appendf(nil, "blob %d\x00%s", len(b.content), b.content))) //nolint:gosec // as above
}

// Put puts a file onto main.
func (t *Twin) Put(path string, content []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.branches["main"][path] = &blob{content}
}

// File is a file of a branch; nil where there is none.
func (t *Twin) File(branch, path string) []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	if b := t.branches[branch][path]; b != nil {
		return b.content
	}
	return nil
}

func (t *Twin) tree(ref string) map[string]*blob {
	if ref == "" {
		ref = "main"
	}
	return t.branches[ref]
}

func entry(kind, path string, b *blob) object {
	out := object{"type": kind, "name": path[strings.LastIndex(path, "/")+1:], "path": path, "size": 0, "sha": strings.Repeat("d", 40), "html_url": "https://github.com/acme/app/blob/main/" + path}
	if b != nil {
		out["size"], out["sha"] = len(b.content), b.sha()
	}
	return out
}

// contents is a file, or a list of what is in a folder.
func (t *Twin) contents(_ account.Account, r *http.Request) (int, any) {
	tree, path := t.tree(r.URL.Query().Get("ref")), strings.Trim(r.PathValue("path"), "/")
	if tree == nil {
		return http.StatusNotFound, problem("No commit found for the ref " + r.URL.Query().Get("ref"))
	}
	if b := tree[path]; b != nil && strings.Contains(r.Header.Get("Accept"), "raw") {
		return http.StatusOK, file(b.content)
	} else if b != nil {
		out := entry("file", path, b)
		// Between 1 and 100 MB there is no content.
		if out["encoding"], out["content"] = "none", ""; len(b.content) <= 1<<20 {
			out["encoding"], out["content"] = "base64", lines(base64.StdEncoding.EncodeToString(b.content))
		}
		return http.StatusOK, out
	}
	seen, out := map[string]bool{}, []object{}
	for name, b := range tree {
		below, in := strings.CutPrefix(name, path+"/")
		if path == "" {
			below, in = name, true
		}
		if !in {
			continue
		}
		first, _, deeper := strings.Cut(below, "/")
		whole := strings.TrimPrefix(path+"/"+first, "/")
		switch {
		case seen[first]:
		case deeper:
			out = append(out, entry("dir", whole, nil))
		default:
			out = append(out, entry("file", whole, b))
		}
		seen[first] = true
	}
	if len(out) == 0 {
		return missing()
	}
	slices.SortFunc(out, func(a, b object) int { return strings.Compare(fmt.Sprint(a["path"]), fmt.Sprint(b["path"])) })
	return http.StatusOK, out
}

// lines breaks base64 after 60 characters, as GitHub does.
func lines(s string) string {
	var out strings.Builder
	for len(s) > 60 {
		out.WriteString(s[:60] + "\n")
		s = s[60:]
	}
	return out.String() + s + "\n"
}

// changing is what a change of a file says, and what keeps it from being done.
func (t *Twin) changing(r *http.Request, needs bool) (tree map[string]*blob, path string, in object, status int, said any) {
	in, err := twin.Object(r)
	if err != nil {
		return nil, "", nil, http.StatusBadRequest, problem("Problems parsing JSON")
	}
	branch, _ := in["branch"].(string)
	message, _ := in["message"].(string)
	sha, _ := in["sha"].(string)
	tree, path = t.tree(branch), strings.Trim(r.PathValue("path"), "/")
	b := tree[path]
	switch {
	case tree == nil:
		status, said = http.StatusNotFound, problem("Branch "+branch+" not found")
	case message == "" || path == "":
		status, said = unprocessable("Commit", "message", "missing_field")
	case b == nil && needs:
		status, said = missing()
	case b != nil && sha == "":
		status, said = http.StatusUnprocessableEntity, problem(`Invalid request.

"sha" wasn't supplied.`)
	case b != nil && sha != b.sha():
		status, said = http.StatusConflict, problem(path+" does not match "+sha)
	}
	return tree, path, in, status, said
}

func (t *Twin) commit() object {
	t.commits++
	return object{"sha": fmt.Sprintf("%040x", t.commits)}
}

func (t *Twin) write(_ account.Account, r *http.Request) (int, any) {
	tree, path, in, status, said := t.changing(r, false)
	if status != 0 {
		return status, said
	}
	text, is := in["content"].(string)
	content, err := base64.StdEncoding.DecodeString(text)
	if err != nil || !is {
		return http.StatusUnprocessableEntity, problem("content is not valid Base64")
	}
	status = http.StatusCreated
	if tree[path] != nil {
		status = http.StatusOK
	}
	b := &blob{content}
	tree[path] = b
	return status, object{"content": entry("file", path, b), "commit": t.commit()}
}

func (t *Twin) remove(_ account.Account, r *http.Request) (int, any) {
	tree, path, _, status, said := t.changing(r, true)
	if status != 0 {
		return status, said
	}
	delete(tree, path)
	return http.StatusOK, object{"content": nil, "commit": t.commit()}
}

func (t *Twin) log(_ account.Account, r *http.Request) (int, any) {
	if t.tree(r.URL.Query().Get("sha")) == nil {
		return missing()
	}
	return http.StatusOK, []object{{"sha": fmt.Sprintf("%040x", t.commits), "commit": object{"message": "the last one"}}}
}

func (t *Twin) branch(_ account.Account, r *http.Request) (int, any) {
	in, err := twin.Object(r)
	if err != nil {
		return http.StatusBadRequest, problem("Problems parsing JSON")
	}
	ref, _ := in["ref"].(string)
	sha, _ := in["sha"].(string)
	name, ok := strings.CutPrefix(ref, "refs/heads/")
	switch {
	case !ok || name == "":
		return http.StatusUnprocessableEntity, problem("Reference name must start with 'refs/'")
	case len(sha) != 40:
		return http.StatusUnprocessableEntity, problem("The sha parameter must be exactly 40 characters and contain only [0-9a-f].")
	case t.branches[name] != nil:
		return http.StatusUnprocessableEntity, problem("Reference already exists")
	}
	t.branches[name] = maps.Clone(t.branches["main"])
	return http.StatusCreated, object{"ref": ref, "object": object{"type": "commit", "sha": sha}}
}

// Branch makes a branch of main.
func (t *Twin) Branch(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.branches[name] = maps.Clone(t.branches["main"])
}

func (t *Twin) removeBranch(_ account.Account, r *http.Request) (int, any) {
	if t.branches[r.PathValue("name")] == nil {
		return http.StatusUnprocessableEntity, problem("Reference does not exist")
	}
	delete(t.branches, r.PathValue("name"))
	return http.StatusNoContent, nil
}
