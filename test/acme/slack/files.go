package slack

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"hotcell/test/acme/account"
)

// Files are those that were uploaded and put somewhere.
func (t *Twin) Files() (out []File) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, f := range t.files {
		if f.Channel != "" {
			out = append(out, *f)
		}
	}
	slices.SortFunc(out, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// slot gives a place to upload to. The twin's host is told by serve's caller.
func (t *Twin) slot(_ account.Account, arg func(string) string) answer {
	length, err := strconv.Atoi(arg("length"))
	if arg("filename") == "" || err != nil || length < 1 {
		return refused("invalid_arguments")
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	id := "F" + rand.Text()[:10]
	t.files[id] = &File{ID: id, Name: arg("filename"), Length: length}
	return answer{"ok": true, "upload_url": "https://files.slack.com/upload/v1/" + id, "file_id": id}
}

// upload takes the bytes; its address is its own secret, and wants no token.
func (t *Twin) upload(w http.ResponseWriter, r *http.Request) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f := t.files[r.PathValue("id")]
	if f == nil || r.Header.Get("Authorization") != "" {
		http.Error(w, "not_allowed", http.StatusForbidden)
		return
	}
	content, _ := io.ReadAll(io.LimitReader(r.Body, 16<<20))
	if len(content) != f.Length {
		http.Error(w, "the length is not what was said", http.StatusBadRequest)
		return
	}
	f.Content = content
	_, _ = fmt.Fprintf(w, "OK - %d", len(f.Content))
}

func (t *Twin) complete(_ account.Account, arg func(string) string) answer {
	var files []struct{ ID, Title string }
	if json.Unmarshal([]byte(arg("files")), &files) != nil || len(files) == 0 {
		return refused("invalid_arguments")
	}
	in, known := find(arg("channel_id"))
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case !known || in.id != arg("channel_id"):
		return refused("channel_not_found")
	case !in.member:
		return refused("not_in_channel")
	case arg("thread_ts") != "" && !t.first(in.id, arg("thread_ts")):
		return refused("thread_not_found")
	}
	out := []answer{}
	for _, one := range files {
		f := t.files[one.ID]
		if f == nil || f.Content == nil {
			return refused("file_not_found")
		}
		f.Channel, f.Thread, f.Comment = in.id, arg("thread_ts"), arg("initial_comment")
		out = append(out, answer{"id": f.ID, "title": one.Title})
	}
	return answer{"ok": true, "files": out}
}
